/* GridSample: values of an image at given places. */
#include <math.h>

#include "op/op.h"
#include "op/shape.h"

enum grid_mode { GRID_NEAREST, GRID_LINEAR, GRID_CUBIC };
enum grid_pad { GRID_ZEROS, GRID_BORDER, GRID_REFLECT };

struct grid {
	int		rank;		/* spatial axes */
	enum grid_mode	mode;
	enum grid_pad	pad;
	int64_t		corners;
};

static int
grid_read(const struct view *v, struct grid *g, struct err *e)
{
	const struct shape *x, *at;
	const char *mode, *pad;

	if (op_want(v, 2, e) != 0 ||
	    op_want_rank(v->in[0], 3, MAX_RANK, "X", e) != 0 ||
	    attr_string(v->node, "mode", "linear", &mode, e) != 0 ||
	    attr_string(v->node, "padding_mode", "zeros", &pad, e) != 0 ||
	    attr_int(v->node, "align_corners", 0, &g->corners, e) != 0)
		return -1;
	x = &v->in[0]->shape;
	at = &v->in[1]->shape;
	g->rank = x->rank - 2;
	g->mode = strcmp(mode, "nearest") == 0 ? GRID_NEAREST :
	    strcmp(mode, "cubic") == 0 || strcmp(mode, "bicubic") == 0 ?
	    GRID_CUBIC : GRID_LINEAR;
	g->pad = strcmp(pad, "border") == 0 ? GRID_BORDER :
	    strcmp(pad, "reflection") == 0 ? GRID_REFLECT : GRID_ZEROS;
	if (at->rank != x->rank || at->dim[at->rank - 1] != g->rank ||
	    at->dim[0] != x->dim[0])
		return view_error(e, "the grid does not match X");
	return 0;
}

static int
grid_infer(struct view *v, struct err *e)
{
	struct shape o;
	struct grid g;
	int row;

	if (grid_read(v, &g, e) != 0)
		return -1;
	o = v->in[1]->shape;
	for (int i = o.rank - 1; i > 1; i--)
		o.dim[i] = o.dim[i - 1];
	o.dim[1] = v->in[0]->shape.dim[1];
	row = v->in[0]->row == 0 && v->in[1]->row == 0 ? 0 : row_any(v);
	view_set(v, 0, v->in[0]->type, &o, row);
	return 0;
}

/* Mirror at lo and hi until within. */
static double
reflect(double x, double lo, double hi)
{
	double range = hi - lo, d;

	if (range <= 0)
		return lo;
	d = fmod(fabs(x - lo), 2 * range);
	return d > range ? lo + 2 * range - d : lo + d;
}

/* A tap's place along an axis of n, by the padding rule; -1: zero. */
static int64_t
tap_at(const struct grid *g, double at, int64_t n)
{
	double last = (double)(n - 1);

	if (g->pad == GRID_REFLECT)
		at = g->corners ? reflect(at, 0, last) :
		    reflect(at, -0.5, last + 0.5);
	if (g->pad != GRID_ZEROS)
		at = at < 0 ? 0 : at > last ? last : at;
	if (!(at >= 0 && at <= last))
		return -1;
	return (int64_t)rint(at);
}

static double
cubic(double d)
{
	const double a = -0.75;

	d = fabs(d);
	if (d <= 1)
		return ((a + 2) * d - (a + 3)) * d * d + 1;
	return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* Taps and weights around x: their number. */
static int
taps(const struct grid *g, double x, int64_t n, int64_t *at, double *w)
{
	int count = g->mode == GRID_NEAREST ? 1 :
	    g->mode == GRID_LINEAR ? 2 : 4;
	double base = g->mode == GRID_NEAREST ? rint(x) :
	    g->mode == GRID_LINEAR ? floor(x) : floor(x) - 1;

	for (int i = 0; i < count; i++) {
		double d = x - (base + i);

		at[i] = tap_at(g, base + i, n);
		w[i] = g->mode == GRID_NEAREST ? 1 :
		    g->mode == GRID_LINEAR ? 1 - fabs(d) : cubic(d);
	}
	return count;
}

/* [-1, 1] to pixels. */
static double
pixel(const struct grid *g, double x, int64_t n)
{
	if (g->corners)
		x = (x + 1) / 2 * (double)(n - 1);
	else
		x = ((x + 1) * (double)n - 1) / 2;
	/* Far outside is outside: keep the arithmetic within integers. */
	return x > 1e9 ? 1e9 : x < -1e9 ? -1e9 : x == x ? x : -1e9;
}

static double
grid_at(const struct view *v, const struct grid *g, const struct walk *o)
{
	const struct val *x = v->in[0], *p = v->in[1];
	int64_t at[MAX_RANK][4], from = o->at[0];
	double w[MAX_RANK][4], sum = 0;
	int n[MAX_RANK], k[MAX_RANK] = { 0 }, a;

	for (int i = 0; i < g->rank; i++)
		from = from * p->shape.dim[i + 1] + o->at[i + 2];
	for (int i = 0; i < g->rank; i++) {
		int64_t dim = x->shape.dim[i + 2];
		double place = elem_f(p->type, p->data,
		    (size_t)(from * g->rank + g->rank - 1 - i));

		n[i] = taps(g, pixel(g, place, dim), dim, at[i], w[i]);
	}
	do {
		int64_t i = o->at[0] * x->shape.dim[1] + o->at[1];
		double weight = 1;
		bool inside = true;

		for (int d = 0; d < g->rank; d++) {
			inside = inside && at[d][k[d]] >= 0;
			i = i * x->shape.dim[d + 2] + at[d][k[d]];
			weight *= w[d][k[d]];
		}
		if (inside && weight != 0)
			sum += weight * elem_f(x->type, x->data, (size_t)i);
		for (a = g->rank - 1; a >= 0 && ++k[a] == n[a]; a--)
			k[a] = 0;
	} while (a >= 0);
	return sum;
}

static int
grid_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	struct grid g;
	struct walk w;

	if (out == NULL || grid_read(v, &g, e) != 0)
		return -1;
	if (val_count(v->in[0]) == 0)
		return val_count(v->out[0]) == 0 ? 0 :
		    view_error(e, "X is empty");
	for (walk_init(&w, &v->out[0]->shape); walk_more(&w); walk_next(&w))
		elem_set_f(v->out[0]->type, out, w.i, grid_at(v, &g, &w));
	return 0;
}

OP_FAMILY(grid_ops);
const struct op grid_ops[] = {
	{ .name = "GridSample", .since = 16, .types = "fdh",
	  .infer = grid_infer, .host = grid_host },
	{ .name = NULL }
};
