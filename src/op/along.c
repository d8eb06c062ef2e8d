/* Operators along one axis: ArgMax, ArgMin, CumSum, Softmax and its kin. */
#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/reduce.h"
#include "op/shape.h"

/* Element k of line (o, i): walks outer x inner, each a line of n. */
static size_t
line_at(const struct line *l, int64_t o, int64_t k, int64_t i)
{
	return (size_t)((o * l->n + k) * l->inner + i);
}

static int
arg_infer(struct view *v, struct err *e)
{
	struct shape o;
	int64_t keep;
	int axis;

	if (op_want(v, 1, e) != 0 ||
	    op_axis_attr(v, "axis", 0, v->in[0]->shape.rank, &axis, e) != 0 ||
	    attr_int(v->node, "keepdims", 1, &keep, e) != 0)
		return -1;
	if (v->in[0]->shape.dim[axis] == 0)
		return view_error(e, "axis %d is empty", axis);
	reduced_shape(&v->in[0]->shape, 1u << axis, keep != 0, &o);
	view_set(v, 0, DT_INT64, &o,
	    reduced_row(v->in[0], 1u << axis, keep != 0));
	return 0;
}

/* Is a before b: larger (sign 1) or smaller (-1)? */
static bool
elem_beats(const struct val *x, size_t a, size_t b, int sign)
{
	if (dtype_info(x->type)->kind == 'f') {
		double p = elem_f(x->type, x->data, a);
		double q = elem_f(x->type, x->data, b);

		return sign > 0 ? p > q : p < q;
	}
	if (x->type == DT_UINT64)
		return sign > 0 ? (uint64_t)elem_i(x->type, x->data, a) >
		    (uint64_t)elem_i(x->type, x->data, b) :
		    (uint64_t)elem_i(x->type, x->data, a) <
		    (uint64_t)elem_i(x->type, x->data, b);
	return sign > 0 ?
	    elem_i(x->type, x->data, a) > elem_i(x->type, x->data, b) :
	    elem_i(x->type, x->data, a) < elem_i(x->type, x->data, b);
}

static int
arg_host(struct view *v, int sign, struct err *e)
{
	const struct val *x = v->in[0];
	int64_t *out = view_alloc(v, 0, e), last;
	struct line l;
	int axis;

	if (out == NULL ||
	    op_axis_attr(v, "axis", 0, x->shape.rank, &axis, e) != 0 ||
	    attr_int(v->node, "select_last_index", 0, &last, e) != 0)
		return -1;
	l = line_of(&x->shape, axis, axis + 1);
	for (int64_t j = 0; j < l.outer * l.inner; j++) {
		int64_t o = j / l.inner, i = j % l.inner, best = 0;

		for (int64_t k = 1; k < l.n; k++) {
			size_t a = line_at(&l, o, k, i);
			size_t b = line_at(&l, o, best, i);

			if (last ? !elem_beats(x, b, a, sign) :
			    elem_beats(x, a, b, sign))
				best = k;
		}
		out[j] = best;
	}
	return 0;
}

static int
argmax_host(struct view *v, struct err *e)
{
	return arg_host(v, 1, e);
}

static int
argmin_host(struct view *v, struct err *e)
{
	return arg_host(v, -1, e);
}

static int
arg_plan(struct view *v, struct plan *p, const char *beats, struct err *e)
{
	const char *t = cl_type(p, v->in[0]->type);
	struct step *s;
	struct line l;
	int64_t last;
	int axis;

	if (op_axis_attr(v, "axis", 0, v->in[0]->shape.rank, &axis, e) != 0 ||
	    attr_int(v->node, "select_last_index", 0, &last, e) != 0)
		return -1;
	if (t == NULL || !fits_int(v->in[0]) || val_count(v->in[0]) == 0)
		return 1;
	l = line_of(&v->in[0]->shape, axis, axis + 1);
	s = plan_step(p, e, "along", "arg", "-DT=%s -DBEATS=%s%s", t, beats,
	    last ? "E" : "T");
	if (s == NULL)
		return -1;
	step_in(s, v->in[0]);
	step_out(s, v->out[0]);
	step_int(s, l.outer * l.inner);
	step_int(s, l.n);
	step_int(s, l.inner);
	step_items(s, (size_t)(l.outer * l.inner));
	return plan_end(p, s, e);
}

static int
argmax_plan(struct view *v, struct plan *p, struct err *e)
{
	return arg_plan(v, p, "G", e);
}

static int
argmin_plan(struct view *v, struct plan *p, struct err *e)
{
	return arg_plan(v, p, "L", e);
}

static int
cumsum_axis(struct view *v, int *axis, struct err *e)
{
	int64_t raw[OP_INTS];
	int n;

	if (op_want(v, 2, e) != 0 || op_ints(v, NULL, 1, raw, &n, e) != 0)
		return -1;
	if (n != 1)
		return view_error(e, "%d axes, want one", n);
	return op_axis(raw[0], v->in[0]->shape.rank, axis, e);
}

static int
cumsum_infer(struct view *v, struct err *e)
{
	int axis;

	if (cumsum_axis(v, &axis, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape,
	    row_unless(v->in[0], 1u << axis));
	return 0;
}

/* One line in running order; exclusive: the sum before the element. */
static void
cumsum_line(const struct val *x, void *out, const struct line *l, int64_t j,
    bool exclusive, bool reverse)
{
	bool real = dtype_info(x->type)->kind == 'f';
	double f = 0;
	uint64_t n = 0;

	for (int64_t k = 0; k < l->n; k++) {
		size_t at = line_at(l, j / l->inner,
		    reverse ? l->n - 1 - k : k, j % l->inner);
		double f0 = f;
		uint64_t n0 = n;

		if (real) {
			f += elem_f(x->type, x->data, at);
			elem_set_f(x->type, out, at, exclusive ? f0 : f);
		} else {
			n += (uint64_t)elem_i(x->type, x->data, at);
			elem_set_i(x->type, out, at,
			    (int64_t)(exclusive ? n0 : n));
		}
	}
}

static int
cumsum_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	int64_t exclusive, reverse;
	struct line l;
	int axis;

	if (out == NULL || cumsum_axis(v, &axis, e) != 0 ||
	    attr_int(v->node, "exclusive", 0, &exclusive, e) != 0 ||
	    attr_int(v->node, "reverse", 0, &reverse, e) != 0)
		return -1;
	l = line_of(&v->in[0]->shape, axis, axis + 1);
	for (int64_t j = 0; l.n > 0 && j < l.outer * l.inner; j++)
		cumsum_line(v->in[0], out, &l, j, exclusive != 0, reverse != 0);
	return 0;
}

/* Opset 13: one axis.  Before: all axes from that one on, as one. */
static int
softmax_line(const struct view *v, struct line *l, unsigned *mask,
    struct err *e)
{
	const struct shape *s = &v->in[0]->shape;
	int axis;

	if (op_axis_attr(v, "axis", -1, s->rank, &axis, e) != 0)
		return -1;
	*l = line_of(s, axis, axis + 1);
	*mask = 1u << axis;
	return 0;
}

static int
softmax_old_line(const struct view *v, struct line *l, unsigned *mask,
    struct err *e)
{
	const struct shape *s = &v->in[0]->shape;
	int axis;

	if (op_axis_attr(v, "axis", 1, s->rank, &axis, e) != 0)
		return -1;
	*l = line_of(s, axis, s->rank);
	*mask = ((1u << s->rank) - 1) & ~((1u << axis) - 1);
	return 0;
}

typedef int	line_fn(const struct view *, struct line *, unsigned *mask,
		    struct err *);

static int
softmax_infer(struct view *v, line_fn *fn, struct err *e)
{
	unsigned mask;
	struct line l;

	if (op_want(v, 1, e) != 0 || fn(v, &l, &mask, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape,
	    row_unless(v->in[0], mask));
	return 0;
}

enum soft { SOFT_MAX, SOFT_LOG, SOFT_HARD };

static void
soft_line(const struct val *x, void *out, const struct line *l, int64_t j,
    enum soft how)
{
	double max = -INFINITY, sum = 0;
	int64_t o = j / l->inner, i = j % l->inner, best = 0;

	for (int64_t k = 0; k < l->n; k++) {
		double y = elem_f(x->type, x->data, line_at(l, o, k, i));

		best = y > max ? k : best;
		max = y > max || isnan(y) ? y : max;
	}
	for (int64_t k = 0; k < l->n; k++)
		sum += exp(elem_f(x->type, x->data, line_at(l, o, k, i)) - max);
	for (int64_t k = 0; k < l->n; k++) {
		size_t at = line_at(l, o, k, i);
		double y = elem_f(x->type, x->data, at) - max;

		y = how == SOFT_MAX ? exp(y) / sum :
		    how == SOFT_LOG ? y - log(sum) : k == best;
		elem_set_f(x->type, out, at, y);
	}
}

static int
softmax_host(struct view *v, line_fn *fn, enum soft how, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	unsigned mask;
	struct line l;

	if (out == NULL || fn(v, &l, &mask, e) != 0)
		return -1;
	for (int64_t j = 0; l.n > 0 && j < l.outer * l.inner; j++)
		soft_line(v->in[0], out, &l, j, how);
	return 0;
}

static int
softmax_plan(struct view *v, line_fn *fn, enum soft how, struct plan *p,
    struct err *e)
{
	unsigned mask;
	struct line l;
	struct step *s;

	if (fn(v, &l, &mask, e) != 0)
		return -1;
	if (how == SOFT_HARD || !all_float(v) || val_count(v->in[0]) == 0)
		return 1;
	s = plan_step(p, e, "row", l.inner == 1 ? "softmax_row" :
	    "softmax_col", "%s", how == SOFT_LOG ? "-DLOG_OF" : "");
	if (s == NULL)
		return -1;
	step_in(s, v->in[0]);
	step_out(s, v->out[0]);
	step_line(s, p, &l);
	return plan_end(p, s, e);
}

#define SOFT(name, fn, how)						\
static int								\
name##_infer(struct view *v, struct err *e)				\
{									\
	return softmax_infer(v, fn, e);					\
}									\
									\
static int								\
name##_host(struct view *v, struct err *e)				\
{									\
	return softmax_host(v, fn, how, e);				\
}									\
									\
static int								\
name##_plan(struct view *v, struct plan *p, struct err *e)		\
{									\
	return softmax_plan(v, fn, how, p, e);				\
}

SOFT(max, softmax_line, SOFT_MAX)
SOFT(max_old, softmax_old_line, SOFT_MAX)
SOFT(log, softmax_line, SOFT_LOG)
SOFT(log_old, softmax_old_line, SOFT_LOG)
SOFT(hard, softmax_line, SOFT_HARD)
SOFT(hard_old, softmax_old_line, SOFT_HARD)

#define ROW(op, from, to, takes, i, h, p)				\
{									\
	.name = op, .since = from, .until = to, .types = takes, .infer = i, \
	.host = h, .plan = p,						\
}
#define SOFT_ROW(op, from, to, id)					\
	ROW(op, from, to, "fdh", id##_infer, id##_host, id##_plan)

OP_FAMILY(along_ops);
const struct op along_ops[] = {
	ROW("ArgMax", 1, 0, "fdhiu", arg_infer, argmax_host, argmax_plan),
	ROW("ArgMin", 1, 0, "fdhiu", arg_infer, argmin_host, argmin_plan),
	ROW("CumSum", 11, 0, "fdhiu i", cumsum_infer, cumsum_host, NULL),
	SOFT_ROW("Softmax", 1, 12, max_old),
	SOFT_ROW("Softmax", 13, 0, max),
	SOFT_ROW("LogSoftmax", 1, 12, log_old),
	SOFT_ROW("LogSoftmax", 13, 0, log),
	SOFT_ROW("Hardmax", 1, 12, hard_old),
	SOFT_ROW("Hardmax", 13, 0, hard),
	{ .name = NULL }
};
