/*
 * Winograd convolution on the CPU: 3x3, stride 1, no dilation, blocked maps;
 * groups if their channels fill whole panels.  Kernels: cl/wino.cl.
 */
#include <stdio.h>

#include "base/size.h"
#include "op/conv.h"
#include "op/tile.h"

/* One way to do a layer, and what it is expected to cost. */
struct wino {
	const struct conv	*c;
	int			 vec, nb;
	/* outputs of a tile, each way */
	int			 m;
	int			 mr;		/* tiles of a register tile */
	int64_t			 tx, ty, tiles;
	/* input blocks, output panels */
	int64_t			 cb, panels;
	int64_t			 gb, gp;	/* those of one group */
	double			 bytes;		/* of weights */
	double			 cost;
};

/*
 * Multiplications a core does while it reads one byte from memory: the weights
 * of a layer are cold when its turn comes again.
 */
#define MACS_PER_BYTE	6.0

/* Multiplications in the time of one value's transform. */
#define TRANSFORM_COST	6.0

/* Weights that stay in a core's cache while it works on other tiles. */
#define CACHED		2.5e6

/* Time, in multiplications: reading weights overlaps most of the rest. */
static double
layer_cost(double macs, double bytes)
{
	double read = bytes * MACS_PER_BYTE;

	return macs > read ? macs + read / 4 : read + macs / 4;
}

static void
plan_tiles(struct wino *w, int m)
{
	const struct conv *c = w->c;
	int n = m + 2, most = tile_width_max(w->vec, w->nb);
	double nn = n * n, values;

	w->m = m;
	w->ty = ceil_div(c->out[0], m);
	w->tx = ceil_div(c->out[1], m);
	w->tiles = c->n * w->ty * w->tx;
	w->mr = tile_width(w->tiles, most / 2 + 1, most);
	values = (double)ceil_div(w->tiles, w->mr) * w->mr * nn;
	w->bytes = nn * (double)(w->gb * w->vec * w->panels * w->nb * w->vec) *
	    sizeof(float);
	w->cost = layer_cost(values * w->bytes / nn / sizeof(float), w->bytes);
	w->cost += values * (double)((w->cb + w->panels * w->nb) * w->vec) *
	    TRANSFORM_COST;
}

/* The matrix that transforms a row of weights: (m + 2) x 3. */
static void
points(int m, double g[6][3])
{
	static const double at[] = { 0, 0.75, -0.75, 1.5, -1.5 };
	static const double at2[] = { 0, 1, -1 };
	const double *p = m == 4 ? at : at2;

	for (int i = 0; i <= m; i++) {
		double norm = m == 2 && i == 0 ? -1 : 1;

		for (int j = 0; j <= m; j++)
			norm *= i == j ? 1 : p[i] - p[j];
		g[i][0] = 1 / norm;
		g[i][1] = p[i] / norm;
		g[i][2] = p[i] * p[i] / norm;
	}
	g[m + 1][0] = g[m + 1][1] = 0;
	g[m + 1][2] = 1;
}

/* G w G' of one 3x3 kernel: element i to u[i * step]. */
static void
transform(double g[6][3], int n, const float *w, float *u, size_t step)
{
	double t[6][3];

	for (int i = 0; i < n; i++)
		for (int j = 0; j < 3; j++)
			t[i][j] = g[i][0] * w[j] + g[i][1] * w[3 + j] +
			    g[i][2] * w[6 + j];
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			u[(size_t)(i * n + j) * step] = (float)(t[i][0] *
			    g[j][0] + t[i][1] * g[j][1] + t[i][2] * g[j][2]);
}

static int
fill_weights(void *dst, size_t bytes, const struct val *v, const void *arg)
{
	const struct wino *f = arg;
	const float *w = v->data;
	int64_t nr = f->nb * f->vec, cg = f->c->c / f->c->group;
	size_t step = (size_t)(f->gb * f->vec * nr);
	int n = f->m + 2;
	double g[6][3];

	(void)bytes;
	points(f->m, g);
	for (int64_t m = 0; m < f->c->m; m++) {
		float *u = (float *)dst + (size_t)(m / nr * n * n) * step +
		    m % nr;

		for (int64_t c = 0; c < cg; c++, w += 9)
			transform(g, n, w, u + c * nr, step);
	}
	return 0;
}

static struct storage *
pack(struct plan *p, const struct wino *f, struct err *err)
{
	int n = f->m + 2;
	size_t bytes = sizeof(float) * (size_t)(n * n);
	char key[64];

	if (!size_mul(bytes, (size_t)(f->panels * f->nb * f->vec), &bytes) ||
	    !size_mul(bytes, (size_t)(f->gb * f->vec), &bytes)) {
		(void)err_memory(err, "weights", SIZE_MAX);
		return NULL;
	}
	(void)snprintf(key, sizeof(key), "wino %d %d %d", f->m, f->vec, f->nb);
	return plan_packed(p, f->c->w, key, bytes, fill_weights, f, err);
}

static void
geometry(struct step *s, const struct wino *f)
{
	const struct conv *c = f->c;

	step_int(s, f->cb);
	step_int(s, c->m);
	step_int(s, c->in[0]);
	step_int(s, c->in[1]);
	step_int(s, c->out[0]);
	step_int(s, c->out[1]);
	step_int(s, c->pad[0]);
	step_int(s, c->pad[1]);
	step_int(s, f->tx);
	step_int(s, f->ty);
	step_int(s, f->tiles);
}

static struct step *
step(struct plan *p, const struct wino *f, const char *kernel,
    const char *only, struct err *err)
{
	return plan_step(p, err, "wino", kernel,
	    "-D%s -DM=%d -DMR=%d -DNB=%d%s", only, f->m, f->mr, f->nb,
	    f->c->m % f->vec ? " -DTAIL" : "");
}

/* Everything in one kernel, each piece some tile blocks. */
static int
fused(struct view *v, const struct wino *f, struct val *x,
    struct storage *u, struct storage *bias, struct plan *p, struct err *err)
{
	int64_t blocks = ceil_div(f->tiles, f->mr);
	int64_t nt = blocks / (6 * plan_facts(p)->lanes);
	int nn = (f->m + 2) * (f->m + 2);
	struct step *s = step(p, f, "wino_fused", "ONLY_FUSED", err);

	if (s == NULL)
		return -1;
	nt = nt > 4 ? 4 : nt < 1 ? 1 : nt;
	step_in(s, x);
	step_pack(s, u);
	step_pack(s, bias);
	step_out(s, view_result(v));
	step_scratch(s, sizeof(float) * (size_t)(nt * f->mr * nn * f->vec) *
	    (size_t)(f->cb + f->nb));
	geometry(s, f);
	step_int(s, nt);
	step_epilogue(s, v, LAYOUT_BLOCKED);
	step_groups(s, (size_t)ceil_div(blocks, nt), 1);
	return plan_end(p, s, err);
}

static int
split_in(const struct wino *f, struct val *x, struct storage *t,
    struct plan *p, struct err *err)
{
	int64_t blocks = ceil_div(f->tiles, f->mr);
	int64_t parts = ceil_div(8 * plan_facts(p)->lanes, blocks);
	int64_t slice = ceil_div(f->cb, parts);
	struct step *s = step(p, f, "wino_in", "ONLY_IN", err);

	if (s == NULL)
		return -1;
	step_in(s, x);
	step_temp(s, t);
	geometry(s, f);
	step_int(s, slice);
	step_groups(s, (size_t)(blocks * ceil_div(f->cb, slice)), 1);
	return plan_end(p, s, err);
}

/* Two kernels, so that few tiles can still be shared by all lanes. */
static int
split(struct view *v, const struct wino *f, struct val *x, struct storage *u,
    struct storage *bias, struct plan *p, struct err *err)
{
	int64_t blocks = ceil_div(f->tiles, f->mr);
	int64_t nt = blocks * f->panels / (4 * plan_facts(p)->lanes);
	int64_t nn = (f->m + 2) * (f->m + 2);
	struct storage *t;
	struct step *s;

	nt = nt > 8 ? 8 : nt < 1 ? 1 : nt;
	if (nt > blocks)
		nt = blocks;
	t = plan_temp(p, sizeof(float) * (size_t)(ceil_div(blocks, nt) * nt *
	    nn * f->cb * f->mr * f->vec), err);
	if (t == NULL || split_in(f, x, t, p, err) < 0)
		return -1;
	s = step(p, f, "wino_out", "ONLY_OUT", err);
	if (s == NULL)
		return -1;
	step_temp(s, t);
	step_pack(s, u);
	step_pack(s, bias);
	step_out(s, view_result(v));
	step_scratch(s, sizeof(float) * (size_t)(nt * f->mr * nn * f->nb *
	    f->vec));
	geometry(s, f);
	step_int(s, nt);
	step_int(s, f->gb);
	step_int(s, f->gp);
	step_epilogue(s, v, LAYOUT_BLOCKED);
	step_groups(s, (size_t)(f->panels * ceil_div(blocks, nt)), 1);
	return plan_end(p, s, err);
}

/* Is it a convolution for Winograd at all? */
static bool
suits(const struct conv *c, const struct wino *f)
{
	if (c->rank != 2)
		return false;
	for (int i = 0; i < 2; i++)
		if (c->k[i] != 3 || c->stride[i] != 1 || c->dilation[i] != 1 ||
		    c->pad[i] < 0)
			return false;
	if (c->group > 1 && (c->c / c->group % f->vec != 0 ||
	    c->m / c->group % (f->nb * f->vec) != 0))
		return false;
	return c->c / c->group >= f->vec / 2;
}

/* The time of the direct kernel, in the same unit. */
static double
direct_cost(const struct conv *c, int vec)
{
	double w = 9.0 * (double)(ceil_div(c->c / c->group, vec) * vec) *
	    (double)(ceil_div(c->m, vec) * vec);

	return layer_cost(w * (double)(c->n * c->out[0] * c->out[1]),
	    w * sizeof(float));
}

int
conv_wino(struct view *v, const struct conv *c, struct plan *p,
    struct err *err)
{
	const struct ocl_facts *facts = plan_facts(p);
	struct wino f = { .c = c, .vec = facts->vec, .nb = 2 }, f2;
	struct storage *u, *bias;
	struct val *x;

	if (!tile_takes(c, p) || !suits(c, &f))
		return 1;
	if (c->m <= f.vec)
		f.nb = 1;
	f.cb = ceil_div(c->c, f.vec);
	f.panels = ceil_div(c->m, f.nb * f.vec);
	f.gb = ceil_div(c->c / c->group, f.vec);
	f.gp = f.panels / c->group;
	f2 = f;
	plan_tiles(&f, 4);
	plan_tiles(&f2, 2);
	if (f2.cost < f.cost)
		f = f2;
	if (direct_cost(c, f.vec) < f.cost)
		return 1;

	u = pack(p, &f, err);
	bias = tile_bias(p, c->b, c->w, c->m, f.panels * f.nb * f.vec, err);
	x = plan_as(p, c->x, LAYOUT_BLOCKED, err);
	if (u == NULL || bias == NULL || x == NULL)
		return -1;
	view_result(v)->layout = LAYOUT_BLOCKED;
	if (ceil_div(f.tiles, f.mr) >= 6 * facts->lanes && c->group == 1 &&
	    f.bytes < CACHED)
		return fused(v, &f, x, u, bias, p, err);
	return split(v, &f, x, u, bias, p, err);
}
