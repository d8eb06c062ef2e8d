/* NonMaxSuppression. */
#include <math.h>

#include "op/op.h"
#include "op/shape.h"

struct nms {
	int64_t	batches, classes, boxes, most, centre;
	double	iou, score;
};

static int
scalar_or(const struct val *x, double *out, struct err *e)
{
	return x == NULL || val_count(x) == 0 ? 0 : val_scalar_f(x, out, e);
}

static int
nms_read(const struct view *v, struct nms *q, struct err *e)
{
	const struct shape *b, *s;
	double most = 0;

	*q = (struct nms){ .score = -INFINITY };
	if (op_want(v, 2, e) != 0 ||
	    op_want_rank(v->in[0], 3, 3, "boxes", e) != 0 ||
	    op_want_rank(v->in[1], 3, 3, "scores", e) != 0 ||
	    scalar_or(view_in(v, 2), &most, e) != 0 ||
	    scalar_or(view_in(v, 3), &q->iou, e) != 0 ||
	    scalar_or(view_in(v, 4), &q->score, e) != 0 ||
	    attr_int(v->node, "center_point_box", 0, &q->centre, e) != 0)
		return -1;
	b = &v->in[0]->shape;
	s = &v->in[1]->shape;
	if (b->dim[0] != s->dim[0] || b->dim[1] != s->dim[2] || b->dim[2] != 4)
		return view_error(e, "boxes and scores do not match");
	q->batches = b->dim[0];
	q->boxes = b->dim[1];
	q->classes = s->dim[1];
	q->most = most > (double)q->boxes ? q->boxes :
	    most > 0 ? (int64_t)most : 0;
	return 0;
}

static int
nms_infer(struct view *v, struct err *e)
{
	struct shape o = { 2, { -1, 3 } };
	struct nms q;

	if (op_need_all(v) != 0 || nms_read(v, &q, e) != 0)
		return -1;
	view_set(v, 0, DT_INT64, &o, row_any(v));
	return 0;
}

/* y1, x1, y2, x2 with the smaller first. */
static void
corners(const struct nms *q, const struct val *boxes, size_t at, double *c)
{
	double p[4];

	for (size_t i = 0; i < 4; i++)
		p[i] = elem_f(boxes->type, boxes->data, at * 4 + i);
	if (q->centre) {
		c[0] = p[1] - p[3] / 2;
		c[1] = p[0] - p[2] / 2;
		c[2] = p[1] + p[3] / 2;
		c[3] = p[0] + p[2] / 2;
		return;
	}
	c[0] = fmin(p[0], p[2]);
	c[1] = fmin(p[1], p[3]);
	c[2] = fmax(p[0], p[2]);
	c[3] = fmax(p[1], p[3]);
}

static bool
overlap(const double *a, const double *b, double limit)
{
	double h = fmin(a[2], b[2]) - fmax(a[0], b[0]);
	double w = fmin(a[3], b[3]) - fmax(a[1], b[1]);
	double both = h > 0 && w > 0 ? h * w : 0;
	double all = (a[2] - a[0]) * (a[3] - a[1]) +
	    (b[2] - b[0]) * (b[3] - b[1]) - both;

	return both > 0 && all > 0 && both / all > limit;
}

struct by_score {
	const struct val	*scores;
	size_t			 base;
};

static int
higher(const void *a, const void *b, void *arg)
{
	const struct by_score *s = arg;
	int64_t i = *(const int64_t *)a, k = *(const int64_t *)b;
	double p = elem_f(s->scores->type, s->scores->data,
	    s->base + (size_t)i);
	double q = elem_f(s->scores->type, s->scores->data,
	    s->base + (size_t)k);

	return p != q ? (p < q) - (p > q) : (i > k) - (i < k);
}

/* The chosen boxes of one class, into pick; their number. */
static int64_t
choose(const struct view *v, const struct nms *q, int64_t batch, int64_t class,
    int64_t *order, double *kept, int64_t *pick)
{
	struct by_score s = { v->in[1],
	    (size_t)((batch * q->classes + class) * q->boxes) };
	int64_t n = 0, found = 0;

	for (int64_t i = 0; i < q->boxes; i++)
		if (elem_f(s.scores->type, s.scores->data,
		    s.base + (size_t)i) > q->score)
			order[n++] = i;
	qsort_r(order, (size_t)n, sizeof(*order), higher, &s);
	for (int64_t i = 0; i < n && found < q->most; i++) {
		double *box = kept + 4 * found;
		int64_t k = 0;

		corners(q, v->in[0], (size_t)(batch * q->boxes + order[i]),
		    box);
		while (k < found && !overlap(box, kept + 4 * k, q->iou))
			k++;
		if (k == found)
			pick[found++] = order[i];
	}
	return found;
}

static int
nms_host(struct view *v, struct err *e)
{
	struct shape o = { 2, { 0, 3 } };
	int64_t *order, *pick, *all, *out;
	double *kept;
	size_t room, n = 0;
	struct nms q;

	if (nms_read(v, &q, e) != 0)
		return -1;
	room = (size_t)q.boxes + 1;
	order = view_scratch(v, room, sizeof(*order), e);
	pick = view_scratch(v, room, sizeof(*pick), e);
	kept = view_scratch(v, room, 4 * sizeof(*kept), e);
	all = view_scratch(v, (size_t)(q.batches * q.classes * q.most) + 1,
	    3 * sizeof(*all), e);
	if (order == NULL || pick == NULL || kept == NULL || all == NULL)
		return -1;
	for (int64_t i = 0; i < q.batches * q.classes; i++) {
		int64_t b = i / q.classes, c = i % q.classes;
		int64_t found = choose(v, &q, b, c, order, kept, pick);

		for (int64_t k = 0; k < found; k++, n++) {
			all[3 * n] = b;
			all[3 * n + 1] = c;
			all[3 * n + 2] = pick[k];
		}
	}
	o.dim[0] = (int64_t)n;
	if ((out = view_alloc_as(v, 0, DT_INT64, &o, e)) == NULL)
		return -1;
	memcpy(out, all, 3 * n * sizeof(*all));
	return 0;
}

OP_FAMILY(nms_ops);
const struct op nms_ops[] = {
	{ .name = "NonMaxSuppression", .since = 10, .types = "f f i f f",
	  .infer = nms_infer, .host = nms_host },
	{ .name = NULL }
};
