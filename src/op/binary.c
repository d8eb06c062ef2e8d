/* Pointwise operators of two or more inputs. */
#include "op/pointwise.h"
#include "op/shape.h"

EXPR(add, 2, ADD(x, y))
EXPR(sub, 2, SUB(x, y))
EXPR(mul, 2, MUL(x, y))
EXPR(div, 2, DIV(x, y))
EXPR(pow, 2, POW(x, y))
EXPR(prelu, 2, SEL(LT(x, 0 * x), MUL(x, y), x))
EXPR(sum, 0, ADD(x, y))
EXPR(min, 0, SEL(NE(y, y), y, MIN(x, y)))
EXPR(max, 0, SEL(NE(y, y), y, MAX(x, y)))

TEST(equal, 2, EQ(x, y))
TEST(less, 2, LT(x, y))
TEST(less_equal, 2, LE(x, y))
TEST(greater, 2, GT(x, y))
TEST(greater_equal, 2, GE(x, y))
TEST_INT(and, 2, BAND(x, y))
TEST_INT(or, 2, BOR(x, y))
TEST_INT(xor, 2, BXOR(x, y))

EXPR_INT(bitand, 2, BAND(x, y))
EXPR_INT(bitor, 2, BOR(x, y))
EXPR_INT(bitxor, 2, BXOR(x, y))

/* The direction is a string, fmod an integer: read by hand. */
static int
shift_attrs(const struct view *v, float *attr, struct err *e)
{
	const char *way;

	if (attr_string(v->node, "direction", "", &way, e) != 0)
		return -1;
	attr[0] = strcmp(way, "LEFT") == 0;
	if (attr[0] == 0 && strcmp(way, "RIGHT") != 0)
		return view_error(e, "direction \"%s\", want LEFT or RIGHT",
		    way);
	return 0;
}

#define SHIFT	SEL(NE(left, 0), SHL(x, y), SHR(x, y))
PW_FN(int64_t, shift_i, PW_BIND1(left), SHIFT)
PW_FN(uint64_t, shift_u, PW_BIND1(left), SHIFT)
static const struct pointwise pw_shift = {
	.arity = 2, .text = "SEL(NE(left, 0), SHL(x, y), SHR(x, y))",
	.attr = { { "left", 0 } }, .n_attr = 1,
	.i = shift_i, .u = shift_u, .attrs = shift_attrs,
};

static int
mod_attrs(const struct view *v, float *attr, struct err *e)
{
	int64_t c;

	if (attr_int(v->node, "fmod", 0, &c, e) != 0)
		return -1;
	attr[0] = c != 0;
	return 0;
}

#define MODULO	SEL(NE(like_c, 0), FMOD(x, y), MOD(x, y))
PW_FN(double, mod_f, PW_BIND1(like_c), MODULO)
PW_FN(int64_t, mod_i, PW_BIND1(like_c), MODULO)
PW_FN(uint64_t, mod_u, PW_BIND1(like_c), MODULO)
static const struct pointwise pw_mod = {
	.arity = 2, .text = "SEL(NE(like_c, 0), FMOD(x, y), MOD(x, y))",
	.attr = { { "like_c", 0 } }, .n_attr = 1,
	.f = mod_f, .i = mod_i, .u = mod_u, .attrs = mod_attrs,
};

/*
 * Mean: a sum, scaled.  Its own definition: the sum must not be rounded first.
 */
static int
mean_host(struct view *v, struct err *e)
{
	struct val *o = v->out[0];
	void *out = view_alloc(v, 0, e);
	size_t n = val_count(o);
	double *sum = view_scratch(v, n + 1, sizeof(*sum), e);

	if (out == NULL || sum == NULL)
		return -1;
	for (int k = 0; k < v->n_in; k++) {
		struct walk w;

		walk_init(&w, &o->shape);
		walk_add(&w, &v->in[k]->shape);
		for (; walk_more(&w); walk_next(&w))
			sum[w.i] += elem_f(v->in[k]->type, v->in[k]->data,
			    (size_t)w.off[0]);
	}
	for (size_t i = 0; i < n; i++)
		elem_set_f(o->type, out, i, sum[i] / v->n_in);
	return 0;
}

static int
mean_infer(struct view *v, struct err *e)
{
	return op_want(v, 1, e) != 0 ? -1 :
	    pw_infer_as(v, v->n_in, v->in[0]->type, e);
}

/* Before opset 7 the slopes are one for all, or one per channel. */
static int
prelu_old_infer(struct view *v, struct err *e)
{
	size_t n;

	if (op_want(v, 2, e) != 0)
		return -1;
	n = val_count(v->in[1]);
	if (n != 1 && (v->in[0]->shape.rank < 2 ||
	    n != (size_t)v->in[0]->shape.dim[1]))
		return view_error(e, "%zu slopes", n);
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape,
	    row_others(v, 0, row_unless(v->in[0], 2)));
	return 0;
}

static int
prelu_old_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *slope = v->in[1];
	void *out = view_alloc(v, 0, e);
	size_t n = val_count(slope), inner;

	if (out == NULL)
		return -1;
	inner = n == 1 ? 1 :
	    (size_t)shape_span(&x->shape, 2, x->shape.rank);
	for (size_t i = 0; i < val_count(x); i++) {
		double y = elem_f(x->type, x->data, i);

		elem_set_f(x->type, out, i, y >= 0 ? y : y * elem_f(
		    slope->type, slope->data, i / inner % n));
	}
	return 0;
}

#define N	"fdhiux"
#define F	"fdhx"

OP_FAMILY(binary_ops);
const struct op binary_ops[] = {
	PW_ROW("Add", 7, 0, N, add),
	PW_ROW("Sub", 7, 0, N, sub),
	PW_ROW("Mul", 7, 0, N, mul),
	PW_ROW("Div", 7, 0, N, div),
	PW_ROW("Pow", 7, 0, N, pow),
	PW_ROW("And", 7, 0, "b", and),
	PW_ROW("Or", 7, 0, "b", or),
	PW_ROW("Xor", 7, 0, "b", xor),
	PW_ROW("Equal", 7, 0, "fdhiubx", equal),
	PW_ROW("Less", 7, 0, N, less),
	PW_ROW("Greater", 7, 0, N, greater),
	PW_LEGACY("Add", N, add),
	PW_LEGACY("Sub", N, sub),
	PW_LEGACY("Mul", N, mul),
	PW_LEGACY("Div", N, div),
	PW_LEGACY("Pow", N, pow),
	PW_LEGACY("And", "b", and),
	PW_LEGACY("Or", "b", or),
	PW_LEGACY("Xor", "b", xor),
	PW_LEGACY("Equal", "fdhiubx", equal),
	PW_LEGACY("Less", N, less),
	PW_LEGACY("Greater", N, greater),
	PW_ROW("LessOrEqual", 12, 0, N, less_equal),
	PW_ROW("GreaterOrEqual", 12, 0, N, greater_equal),
	PW_ROW("PRelu", 7, 0, N, prelu),
	{ .name = "PRelu", .since = 1, .until = 6, .types = F,
	  .infer = prelu_old_infer, .host = prelu_old_host },
	PW_ROW("Mod", 10, 0, N, mod),
	PW_ROW("BitShift", 11, 0, "u", shift),
	PW_ROW("BitwiseAnd", 18, 0, "iu", bitand),
	PW_ROW("BitwiseOr", 18, 0, "iu", bitor),
	PW_ROW("BitwiseXor", 18, 0, "iu", bitxor),
	PW_ROW("Sum", 1, 0, N, sum),
	PW_ROW("Min", 1, 0, N, min),
	PW_ROW("Max", 1, 0, N, max),
	{ .name = "Mean", .since = 1, .types = F,
	  .infer = mean_infer, .host = mean_host },
	{ .name = NULL }
};
