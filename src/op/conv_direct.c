/*
 * Direct convolution of blocked maps on the CPU: any kernel, stride, dilation,
 * padding and group, one or two spatial axes.  Kernel: cl/conv.cl.
 */
#include <stdio.h>

#include "base/size.h"
#include "op/conv.h"
#include "op/tile.h"

/* How the weights of a panel are packed: see cl/conv.cl. */
struct form {
	const struct conv	*c;
	struct tile		 t;
	int64_t			 taps;		/* of the whole kernel */
	int64_t			 panels;
	int64_t			 blocks;	/* input blocks of a panel */
	int64_t			 cg, mg;	/* channels of a group */
	/* as the kernel sees the maps */
	int64_t			 h, w, oh, ow;
};

/* First input channel block that panel p reads, and the one after its last. */
static void
panel_blocks(const struct form *f, int64_t p, int64_t *lo, int64_t *hi)
{
	int64_t nr = f->t.nb * f->t.vec, last = (p + 1) * nr;

	if (last > f->c->m)
		last = f->c->m;
	*lo = p * nr / f->mg * f->cg / f->t.vec;
	*hi = ceil_div(((last - 1) / f->mg + 1) * f->cg, f->t.vec);
}

static int64_t
most_blocks(const struct form *f)
{
	int64_t lo, hi, n = 0;

	for (int64_t p = 0; p < f->panels; p++) {
		panel_blocks(f, p, &lo, &hi);
		n = hi - lo > n ? hi - lo : n;
	}
	return n;
}

/* The weights of output channel m. */
static void
fill_channel(float *dst, const struct form *f, const float *w, int64_t m)
{
	int64_t nr = f->t.nb * f->t.vec, p = m / nr, lo, hi;

	panel_blocks(f, p, &lo, &hi);
	dst += p * f->blocks * f->taps * f->t.vec * nr + m % nr;
	w += m * f->cg * f->taps;
	for (int64_t i = 0; i < f->cg; i++) {
		int64_t c = m / f->mg * f->cg + i - lo * f->t.vec;
		float *d = dst + (c / f->t.vec * f->taps * f->t.vec +
		    c % f->t.vec) * nr;

		for (int64_t k = 0; k < f->taps; k++)
			d[k * f->t.vec * nr] = *w++;
	}
}

static int
fill_weights(void *dst, size_t bytes, const struct val *v, const void *arg)
{
	const struct form *f = arg;

	(void)bytes;
	for (int64_t m = 0; m < f->c->m; m++)
		fill_channel(dst, f, v->data, m);
	return 0;
}

static struct storage *
pack(struct plan *p, const struct form *f, struct err *err)
{
	size_t bytes = sizeof(float);
	char key[64];

	if (!size_mul(bytes, (size_t)(f->panels * f->blocks), &bytes) ||
	    !size_mul(bytes, (size_t)(f->taps * f->t.vec), &bytes) ||
	    !size_mul(bytes, (size_t)(f->t.nb * f->t.vec), &bytes)) {
		(void)err_memory(err, "weights", SIZE_MAX);
		return NULL;
	}
	(void)snprintf(key, sizeof(key), "conv %d %d %lld", f->t.vec, f->t.nb,
	    (long long)f->c->group);
	return plan_packed(p, f->c->w, key, bytes, fill_weights, f, err);
}

/* Rows (and pixels) of a piece of work. */
static void
split(const struct form *f, const struct ocl_facts *facts, int64_t *rows,
    int64_t *cols)
{
	double macs = (double)(f->panels * f->blocks * f->taps) *
	    (double)(f->c->n * f->oh * f->ow) * f->t.nb * f->t.vec * f->t.vec;
	int64_t want = ceil_div(tile_pieces(facts, macs),
	    f->panels * f->c->n);

	*rows = 1;
	*cols = f->ow;
	if (want <= f->oh)
		*rows = ceil_div(f->oh, want);
	else if (want > 2 * f->oh)
		*cols = ceil_div(ceil_div(f->ow, f->t.tw),
		    ceil_div(want, f->oh)) * f->t.tw;
}

/* The maps as rows and columns; 1x1 sees one row of all pixels. */
static void
flatten(struct form *f)
{
	const struct conv *c = f->c;
	int r = c->rank - 1;		/* the axis along a row */
	bool flat = c->rank == 2;

	f->h = r ? c->in[0] : 1;
	f->w = c->in[r];
	f->oh = r ? c->out[0] : 1;
	f->ow = c->out[r];
	f->taps = 1;
	for (int i = 0; i < c->rank; i++) {
		f->taps *= c->k[i];
		flat = flat && c->k[i] == 1 && c->stride[i] == 1 &&
		    c->pad[i] == 0 && c->out[i] == c->in[i];
	}
	if (flat) {
		f->w *= f->h;
		f->ow *= f->oh;
		f->h = f->oh = 1;
	}
}

static void
geometry(struct step *s, const struct form *f)
{
	const struct conv *c = f->c;
	int r = c->rank - 1;

	step_int(s, c->n);
	step_int(s, ceil_div(c->c, f->t.vec));
	step_int(s, f->h);
	step_int(s, f->w);
	step_int(s, c->m);
	step_int(s, f->oh);
	step_int(s, f->ow);
	step_int(s, r ? c->k[0] : 1);
	step_int(s, c->k[r]);
	step_int(s, r ? c->stride[0] : 1);
	step_int(s, r ? c->dilation[0] : 1);
	step_int(s, c->dilation[r]);
	step_int(s, r ? c->pad[0] : 0);
	step_int(s, c->pad[r]);
	step_int(s, f->cg);
	step_int(s, f->mg);
}

/* Bytes of the patch under one tile, all kernel rows and input blocks. */
static size_t
patch(const struct form *f)
{
	const struct conv *c = f->c;
	int r = c->rank - 1;
	int64_t span = (f->t.tw - 1) * c->stride[r] +
	    (c->k[r] - 1) * c->dilation[r] + 1;

	return sizeof(float) * (size_t)(span * (r ? c->k[0] : 1) *
	    f->blocks * f->t.vec);
}

static struct step *
step(struct plan *p, const struct form *f, struct err *err)
{
	char groups[40] = "";

	if (f->c->group > 1)
		(void)snprintf(groups, sizeof(groups), " -DGROUPS=%lld",
		    (long long)f->blocks);
	return plan_step(p, err, "conv", "conv",
	    "-DNB=%d -DTW=%d -DSW=%lld%s%s", f->t.nb, f->t.tw,
	    (long long)f->c->stride[f->c->rank - 1],
	    f->c->m % f->t.vec ? " -DTAIL" : "", groups);
}

static int
emit(struct view *v, const struct form *f, struct plan *p, struct err *err)
{
	const struct conv *c = f->c;
	int64_t rows, cols, width = f->panels * f->t.nb * f->t.vec;
	struct storage *w = pack(p, f, err);
	struct storage *bias = tile_bias(p, c->b, c->w, c->m, width, err);
	struct val *x = plan_as(p, c->x, LAYOUT_BLOCKED, err);
	struct val *y = view_result(v);
	struct step *s;

	if (w == NULL || bias == NULL || x == NULL)
		return -1;
	s = step(p, f, err);
	if (s == NULL)
		return -1;
	split(f, plan_facts(p), &rows, &cols);
	y->layout = LAYOUT_BLOCKED;
	step_in(s, x);
	step_pack(s, w);
	step_pack(s, bias);
	step_out(s, y);
	step_scratch(s, patch(f));
	geometry(s, f);
	step_int(s, rows);
	step_int(s, cols);
	step_epilogue(s, v, LAYOUT_BLOCKED);
	step_groups(s, (size_t)(f->panels * c->n * ceil_div(f->oh, rows) *
	    ceil_div(f->ow, cols)), 1);
	return plan_end(p, s, err);
}

int
conv_direct(struct view *v, const struct conv *c, struct plan *p,
    struct err *err)
{
	struct form f;

	if (c->rank > 2 || !tile_takes(c, p))
		return 1;
	f = (struct form){ .c = c, .cg = c->c / c->group,
	    .mg = c->m / c->group };
	flatten(&f);
	f.t = tile_choose(plan_facts(p)->vec, f.ow, f.oh, c->m);
	f.panels = ceil_div(c->m, f.t.nb * f.t.vec);
	f.blocks = most_blocks(&f);
	return emit(v, &f, p, err);
}
