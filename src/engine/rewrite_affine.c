/*
 * Scales and shifts per channel: batch normalisation, and Mul, Div, Add and
 * Sub with constants, move into the weights of the convolution before them.  A
 * batch normalisation that finds none becomes one expression, x * scale +
 * shift.
 */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "engine/rewrite.h"
#include "op/pointwise.h"

#define CHANNELS_MAX	(1 << 20)

/* y = x * scale[c] + shift[c] */
struct affine {
	int64_t		 n;
	double		*scale, *shift;
};

static double
mul_add_f(double x, double y, double z, const float *attr)
{
	(void)attr;
	return x * y + z;
}

static const struct pointwise mul_add = {
	.arity = 3, .text = "x * y + z", .f = mul_add_f,
};

/* Scale and shift are made with one axis: ones behind it, as x has axes. */
static int
mul_add_infer(struct view *v, struct err *err)
{
	for (int i = 1; i < v->n_in; i++)
		while (v->in[i]->shape.rank < v->in[0]->shape.rank - 1)
			v->in[i]->shape.dim[v->in[i]->shape.rank++] = 1;
	return pw_infer(v, err);
}

static const struct op row_mul_add = {
	.name = "MulAdd", .since = 1, .types = "f", .infer = mul_add_infer,
	.host = pw_host, .pw = &mul_add,
};

static bool
affine_init(struct affine *a, int64_t n)
{
	*a = (struct affine){ .n = n };
	if (n < 1 || n > CHANNELS_MAX)
		return false;
	a->scale = calloc((size_t)n, sizeof(double));
	a->shift = calloc((size_t)n, sizeof(double));
	return a->scale != NULL && a->shift != NULL;
}

static void
affine_done(struct affine *a)
{
	free(a->scale);
	free(a->shift);
}

static bool
is_vector(const struct tensor *t, int64_t n)
{
	return t != NULL && t->type == DT_FLOAT && t->shape.rank == 1 &&
	    t->shape.dim[0] == n;
}

static bool
batch_norm(const struct rewrite *r, const struct node *n, struct affine *a)
{
	const struct tensor *t[5] = { NULL };
	const struct attr *mode = attr_find(n, "training_mode");
	struct err ignored;
	float eps;

	if (strcmp(n->op, "BatchNormalization") != 0 || n->opset < 7 ||
	    n->n_in < 5 || (mode != NULL && mode->i != 0) ||
	    attr_float(n, "epsilon", 1e-5f, &eps, &ignored) < 0)
		return false;
	for (int i = 1; i < n->n_out; i++)
		if (n->out[i] != NO_VALUE && r->uses[n->out[i]] > 0)
			return false;
	for (int i = 1; i < 5; i++)
		if ((t[i] = rewrite_const(r, n->in[i])) == NULL ||
		    !is_vector(t[i], t[1]->shape.dim[0]))
			return false;
	if (!affine_init(a, t[1]->shape.dim[0]))
		return false;
	for (int64_t c = 0; c < a->n; c++) {
		a->scale[c] = ((const float *)t[1]->data)[c] /
		    sqrt((double)((const float *)t[4]->data)[c] + (double)eps);
		a->shift[c] = ((const float *)t[2]->data)[c] -
		    ((const float *)t[3]->data)[c] * a->scale[c];
	}
	return true;
}

/* One value, or one per channel of maps with `rank` axes. */
static bool
is_per_channel(const struct tensor *t, int rank, int64_t channels)
{
	if (t == NULL || t->type != DT_FLOAT || t->shape.rank > rank)
		return false;
	if (t->count == 1)
		return true;
	for (int i = 0; i < t->shape.rank; i++)
		if (t->shape.dim[i] != (rank - t->shape.rank + i == 1 ?
		    channels : 1))
			return false;
	return rank - t->shape.rank <= 1;
}

/* Mul, Div, Add or Sub of a map by constants. */
static bool
arithmetic(const struct rewrite *r, const struct node *n, int map, int rank,
    int64_t channels, struct affine *a)
{
	static const char *const names[] = { "Mul", "Div", "Add", "Sub" };
	const struct tensor *t;
	size_t kind = 0;
	bool second;

	while (kind < nitems(names) && strcmp(n->op, names[kind]) != 0)
		kind++;
	if (kind == nitems(names) || n->n_in != 2 || n->opset < 7)
		return false;
	second = n->in[1] == map;
	t = rewrite_const(r, n->in[second ? 0 : 1]);
	if (!is_per_channel(t, rank, channels) ||
	    (second && (kind == 1 || kind == 3)) || !affine_init(a, channels))
		return false;
	for (int64_t c = 0; c < channels; c++) {
		double v = ((const float *)t->data)[t->count == 1 ? 0 : c];

		a->scale[c] = kind == 0 ? v : kind == 1 ? 1 / v : 1;
		a->shift[c] = kind == 2 ? v : kind == 3 ? -v : 0;
	}
	return true;
}

/* The convolution's weights and bias with the affine map behind it. */
static int
scale_conv(struct rewrite *r, struct node *conv, const struct affine *a,
    struct err *err)
{
	const struct tensor *w = rewrite_const(r, conv->in[1]);
	const struct tensor *b = conv->n_in > 2 && conv->in[2] != NO_VALUE ?
	    rewrite_const(r, conv->in[2]) : NULL;
	struct shape bias = { .rank = 1, .dim = { a->n } };
	size_t each = w->count / (size_t)a->n;
	int *in = pool_array(r->net->pool, 3, sizeof(int));
	float *to_w, *to_b;

	if (in == NULL)
		return err_memory(err, "a node", 0);
	in[0] = conv->in[0];
	if ((to_w = rewrite_new_const(r, w->name, &w->shape, &in[1],
	    err)) == NULL || (to_b = rewrite_new_const(r, conv->name, &bias,
	    &in[2], err)) == NULL)
		return -1;
	for (size_t c = 0; c < (size_t)a->n; c++) {
		for (size_t i = 0; i < each; i++)
			to_w[c * each + i] = (float)(a->scale[c] *
			    ((const float *)w->data)[c * each + i]);
		to_b[c] = (float)(a->shift[c] + a->scale[c] *
		    (b == NULL ? 0 : ((const float *)b->data)[c]));
	}
	conv->in = in;
	conv->n_in = 3;
	return 0;
}

/* A convolution whose weights are constants of floats. */
static bool
is_conv(const struct rewrite *r, const struct node *n)
{
	const struct tensor *w, *b;

	if (strcmp(n->op, "Conv") != 0 || n->domain[0] != '\0' ||
	    n->n_in < 2 || n->n_out < 1 || n->out[0] == NO_VALUE)
		return false;
	w = rewrite_const(r, n->in[1]);
	if (w == NULL || w->type != DT_FLOAT || w->shape.rank < 3 ||
	    w->shape.dim[0] < 1)
		return false;
	if (n->n_in < 3 || n->in[2] == NO_VALUE)
		return true;
	b = rewrite_const(r, n->in[2]);
	return is_vector(b, w->shape.dim[0]);
}

/* Take what follows the convolution into it; 1 if something was. */
static int
absorb_next(struct rewrite *r, int conv, struct err *err)
{
	struct node *n = &r->g->node[conv];
	const struct tensor *w = rewrite_const(r, n->in[1]);
	int out = n->out[0], next = rewrite_reader(r, out), res;
	struct node *m;
	struct affine a;

	if (next < 0 || r->g->node[next].n_out < 1 ||
	    r->g->node[next].out[0] == NO_VALUE)
		return 0;
	m = &r->g->node[next];
	if (m->domain[0] != '\0')
		return 0;
	if (batch_norm(r, m, &a)) {
		if (a.n != w->shape.dim[0] || m->in[0] != out) {
			affine_done(&a);
			return 0;
		}
	} else if (!arithmetic(r, m, out, w->shape.rank, w->shape.dim[0], &a))
		return 0;
	res = scale_conv(r, n, &a, err);
	affine_done(&a);
	if (res < 0)
		return -1;
	/* The convolution makes the other's output now. */
	r->net->row[next] = NULL;
	n->out[0] = m->out[0];
	r->g->value[n->out[0]].producer = conv;
	return 1;
}

static int
to_expression(struct rewrite *r, int i, struct err *err)
{
	struct node *n = &r->g->node[i];
	struct shape s = { .rank = 1 };
	struct affine a;
	int *in = pool_array(r->net->pool, 3, sizeof(int));
	float *scale, *shift;
	int res = -1;

	if (in == NULL)
		return err_memory(err, "a node", 0);
	if (n->domain[0] != '\0' || !batch_norm(r, n, &a))
		return 0;
	s.dim[0] = a.n;
	in[0] = n->in[0];
	if ((scale = rewrite_new_const(r, n->name, &s, &in[1], err)) != NULL &&
	    (shift = rewrite_new_const(r, n->name, &s, &in[2], err)) != NULL) {
		for (int64_t c = 0; c < a.n; c++) {
			scale[c] = (float)a.scale[c];
			shift[c] = (float)a.shift[c];
		}
		n->in = in;
		n->n_in = 3;
		n->n_out = 1;
		r->net->row[i] = &row_mul_add;
		res = 0;
	}
	affine_done(&a);
	return res;
}

int
rewrite_affine(struct rewrite *r, struct err *err)
{
	int res;

	for (int i = 0; i < r->g->n_node; i++) {
		if (r->net->row[i] == NULL)
			continue;
		if (is_conv(r, &r->g->node[i])) {
			while ((res = absorb_next(r, i, err)) > 0)
				;
			if (res < 0)
				return -1;
		}
	}
	for (int i = 0; i < r->g->n_node; i++)
		if (r->net->row[i] != NULL && r->g->node[i].n_in > 0 &&
		    r->g->node[i].in[0] != NO_VALUE &&
		    to_expression(r, i, err) < 0)
			return -1;
	return 0;
}
