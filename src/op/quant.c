/* Quantised values, and products of them: the definitions. */
#include <math.h>

#include "op/conv_host.h"
#include "op/kernel.h"
#include "op/matmul.h"
#include "op/op.h"
#include "op/shape.h"

/* Half to even, then held within the type's range. */
static void
set_saturated(enum dtype t, void *out, size_t i, double x)
{
	int bits = dtype_info(t)->bits;
	double lo = 0, hi;

	if (dtype_info(t)->kind == 'f') {
		elem_set_f(t, out, i, x);
		return;
	}
	if (dtype_info(t)->kind == 'i') {
		lo = -ldexp(1, bits - 1);
		hi = ldexp(1, bits - 1) - 1;
	} else
		hi = ldexp(1, bits) - 1;
	x = isnan(x) ? 0 : x;
	elem_set_i(t, out, i, (int64_t)(x < lo ? lo : x > hi ? hi : x));
}

static double
at_or(const struct val *x, size_t i, double dflt)
{
	if (x == NULL)
		return dflt;
	return elem_f(x->type, x->data, val_count(x) == 1 ? 0 : i);
}

/* Which scale element i of x has: one for all, per axis, or per block of it. */
struct scales {
	struct line	l;
	int64_t		block;		/* 0: none */
	bool		one;
};

/* Blocks along the axis; the last may be short. */
static int64_t
blocks(const struct scales *q)
{
	return q->l.n / q->block + (q->l.n % q->block != 0);
}

static int
scales_read(const struct view *v, struct scales *q, struct err *e)
{
	const struct val *x, *s, *z = view_in(v, 2);
	int axis;

	if (op_want(v, 2, e) != 0 ||
	    attr_int(v->node, "block_size", 0, &q->block, e) != 0)
		return -1;
	x = v->in[0];
	s = v->in[1];
	q->one = val_count(s) == 1;
	if (z != NULL && val_count(z) != val_count(s))
		return view_error(e, "zero points do not match the scales");
	if (q->one)
		return 0;
	if (op_axis_attr(v, "axis", 1, x->shape.rank, &axis, e) != 0)
		return -1;
	q->l = line_of(&x->shape, axis, axis + 1);
	if (q->block < 0 || (q->block == 0 ?
	    (int64_t)val_count(s) != q->l.n :
	    (int64_t)val_count(s) != q->l.outer * q->l.inner *
	    blocks(q)))
		return view_error(e, "%zu scales for an axis of %lld",
		    val_count(s), (long long)q->l.n);
	return 0;
}

static size_t
scale_of(const struct scales *q, size_t i)
{
	int64_t k;

	if (q->one)
		return 0;
	k = (int64_t)i / q->l.inner % q->l.n;
	if (q->block == 0)
		return (size_t)k;
	return (size_t)(((int64_t)i / q->l.inner / q->l.n *
	    blocks(q) + k / q->block) * q->l.inner +
	    (int64_t)i % q->l.inner);
}

static int
quantize_infer(struct view *v, struct err *e)
{
	struct scales q;
	int64_t t;

	if (scales_read(v, &q, e) != 0 ||
	    attr_int(v->node, "output_dtype", 0, &t, e) != 0)
		return -1;
	if (t < 0 || t >= DT_COUNT)
		return view_error(e, "output_dtype %lld", (long long)t);
	if (view_in(v, 2) != NULL)
		t = v->in[2]->type;
	view_set(v, 0, t == 0 ? DT_UINT8 : (enum dtype)t, &v->in[0]->shape,
	    row_others(v, 0, v->in[0]->row));
	return 0;
}

static int
quantize_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	struct scales q;

	if (out == NULL || scales_read(v, &q, e) != 0)
		return -1;
	for (size_t i = 0; i < val_count(x); i++) {
		size_t k = scale_of(&q, i);
		/* In float, as the quotient is meant to be rounded. */
		float y = (float)elem_f(x->type, x->data, i) /
		    (float)at_or(v->in[1], k, 1);

		if (dtype_info(v->out[0]->type)->kind == 'f')
			elem_set_f(v->out[0]->type, out, i, y);
		else
			set_saturated(v->out[0]->type, out, i,
			    rint(y) + at_or(view_in(v, 2), k, 0));
	}
	return 0;
}

static int
dequantize_infer(struct view *v, struct err *e)
{
	struct scales q;

	if (scales_read(v, &q, e) != 0)
		return -1;
	view_set(v, 0, v->in[1]->type, &v->in[0]->shape,
	    row_others(v, 0, v->in[0]->row));
	return 0;
}

static int
dequantize_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	struct scales q;

	if (out == NULL || scales_read(v, &q, e) != 0)
		return -1;
	for (size_t i = 0; i < val_count(x); i++) {
		size_t k = scale_of(&q, i);

		elem_set_f(v->out[0]->type, out, i,
		    (elem_f(x->type, x->data, i) -
		    at_or(view_in(v, 2), k, 0)) * at_or(v->in[1], k, 1));
	}
	return 0;
}

/*
 * One scale, or one per channel of an axis: cl/quant.cl.  Between float and
 * 8-bit integers only, and dequantising from int32.
 */
static int
quant_step(struct view *v, const char *kernel, enum dtype q, struct plan *p,
    struct err *e)
{
	const struct val *z = view_in(v, 2);
	struct scales k = { 0 };
	struct step *s;

	if (scales_read(v, &k, e) != 0)
		return -1;
	if ((q != DT_INT8 && q != DT_UINT8 && q != DT_INT32) || k.block != 0 ||
	    (z != NULL && z->type != q) ||
	    v->in[1]->type != DT_FLOAT || !fits_int(v->in[0]) ||
	    val_count(v->in[0]) == 0)
		return 1;
	s = plan_step(p, e, "quant", kernel, "-DQ=%s -DLOW=%d -DHIGH=%d%s",
	    cl_type(p, q), q == DT_UINT8 ? 0 : -128,
	    q == DT_UINT8 ? 255 : 127, z != NULL ? " -DZERO" : "");
	if (s == NULL)
		return -1;
	step_in(s, v->in[0]);
	step_in(s, v->in[1]);
	if (z != NULL)
		step_in(s, v->in[2]);
	step_out(s, v->out[0]);
	step_int(s, (int64_t)val_count(v->in[0]));
	step_int(s, k.one ? 1 : k.l.n);
	step_int(s, k.one ? 1 : k.l.inner);
	step_items(s, val_count(v->in[0]));
	return plan_end(p, s, e);
}

static int
quantize_plan(struct view *v, struct plan *p, struct err *e)
{
	if (v->in[0]->type != DT_FLOAT || v->out[0]->type == DT_INT32)
		return 1;
	return quant_step(v, "quantize", v->out[0]->type, p, e);
}

static int
dequantize_plan(struct view *v, struct plan *p, struct err *e)
{
	if (v->out[0]->type != DT_FLOAT)
		return 1;
	return quant_step(v, "dequantize", v->in[0]->type, p, e);
}

static int
dynamic_infer(struct view *v, struct err *e)
{
	struct shape one = { .rank = 0 };
	int row;

	if (op_want(v, 1, e) != 0)
		return -1;
	row = row_any(v);
	view_set(v, 0, DT_UINT8, &v->in[0]->shape, row);
	view_set(v, 1, DT_FLOAT, &one, row);
	view_set(v, 2, DT_UINT8, &one, row);
	return 0;
}

static int
dynamic_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	uint8_t *y = view_alloc(v, 0, e);
	float *scale = view_alloc(v, 1, e);
	uint8_t *zero = view_alloc(v, 2, e);
	float lo = 0, hi = 0;

	if (y == NULL || scale == NULL || zero == NULL)
		return -1;
	for (size_t i = 0; i < val_count(x); i++) {
		float f = (float)elem_f(x->type, x->data, i);

		lo = f < lo ? f : lo;
		hi = f > hi ? f : hi;
	}
	*scale = (hi - lo) / 255;
	set_saturated(DT_UINT8, zero, 0,
	    *scale == 0 ? 0 : rintf(0 - lo / *scale));
	for (size_t i = 0; i < val_count(x); i++)
		set_saturated(DT_UINT8, y, i, *scale == 0 ? *zero :
		    rintf((float)elem_f(x->type, x->data, i) / *scale) + *zero);
	return 0;
}

static int
matmul_integer_infer(struct view *v, struct err *e)
{
	struct matmul m;

	if (matmul_read(v, 0, 1, &m, e) != 0)
		return -1;
	view_set(v, 0, DT_INT32, &m.out, matmul_row(v, 0, 1, &m));
	return 0;
}

/* A zero point per row of a, or per column of b. */
static int
check_zero(const struct val *z, int64_t n, struct err *e)
{
	if (z != NULL && val_count(z) != 1 && val_count(z) != (size_t)n)
		return view_error(e, "%zu zero points, want 1 or %lld",
		    val_count(z), (long long)n);
	return 0;
}

static int
matmul_integer_host(struct view *v, struct err *e)
{
	const struct val *az = view_in(v, 2), *bz = view_in(v, 3);
	void *out = view_alloc(v, 0, e);
	struct matmul m;
	struct walk w;

	if (out == NULL || matmul_read(v, 0, 1, &m, e) != 0 ||
	    check_zero(az, m.m, e) != 0 || check_zero(bz, m.n, e) != 0)
		return -1;
	for (matmul_walk(&m, &w); walk_more(&w); walk_next(&w)) {
		size_t i = w.i / (size_t)m.n % (size_t)m.m;

		elem_set_f(DT_INT32, out, w.i, matmul_at(v->in[0], v->in[1],
		    &m, (size_t)w.off[0], (size_t)w.off[1], at_or(az, i, 0),
		    at_or(bz, w.i % (size_t)m.n, 0)));
	}
	return 0;
}

/* a, scale, zero, b, scale, zero, scale and zero of the result. */
static int
qmatmul_infer(struct view *v, struct err *e)
{
	struct matmul m;

	if (op_want(v, 8, e) != 0 || matmul_read(v, 0, 3, &m, e) != 0 ||
	    check_zero(v->in[1], m.m, e) != 0 ||
	    check_zero(v->in[2], m.m, e) != 0 ||
	    check_zero(v->in[4], m.n, e) != 0 ||
	    check_zero(v->in[5], m.n, e) != 0 ||
	    check_zero(v->in[6], m.m, e) != 0 ||
	    check_zero(v->in[7], m.m, e) != 0)
		return -1;
	view_set(v, 0, v->in[7]->type, &m.out, matmul_row(v, 0, 3, &m));
	return 0;
}

static int
qmatmul_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	struct matmul m;
	struct walk w;

	if (out == NULL || matmul_read(v, 0, 3, &m, e) != 0)
		return -1;
	for (matmul_walk(&m, &w); walk_more(&w); walk_next(&w)) {
		size_t i = w.i / (size_t)m.n % (size_t)m.m;
		size_t j = w.i % (size_t)m.n;
		double sum = matmul_at(v->in[0], v->in[3], &m,
		    (size_t)w.off[0], (size_t)w.off[1], at_or(v->in[2], i, 0),
		    at_or(v->in[5], j, 0));

		sum *= at_or(v->in[1], i, 1) * at_or(v->in[4], j, 1) /
		    at_or(v->in[6], i, 1);
		set_saturated(v->in[7]->type, out, w.i,
		    rint(sum) + at_or(v->in[7], i, 0));
	}
	return 0;
}

static int
conv_integer_read(const struct view *v, struct conv_def *d, struct err *e)
{
	if (conv_def_read(v, 0, 1, d, e) != 0)
		return -1;
	d->x_zero = view_in(v, 2);
	d->w_zero = view_in(v, 3);
	if (check_zero(d->x_zero, 1, e) != 0 ||
	    check_zero(d->w_zero, d->w->shape.dim[0], e) != 0)
		return -1;
	return 0;
}

static int
conv_integer_infer(struct view *v, struct err *e)
{
	struct conv_def d;

	if (conv_integer_read(v, &d, e) != 0)
		return -1;
	conv_def_set(v, &d, DT_INT32);
	return 0;
}

static int
conv_integer_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	struct conv_def d;
	int64_t m;

	if (out == NULL || conv_integer_read(v, &d, e) != 0)
		return -1;
	for (size_t i = 0; i < val_count(v->out[0]); i++)
		elem_set_f(DT_INT32, out, i, conv_def_at(&d, i, &m));
	return 0;
}

/* x, scale, zero, w, scale, zero, scale and zero of the result, bias. */
static int
qconv_read(const struct view *v, struct conv_def *d, struct err *e)
{
	int64_t m;

	if (op_want(v, 8, e) != 0 || conv_def_read(v, 0, 3, d, e) != 0)
		return -1;
	m = d->w->shape.dim[0];
	d->x_zero = v->in[2];
	d->w_zero = v->in[5];
	d->b = view_in(v, 8);
	if (d->b != NULL && val_count(d->b) != (size_t)m)
		return view_error(e, "bias is not of %lld values",
		    (long long)m);
	if (check_zero(v->in[1], 1, e) != 0 ||
	    check_zero(v->in[2], 1, e) != 0 ||
	    check_zero(v->in[4], m, e) != 0 ||
	    check_zero(v->in[5], m, e) != 0 ||
	    check_zero(v->in[6], 1, e) != 0 || check_zero(v->in[7], 1, e) != 0)
		return -1;
	return 0;
}

static int
qconv_infer(struct view *v, struct err *e)
{
	struct conv_def d;

	if (qconv_read(v, &d, e) != 0)
		return -1;
	conv_def_set(v, &d, v->in[7]->type);
	return 0;
}

static int
qconv_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	struct conv_def d;
	int64_t m;

	if (out == NULL || qconv_read(v, &d, e) != 0)
		return -1;
	for (size_t i = 0; i < val_count(v->out[0]); i++) {
		double sum = conv_def_at(&d, i, &m);

		sum *= at_or(v->in[1], 0, 1) * at_or(v->in[4], (size_t)m, 1) /
		    at_or(v->in[6], 0, 1);
		set_saturated(v->in[7]->type, out, i,
		    rint(sum) + at_or(v->in[7], 0, 0));
	}
	return 0;
}

#define ROW(op, takes, id, how)						\
{									\
	.name = op, .since = 10, .types = takes, .infer = id##_infer,	\
	.host = id##_host, .plan = how,					\
}

OP_FAMILY(quant_ops);
const struct op quant_ops[] = {
	ROW("QuantizeLinear", "fdhiu fdhiux iux", quantize,
	    quantize_plan),
	ROW("DequantizeLinear", "iux fdh iux", dequantize,
	    dequantize_plan),
	ROW("DynamicQuantizeLinear", "f", dynamic, NULL),
	ROW("MatMulInteger", "iu", matmul_integer, NULL),
	ROW("QLinearMatMul", "iux fh iux iux fh iux fh iux", qmatmul, NULL),
	ROW("ConvInteger", "iu", conv_integer, NULL),
	ROW("QLinearConv", "iu f iu iu f iu f iu i", qconv, NULL),
	{ .name = NULL }
};
