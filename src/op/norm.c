/*
 * Normalisation by statistics of the input itself: layers, instances, groups.
 */
#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/reduce.h"
#include "op/shape.h"

/* Mean and inverse deviation of n elements, `step` apart. */
static void
moments(const struct val *x, size_t from, int64_t n, int64_t step, double eps,
    double *mean, double *inv)
{
	double sum = 0, square = 0;

	for (int64_t i = 0; i < n; i++)
		sum += elem_f(x->type, x->data, from + (size_t)(i * step));
	*mean = sum / (double)n;
	for (int64_t i = 0; i < n; i++) {
		double d = elem_f(x->type, x->data,
		    from + (size_t)(i * step)) - *mean;

		square += d * d;
	}
	*inv = 1 / sqrt(square / (double)n + eps);
}

static int
check_channels(const struct view *v, int first, int last, int64_t want,
    struct err *e)
{
	for (int i = first; i <= last; i++)
		if (view_in(v, i) != NULL &&
		    val_count(v->in[i]) != (size_t)want)
			return view_error(e, "input %d has %zu values, want "
			    "%lld", i, val_count(v->in[i]), (long long)want);
	return 0;
}

/* scale and bias of channel c; 1 and 0 where they are left out. */
static double
affine(const struct view *v, int64_t c, double x)
{
	const struct val *s = view_in(v, 1), *b = view_in(v, 2);

	if (s != NULL)
		x *= elem_f(s->type, s->data, (size_t)c);
	if (b != NULL)
		x += elem_f(b->type, b->data, (size_t)c);
	return x;
}

static int
layer_axis(const struct view *v, int *axis, struct err *e)
{
	if (op_want(v, 2, e) != 0)
		return -1;
	return op_axis_attr(v, "axis", -1, v->in[0]->shape.rank, axis, e);
}

static int
layer_infer(struct view *v, struct err *e)
{
	const struct shape *x;
	struct shape o;
	int64_t stash;
	int axis, row;

	if (layer_axis(v, &axis, e) != 0 ||
	    attr_int(v->node, "stash_type", 1, &stash, e) != 0)
		return -1;
	x = &v->in[0]->shape;
	o = *x;
	for (int i = axis; i < o.rank; i++)
		o.dim[i] = 1;
	if (check_channels(v, 1, 2, shape_span(x, axis, x->rank), e) != 0)
		return -1;
	row = row_others(v, 0, row_unless(v->in[0],
	    ~((1u << axis) - 1)));
	view_set(v, 0, v->in[0]->type, x, row);
	view_set(v, 1, stash == DT_DOUBLE ? DT_DOUBLE : DT_FLOAT, &o, row);
	view_set(v, 2, stash == DT_DOUBLE ? DT_DOUBLE : DT_FLOAT, &o, row);
	return 0;
}

/* Mean and InvStdDev if they are wanted. */
static int
layer_stats(struct view *v, int k, size_t i, double value, struct err *e)
{
	struct val *o = view_out(v, k);

	if (o == NULL)
		return 0;
	if (o->data == NULL && view_alloc(v, k, e) == NULL)
		return -1;
	elem_set_f(o->type, (void *)o->data, i, value);
	return 0;
}

static int
layer_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	struct line l;
	float eps;
	int axis;

	if (out == NULL || layer_axis(v, &axis, e) != 0 ||
	    attr_float(v->node, "epsilon", 1e-5f, &eps, e) != 0)
		return -1;
	l = line_of(&x->shape, axis, x->shape.rank);
	for (int k = 1; k < 3; k++)
		if (view_out(v, k) != NULL && view_alloc(v, k, e) == NULL)
			return -1;
	for (int64_t o = 0; o < l.outer; o++) {
		double mean, inv;

		moments(x, (size_t)(o * l.n), l.n, 1, eps, &mean, &inv);
		for (int64_t i = 0; i < l.n; i++) {
			size_t at = (size_t)(o * l.n + i);

			elem_set_f(x->type, out, at, affine(v, i,
			    (elem_f(x->type, x->data, at) - mean) * inv));
		}
		if (layer_stats(v, 1, (size_t)o, mean, e) != 0 ||
		    layer_stats(v, 2, (size_t)o, inv, e) != 0)
			return -1;
	}
	return 0;
}

/*
 * One group of n elements per piece; element i of group o belongs to channel
 * (o % groups) * each + i / plane of scale and bias.
 */
static int
norm_step(struct view *v, int64_t outer, int64_t n, int64_t groups,
    int64_t plane, float eps, struct plan *p, struct err *e)
{
	struct step *s;
	int64_t per;

	if (!all_float(v) || n == 0 || outer == 0)
		return 1;
	s = plan_step(p, e, "row", "norm_row", "%s%s",
	    view_in(v, 1) != NULL ? "-DSCALE " : "",
	    view_in(v, 2) != NULL ? "-DSHIFT" : "");
	if (s == NULL)
		return -1;
	step_in(s, v->in[0]);
	if (view_in(v, 1) != NULL)
		step_in(s, v->in[1]);
	if (view_in(v, 2) != NULL)
		step_in(s, v->in[2]);
	step_out(s, v->out[0]);
	per = rows_per_piece(p, n);
	step_int(s, outer);
	step_int(s, n);
	step_int(s, per);
	step_int(s, groups);
	step_int(s, plane);
	step_float(s, eps);
	step_groups(s, (size_t)((outer + per - 1) / per), ROW_LOCAL);
	return plan_end(p, s, e);
}

static int
layer_plan(struct view *v, struct plan *p, struct err *e)
{
	struct line l;
	float eps;
	int axis;

	if (layer_axis(v, &axis, e) != 0 ||
	    attr_float(v->node, "epsilon", 1e-5f, &eps, e) != 0)
		return -1;
	if (view_out(v, 1) != NULL || view_out(v, 2) != NULL)
		return 1;
	l = line_of(&v->in[0]->shape, axis, v->in[0]->shape.rank);
	return norm_step(v, l.outer, l.n, 1, 1, eps, p, e);
}

/* Channels of a group: those of an instance are groups of one. */
static int
group_read(const struct view *v, int64_t *groups, struct err *e)
{
	int64_t c;

	if (op_want(v, 3, e) != 0 ||
	    op_want_rank(v->in[0], 2, MAX_RANK, "X", e) != 0)
		return -1;
	c = v->in[0]->shape.dim[1];
	if (attr_int(v->node, "num_groups", c, groups, e) != 0)
		return -1;
	if (*groups < 1 || c % *groups != 0)
		return view_error(e, "%lld channels in %lld groups",
		    (long long)c, (long long)*groups);
	/* Opset 18 has scale and bias per group, 21 per channel. */
	if (val_count(v->in[1]) == (size_t)*groups)
		return check_channels(v, 1, 2, *groups, e);
	return check_channels(v, 1, 2, c, e);
}

static int
group_infer(struct view *v, struct err *e)
{
	int64_t groups;

	if (group_read(v, &groups, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape,
	    row_others(v, 0, row_unless(v->in[0], ~1u)));
	return 0;
}

static int
group_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	int64_t groups, n, plane, each, per;
	float eps;

	if (out == NULL || group_read(v, &groups, e) != 0 ||
	    attr_float(v->node, "epsilon", 1e-5f, &eps, e) != 0)
		return -1;
	plane = shape_span(&x->shape, 2, x->shape.rank);
	each = x->shape.dim[1] / groups;
	n = plane * each;
	per = val_count(v->in[1]) == (size_t)groups ? n : plane;
	for (int64_t g = 0; g < x->shape.dim[0] * groups && n > 0; g++) {
		double mean, inv;

		moments(x, (size_t)(g * n), n, 1, eps, &mean, &inv);
		for (int64_t i = 0; i < n; i++) {
			size_t at = (size_t)(g * n + i);
			int64_t c = g % groups * (n / per) + i / per;

			elem_set_f(x->type, out, at, affine(v, c,
			    (elem_f(x->type, x->data, at) - mean) * inv));
		}
	}
	return 0;
}

static int
group_plan(struct view *v, struct plan *p, struct err *e)
{
	const struct shape *x = &v->in[0]->shape;
	int64_t groups, plane, n;
	float eps;

	if (group_read(v, &groups, e) != 0 ||
	    attr_float(v->node, "epsilon", 1e-5f, &eps, e) != 0)
		return -1;
	plane = shape_span(x, 2, x->rank);
	n = plane * (x->dim[1] / groups);
	return norm_step(v, x->dim[0] * groups, n, groups,
	    val_count(v->in[1]) == (size_t)groups ? n : plane, eps, p, e);
}

/* x relative to its mean and deviation over some axes. */
static int
mvn_axes(const struct view *v, unsigned *mask, struct err *e)
{
	static const int64_t usual[] = { 0, 2, 3 };
	const int64_t *axes;
	size_t n;

	if (op_want(v, 1, e) != 0 ||
	    attr_ints(v->node, "axes", &axes, &n, e) != 0)
		return -1;
	if (axes == NULL) {
		axes = usual;
		n = 3;
	}
	*mask = 0;
	for (size_t i = 0; i < n; i++) {
		int a;

		if (op_axis(axes[i], v->in[0]->shape.rank, &a, e) != 0)
			return -1;
		*mask |= 1u << a;
	}
	return 0;
}

static int
mvn_infer(struct view *v, struct err *e)
{
	unsigned mask;

	if (mvn_axes(v, &mask, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape,
	    row_unless(v->in[0], mask));
	return 0;
}

static int
mvn_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	size_t n = val_count(x);
	void *out = view_alloc(v, 0, e);
	double *sum = view_scratch(v, n + 1, sizeof(*sum), e);
	double *square = view_scratch(v, n + 1, sizeof(*square), e);
	double *count = view_scratch(v, n + 1, sizeof(*count), e);
	struct shape kept;
	unsigned mask;
	struct walk w;

	if (out == NULL || sum == NULL || square == NULL || count == NULL ||
	    mvn_axes(v, &mask, e) != 0)
		return -1;
	reduced_shape(&x->shape, mask, true, &kept);
	walk_init(&w, &x->shape);
	for (walk_add(&w, &kept); walk_more(&w); walk_next(&w)) {
		sum[w.off[0]] += elem_f(x->type, x->data, w.i);
		count[w.off[0]]++;
	}
	walk_init(&w, &x->shape);
	for (walk_add(&w, &kept); walk_more(&w); walk_next(&w)) {
		size_t o = (size_t)w.off[0];
		double d = elem_f(x->type, x->data, w.i) - sum[o] / count[o];

		square[o] += d * d;
	}
	walk_init(&w, &x->shape);
	for (walk_add(&w, &kept); walk_more(&w); walk_next(&w)) {
		size_t o = (size_t)w.off[0];
		double d = elem_f(x->type, x->data, w.i) - sum[o] / count[o];

		elem_set_f(x->type, out, w.i,
		    d / (sqrt(square[o] / count[o]) + 1e-9));
	}
	return 0;
}

#define ROW(op, from, id, p)						\
{									\
	.name = op, .since = from, .types = "fdh", .infer = id##_infer,	\
	.host = id##_host, .plan = p,					\
}

OP_FAMILY(norm_ops);
const struct op norm_ops[] = {
	ROW("LayerNormalization", 17, layer, layer_plan),
	ROW("InstanceNormalization", 1, group, group_plan),
	ROW("GroupNormalization", 18, group, group_plan),
	ROW("MeanVarianceNormalization", 9, mvn, NULL),
	{ .name = NULL }
};
