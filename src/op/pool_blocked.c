/* Pooling of blocked maps on the CPU: cl/pool.cl.  One or two spatial axes. */
#include <limits.h>

#include "op/pool.h"
#include "op/tile.h"

#define WIDTH_MAX	16	/* of a window that is unrolled */

/* A window over a whole map that lies nowhere outside of it? */
static bool
is_global(const struct pool *g)
{
	for (int i = 0; i < g->rank; i++)
		if (g->out[i] != 1 || g->k[i] != g->in[i] || g->pad[i] != 0 ||
		    g->pad_end[i] != 0 || g->dilation[i] != 1)
			return false;
	return true;
}

static struct step *
begin(struct view *v, const struct pool *g, const char *kernel,
    struct val *x, struct plan *p, struct err *err)
{
	int vec = plan_facts(p)->vec, r = g->rank - 1;
	bool all = is_global(g);
	struct val *y = view_result(v);
	struct step *s;

	s = plan_step(p, err, "pool", kernel,
	    "-DKW=%lld -DSW=%lld -DDW=%lld%s%s%s%s",
	    (long long)(all ? 1 : g->k[r]), (long long)(all ? 1 : g->stride[r]),
	    (long long)g->dilation[r],
	    g->kind == POOL_AVERAGE ? " -DAVERAGE" : "",
	    g->count_pad && !all ? " -DCOUNT_PAD" : "",
	    g->c % vec ? " -DTAIL" : "", all ? " -DGLOBAL" : "");
	if (s == NULL)
		return NULL;
	y->layout = LAYOUT_BLOCKED;
	step_in(s, x);
	step_out(s, y);
	step_int(s, g->c);
	return s;
}

static int
emit_global(struct view *v, const struct pool *g, struct val *x,
    struct plan *p, struct err *err)
{
	struct step *s = begin(v, g, "pool_global", x, p, err);
	int64_t size = 1;

	if (s == NULL)
		return -1;
	for (int i = 0; i < g->rank; i++)
		size *= g->in[i];
	step_int(s, size);
	step_epilogue(s, v, LAYOUT_BLOCKED);
	step_groups(s, (size_t)(g->n * ceil_div(g->c, plan_facts(p)->vec)), 1);
	return plan_end(p, s, err);
}

static int
emit(struct view *v, const struct pool *g, struct val *x, struct plan *p,
    struct err *err)
{
	const struct ocl_facts *f = plan_facts(p);
	struct step *s = begin(v, g, "pool", x, p, err);
	int64_t blocks = g->n * ceil_div(g->c, f->vec), rows, oh;
	int r = g->rank - 1;

	if (s == NULL)
		return -1;
	oh = r ? g->out[0] : 1;
	/* A load and a comparison take as long as four multiplications. */
	rows = tile_pieces(f, 4.0 * (double)(blocks * f->vec * oh) *
	    (double)(g->out[r] * g->k[r] * (r ? g->k[0] : 1)));
	rows = ceil_div(oh, ceil_div(rows, blocks));
	step_int(s, r ? g->in[0] : 1);
	step_int(s, g->in[r]);
	step_int(s, oh);
	step_int(s, g->out[r]);
	step_int(s, r ? g->k[0] : 1);
	step_int(s, r ? g->stride[0] : 1);
	step_int(s, r ? g->dilation[0] : 1);
	step_int(s, r ? g->pad[0] : 0);
	step_int(s, g->pad[r]);
	step_int(s, r ? g->pad_end[0] : 0);
	step_int(s, g->pad_end[r]);
	step_int(s, rows);
	step_epilogue(s, v, LAYOUT_BLOCKED);
	step_groups(s, (size_t)(blocks * ceil_div(oh, rows)), 1);
	return plan_end(p, s, err);
}

static bool
takes(const struct pool *g, const struct ocl_facts *f)
{
	double in = (double)g->n * (double)(g->c + f->vec), out = in;
	bool all = is_global(g);

	if (f->profile != PROFILE_CPU || g->x->type != DT_FLOAT)
		return false;
	/* Few channels of a plain map are not worth a block. */
	if (g->x->layout == LAYOUT_PLAIN && g->c < f->vec / 2)
		return false;
	for (int i = 0; i < g->rank; i++) {
		in *= (double)g->in[i];
		out *= (double)g->out[i];
		if (!all && (g->k[i] > 4096 || g->stride[i] > 4096 ||
		    g->dilation[i] > 4096 || g->pad[i] < 0 ||
		    g->pad[i] >= g->k[i] * g->dilation[i]))
			return false;
	}
	return in < INT_MAX / 2 && out < INT_MAX / 2 &&
	    (all || (g->rank <= 2 && g->k[g->rank - 1] <= WIDTH_MAX));
}

int
pool_blocked(struct view *v, const struct pool *g, struct plan *p,
    struct err *err)
{
	struct val *x;

	if (!plan_may_block(p) || !takes(g, plan_facts(p)))
		return 1;
	x = plan_as(p, g->x, LAYOUT_BLOCKED, err);
	if (x == NULL)
		return -1;
	if (is_global(g))
		return emit_global(v, g, x, p, err);
	return emit(v, g, x, p, err);
}
