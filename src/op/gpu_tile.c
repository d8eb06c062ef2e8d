/*
 * Products and convolutions on the GPU profile, a tile of the result per group
 * of work-items.  Kernel: cl/tile.cl.
 */
#include <limits.h>

#include "op/conv.h"
#include "op/gemm.h"
#include "op/tile.h"

#define ROWS_MIN	8	/* fewer leave most of a tile idle */

/* How large a tile is: smaller ones where large ones leave units idle. */
struct size {
	int	side, res;
};

static bool
choose(const struct ocl_facts *f, int64_t m, int64_t n, int64_t batch,
    struct size *s)
{
	static const struct size sizes[] = {
		{ 16, 4 }, { 16, 2 }, { 8, 4 }, { 8, 2 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int64_t t = sizes[i].side * sizes[i].res;

		*s = sizes[i];
		if ((size_t)(s->side * s->side) > f->max_group)
			continue;
		if (ceil_div(m, t) * ceil_div(n, t) * batch >= 2 * f->units)
			return true;
	}
	return (size_t)(s->side * s->side) <= f->max_group;
}

static int64_t
groups_of(const struct size *s, int64_t m, int64_t n, int64_t batch)
{
	int64_t t = s->side * s->res;

	return ceil_div(m, t) * ceil_div(n, t) * batch;
}

static bool
small(double a, double b, double y)
{
	return a < INT_MAX && b < INT_MAX && y < INT_MAX;
}

int
gemm_tile(struct view *v, const struct gemm *g, struct plan *p,
    struct err *err)
{
	const struct ocl_facts *f = plan_facts(p);
	double batch = (double)g->batch;
	struct size size;
	struct step *s;

	if (f->profile != PROFILE_GPU || g->m < ROWS_MIN || g->n < ROWS_MIN ||
	    g->a->type != DT_FLOAT || g->b->type != DT_FLOAT ||
	    (g->c != NULL && g->c->type != DT_FLOAT) ||
	    g->b->shape.rank < 2 ||
	    !small(batch * (double)g->m * (double)g->k,
	    batch * (double)g->k * (double)g->n,
	    batch * (double)g->m * (double)g->n) ||
	    !choose(f, g->m, g->n, g->batch, &size))
		return 1;
	s = plan_step(p, err, "tile", "tile", "-DSIDE=%d -DRES=%d%s%s%s",
	    size.side, size.res, g->trans_a ? " -DTRANS_A" : "",
	    g->trans_b ? " -DTRANS_B" : "",
	    g->c != NULL || g->alpha != 1 ? " -DWITH_C" : "");
	if (s == NULL)
		return -1;
	step_in(s, g->a);
	step_in(s, g->b);
	step_in(s, g->c != NULL ? g->c : g->a);
	step_out(s, view_result(v));
	step_int(s, g->m);
	step_int(s, g->n);
	step_int(s, g->k);
	step_long(s, g->stride_a);
	step_long(s, g->stride_b);
	step_int(s, g->c_row);
	step_int(s, g->c_col);
	step_float(s, g->alpha);
	step_float(s, g->c != NULL ? g->beta : 0);
	step_epilogue(s, v, LAYOUT_PLAIN);
	step_groups_2d(s, (size_t)groups_of(&size, g->m, g->n, g->batch),
	    (size_t)size.side, (size_t)size.side);
	return plan_end(p, s, err);
}

static bool
conv_takes(const struct conv *c, const struct ocl_facts *f)
{
	double in = (double)c->n * (double)c->c;
	double out = (double)c->n * (double)c->m;

	if (f->profile != PROFILE_GPU || c->rank > 2 ||
	    c->x->type != DT_FLOAT || c->w->type != DT_FLOAT ||
	    (c->b != NULL && c->b->type != DT_FLOAT) ||
	    c->m / c->group < ROWS_MIN)
		return false;
	for (int i = 0; i < c->rank; i++) {
		in *= (double)c->in[i];
		out *= (double)c->out[i];
	}
	return small(in, (double)c->m * (double)c->c, out);
}

static void
conv_geometry(struct step *s, const struct conv *c)
{
	int r = c->rank - 1;

	step_int(s, r ? c->in[0] : 1);
	step_int(s, c->in[r]);
	step_int(s, c->out[r]);
	step_int(s, r ? c->k[0] : 1);
	step_int(s, c->k[r]);
	step_int(s, r ? c->stride[0] : 1);
	step_int(s, c->stride[r]);
	step_int(s, r ? c->dilation[0] : 1);
	step_int(s, c->dilation[r]);
	step_int(s, r ? c->pad[0] : 0);
	step_int(s, c->pad[r]);
	step_int(s, c->group);
}

int
conv_tile(struct view *v, const struct conv *c, struct plan *p,
    struct err *err)
{
	const struct ocl_facts *f = plan_facts(p);
	int r = c->rank - 1;
	int64_t cg = c->c / c->group, mg = c->m / c->group;
	int64_t pixels = c->out[r] * (r ? c->out[0] : 1);
	int64_t k = cg * c->k[r] * (r ? c->k[0] : 1);
	struct size size;
	struct step *s;
	struct val *x;

	if (!conv_takes(c, f) || !choose(f, mg, pixels, c->n * c->group, &size))
		return 1;
	x = plan_as(p, c->x, LAYOUT_PLAIN, err);
	s = plan_step(p, err, "tile", "tile", "-DCONV -DSIDE=%d -DRES=%d%s",
	    size.side, size.res, c->b != NULL ? " -DWITH_C" : "");
	if (x == NULL || s == NULL)
		return -1;
	step_in(s, c->w);
	step_in(s, x);
	step_in(s, c->b != NULL ? c->b : c->w);
	step_out(s, view_result(v));
	step_int(s, mg);
	step_int(s, pixels);
	step_int(s, k);
	step_long(s, mg * k);
	step_long(s, cg * c->in[r] * (r ? c->in[0] : 1));
	conv_geometry(s, c);
	step_epilogue(s, v, LAYOUT_PLAIN);
	step_groups_2d(s, (size_t)groups_of(&size, mg, pixels,
	    c->n * c->group), (size_t)size.side, (size_t)size.side);
	return plan_end(p, s, err);
}
