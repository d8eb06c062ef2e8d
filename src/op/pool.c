/* Pooling: rows, definitions, and the choice among device forms. */
#include "op/pool.h"

#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"
#include "op/window.h"

typedef int	read_fn(const struct view *, struct window *, struct err *);

static int
read_window(const struct view *v, struct window *w, struct err *e)
{
	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 3, MAX_RANK, "X", e) != 0)
		return -1;
	return window_read(v, &v->in[0]->shape, NULL, w, e);
}

static int
read_global(const struct view *v, struct window *w, struct err *e)
{
	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 2, MAX_RANK, "X", e) != 0)
		return -1;
	window_global(&v->in[0]->shape, w);
	return 0;
}

static int
pool_infer(struct view *v, read_fn *read, struct err *e)
{
	struct window w;
	struct shape o;
	int row;

	if (read(v, &w, e) != 0)
		return -1;
	window_shape(&w, v->in[0]->shape.dim[0], v->in[0]->shape.dim[1], &o);
	row = row_unless(v->in[0], ~3u);
	view_set(v, 0, v->in[0]->type, &o, row);
	view_set(v, 1, DT_INT64, &o, row == ROW_FREE ? ROW_FREE : ROW_MIXED);
	return 0;
}

/* One output's taps: the box of input positions a window covers. */
struct taps {
	int64_t	lo[WINDOW_RANK], hi[WINDOW_RANK], at[WINDOW_RANK];
	bool	empty;
};

static void
taps_init(struct taps *t, const struct window *w, const int64_t *o)
{
	t->empty = false;
	for (int i = 0; i < w->rank; i++) {
		window_taps(w, i, o[i], 0, w->in[i], &t->lo[i], &t->hi[i]);
		t->at[i] = t->lo[i];
		t->empty = t->empty || t->lo[i] == t->hi[i];
	}
}

/* The tap's element in the channel's plane. */
static size_t
taps_offset(const struct taps *t, const struct window *w, const int64_t *o)
{
	size_t at = 0;

	for (int i = 0; i < w->rank; i++)
		at = at * (size_t)w->in[i] + (size_t)(o[i] * w->stride[i] -
		    w->pad[i] + t->at[i] * w->dilation[i]);
	return at;
}

static bool
taps_next(struct taps *t, const struct window *w)
{
	for (int i = w->rank - 1; i >= 0; i--) {
		if (++t->at[i] < t->hi[i])
			return true;
		t->at[i] = t->lo[i];
	}
	return false;
}

/* The storage-order index of an element: columns first if the node says so. */
static int64_t
max_index(const struct window *w, size_t plane, size_t at, int64_t order)
{
	size_t size = 1, stride = 1, out = 0;

	for (int i = 0; i < w->rank; i++)
		size *= (size_t)w->in[i];
	if (!order)
		return (int64_t)(plane * size + at);
	for (int i = 0; i < w->rank; i++) {
		size_t below = 1;

		for (int k = i + 1; k < w->rank; k++)
			below *= (size_t)w->in[k];
		out += at / below % (size_t)w->in[i] * stride;
		stride *= (size_t)w->in[i];
	}
	return (int64_t)(plane * size + out);
}

/* The largest of a window, in x's own type; its place in *best. */
static void
max_of(const struct val *x, const struct window *w, size_t base,
    const int64_t *o, size_t *best)
{
	struct taps t;
	double top = -INFINITY;

	*best = 0;
	taps_init(&t, w, o);
	if (t.empty)
		return;
	*best = taps_offset(&t, w, o);
	do {
		size_t at = taps_offset(&t, w, o);
		double y = elem_f(x->type, x->data, base + at);

		if (y > top || (isnan(y) && !isnan(top))) {
			top = y;
			*best = at;
		}
	} while (taps_next(&t, w));
}

static int
largest_host(struct view *v, read_fn *read, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	int64_t *index = NULL, order;
	struct window w;
	struct walk at;
	size_t plane;

	if (out == NULL || read(v, &w, e) != 0 ||
	    attr_int(v->node, "storage_order", 0, &order, e) != 0)
		return -1;
	if (view_out(v, 1) != NULL && (index = view_alloc(v, 1, e)) == NULL)
		return -1;
	plane = (size_t)shape_span(&x->shape, 2, x->shape.rank);
	for (walk_init(&at, &v->out[0]->shape); walk_more(&at);
	    walk_next(&at)) {
		size_t c = (size_t)(at.at[0] * x->shape.dim[1] + at.at[1]);
		size_t best;

		if (plane == 0)
			return view_error(e, "an empty plane has no maximum");
		max_of(x, &w, c * plane, at.at + 2, &best);
		elem_copy(x->type, out, at.i, x->data, c * plane + best);
		if (index != NULL)
			index[at.i] = max_index(&w, c, best, order);
	}
	return 0;
}

/*
 * Taps on the input and its padding: what an average that counts it divides
 * by.
 */
static double
padded_taps(const struct window *w, const int64_t *o)
{
	double n = 1;

	for (int i = 0; i < w->rank; i++) {
		int64_t lo, hi;

		window_taps(w, i, o[i], -w->pad[i], w->in[i] + w->pad_end[i],
		    &lo, &hi);
		n *= (double)(hi - lo);
	}
	return n;
}

/* p 0: the mean; else (sum |x|^p)^(1/p). */
static double
power_of(const struct val *x, const struct window *w, size_t base,
    const int64_t *o, double p, bool count_pad)
{
	double sum = 0, n = 0;
	struct taps t;

	taps_init(&t, w, o);
	if (t.empty)
		return 0;
	do {
		double y = elem_f(x->type, x->data,
		    base + taps_offset(&t, w, o));

		sum += p == 0 ? y : pow(fabs(y), p);
		n++;
	} while (taps_next(&t, w));
	if (p != 0)
		return pow(sum, 1 / p);
	return sum / (count_pad ? padded_taps(w, o) : n);
}

static int
power_host(struct view *v, read_fn *read, bool lp, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	int64_t count_pad, p;
	struct window w;
	struct walk at;
	size_t plane;

	if (out == NULL || read(v, &w, e) != 0 ||
	    attr_int(v->node, "count_include_pad", 0, &count_pad, e) != 0 ||
	    attr_int(v->node, "p", 2, &p, e) != 0)
		return -1;
	plane = (size_t)shape_span(&x->shape, 2, x->shape.rank);
	for (walk_init(&at, &v->out[0]->shape); walk_more(&at);
	    walk_next(&at)) {
		size_t c = (size_t)(at.at[0] * x->shape.dim[1] + at.at[1]);

		elem_set_f(x->type, out, at.i, power_of(x, &w, c * plane,
		    at.at + 2, lp ? (double)p : 0, count_pad != 0));
	}
	return 0;
}

static void
geometry(const struct view *v, const struct window *w, enum pool_kind kind,
    bool count_pad, struct pool *g)
{
	*g = (struct pool){
		.kind = kind, .count_pad = count_pad, .rank = w->rank,
		.n = v->in[0]->shape.dim[0], .c = v->in[0]->shape.dim[1],
		.x = v->in[0],
	};
	for (int i = 0; i < w->rank; i++) {
		g->in[i] = w->in[i];
		g->out[i] = w->out[i];
		g->k[i] = w->k[i];
		g->stride[i] = w->stride[i];
		g->dilation[i] = w->dilation[i];
		g->pad[i] = w->pad[i];
		g->pad_end[i] = w->pad_end[i];
	}
}

static void
step_axes(struct step *s, const int64_t *x, int rank, int64_t fill)
{
	for (int i = 0; i < POOL_RANK; i++)
		step_int(s, i < POOL_RANK - rank ? fill :
		    x[i - (POOL_RANK - rank)]);
}

static int
generic(struct view *v, const struct pool *g, struct plan *p, struct err *e)
{
	struct val *x = plan_as(p, g->x, LAYOUT_PLAIN, e);
	struct step *s;

	if (x == NULL)
		return -1;
	s = plan_step(p, e, "pool_any", "pool_any",
	    "-DAVERAGE=%d -DCOUNT_PAD=%d",
	    g->kind == POOL_AVERAGE, g->count_pad);
	if (s == NULL)
		return -1;
	step_in(s, x);
	step_out(s, view_result(v));
	step_int(s, (int64_t)val_count(v->out[0]));
	step_axes(s, g->in, g->rank, 1);
	step_axes(s, g->out, g->rank, 1);
	step_axes(s, g->k, g->rank, 1);
	step_axes(s, g->stride, g->rank, 1);
	step_axes(s, g->dilation, g->rank, 1);
	step_axes(s, g->pad, g->rank, 0);
	step_axes(s, g->pad_end, g->rank, 0);
	step_int(s, g->c);
	step_epilogue(s, v, LAYOUT_PLAIN);
	step_items(s, val_count(v->out[0]));
	return plan_end(p, s, e);
}

static int
pool_plan(struct view *v, read_fn *read, enum pool_kind kind, struct plan *p,
    struct err *e)
{
	int64_t count_pad;
	struct window w;
	struct pool g;
	int i, r;

	if (read(v, &w, e) != 0 ||
	    attr_int(v->node, "count_include_pad", 0, &count_pad, e) != 0)
		return -1;
	if (view_out(v, 1) != NULL || !all_float(v) || w.rank > POOL_RANK ||
	    w.rank < 1 || !fits_int(v->out[0]) || val_count(v->in[0]) == 0 ||
	    val_count(v->out[0]) == 0)
		return 1;
	geometry(v, &w, kind, count_pad != 0, &g);
	for (i = 0; pool_forms[i] != NULL; i++)
		if (view_form(v, i) && (r = pool_forms[i](v, &g, p, e)) <= 0)
			return r;
	return view_form(v, i) ? generic(v, &g, p, e) : 1;
}

#define INFER(name, read)						\
static int								\
name##_infer(struct view *v, struct err *e)				\
{									\
	return pool_infer(v, read, e);					\
}
#define HOST(name, call)						\
static int								\
name##_host(struct view *v, struct err *e)				\
{									\
	return call;							\
}
#define PLAN(name, read, kind)						\
static int								\
name##_plan(struct view *v, struct plan *p, struct err *e)		\
{									\
	return pool_plan(v, read, kind, p, e);				\
}

INFER(window, read_window)
INFER(global, read_global)
HOST(max, largest_host(v, read_window, e))
HOST(global_max, largest_host(v, read_global, e))
HOST(average, power_host(v, read_window, false, e))
HOST(global_average, power_host(v, read_global, false, e))
HOST(lp, power_host(v, read_window, true, e))
HOST(global_lp, power_host(v, read_global, true, e))
PLAN(max, read_window, POOL_MAX)
PLAN(global_max, read_global, POOL_MAX)
PLAN(average, read_window, POOL_AVERAGE)
PLAN(global_average, read_global, POOL_AVERAGE)

static int
channel_1(const struct view *v)
{
	(void)v;
	return 1;
}

#define ROW(op, takes, i, h)						\
{									\
	.name = op, .since = 1, .types = takes, .infer = i##_infer,	\
	.host = h##_host,						\
}
#define FAST(op, takes, i, h)						\
{									\
	.name = op, .since = 1, .types = takes,				\
	.flags = OP_LAYOUT | OP_EPILOGUE, .infer = i##_infer,		\
	.host = h##_host, .plan = h##_plan, .channel_axis = channel_1,	\
}

OP_FAMILY(pool_ops);
const struct op pool_ops[] = {
	FAST("MaxPool", "fdhiu", window, max),
	FAST("GlobalMaxPool", "fdhiu", global, global_max),
	FAST("AveragePool", "fdh", window, average),
	FAST("GlobalAveragePool", "fdh", global, global_average),
	ROW("LpPool", "fdh", window, lp),
	ROW("GlobalLpPool", "fdh", global, global_lp),
	{ .name = NULL }
};
