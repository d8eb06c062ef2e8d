/* RNN, GRU and LSTM: what a cell does with its sums. */
#include "op/op.h"
#include "op/rnn.h"
#include "op/shape.h"

static const char *const rnn_acts[] = { "Tanh" };
static const char *const gru_acts[] = { "Sigmoid", "Tanh" };
static const char *const lstm_acts[] = { "Sigmoid", "Tanh", "Tanh" };

static void
rnn_cell(const struct rnn *q, struct rnn_run *r, void *arg)
{
	(void)arg;
	for (int64_t i = 0; i < q->hidden; i++)
		r->h[i] = rnn_act(q, &q->act[r->dir], r->xw[i] + r->hr[i]);
}

/* Gates z, r, h; arg: linear_before_reset. */
static void
gru_cell(const struct rnn *q, struct rnn_run *r, void *arg)
{
	const struct act *f = &q->act[2 * r->dir], *g = f + 1;
	bool before = *(int64_t *)arg != 0;
	int64_t n = q->hidden;

	for (int64_t i = 0; i < n; i++)
		r->tmp[i] = rnn_act(q, f, r->xw[n + i] + r->hr[n + i]);
	if (before)
		for (int64_t i = 0; i < n; i++)
			r->hr[2 * n + i] *= r->tmp[i];
	else {
		for (int64_t i = 0; i < n; i++)
			r->tmp[i] *= r->h[i];
		rnn_recur(q, r, 2, r->tmp);
	}
	for (int64_t i = 0; i < n; i++) {
		double z = rnn_act(q, f, r->xw[i] + r->hr[i]);
		double h = rnn_act(q, g, r->xw[2 * n + i] + r->hr[2 * n + i]);

		r->h[i] = (1 - z) * h + z * r->h[i];
	}
}

struct lstm {
	const struct val	*peep;	/* [dirs, 3 * hidden]: i, o, f */
	int64_t			 couple;
};

static double
peep(const struct lstm *l, const struct rnn *q, const struct rnn_run *r,
    int64_t i, double c)
{
	return l->peep == NULL ? 0 : c * elem_f(l->peep->type, l->peep->data,
	    (size_t)(r->dir * 3 * q->hidden + i));
}

/* Gates i, o, f, c. */
static void
lstm_cell(const struct rnn *q, struct rnn_run *r, void *arg)
{
	const struct act *f = &q->act[3 * r->dir], *g = f + 1, *h = f + 2;
	const struct lstm *l = arg;
	int64_t n = q->hidden;

	for (int64_t k = 0; k < n; k++) {
		double c = r->c[k];
		double in = rnn_act(q, f, r->xw[k] + r->hr[k] +
		    peep(l, q, r, k, c));
		double forget = l->couple ? 1 - in : rnn_act(q, f,
		    r->xw[2 * n + k] + r->hr[2 * n + k] +
		    peep(l, q, r, 2 * n + k, c));

		c = forget * c + in * rnn_act(q, g,
		    r->xw[3 * n + k] + r->hr[3 * n + k]);
		r->h[k] = rnn_act(q, f, r->xw[n + k] + r->hr[n + k] +
		    peep(l, q, r, n + k, c)) * h->f(c, h->a, h->b);
		r->c[k] = c;
	}
}

static int
rnn_infer(struct view *v, struct err *e)
{
	struct rnn q;

	if (rnn_read(v, 1, 1, rnn_acts, &q, e) != 0)
		return -1;
	rnn_set(v, &q);
	return 0;
}

static int
rnn_host(struct view *v, struct err *e)
{
	struct rnn q;

	if (rnn_read(v, 1, 1, rnn_acts, &q, e) != 0)
		return -1;
	return rnn_walk(v, &q, NULL, rnn_cell, NULL, e);
}

static int
gru_infer(struct view *v, struct err *e)
{
	struct rnn q;

	if (rnn_read(v, 3, 2, gru_acts, &q, e) != 0)
		return -1;
	rnn_set(v, &q);
	return 0;
}

static int
gru_host(struct view *v, struct err *e)
{
	int64_t before;
	struct rnn q;

	if (rnn_read(v, 3, 2, gru_acts, &q, e) != 0 || attr_int(v->node,
	    "linear_before_reset", 0, &before, e) != 0)
		return -1;
	return rnn_walk(v, &q, NULL, gru_cell, &before, e);
}

static int
lstm_read(const struct view *v, struct rnn *q, struct lstm *l, struct err *e)
{
	if (rnn_read(v, 4, 3, lstm_acts, q, e) != 0 ||
	    attr_int(v->node, "input_forget", 0, &l->couple, e) != 0)
		return -1;
	l->peep = view_in(v, 7);
	if (l->peep != NULL && val_count(l->peep) !=
	    (size_t)(q->dirs * 3 * q->hidden))
		return view_error(e, "P has %zu values", val_count(l->peep));
	return 0;
}

static int
lstm_infer(struct view *v, struct err *e)
{
	struct lstm l;
	struct rnn q;

	if (lstm_read(v, &q, &l, e) != 0)
		return -1;
	rnn_set(v, &q);
	return 0;
}

static int
lstm_host(struct view *v, struct err *e)
{
	struct lstm l;
	struct rnn q;

	if (lstm_read(v, &q, &l, e) != 0)
		return -1;
	return rnn_walk(v, &q, view_in(v, 6), lstm_cell, &l, e);
}

#define ROW(op, id)							\
{									\
	.name = op, .since = 7, .types = "fdh fdh fdh fdh i fdh",	\
	.infer = id##_infer, .host = id##_host,				\
}

OP_FAMILY(cells_ops);
const struct op cells_ops[] = {
	ROW("RNN", rnn),
	ROW("GRU", gru),
	ROW("LSTM", lstm),
	{ .name = NULL }
};
