#include "op/tile.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/*
 * Registers hold the accumulators, NB weights and one factor; with fewer than a
 * third of them left, the compiler of PoCL 3.1 (LLVM 15) begins to spill.
 */
int
tile_width_max(int vec, int nb)
{
	static const int wide[] = { 0, 14, 10, 8, 6 };
	static const int narrow[] = { 0, 8, 6, 4, 3 };

	return vec == 16 ? wide[nb] : narrow[nb];
}

int
tile_width(int64_t px, int lo, int hi)
{
	int best = hi;

	if (px < hi)
		return (int)px;
	for (int w = hi - 1; w >= lo; w--)
		if (ceil_div(px, w) * w < ceil_div(px, best) * best)
			best = w;
	return best;
}

/*
 * Time of a tile per input channel, in half cycles: a multiply-add per vector,
 * at least as many as hide their latency, and something for the loads.
 */
static double
tile_cost(int tw, int nb)
{
	double mac = tw * nb < 8 ? 8 : tw * nb;

	return mac + 0.15 * (tw + nb) + 1;
}

struct tile
tile_choose(int vec, int64_t px, int64_t rows, int64_t m)
{
	struct tile t = { vec, 1, 1 };
	double best = 0;

	for (int nb = 1; nb <= 3; nb++)
		for (int tw = tile_width_max(vec, nb); tw > 0; tw--) {
			double c = (double)ceil_div(px, tw) * (double)rows *
			    (double)ceil_div(m, nb * vec) * tile_cost(tw, nb);

			if (tw <= px && (best == 0 || c < best)) {
				best = c;
				t.nb = nb;
				t.tw = tw;
			}
		}
	return t;
}

int64_t
tile_pieces(const struct ocl_facts *f, double macs)
{
	double most = 24.0 * f->lanes, least = f->lanes;
	double n = macs / 500e3;

	return (int64_t)(n > most ? most : n < least ? least : n);
}

static bool
fits(const struct conv *c, int vec)
{
	double in = (double)(c->n * (c->c + vec)), out;

	out = (double)(c->n * (c->m + 4 * vec));
	for (int i = 0; i < c->rank; i++) {
		in *= (double)c->in[i];
		out *= (double)c->out[i];
		if (c->k[i] > 4096 || c->stride[i] > 4096 ||
		    c->dilation[i] > 4096 || c->pad[i] > 65536 ||
		    c->pad[i] < -65536)
			return false;
	}
	return c->n > 0 && c->c > 0 && out > 0 && in < INT_MAX / 2 &&
	    out < INT_MAX / 2;
}

static bool
known(const struct val *v)
{
	return v == NULL || (v->kind == VAL_KNOWN && v->type == DT_FLOAT);
}

bool
tile_takes(const struct conv *c, const struct plan *p)
{
	const struct ocl_facts *f = plan_facts(p);

	return f->profile == PROFILE_CPU && plan_may_block(p) &&
	    c->x->type == DT_FLOAT &&
	    known(c->w) && known(c->b) && fits(c, f->vec);
}

struct bias_form {
	const struct val	*b;
	int64_t			 m;
};

static int
fill_bias(void *dst, size_t bytes, const struct val *v, const void *arg)
{
	const struct bias_form *f = arg;

	(void)v;
	if (f->b != NULL && bytes >= (size_t)f->m * sizeof(float))
		memcpy(dst, f->b->data, (size_t)f->m * sizeof(float));
	return 0;
}

struct storage *
tile_bias(struct plan *p, const struct val *b, const struct val *w, int64_t m,
    int64_t n, struct err *err)
{
	struct bias_form f = { b, m };
	char key[64];

	(void)snprintf(key, sizeof(key), "%s %lld", b ? "bias" : "no bias",
	    (long long)n);
	return plan_packed(p, b ? b : w, key, (size_t)n * sizeof(float),
	    fill_bias, &f, err);
}
