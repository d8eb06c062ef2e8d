/* Reductions over axes. */
#include "op/reduce.h"

#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"

/*
 * One reduction: acc = f(acc, x) from init, then done(acc, n).  shift: x is
 * taken relative to the maximum, which is added at the end, so that exp()
 * stays finite. text and last: f and done as OpenCL C; i, idone NULL: integers
 * go through f.
 */
struct reduction {
	double		 init;
	double		(*f)(double a, double x);
	double		(*done)(double a, double n);
	int64_t		 iinit;
	int64_t		(*i)(int64_t a, int64_t x);
	bool		 shift;
	const char	*defines;	/* NULL: no device form */
};

#define FN(T, name, args, expr)	static T name args { return expr; }

FN(double, sum_f, (double a, double x), a + x)
FN(double, l1_f, (double a, double x), a + fabs(x))
FN(double, square_f, (double a, double x), a + x * x)
FN(double, exp_f, (double a, double x), a + exp(x))
FN(double, prod_f, (double a, double x), a * x)
FN(double, max_f, (double a, double x), x > a || isnan(x) ? x : a)
FN(double, min_f, (double a, double x), x < a || isnan(x) ? x : a)
FN(int64_t, sum_i, (int64_t a, int64_t x), (int64_t)((uint64_t)a + (uint64_t)x))
FN(int64_t, l1_i, (int64_t a, int64_t x), sum_i(a, x < 0 ? sum_i(~x, 1) : x))
FN(int64_t, prod_i, (int64_t a, int64_t x),
    (int64_t)((uint64_t)a * (uint64_t)x))
FN(int64_t, square_i, (int64_t a, int64_t x), sum_i(a, prod_i(x, x)))
FN(int64_t, max_i, (int64_t a, int64_t x), x > a ? x : a)
FN(int64_t, min_i, (int64_t a, int64_t x), x < a ? x : a)
FN(double, as_is, (double a, double n), n < 0 ? 0 : a)
FN(double, mean_d, (double a, double n), a / n)
FN(double, sqrt_d, (double a, double n), n < 0 ? 0 : sqrt(a))
FN(double, log_d, (double a, double n), n < 0 ? 0 : log(a))

static const struct reduction
reduce_sum = { 0, sum_f, as_is, 0, sum_i, false, "-DR_SUM" },
reduce_mean = { 0, sum_f, mean_d, 0, NULL, false, "-DR_MEAN" },
reduce_l1 = { 0, l1_f, as_is, 0, l1_i, false, "-DR_L1" },
reduce_l2 = { 0, square_f, sqrt_d, 0, NULL, false, "-DR_L2" },
reduce_square = { 0, square_f, as_is, 0, square_i, false, "-DR_SQUARE" },
reduce_logsum = { 0, sum_f, log_d, 0, NULL, false, "-DR_LOGSUM" },
reduce_logsumexp = { 0, exp_f, log_d, 0, NULL, true, NULL },
reduce_prod = { 1, prod_f, as_is, 1, prod_i, false, "-DR_PROD" },
reduce_max = { -INFINITY, max_f, as_is, INT64_MIN, max_i, false, "-DR_MAX" },
reduce_min = { INFINITY, min_f, as_is, INT64_MAX, min_i, false, "-DR_MIN" };

/* The axes to reduce as a mask, 0 if nothing is to be done. */
static int
reduce_axes(struct view *v, unsigned *mask, int64_t *keep, struct err *e)
{
	int axes[MAX_RANK], n;
	int64_t noop;

	if (op_want(v, 1, e) != 0 ||
	    attr_int(v->node, "keepdims", 1, keep, e) != 0 ||
	    attr_int(v->node, "noop_with_empty_axes", 0, &noop, e) != 0 ||
	    op_axes(v, "axes", 1, v->in[0]->shape.rank, axes, &n, e) != 0)
		return -1;
	*mask = n <= 0 && !noop ? (1u << v->in[0]->shape.rank) - 1 : 0;
	for (int i = 0; i < n; i++)
		*mask |= 1u << axes[i];
	return 0;
}

void
reduced_shape(const struct shape *x, unsigned mask, bool keep, struct shape *o)
{
	struct shape r = { 0 };

	for (int i = 0; i < x->rank; i++)
		if (!(mask & (1u << i)))
			r.dim[r.rank++] = x->dim[i];
		else if (keep)
			r.dim[r.rank++] = 1;
	*o = r;
}

int
reduced_row(const struct val *x, unsigned mask, bool keep)
{
	int row = row_unless(x, mask), moved = row;

	for (int i = 0; i < row && !keep; i++)
		moved -= mask >> i & 1;
	return moved;
}

static int
reduce_infer(struct view *v, struct err *e)
{
	struct shape o;
	unsigned mask;
	int64_t keep;

	if (reduce_axes(v, &mask, &keep, e) != 0)
		return -1;
	reduced_shape(&v->in[0]->shape, mask, keep != 0, &o);
	view_set(v, 0, v->in[0]->type, &o,
	    reduced_row(v->in[0], mask, keep != 0));
	return 0;
}

/* Elements reduced to one. */
static double
reduce_count(const struct shape *x, unsigned mask)
{
	double n = 1;

	for (int i = 0; i < x->rank; i++)
		if (mask & (1u << i))
			n *= (double)x->dim[i];
	return n;
}

static int
reduce_ints(struct view *v, const struct reduction *r,
    const struct shape *kept, void *out, struct err *e)
{
	const struct val *x = v->in[0];
	size_t n = val_count(v->out[0]);
	int64_t *acc = view_scratch(v, n + 1, sizeof(*acc), e);
	struct walk w;

	if (acc == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		acc[i] = r->iinit;
	walk_init(&w, &x->shape);
	for (walk_add(&w, kept); walk_more(&w); walk_next(&w))
		acc[w.off[0]] = r->i(acc[w.off[0]],
		    elem_i(x->type, x->data, w.i));
	for (size_t i = 0; i < n; i++)
		elem_set_i(v->out[0]->type, out, i, acc[i]);
	return 0;
}

static void
accumulate(double *acc, const struct val *x, const struct shape *kept,
    double (*f)(double, double), const double *shift)
{
	struct walk w;

	walk_init(&w, &x->shape);
	for (walk_add(&w, kept); walk_more(&w); walk_next(&w)) {
		double y = elem_f(x->type, x->data, w.i);
		int64_t o = w.off[0];

		if (shift != NULL)
			y = isinf(shift[o]) ? (y == shift[o] ? 0 : -INFINITY) :
			    y - shift[o];
		acc[o] = f(acc[o], y);
	}
}

static int
reduce_floats(struct view *v, const struct reduction *r,
    const struct shape *kept, double count, void *out, struct err *e)
{
	const struct val *x = v->in[0];
	size_t n = val_count(v->out[0]);
	double *acc = view_scratch(v, n + 1, sizeof(*acc), e);
	double *max = view_scratch(v, n + 1, sizeof(*max), e);

	if (acc == NULL || max == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		acc[i] = r->init;
		max[i] = -INFINITY;
	}
	if (r->shift)
		accumulate(max, x, kept, max_f, NULL);
	accumulate(acc, x, kept, r->f, r->shift ? max : NULL);
	for (size_t i = 0; i < n; i++) {
		double y = r->done(acc[i], count);

		elem_set_f(v->out[0]->type, out, i,
		    r->shift && count > 0 ? y + max[i] : y);
	}
	return 0;
}

static int
reduce_host(struct view *v, const struct reduction *r, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	struct shape kept;
	unsigned mask;
	int64_t keep;

	if (out == NULL || reduce_axes(v, &mask, &keep, e) != 0)
		return -1;
	reduced_shape(&x->shape, mask, true, &kept);
	if (dtype_info(x->type)->kind != 'f' && r->i != NULL)
		return reduce_ints(v, r, &kept, out, e);
	return reduce_floats(v, r, &kept, reduce_count(&x->shape, mask), out,
	    e);
}

/* Neighbouring axes only (others of one element do not count as between). */
bool
mask_line(const struct shape *x, unsigned mask, struct line *l)
{
	int from = -1, to = 0;

	for (int i = 0; i < x->rank; i++)
		if (mask & (1u << i) && x->dim[i] != 1) {
			from = from < 0 ? i : from;
			to = i + 1;
		}
	for (int i = from; i >= 0 && i < to; i++)
		if (!(mask & (1u << i)) && x->dim[i] != 1)
			return false;
	*l = line_of(x, from < 0 ? 0 : from, to);
	return true;
}

static int
reduce_plan(struct view *v, const struct reduction *r, struct plan *p,
    struct err *e)
{
	struct line l;
	unsigned mask;
	int64_t keep;
	struct step *s;

	if (reduce_axes(v, &mask, &keep, e) != 0)
		return -1;
	if (r->defines == NULL || v->in[0]->type != DT_FLOAT ||
	    !fits_int(v->in[0]) || val_count(v->in[0]) == 0 ||
	    !mask_line(&v->in[0]->shape, mask, &l))
		return 1;
	s = plan_step(p, e, "row", l.inner == 1 ? "reduce_row" :
	    "reduce_col", "%s", r->defines);
	if (s == NULL)
		return -1;
	step_in(s, v->in[0]);
	step_out(s, v->out[0]);
	step_line(s, p, &l);
	return plan_end(p, s, e);
}

#define REDUCE(name)							\
static int								\
name##_host(struct view *v, struct err *e)				\
{									\
	return reduce_host(v, &reduce_##name, e);			\
}									\
									\
static int								\
name##_plan(struct view *v, struct plan *p, struct err *e)		\
{									\
	return reduce_plan(v, &reduce_##name, p, e);			\
}

REDUCE(sum)
REDUCE(mean)
REDUCE(l1)
REDUCE(l2)
REDUCE(square)
REDUCE(logsum)
REDUCE(logsumexp)
REDUCE(prod)
REDUCE(max)
REDUCE(min)

#define ROW(op, id)							\
{									\
	.name = op, .since = 1, .types = "fdhiub i", .infer = reduce_infer, \
	.host = id##_host, .plan = id##_plan,				\
}

OP_FAMILY(reduce_ops);
const struct op reduce_ops[] = {
	ROW("ReduceSum", sum),
	ROW("ReduceMean", mean),
	ROW("ReduceL1", l1),
	ROW("ReduceL2", l2),
	ROW("ReduceSumSquare", square),
	ROW("ReduceLogSum", logsum),
	ROW("ReduceLogSumExp", logsumexp),
	ROW("ReduceProd", prod),
	ROW("ReduceMax", max),
	ROW("ReduceMin", min),
	{ .name = NULL }
};
