/* Losses: NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss. */
#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"

enum reduction { REDUCE_NONE, REDUCE_MEAN, REDUCE_SUM };

struct loss {
	enum reduction	 how;
	bool		 skips;		/* has an ignored class */
	int64_t		 ignore;
	struct line	 l;		/* outer: samples, n: classes */
};

static int
loss_read(const struct view *v, struct loss *q, struct err *e)
{
	const struct shape *x, *t;
	const char *how;

	if (op_want(v, 2, e) != 0 ||
	    op_want_rank(v->in[0], 2, MAX_RANK, "input", e) != 0 ||
	    attr_string(v->node, "reduction", "mean", &how, e) != 0 ||
	    attr_int(v->node, "ignore_index", 0, &q->ignore, e) != 0)
		return -1;
	q->skips = attr_find(v->node, "ignore_index") != NULL;
	q->how = strcmp(how, "none") == 0 ? REDUCE_NONE :
	    strcmp(how, "sum") == 0 ? REDUCE_SUM : REDUCE_MEAN;
	x = &v->in[0]->shape;
	t = &v->in[1]->shape;
	if (t->rank != x->rank - 1 || t->dim[0] != x->dim[0])
		return view_error(e, "target does not match the input");
	for (int i = 1; i < t->rank; i++)
		if (t->dim[i] != x->dim[i + 1])
			return view_error(e, "target differs on axis %d", i);
	if (view_in(v, 2) != NULL && val_count(v->in[2]) != (size_t)x->dim[1])
		return view_error(e, "%zu weights for %lld classes",
		    val_count(v->in[2]), (long long)x->dim[1]);
	q->l = line_of(x, 1, 2);
	return 0;
}

static int
loss_infer(struct view *v, struct err *e)
{
	struct shape one = { .rank = 0 };
	struct loss q;
	int row;

	if (loss_read(v, &q, e) != 0)
		return -1;
	row = row_any(v);
	view_set(v, 0, v->in[0]->type,
	    q.how == REDUCE_NONE ? &v->in[1]->shape : &one, row);
	view_set(v, 1, v->in[0]->type, &v->in[0]->shape, row);
	return 0;
}

/* Element class k of position j: [outer][n][inner]. */
static size_t
class_at(const struct line *l, int64_t j, int64_t k)
{
	return (size_t)((j / l->inner * l->n + k) * l->inner + j % l->inner);
}

/* Minus the log probability at each target, weighted; logp in double. */
static int
loss_apply(struct view *v, const struct loss *q, const double *logp,
    struct err *e)
{
	const struct val *t = v->in[1], *weight = view_in(v, 2);
	enum dtype type = v->out[0]->type;
	void *out = view_alloc(v, 0, e);
	double sum = 0, total = 0;

	if (out == NULL)
		return -1;
	for (size_t j = 0; j < val_count(t); j++) {
		int64_t k = elem_i(t->type, t->data, j);
		double w, y;

		if (q->skips && k == q->ignore) {
			if (q->how == REDUCE_NONE)
				elem_set_f(type, out, j, 0);
			continue;
		}
		if (k < 0 || k >= q->l.n)
			return view_error(e, "target %lld of %lld classes",
			    (long long)k, (long long)q->l.n);
		w = weight == NULL ? 1 :
		    elem_f(weight->type, weight->data, (size_t)k);
		y = -w * logp[class_at(&q->l, (int64_t)j, k)];
		sum += y;
		total += w;
		if (q->how == REDUCE_NONE)
			elem_set_f(type, out, j, y);
	}
	if (q->how == REDUCE_SUM)
		elem_set_f(type, out, 0, sum);
	else if (q->how == REDUCE_MEAN)
		elem_set_f(type, out, 0, sum / total);
	return 0;
}

static int
nll_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	double *logp = view_scratch(v, val_count(x) + 1, sizeof(*logp), e);
	struct loss q;

	if (logp == NULL || loss_read(v, &q, e) != 0)
		return -1;
	for (size_t i = 0; i < val_count(x); i++)
		logp[i] = elem_f(x->type, x->data, i);
	return loss_apply(v, &q, logp, e);
}

static void
log_softmax(const struct val *x, const struct line *l, int64_t j, double *logp)
{
	double max = -INFINITY, sum = 0;

	for (int64_t k = 0; k < l->n; k++)
		max = fmax(max, elem_f(x->type, x->data, class_at(l, j, k)));
	for (int64_t k = 0; k < l->n; k++)
		sum += exp(elem_f(x->type, x->data, class_at(l, j, k)) - max);
	for (int64_t k = 0; k < l->n; k++)
		logp[class_at(l, j, k)] = elem_f(x->type, x->data,
		    class_at(l, j, k)) - max - log(sum);
}

static int
entropy_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	double *logp = view_scratch(v, val_count(x) + 1, sizeof(*logp), e);
	struct loss q;
	void *out;

	if (logp == NULL || loss_read(v, &q, e) != 0)
		return -1;
	for (int64_t j = 0; j < q.l.outer * q.l.inner; j++)
		log_softmax(x, &q.l, j, logp);
	if (view_out(v, 1) != NULL) {
		if ((out = view_alloc(v, 1, e)) == NULL)
			return -1;
		for (size_t i = 0; i < val_count(x); i++)
			elem_set_f(x->type, out, i, logp[i]);
	}
	return loss_apply(v, &q, logp, e);
}

OP_FAMILY(loss_ops);
const struct op loss_ops[] = {
	{ .name = "NegativeLogLikelihoodLoss", .since = 12, .types =
	    "fdh i fdh",
	  .infer = loss_infer, .host = nll_host },
	{ .name = "SoftmaxCrossEntropyLoss", .since = 12, .types = "fdh i fdh",
	  .infer = loss_infer, .host = entropy_host },
	{ .name = NULL }
};
