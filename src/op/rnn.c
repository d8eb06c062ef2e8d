#include "op/rnn.h"

#include <math.h>

#include "op/shape.h"

#define FN(name, expr)							\
static double								\
name(double x, double a, double b)					\
{									\
	(void)a;							\
	(void)b;							\
	return expr;							\
}

FN(act_relu, x > 0 ? x : 0)
FN(act_tanh, tanh(x))
FN(act_sigmoid, 1 / (1 + exp(-x)))
FN(act_affine, a * x + b)
FN(act_leaky, x < 0 ? a * x : x)
FN(act_threshold, x > a ? x : 0)
FN(act_scaled, a * tanh(b * x))
FN(act_hard, fmin(fmax(a * x + b, 0), 1))
FN(act_elu, x < 0 ? a * (exp(x) - 1) : x)
FN(act_softsign, x / (1 + fabs(x)))
FN(act_softplus, log1p(exp(-fabs(x))) + fmax(x, 0))

static const struct {
	const char	*name;
	struct act	 act;
} act_table[] = {
	{ "Relu", { act_relu, 0, 0 } },
	{ "Tanh", { act_tanh, 0, 0 } },
	{ "Sigmoid", { act_sigmoid, 0, 0 } },
	{ "Affine", { act_affine, 1, 0 } },
	{ "LeakyRelu", { act_leaky, 0.01, 0 } },
	{ "ThresholdedRelu", { act_threshold, 1, 0 } },
	{ "ScaledTanh", { act_scaled, 1, 1 } },
	{ "HardSigmoid", { act_hard, 0.2, 0.5 } },
	{ "Elu", { act_elu, 1, 0 } },
	{ "Softsign", { act_softsign, 0, 0 } },
	{ "Softplus", { act_softplus, 0, 0 } },
};

static int
act_find(const char *name, struct act *out, struct err *e)
{
	for (size_t i = 0; i < sizeof(act_table) / sizeof(act_table[0]); i++)
		if (strcmp(act_table[i].name, name) == 0) {
			*out = act_table[i].act;
			return 0;
		}
	return view_error(e, "activation \"%s\"", name);
}

static int
read_acts(const struct view *v, struct rnn *q, int n_act,
    const char *const *dflt, struct err *e)
{
	const struct attr *names = attr_find(v->node, "activations");
	const float *a, *b;
	size_t na, nb, n = (size_t)n_act * (size_t)q->dirs;

	if (attr_floats(v->node, "activation_alpha", &a, &na, e) != 0 ||
	    attr_floats(v->node, "activation_beta", &b, &nb, e) != 0)
		return -1;
	if (names != NULL && (names->type != ATTR_STRINGS || names->n != n))
		return view_error(e, "activations are not %zu strings", n);
	for (size_t i = 0; i < n; i++) {
		const char *name = names != NULL ? names->strings[i].s :
		    dflt[i % (size_t)n_act];

		if (act_find(name, &q->act[i], e) != 0)
			return -1;
		if (i < na)
			q->act[i].a = a[i];
		if (i < nb)
			q->act[i].b = b[i];
	}
	return 0;
}

static int
check_shape(const struct val *x, const char *what, int rank, int64_t a,
    int64_t b, int64_t c, struct err *e)
{
	const int64_t want[3] = { a, b, c };

	if (x == NULL)
		return 0;
	if (x->shape.rank != rank)
		return view_error(e, "%s has rank %d, want %d", what,
		    x->shape.rank, rank);
	for (int i = 0; i < rank; i++)
		if (x->shape.dim[i] != want[i])
			return view_error(e,
			    "%s has %lld on axis %d, want %lld",
			    what, (long long)x->shape.dim[i], i,
			    (long long)want[i]);
	return 0;
}

static int
check_all(const struct view *v, const struct rnn *q, struct err *e)
{
	int64_t gh;
	bool bf = q->batch_first;

	if (!dim_mul(q->gates, q->hidden, &gh) || gh > INT32_MAX)
		return op_overflow(e);
	if (check_shape(q->w, "W", 3, q->dirs, gh, q->input, e) != 0 ||
	    check_shape(q->r, "R", 3, q->dirs, gh, q->hidden, e) != 0 ||
	    check_shape(q->b, "B", 2, q->dirs, 2 * gh, 0, e) != 0 ||
	    check_shape(q->len, "sequence_lens", 1, q->batch, 0, 0, e) != 0)
		return -1;
	for (int i = 5; i < 7; i++)
		if (check_shape(view_in(v, i), "an initial state", 3,
		    bf ? q->batch : q->dirs, bf ? q->dirs : q->batch, q->hidden,
		    e) != 0)
			return -1;
	return 0;
}

int
rnn_read(const struct view *v, int gates, int n_act, const char *const *dflt,
    struct rnn *q, struct err *e)
{
	const char *way;
	int64_t layout;
	float clip;

	if (op_want(v, 3, e) != 0 ||
	    op_want_rank(v->in[0], 3, 3, "X", e) != 0 ||
	    op_want_rank(v->in[2], 3, 3, "R", e) != 0 ||
	    attr_string(v->node, "direction", "forward", &way, e) != 0 ||
	    attr_int(v->node, "layout", 0, &layout, e) != 0 ||
	    attr_float(v->node, "clip", 0, &clip, e) != 0)
		return -1;
	*q = (struct rnn){
		.gates = gates, .batch_first = layout == 1, .clip = clip,
		.x = v->in[0], .w = v->in[1], .r = v->in[2],
		.b = view_in(v, 3), .len = view_in(v, 4), .h0 = view_in(v, 5),
	};
	q->dirs = strcmp(way, "bidirectional") == 0 ? 2 : 1;
	q->first_reversed = strcmp(way, "reverse") == 0;
	q->seq = q->x->shape.dim[q->batch_first ? 1 : 0];
	q->batch = q->x->shape.dim[q->batch_first ? 0 : 1];
	q->input = q->x->shape.dim[2];
	if (attr_int(v->node, "hidden_size", q->r->shape.dim[2], &q->hidden,
	    e) != 0)
		return -1;
	if (q->hidden < 1)
		return view_error(e, "hidden_size %lld", (long long)q->hidden);
	if (check_all(v, q, e) != 0)
		return -1;
	return read_acts(v, q, n_act, dflt, e);
}

void
rnn_set(struct view *v, const struct rnn *q)
{
	bool bf = q->batch_first;
	struct shape y = bf ? (struct shape){ 4, { q->batch, q->seq, q->dirs,
	    q->hidden } } : (struct shape){ 4, { q->seq, q->dirs, q->batch,
	    q->hidden } };
	struct shape h = bf ? (struct shape){ 3, { q->batch, q->dirs,
	    q->hidden } } : (struct shape){ 3, { q->dirs, q->batch,
	    q->hidden } };
	int row = row_others(v, 0, q->x->row);

	if (row >= 0 && row != (bf ? 0 : 1))
		row = ROW_MIXED;
	view_set(v, 0, q->x->type, &y, row < 0 || bf ? row : 2);
	view_set(v, 1, q->x->type, &h, row);
	view_set(v, 2, q->x->type, &h, row);
}

double
rnn_act(const struct rnn *q, const struct act *a, double x)
{
	if (q->clip > 0)
		x = x < -q->clip ? -q->clip : x > q->clip ? q->clip : x;
	return a->f(x, a->a, a->b);
}

/* Rows [g * hidden, (g + 1) * hidden) of a matrix times x, plus a bias. */
static void
product(const struct rnn *q, const struct val *m, const struct rnn_run *run,
    int g, int64_t cols, const double *x, int64_t bias, double *out)
{
	int64_t gh = q->gates * q->hidden;

	for (int64_t i = g * q->hidden; i < (g + 1) * q->hidden; i++) {
		size_t at = (size_t)((run->dir * gh + i) * cols);
		double sum = q->b == NULL ? 0 : elem_f(q->b->type, q->b->data,
		    (size_t)(run->dir * 2 * gh + bias + i));

		for (int64_t k = 0; k < cols; k++)
			sum += x[k] * elem_f(m->type, m->data, at + (size_t)k);
		out[i] = sum;
	}
}

void
rnn_recur(const struct rnn *q, struct rnn_run *run, int g, const double *h)
{
	product(q, q->r, run, g, q->hidden, h, q->gates * q->hidden, run->hr);
}

/* Element (outer dir/batch, i) of a state tensor. */
static size_t
state_at(const struct rnn *q, const struct rnn_run *run, int64_t i)
{
	return (size_t)((q->batch_first ? run->batch * q->dirs + run->dir :
	    run->dir * q->batch + run->batch) * q->hidden + i);
}

static size_t
y_at(const struct rnn *q, const struct rnn_run *run, int64_t t, int64_t i)
{
	return (size_t)((q->batch_first ?
	    (run->batch * q->seq + t) * q->dirs + run->dir :
	    (t * q->dirs + run->dir) * q->batch + run->batch) * q->hidden + i);
}

static void
load_state(const struct rnn *q, const struct rnn_run *run,
    const struct val *from, double *to)
{
	for (int64_t i = 0; i < q->hidden; i++)
		to[i] = from == NULL ? 0 :
		    elem_f(from->type, from->data, state_at(q, run, i));
}

static void
time_step(const struct rnn *q, struct rnn_run *run, int64_t t, double *x)
{
	int64_t at = q->batch_first ? run->batch * q->seq + t :
	    t * q->batch + run->batch;

	for (int64_t i = 0; i < q->input; i++)
		x[i] = elem_f(q->x->type, q->x->data,
		    (size_t)(at * q->input + i));
	for (int g = 0; g < q->gates; g++) {
		product(q, q->w, run, g, q->input, x, 0, run->xw);
		rnn_recur(q, run, g, run->h);
	}
}

struct rnn_out {
	void	*y, *h, *c;
};

static void
store(enum dtype t, void *out, size_t i, double x)
{
	if (out != NULL)
		elem_set_f(t, out, i, x);
}

static int
run_one(struct view *v, const struct rnn *q, struct rnn_run *run, double *x,
    const struct val *c0, const struct rnn_out *o,
    void (*cell)(const struct rnn *, struct rnn_run *, void *), void *arg,
    struct err *e)
{
	int64_t n = q->seq;
	bool back = run->dir == 1 || q->first_reversed;

	(void)v;
	if (q->len != NULL)
		n = elem_i(q->len->type, q->len->data, (size_t)run->batch);
	if (n < 0 || n > q->seq)
		return view_error(e, "sequence length %lld", (long long)n);
	load_state(q, run, q->h0, run->h);
	load_state(q, run, c0, run->c);
	for (int64_t k = 0; k < n; k++) {
		int64_t t = back ? n - 1 - k : k;

		time_step(q, run, t, x);
		cell(q, run, arg);
		for (int64_t i = 0; i < q->hidden; i++)
			store(q->x->type, o->y, y_at(q, run, t, i), run->h[i]);
	}
	for (int64_t i = 0; i < q->hidden; i++) {
		store(q->x->type, o->h, state_at(q, run, i), run->h[i]);
		store(q->x->type, o->c, state_at(q, run, i), run->c[i]);
	}
	return 0;
}

int
rnn_walk(struct view *v, const struct rnn *q, const struct val *c0,
    void (*cell)(const struct rnn *, struct rnn_run *, void *), void *arg,
    struct err *e)
{
	size_t h = (size_t)q->hidden, g = h * (size_t)q->gates;
	double *m = view_scratch(v, 3 * h + 2 * g + (size_t)q->input + 1,
	    sizeof(*m), e);
	struct rnn_run run = { 0 };
	struct rnn_out o = { 0 };
	void **out[3] = { &o.y, &o.h, &o.c };

	if (m == NULL)
		return -1;
	run.h = m;
	run.c = m + h;
	run.tmp = m + 2 * h;
	run.xw = m + 3 * h;
	run.hr = run.xw + g;
	for (int i = 0; i < 3; i++)
		if (view_out(v, i) != NULL &&
		    (*out[i] = view_alloc(v, i, e)) == NULL)
			return -1;
	for (run.dir = 0; run.dir < q->dirs; run.dir++)
		for (run.batch = 0; run.batch < q->batch; run.batch++)
			if (run_one(v, q, &run, m + 3 * h + 2 * g, c0, &o,
			    cell, arg, e) != 0)
				return -1;
	return 0;
}
