/* ai.onnx.ml: features and linear models. */
#include "op/ml.h"

#include <math.h>

#include "op/gather.h"
#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"

#define ML	"ai.onnx.ml"

/* A tensor of features: [C] or [N, C]; C. */
int64_t
ml_features(const struct val *x)
{
	return x->shape.rank == 0 ? 1 : x->shape.dim[x->shape.rank - 1];
}

static int
same_floats_infer(struct view *v, struct err *e)
{
	if (op_want(v, 1, e) != 0)
		return -1;
	/* Rows of more than one feature: the last axis is not theirs. */
	view_set(v, 0, DT_FLOAT, &v->in[0]->shape, v->in[0]->shape.rank < 2 ?
	    row_any(v) : row_unless(v->in[0],
	    1u << (v->in[0]->shape.rank - 1)));
	return 0;
}

/* One value for all features, or one for each. */
static int
per_feature(const struct view *v, const char *name, int64_t c,
    struct floats *f, struct err *e)
{
	if (attr_floats(v->node, name, &f->v, &f->n, e) != 0)
		return -1;
	if (f->v != NULL && f->n != 1 && f->n != (size_t)c)
		return view_error(e, "%s has %zu values for %lld features",
		    name, f->n, (long long)c);
	if (f->n == 0)
		f->v = NULL;
	return 0;
}

static float
feature(const struct floats *f, size_t c, float dflt)
{
	return f->v == NULL ? dflt : f->v[f->n == 1 ? 0 : c];
}

static int
scaler_infer(struct view *v, struct err *e)
{
	struct floats f;

	if (op_want(v, 1, e) != 0 ||
	    per_feature(v, "offset", ml_features(v->in[0]), &f, e) != 0 ||
	    per_feature(v, "scale", ml_features(v->in[0]), &f, e) != 0)
		return -1;
	return same_floats_infer(v, e);
}

static int
scaler_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	size_t c = (size_t)ml_features(x), n = val_count(x);
	struct floats offset, scale;
	float *out = view_alloc(v, 0, e);

	if (out == NULL ||
	    per_feature(v, "offset", (int64_t)c, &offset, e) != 0 ||
	    per_feature(v, "scale", (int64_t)c, &scale, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		out[i] = (float)((elem_f(x->type, x->data, i) -
		    feature(&offset, i % c, 0)) * feature(&scale, i % c, 1));
	return 0;
}

/* An attribute's n floats as a constant of the plan. */
static struct val *
constant(struct plan *p, const struct floats *f, int64_t n, struct err *e)
{
	struct shape s = { 1, { n } };
	struct val *c = plan_new_val(p, DT_FLOAT, &s, e);

	if (c == NULL)
		return NULL;
	c->kind = VAL_KNOWN;
	c->row = ROW_FREE;
	c->data = f->v;
	return c;
}

static int
scaler_plan(struct view *v, struct plan *p, struct err *e)
{
	int64_t c = ml_features(v->in[0]);
	struct floats offset, scale;
	struct val *a, *b;
	struct step *s;

	if (per_feature(v, "offset", c, &offset, e) != 0 ||
	    per_feature(v, "scale", c, &scale, e) != 0)
		return -1;
	if (!all_float(v) || val_count(v->in[0]) == 0 ||
	    offset.n != (size_t)c || scale.n != (size_t)c)
		return 1;
	if ((a = constant(p, &offset, c, e)) == NULL ||
	    (b = constant(p, &scale, c, e)) == NULL)
		return -1;
	s = plan_step(p, e, "features", "scaler", " ");
	if (s == NULL)
		return -1;
	step_in(s, v->in[0]);
	step_in(s, a);
	step_in(s, b);
	step_out(s, v->out[0]);
	step_int(s, (int64_t)val_count(v->in[0]));
	step_int(s, c);
	step_items(s, val_count(v->in[0]));
	return plan_end(p, s, e);
}

static int
binarizer_infer(struct view *v, struct err *e)
{
	if (op_want(v, 1, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape, v->in[0]->row);
	return 0;
}

static int
binarizer_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	float limit;

	if (out == NULL || attr_float(v->node, "threshold", 0, &limit, e) != 0)
		return -1;
	for (size_t i = 0; i < val_count(x); i++)
		elem_set_i(x->type, out, i,
		    elem_f(x->type, x->data, i) > limit);
	return 0;
}

static int
extract_infer(struct view *v, struct err *e)
{
	struct shape o;
	const struct val *x, *y;
	int row;

	if (op_want(v, 2, e) != 0 ||
	    op_want_rank(v->in[0], 1, MAX_RANK, "X", e) != 0)
		return -1;
	x = v->in[0];
	y = v->in[1];
	o = x->shape;
	if (o.rank == 1) {
		o.rank = 2;
		o.dim[0] = 1;
	}
	o.dim[o.rank - 1] = (int64_t)val_count(y);
	/* The rows of indices into a constant lie along the last axis. */
	row = y->row == ROW_FREE ? row_unless(x, 1u << (x->shape.rank - 1)) :
	    x->row == ROW_FREE && y->row >= 0 &&
	    shape_span(&y->shape, 0, y->shape.rank) == y->shape.dim[y->row] ?
	    o.rank - 1 : ROW_MIXED;
	view_set(v, 0, x->type, &o, row);
	return 0;
}

static int
extract_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *y = v->in[1];
	size_t n = val_count(y), c = (size_t)ml_features(x);
	void *out = view_alloc(v, 0, e);

	if (out == NULL)
		return -1;
	for (size_t i = 0; n > 0 && i < val_count(v->out[0]); i++) {
		int64_t k = elem_i(y->type, y->data, i % n);

		if (k < 0 || k >= (int64_t)c)
			return view_error(e, "index %lld of %zu", (long long)k,
			    c);
		elem_copy(x->type, out, i, x->data, i / n * c + (size_t)k);
	}
	return 0;
}

static int
extract_plan(struct view *v, struct plan *p, struct err *e)
{
	const struct shape *x = &v->in[0]->shape;
	struct line l = line_of(x, x->rank - 1, x->rank);

	return gather_step(v, &l, false, p, e);
}

/* Each row over its maximum, its sum of absolutes, or its length. */
static int
normalizer_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	size_t c = (size_t)ml_features(x);
	float *out = view_alloc(v, 0, e);
	const char *how;

	if (out == NULL || attr_string(v->node, "norm", "MAX", &how, e) != 0)
		return -1;
	for (size_t r = 0; c > 0 && r < val_count(x) / c; r++) {
		double by = strcmp(how, "MAX") == 0 ? -INFINITY : 0;

		for (size_t i = r * c; i < (r + 1) * c; i++) {
			double y = elem_f(x->type, x->data, i);

			by = strcmp(how, "MAX") == 0 ? fmax(by, y) :
			    strcmp(how, "L1") == 0 ? by + fabs(y) : by + y * y;
		}
		by = strcmp(how, "L2") == 0 ? sqrt(by) : by;
		for (size_t i = r * c; i < (r + 1) * c; i++)
			out[i] = (float)(elem_f(x->type, x->data, i) /
			    (by == 0 ? 1 : by));
	}
	return 0;
}

struct linear {
	int64_t		 n, c, classes;
	struct floats	 coef, bias;
	const char	*post;
};

static int
linear_read(const struct view *v, const char *bias, int64_t classes,
    struct linear *l, struct err *e)
{
	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 1, 2, "X", e) != 0 ||
	    attr_floats(v->node, "coefficients", &l->coef.v, &l->coef.n,
	    e) != 0 ||
	    attr_floats(v->node, bias, &l->bias.v, &l->bias.n, e) != 0 ||
	    attr_string(v->node, "post_transform", "NONE", &l->post, e) != 0)
		return -1;
	l->c = ml_features(v->in[0]);
	l->n = v->in[0]->shape.rank == 1 ? 1 : v->in[0]->shape.dim[0];
	l->classes = classes > 0 ? classes :
	    l->c > 0 ? (int64_t)l->coef.n / l->c : 0;
	if (l->classes < 1 || l->coef.n % (size_t)l->classes != 0 ||
	    (int64_t)l->coef.n / l->classes != l->c ||
	    (l->bias.n != 0 && l->bias.n != (size_t)l->classes))
		return view_error(e, "%zu coefficients, %zu intercepts for "
		    "%lld features", l->coef.n, l->bias.n, (long long)l->c);
	return 0;
}

/* In place, over one row of scores. */
int
ml_post_transform(const char *how, double *y, int64_t n, struct err *e)
{
	double max = -INFINITY, sum = 0;
	bool zero = strcmp(how, "SOFTMAX_ZERO") == 0;

	if (strcmp(how, "NONE") == 0)
		return 0;
	if (strcmp(how, "LOGISTIC") == 0) {
		for (int64_t i = 0; i < n; i++)
			y[i] = 1 / (1 + exp(-y[i]));
		return 0;
	}
	if (strcmp(how, "SOFTMAX") != 0 && !zero)
		return err_set(e, ERR_UNSUPPORTED, "post_transform \"%s\"",
		    how);
	for (int64_t i = 0; i < n; i++)
		max = fmax(max, y[i]);
	for (int64_t i = 0; i < n; i++) {
		y[i] = zero && y[i] == 0 ? 0 : exp(y[i] - max);
		sum += y[i];
	}
	for (int64_t i = 0; i < n; i++)
		y[i] /= sum;
	return 0;
}

static void
linear_scores(const struct val *x, const struct linear *l, int64_t r,
    double *y)
{
	for (int64_t k = 0; k < l->classes; k++) {
		y[k] = l->bias.n > 0 ? l->bias.v[k] : 0;
		for (int64_t i = 0; i < l->c; i++)
			y[k] += l->coef.v[k * l->c + i] * elem_f(x->type,
			    x->data, (size_t)(r * l->c + i));
	}
}

static int
regressor_read(const struct view *v, struct linear *l, struct err *e)
{
	int64_t targets;

	if (attr_int(v->node, "targets", 1, &targets, e) != 0)
		return -1;
	return linear_read(v, "intercepts", targets, l, e);
}

static int
regressor_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 2 };
	struct linear l;

	if (regressor_read(v, &l, e) != 0)
		return -1;
	o.dim[0] = l.n;
	o.dim[1] = l.classes;
	view_set(v, 0, DT_FLOAT, &o, v->in[0]->shape.rank == 2 ?
	    row_unless(v->in[0], 2) : row_any(v));
	return 0;
}

static int
regressor_host(struct view *v, struct err *e)
{
	float *out = view_alloc(v, 0, e);
	struct linear l;
	double *y;

	if (out == NULL || regressor_read(v, &l, e) != 0 || (y = view_scratch(v,
	    (size_t)l.classes, sizeof(*y), e)) == NULL)
		return -1;
	for (int64_t r = 0; r < l.n; r++) {
		linear_scores(v->in[0], &l, r, y);
		if (ml_post_transform(l.post, y, l.classes, e) != 0)
			return -1;
		for (int64_t k = 0; k < l.classes; k++)
			out[r * l.classes + k] = (float)y[k];
	}
	return 0;
}

int
labels_read(const struct view *v, const char *ints, struct labels *l,
    struct err *e)
{
	l->strings = attr_find(v->node, "classlabels_strings");
	l->ints = attr_find(v->node, ints);
	if (l->strings != NULL && l->strings->n == 0)
		l->strings = NULL;
	if ((l->strings != NULL && l->strings->type != ATTR_STRINGS) ||
	    (l->ints != NULL && l->ints->type != ATTR_INTS))
		return view_error(e, "labels of the wrong type");
	l->n = l->strings != NULL ? (int64_t)l->strings->n :
	    l->ints != NULL ? (int64_t)l->ints->n : 0;
	return 0;
}

/* Two labels for one score: the second is that it is positive. */
static int
classifier_read(const struct view *v, struct linear *l, struct labels *c,
    struct err *e)
{
	if (labels_read(v, "classlabels_ints", c, e) != 0 ||
	    linear_read(v, "intercepts", 0, l, e) != 0)
		return -1;
	if (c->n != l->classes && !(c->n == 2 && l->classes == 1))
		return view_error(e, "%lld labels for %lld classes",
		    (long long)c->n, (long long)l->classes);
	return 0;
}

static int
classifier_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 2 }, one = { .rank = 1 };
	struct linear l;
	struct labels c;
	int row;

	if (classifier_read(v, &l, &c, e) != 0)
		return -1;
	o.dim[0] = one.dim[0] = l.n;
	o.dim[1] = c.n;
	row = v->in[0]->shape.rank == 2 ? row_unless(v->in[0], 2) : row_any(v);
	view_set(v, 0, c.strings != NULL ? DT_STRING : DT_INT64, &one, row);
	view_set(v, 1, DT_FLOAT, &o, row);
	return 0;
}

void
labels_set(const struct labels *c, void *out, int64_t r, int64_t best)
{
	if (c->strings != NULL)
		((struct string *)out)[r] = c->strings->strings[best];
	else
		((int64_t *)out)[r] = c->ints->ints[best];
}

static int
classifier_host(struct view *v, struct err *e)
{
	void *label = view_alloc(v, 0, e);
	float *out = view_alloc(v, 1, e);
	struct linear l;
	struct labels c;
	double *y;

	if (label == NULL || (out == NULL && view_out(v, 1) != NULL) ||
	    classifier_read(v, &l, &c, e) != 0 ||
	    (y = view_scratch(v, (size_t)c.n, sizeof(*y), e)) == NULL)
		return -1;
	for (int64_t r = 0; r < l.n; r++) {
		int64_t best = 0;

		linear_scores(v->in[0], &l, r, y);
		if (l.classes < c.n) {
			y[1] = y[0];
			y[0] = strcmp(l.post, "NONE") == 0 ? 0 : -y[1];
			best = y[1] > 0;
		} else
			for (int64_t k = 1; k < c.n; k++)
				best = y[k] > y[best] ? k : best;
		if (ml_post_transform(l.post, y, c.n, e) != 0)
			return -1;
		labels_set(&c, label, r, best);
		for (int64_t k = 0; out != NULL && k < c.n; k++)
			out[r * c.n + k] = (float)y[k];
	}
	return 0;
}

#define ROW(op, takes, id_infer, id, how)				\
{									\
	.domain = ML, .name = op, .since = 1, .types = takes,		\
	.infer = id_infer, .host = id##_host, .plan = how,		\
}

OP_FAMILY(ml_ops);
const struct op ml_ops[] = {
	ROW("Scaler", "fdiu", scaler_infer, scaler, scaler_plan),
	ROW("Binarizer", "fdiu", binarizer_infer, binarizer, NULL),
	ROW("ArrayFeatureExtractor", "* i", extract_infer, extract,
	    extract_plan),
	ROW("Normalizer", "fdiu", same_floats_infer, normalizer, NULL),
	ROW("LinearRegressor", "fdiu", regressor_infer, regressor, NULL),
	ROW("LinearClassifier", "fdiu", classifier_infer, classifier, NULL),
	{ .name = NULL }
};
