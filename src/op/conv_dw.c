/*
 * Depthwise convolution on the CPU: as many groups as channels, one output
 * each; blocked maps.  Kernel: cl/dw.cl.
 */
#include <stdio.h>

#include "op/conv.h"
#include "op/tile.h"

#define KERNEL_MAX	49	/* taps that are unrolled */

static int
fill_weights(void *dst, size_t bytes, const struct val *v, const void *arg)
{
	const int *vec = arg;
	int64_t taps = 1, channels = v->shape.dim[0];
	const float *w = v->data;

	(void)bytes;
	for (int i = 2; i < v->shape.rank; i++)
		taps *= v->shape.dim[i];
	for (int64_t c = 0; c < channels; c++)
		for (int64_t k = 0; k < taps; k++)
			((float *)dst)[(c / *vec * taps + k) * *vec +
			    c % *vec] = *w++;
	return 0;
}

/* Output columns whose taps are all inside the map: [lo, hi). */
static void
interior(const struct conv *c, int r, int64_t *lo, int64_t *hi)
{
	int64_t last = c->in[r] - 1 + c->pad[r] - (c->k[r] - 1) *
	    c->dilation[r];

	*lo = c->pad[r] > 0 ? ceil_div(c->pad[r], c->stride[r]) : 0;
	*hi = last < 0 ? 0 : last / c->stride[r] + 1;
	if (*hi > c->out[r])
		*hi = c->out[r];
}

static int64_t
split(const struct conv *c, const struct ocl_facts *f, int64_t blocks,
    int64_t oh)
{
	int r = c->rank - 1;
	double macs = (double)(blocks * f->vec * oh * c->out[r]) *
	    (double)(c->k[r] * (r ? c->k[0] : 1));

	return ceil_div(oh, ceil_div(tile_pieces(f, 2 * macs), blocks));
}

static int
emit(struct view *v, const struct conv *c, struct storage *w,
    struct storage *bias, struct val *x, struct plan *p, struct err *err)
{
	const struct ocl_facts *f = plan_facts(p);
	int r = c->rank - 1;
	int64_t blocks = c->n * ceil_div(c->c, f->vec), lo, hi, rows;
	int64_t oh = r ? c->out[0] : 1;
	struct val *y = view_result(v);
	struct step *s;

	interior(c, r, &lo, &hi);
	rows = split(c, f, blocks, oh);
	s = plan_step(p, err, "dw", "dw",
	    "-DKH=%lld -DKW=%lld -DTW=%d -DSW=%lld -DDW=%lld%s",
	    (long long)(r ? c->k[0] : 1), (long long)c->k[r],
	    tile_width(hi > lo ? hi - lo : 1, 4, f->vec == 16 ? 8 : 4),
	    (long long)c->stride[r], (long long)c->dilation[r],
	    c->c % f->vec ? " -DTAIL" : "");
	if (s == NULL)
		return -1;
	y->layout = LAYOUT_BLOCKED;
	step_in(s, x);
	step_pack(s, w);
	step_pack(s, bias);
	step_out(s, y);
	step_int(s, c->c);
	step_int(s, r ? c->in[0] : 1);
	step_int(s, c->in[r]);
	step_int(s, oh);
	step_int(s, c->out[r]);
	step_int(s, r ? c->stride[0] : 1);
	step_int(s, r ? c->dilation[0] : 1);
	step_int(s, r ? c->pad[0] : 0);
	step_int(s, c->pad[r]);
	step_int(s, lo);
	step_int(s, hi);
	step_int(s, rows);
	step_epilogue(s, v, LAYOUT_BLOCKED);
	step_groups(s, (size_t)(blocks * ceil_div(oh, rows)), 1);
	return plan_end(p, s, err);
}

int
conv_dw(struct view *v, const struct conv *c, struct plan *p, struct err *err)
{
	int vec = plan_facts(p)->vec;
	int64_t taps = 1, width = ceil_div(c->c, vec) * vec;
	struct storage *w, *bias;
	struct val *x;
	char key[32];

	for (int i = 0; i < c->rank; i++)
		taps *= c->k[i];
	if (c->group != c->c || c->m != c->c || c->c < 2 || c->rank > 2 ||
	    taps > KERNEL_MAX || !tile_takes(c, p))
		return 1;
	(void)snprintf(key, sizeof(key), "dw %d", vec);
	w = plan_packed(p, c->w, key, sizeof(float) * (size_t)(width * taps),
	    fill_weights, &vec, err);
	bias = tile_bias(p, c->b, c->w, c->m, width, err);
	x = plan_as(p, c->x, LAYOUT_BLOCKED, err);
	if (w == NULL || bias == NULL || x == NULL)
		return -1;
	return emit(v, c, w, bias, x, p, err);
}
