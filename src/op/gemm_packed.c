/*
 * Matrix products on the CPU: the right side in panels, packed once if it is a
 * constant, else by a step of its own.  Kernels: cl/gemm.cl.
 */
#include <limits.h>
#include <stdio.h>

#include "base/size.h"
#include "op/gemm.h"
#include "op/tile.h"

struct form {
	const struct gemm	*g;
	int			 vec, nb, mr;
	int64_t			 nr, panels;
	int64_t			 products;	/* right sides */
	size_t			 bytes;		/* of all panels */
};

/* Element (k, n) of product i's right side. */
static int64_t
element(const struct gemm *g, int64_t i, int64_t k, int64_t n)
{
	return i * g->stride_b + (g->trans_b ? n * g->k + k : k * g->n + n);
}

/*
 * The constant in panels, with alpha if nothing else is done to the product.
 * Columns outside: the source is read in order where it is transposed.
 */
static int
fill(void *dst, size_t bytes, const struct val *v, const void *arg)
{
	const struct form *f = arg;
	const struct gemm *g = f->g;
	const float *b = v->data;

	(void)bytes;
	for (int64_t i = 0; i < f->products; i++)
		for (int64_t n = 0; n < g->n; n++) {
			float *d = (float *)dst + (i * f->panels + n / f->nr) *
			    g->k * f->nr + n % f->nr;

			for (int64_t k = 0; k < g->k; k++)
				d[k * f->nr] = b[element(g, i, k, n)];
		}
	return 0;
}

static struct storage *
pack_known(struct plan *p, const struct form *f, struct err *err)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "gemm %d %d%s", f->vec, f->nb,
	    f->g->trans_b ? " t" : "");
	return plan_packed(p, f->g->b, key, f->bytes, fill, f, err);
}

static struct storage *
pack_step(struct plan *p, const struct form *f, struct err *err)
{
	const struct gemm *g = f->g;
	struct storage *t = plan_temp(p, f->bytes, err);
	struct step *s;

	if (t == NULL)
		return NULL;
	s = plan_step(p, err, "gemm", "gemm_pack", "-DNB=%d", f->nb);
	if (s == NULL)
		return NULL;
	step_in(s, g->b);
	step_temp(s, t);
	step_int(s, g->n);
	step_int(s, g->k);
	step_long(s, g->stride_b);
	step_int(s, g->trans_b ? 1 : g->n);
	step_int(s, g->trans_b ? g->k : 1);
	step_groups(s, (size_t)(f->products * f->panels), 1);
	return plan_end(p, s, err) < 0 ? NULL : t;
}

/* Rows of a piece of work. */
static int64_t
split(const struct form *f, const struct ocl_facts *facts)
{
	const struct gemm *g = f->g;
	double macs = (double)(g->batch * g->m * f->panels) *
	    (double)(f->nr * g->k);
	int64_t want = ceil_div(tile_pieces(facts, macs),
	    f->panels * g->batch);

	return ceil_div(ceil_div(g->m, f->mr), want) * f->mr;
}

static int
emit(struct view *v, const struct form *f, struct plan *p, struct err *err)
{
	const struct gemm *g = f->g;
	bool known = g->b->kind == VAL_KNOWN, add = g->c || g->alpha != 1;
	struct storage *w = known ? pack_known(p, f, err) :
	    pack_step(p, f, err);
	int64_t rows = split(f, plan_facts(p));
	struct step *s;

	if (w == NULL)
		return -1;
	s = plan_step(p, err, "gemm", "gemm", "-DNB=%d -DMR=%d%s%s", f->nb,
	    f->mr, g->trans_a ? " -DTRANS_A" : "", add ? " -DWITH_C" : "");
	if (s == NULL)
		return -1;
	step_in(s, g->a);
	if (known)
		step_pack(s, w);
	else
		step_temp(s, w);
	step_in(s, g->c ? g->c : g->a);
	step_out(s, view_result(v));
	step_int(s, g->batch);
	step_int(s, g->m);
	step_int(s, g->n);
	step_int(s, g->k);
	step_long(s, g->stride_a);
	step_long(s, g->stride_b ? f->panels * f->nr * g->k : 0);
	step_int(s, g->c_row);
	step_int(s, g->c_col);
	step_float(s, g->alpha);
	step_float(s, g->c ? g->beta : 0);
	step_int(s, rows);
	step_epilogue(s, v, LAYOUT_PLAIN);
	step_groups(s, (size_t)(f->panels * g->batch * ceil_div(g->m, rows)),
	    1);
	return plan_end(p, s, err);
}

/*
 * Few rows: more columns, so that there is enough to do at once.  A handful of
 * tiles for all numbers of rows, since each is a program to build: a batch that
 * grows from 1 to 32 must not need ten of them.
 */
static void
choose(struct form *f)
{
	static const int few[] = { 1, 1, 2, 2, 4, 4, 4, 4 };
	int64_t n = f->g->n;
	int wide = f->vec == 16 ? 3 : 2;

	if (f->vec == 16 && f->g->m < (int64_t)nitems(few)) {
		f->nb = 4;
		f->mr = few[f->g->m];
		return;
	}
	if (f->g->m < 4) {
		f->nb = 4;
		f->mr = f->g->m > 1 ? 2 : 1;
		return;
	}
	f->nb = ceil_div(n, 2 * f->vec) * 2 <
	    ceil_div(n, wide * f->vec) * wide ? 2 : wide;
	f->mr = f->vec == 16 ? 8 : 4;
}

static bool
takes(const struct gemm *g)
{
	double a = (double)g->batch * (double)g->m * (double)g->k;
	double b = (double)g->batch * (double)g->k * (double)g->n;
	double y = (double)g->batch * (double)g->m * (double)g->n;

	return g->a->type == DT_FLOAT && g->b->type == DT_FLOAT &&
	    (g->c == NULL || g->c->type == DT_FLOAT) && g->k > 0 && y > 0 &&
	    a < INT_MAX && b < INT_MAX && y < INT_MAX / 2 &&
	    g->n < INT_MAX / 64 && g->k < INT_MAX / 64;
}

int
gemm_packed(struct view *v, const struct gemm *g, struct plan *p,
    struct err *err)
{
	const struct ocl_facts *facts = plan_facts(p);
	struct form f = { .g = g, .vec = facts->vec };

	/* A vector on the right has no columns for the epilogue to count. */
	if (facts->profile != PROFILE_CPU || !takes(g) ||
	    g->b->shape.rank < 2)
		return 1;
	choose(&f);
	f.nr = f.nb * f.vec;
	f.panels = ceil_div(g->n, f.nr);
	f.products = g->stride_b ? g->batch : 1;
	f.bytes = sizeof(float);
	if (!size_mul(f.bytes, (size_t)(f.products * f.panels), &f.bytes) ||
	    !size_mul(f.bytes, (size_t)(f.nr * g->k), &f.bytes))
		return 1;
	return emit(v, &f, p, err);
}
