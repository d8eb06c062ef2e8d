/* Normalisation by given or neighbouring values: batch, LRN, Lp, RMS. */
#include <math.h>

#include "op/blocked.h"
#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"

/* X, scale, B, mean, var. */
static int
batch_check(const struct view *v, struct err *e)
{
	if (op_want(v, 5, e) != 0 ||
	    op_want_rank(v->in[0], 1, MAX_RANK, "X", e) != 0)
		return -1;
	for (int i = 1; i < 5; i++)
		if (val_count(v->in[i]) != (v->in[0]->shape.rank < 2 ? 1 :
		    (size_t)v->in[0]->shape.dim[1]))
			return view_error(e, "input %d has %zu values for %lld "
			    "channels", i, val_count(v->in[i]),
			    (long long)v->in[0]->shape.dim[1]);
	return 0;
}

static int
batch_infer(struct view *v, struct err *e)
{
	int64_t training;
	int row;

	if (batch_check(v, e) != 0 ||
	    attr_int(v->node, "training_mode", 0, &training, e) != 0)
		return -1;
	row = row_others(v, 0, training ? ROW_MIXED : v->in[0]->row);
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape,
	    row > 1 ? row : row == 1 ? ROW_MIXED : row);
	for (int i = 1; i < v->n_out; i++)
		view_set(v, i, v->in[i < 3 ? i + 2 : 3]->type,
		    &v->in[3]->shape, ROW_MIXED);
	return 0;
}

/* Training: statistics of this batch, running ones into outputs 1 and 2. */
static int
batch_moments(struct view *v, const struct line *l, double *mean, double *var,
    struct err *e)
{
	const struct val *x = v->in[0];
	double n = (double)l->outer * (double)l->inner;
	float momentum;

	if (attr_float(v->node, "momentum", 0.9f, &momentum, e) != 0)
		return -1;
	for (size_t i = 0; i < val_count(x); i++)
		mean[i / (size_t)l->inner % (size_t)l->n] +=
		    elem_f(x->type, x->data, i) / n;
	for (size_t i = 0; i < val_count(x); i++) {
		size_t c = i / (size_t)l->inner % (size_t)l->n;
		double d = elem_f(x->type, x->data, i) - mean[c];

		var[c] += d * d / n;
	}
	for (int k = 1; k < 3 && k < v->n_out; k++) {
		const double *now = k == 1 ? mean : var;
		const struct val *was = v->in[k + 2];
		void *out = view_alloc(v, k, e);

		if (out == NULL)
			return -1;
		for (int64_t c = 0; c < l->n; c++)
			elem_set_f(was->type, out, (size_t)c, momentum *
			    elem_f(was->type, was->data, (size_t)c) +
			    (1 - momentum) * now[c]);
	}
	return 0;
}

static struct line
batch_line(const struct val *x)
{
	return x->shape.rank < 2 ? (struct line){ x->shape.dim[0], 1, 1 } :
	    line_of(&x->shape, 1, 2);
}

static int
batch_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	struct line l = batch_line(x);
	void *out = view_alloc(v, 0, e);
	double *mean = view_scratch(v, (size_t)l.n + 1, sizeof(*mean), e);
	double *var = view_scratch(v, (size_t)l.n + 1, sizeof(*var), e);
	int64_t training;
	float eps;

	if (out == NULL || mean == NULL || var == NULL ||
	    attr_int(v->node, "training_mode", 0, &training, e) != 0 ||
	    attr_float(v->node, "epsilon", 1e-5f, &eps, e) != 0)
		return -1;
	if (training && batch_moments(v, &l, mean, var, e) != 0)
		return -1;
	for (int64_t c = 0; c < l.n && !training; c++) {
		mean[c] = elem_f(v->in[3]->type, v->in[3]->data, (size_t)c);
		var[c] = elem_f(v->in[4]->type, v->in[4]->data, (size_t)c);
	}
	for (size_t i = 0; i < val_count(x); i++) {
		size_t c = i / (size_t)l.inner % (size_t)l.n;

		elem_set_f(x->type, out, i,
		    (elem_f(x->type, x->data, i) - mean[c]) /
		    sqrt(var[c] + eps) *
		    elem_f(v->in[1]->type, v->in[1]->data, c) +
		    elem_f(v->in[2]->type, v->in[2]->data, c));
	}
	return 0;
}

static int
batch_plan(struct view *v, struct plan *p, struct err *e)
{
	struct line l = batch_line(v->in[0]);
	int64_t training;
	struct step *s;
	float eps;

	if (attr_int(v->node, "training_mode", 0, &training, e) != 0 ||
	    attr_float(v->node, "epsilon", 1e-5f, &eps, e) != 0)
		return -1;
	if (training || !all_float(v) || val_count(v->in[0]) == 0)
		return 1;
	for (int i = 1; i < v->n_out; i++)
		if (v->out[i] != NULL)
			return 1;
	s = plan_step(p, e, "norm", "norm_batch", " ");
	if (s == NULL)
		return -1;
	for (int i = 0; i < 5; i++)
		step_in(s, v->in[i]);
	step_out(s, view_result(v));
	step_int(s, l.outer);
	step_int(s, l.n);
	step_int(s, l.inner);
	step_float(s, eps);
	step_epilogue(s, v, LAYOUT_PLAIN);
	step_groups(s, (size_t)(l.outer * l.n), 0);
	return plan_end(p, s, e);
}

static int
channel_1(const struct view *v)
{
	(void)v;
	return 1;
}

struct lrn {
	int64_t	size;
	float	alpha, beta, bias;
};

static int
lrn_read(const struct view *v, struct lrn *r, struct err *e)
{
	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 2, MAX_RANK, "X", e) != 0 ||
	    attr_int(v->node, "size", 0, &r->size, e) != 0 ||
	    attr_float(v->node, "alpha", 1e-4f, &r->alpha, e) != 0 ||
	    attr_float(v->node, "beta", 0.75f, &r->beta, e) != 0 ||
	    attr_float(v->node, "bias", 1, &r->bias, e) != 0)
		return -1;
	if (r->size < 1 || r->size > INT32_MAX)
		return view_error(e, "size %lld", (long long)r->size);
	return 0;
}

static int
lrn_infer(struct view *v, struct err *e)
{
	struct lrn r;

	if (lrn_read(v, &r, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape,
	    row_unless(v->in[0], 2));
	return 0;
}

/* Channels [lo, hi) around c. */
static void
lrn_range(const struct lrn *r, int64_t c, int64_t n, int64_t *lo, int64_t *hi)
{
	*lo = c - (r->size - 1) / 2;
	*hi = c + r->size / 2 + 1;
	*lo = *lo < 0 ? 0 : *lo;
	*hi = *hi > n ? n : *hi;
}

static int
lrn_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	struct line l = line_of(&x->shape, 1, 2);
	void *out = view_alloc(v, 0, e);
	struct lrn r;

	if (out == NULL || lrn_read(v, &r, e) != 0)
		return -1;
	for (size_t i = 0; i < val_count(x); i++) {
		int64_t c = (int64_t)i / l.inner % l.n, lo, hi;
		double sum = 0;

		lrn_range(&r, c, l.n, &lo, &hi);
		for (int64_t k = lo; k < hi; k++) {
			double y = elem_f(x->type, x->data,
			    (size_t)((int64_t)i + (k - c) * l.inner));

			sum += y * y;
		}
		elem_set_f(x->type, out, i, elem_f(x->type, x->data, i) /
		    pow(r.bias + r.alpha / (double)r.size * sum, r.beta));
	}
	return 0;
}

static int
lrn_plan(struct view *v, struct plan *p, struct err *e)
{
	struct line l = line_of(&v->in[0]->shape, 1, 2);
	struct lrn_blocked b;
	struct val *x;
	struct step *s;
	struct lrn r;
	int done = 1;

	if (lrn_read(v, &r, e) != 0)
		return -1;
	if (!all_float(v) || val_count(v->in[0]) == 0)
		return 1;
	b = (struct lrn_blocked){ .before = (r.size - 1) / 2,
	    .behind = r.size / 2, .alpha = r.alpha / (float)r.size,
	    .beta = r.beta, .bias = r.bias };
	if (view_form(v, 0))
		done = lrn_blocked(v, &b, p, e);
	if (done <= 0 || !view_form(v, 1))
		return done;
	if ((x = plan_as(p, v->in[0], LAYOUT_PLAIN, e)) == NULL ||
	    (s = plan_step(p, e, "norm", "norm_lrn", " ")) == NULL)
		return -1;
	step_in(s, x);
	step_out(s, v->out[0]);
	step_int(s, (int64_t)val_count(v->in[0]));
	step_int(s, l.n);
	step_int(s, l.inner);
	step_int(s, (r.size - 1) / 2);
	step_int(s, r.size / 2);
	step_float(s, r.alpha / (float)r.size);
	step_float(s, r.beta);
	step_float(s, r.bias);
	step_items(s, val_count(v->in[0]));
	return plan_end(p, s, e);
}

static int
lp_infer(struct view *v, struct err *e)
{
	int axis;

	if (op_want(v, 1, e) != 0 || op_axis_attr(v, "axis", -1,
	    v->in[0]->shape.rank, &axis, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape,
	    row_unless(v->in[0], 1u << axis));
	return 0;
}

static int
lp_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	struct line l;
	int64_t p;
	int axis;

	if (out == NULL || attr_int(v->node, "p", 2, &p, e) != 0 ||
	    op_axis_attr(v, "axis", -1, x->shape.rank, &axis, e) != 0)
		return -1;
	l = line_of(&x->shape, axis, axis + 1);
	for (int64_t j = 0; l.n > 0 && j < l.outer * l.inner; j++) {
		size_t at = (size_t)(j / l.inner * l.n * l.inner +
		    j % l.inner);
		double sum = 0;

		for (int64_t k = 0; k < l.n; k++)
			sum += pow(fabs(elem_f(x->type, x->data, at +
			    (size_t)(k * l.inner))), (double)p);
		sum = pow(sum, 1.0 / (double)p);
		for (int64_t k = 0; k < l.n; k++) {
			size_t i = at + (size_t)(k * l.inner);

			elem_set_f(x->type, out, i, sum == 0 ? 0 :
			    elem_f(x->type, x->data, i) / sum);
		}
	}
	return 0;
}

static int
rms_infer(struct view *v, struct err *e)
{
	int axis;

	if (op_want(v, 2, e) != 0 || op_axis_attr(v, "axis", -1,
	    v->in[0]->shape.rank, &axis, e) != 0)
		return -1;
	if (val_count(v->in[1]) != (size_t)shape_span(&v->in[0]->shape, axis,
	    v->in[0]->shape.rank))
		return view_error(e, "scale has %zu values",
		    val_count(v->in[1]));
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape, row_others(v, 0,
	    row_unless(v->in[0], ~((1u << axis) - 1))));
	return 0;
}

static int
rms_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *s = v->in[1];
	void *out = view_alloc(v, 0, e);
	struct line l;
	float eps;
	int axis;

	if (out == NULL ||
	    attr_float(v->node, "epsilon", 1e-5f, &eps, e) != 0 ||
	    op_axis_attr(v, "axis", -1, x->shape.rank, &axis, e) != 0)
		return -1;
	l = line_of(&x->shape, axis, x->shape.rank);
	for (int64_t o = 0; o < l.outer; o++) {
		double sum = 0;

		for (int64_t k = 0; k < l.n; k++) {
			double y = elem_f(x->type, x->data,
			    (size_t)(o * l.n + k));

			sum += y * y;
		}
		sum = 1 / sqrt(sum / (double)l.n + eps);
		for (int64_t k = 0; k < l.n; k++)
			elem_set_f(x->type, out, (size_t)(o * l.n + k), sum *
			    elem_f(x->type, x->data, (size_t)(o * l.n + k)) *
			    elem_f(s->type, s->data, (size_t)k));
	}
	return 0;
}

OP_FAMILY(scale_ops);
const struct op scale_ops[] = {
	{ .name = "BatchNormalization", .since = 1, .types = "fdh",
	  .flags = OP_EPILOGUE, .infer = batch_infer, .host = batch_host,
	  .plan = batch_plan, .channel_axis = channel_1 },
	{ .name = "LRN", .since = 1, .types = "fdh", .flags = OP_LAYOUT,
	  .infer = lrn_infer, .host = lrn_host, .plan = lrn_plan },
	{ .name = "LpNormalization", .since = 1, .types = "fdh",
	  .infer = lp_infer, .host = lp_host },
	{ .name = "RMSNormalization", .since = 23, .types = "fdh",
	  .infer = rms_infer, .host = rms_host },
	{ .name = NULL }
};
