/*
 * The first layer of an image network on the CPU: a plain map of few channels
 * in, a blocked one out.  Kernel: cl/stem.cl.
 */
#include <stdio.h>

#include "op/conv.h"
#include "op/tile.h"

struct form {
	const struct conv	*c;
	struct tile		 t;
	int64_t			 panels, taps;		/* of one channel */
};

static int
fill_weights(void *dst, size_t bytes, const struct val *v, const void *arg)
{
	const struct form *f = arg;
	int64_t nr = f->t.nb * f->t.vec, lines = f->c->c * f->taps;
	const float *w = v->data;

	(void)bytes;
	for (int64_t m = 0; m < f->c->m; m++)
		for (int64_t i = 0; i < lines; i++)
			((float *)dst)[(m / nr * lines + i) * nr + m % nr] =
			    *w++;
	return 0;
}

/* Bytes of the input rows under one output row. */
static size_t
patch(const struct conv *c, int r)
{
	int64_t span = (c->out[r] - 1) * c->stride[r] +
	    (c->k[r] - 1) * c->dilation[r] + 1;

	return sizeof(float) * (size_t)(span * c->c * (r ? c->k[0] : 1));
}

static int
emit(struct view *v, const struct form *f, struct storage *w,
    struct storage *bias, struct val *x, struct plan *p, struct err *err)
{
	const struct conv *c = f->c;
	int r = c->rank - 1;
	int64_t oh = r ? c->out[0] : 1, rows;
	struct val *y = view_result(v);
	struct step *s;

	s = plan_step(p, err, "stem", "stem", "-DNB=%d -DTW=%d -DSW=%lld%s",
	    f->t.nb, f->t.tw, (long long)c->stride[r],
	    c->m % f->t.vec ? " -DTAIL" : "");
	if (s == NULL)
		return -1;
	rows = tile_pieces(plan_facts(p), (double)(f->panels * f->t.nb *
	    f->t.vec * f->taps * c->c) * (double)(c->n * oh * c->out[r]));
	rows = ceil_div(oh, ceil_div(rows, c->n));
	y->layout = LAYOUT_BLOCKED;
	step_in(s, x);
	step_pack(s, w);
	step_pack(s, bias);
	step_out(s, y);
	step_scratch(s, patch(c, r));
	step_int(s, c->c);
	step_int(s, r ? c->in[0] : 1);
	step_int(s, c->in[r]);
	step_int(s, c->m);
	step_int(s, oh);
	step_int(s, c->out[r]);
	step_int(s, r ? c->k[0] : 1);
	step_int(s, c->k[r]);
	step_int(s, r ? c->stride[0] : 1);
	step_int(s, r ? c->dilation[0] : 1);
	step_int(s, c->dilation[r]);
	step_int(s, r ? c->pad[0] : 0);
	step_int(s, c->pad[r]);
	step_int(s, rows);
	step_epilogue(s, v, LAYOUT_BLOCKED);
	step_groups(s, (size_t)(c->n * ceil_div(oh, rows)), 1);
	return plan_end(p, s, err);
}

int
conv_stem(struct view *v, const struct conv *c, struct plan *p,
    struct err *err)
{
	const struct ocl_facts *facts = plan_facts(p);
	struct form f = { .c = c, .taps = 1 };
	struct storage *w, *bias;
	int64_t width;
	struct val *x;
	char key[32];

	if (c->rank > 2 || c->group != 1 || c->c > facts->vec / 2 ||
	    c->x->layout != LAYOUT_PLAIN || !tile_takes(c, p) ||
	    patch(c, c->rank - 1) > 1 << 20)
		return 1;
	for (int i = 0; i < c->rank; i++)
		f.taps *= c->k[i];
	f.t = tile_choose(facts->vec, c->out[c->rank - 1],
	    c->rank > 1 ? c->out[0] : 1, c->m);
	f.panels = ceil_div(c->m, f.t.nb * f.t.vec);
	width = f.panels * f.t.nb * f.t.vec;
	(void)snprintf(key, sizeof(key), "stem %d %d", facts->vec, f.t.nb);
	w = plan_packed(p, c->w, key, sizeof(float) *
	    (size_t)(width * f.taps * c->c), fill_weights, &f, err);
	bias = tile_bias(p, c->b, c->w, c->m, width, err);
	x = plan_as(p, c->x, LAYOUT_PLAIN, err);
	if (w == NULL || bias == NULL || x == NULL)
		return -1;
	return emit(v, &f, w, bias, x, p, err);
}
