#include "op/blocked.h"

#include <limits.h>

#include "op/tile.h"

/* Elements of one channel of one image. */
static int64_t
space_of(const struct val *v)
{
	int64_t n = 1;

	for (int i = 2; i < v->shape.rank; i++)
		n *= v->shape.dim[i];
	return n;
}

/* A float map on the CPU, not so large that offsets leave an int. */
static bool
suits(const struct val *v, const struct plan *p)
{
	const struct ocl_facts *f = plan_facts(p);

	return plan_may_block(p) && f->profile == PROFILE_CPU &&
	    v->type == DT_FLOAT && v->shape.rank >= 3 && val_count(v) > 0 &&
	    val_count(v) / (size_t)v->shape.dim[1] *
	    (size_t)(v->shape.dim[1] + f->vec) < INT_MAX / 2;
}

/* Copy input x to the output's channels from c0 on. */
static int
copy(struct val *x, struct val *y, int64_t c0, struct plan *p,
    struct err *err)
{
	int64_t vec = plan_facts(p)->vec, c = x->shape.dim[1];
	int64_t blocks = (c0 + c - 1) / vec - c0 / vec + 1;
	struct step *s = plan_step(p, err, "blocked", "concat", " ");

	if (s == NULL)
		return -1;
	step_in(s, x);
	step_out(s, y);
	step_int(s, ceil_div(c, vec));
	step_int(s, ceil_div(y->shape.dim[1], vec));
	step_int(s, c0);
	step_int(s, blocks);
	step_int(s, space_of(x));
	step_groups(s, (size_t)(x->shape.dim[0] * blocks), 1);
	return plan_end(p, s, err);
}

int
concat_blocked(struct view *v, struct plan *p, struct err *err)
{
	const struct ocl_facts *f = plan_facts(p);
	struct val *y = v->out[0], *x;
	int64_t c0 = 0;
	int blocked = 0;

	if (!suits(y, p))
		return 1;
	for (int i = 0; i < v->n_in; i++) {
		if (v->in[i]->kind != VAL_DEVICE || v->in[i]->shape.dim[1] < 1)
			return 1;
		blocked += v->in[i]->layout == LAYOUT_BLOCKED;
	}
	if (2 * blocked <= v->n_in)
		return 1;
	y->layout = LAYOUT_BLOCKED;
	for (int i = 0; i < v->n_in; i++) {
		x = plan_as(p, v->in[i], LAYOUT_BLOCKED, err);
		if (x == NULL)
			return -1;
		if ((y->shape.dim[0] != 1 || c0 % f->vec != 0 ||
		    (i + 1 < v->n_in && x->shape.dim[1] % f->vec != 0) ||
		    !plan_adopt(p, x, y, c0 * space_of(y))) &&
		    copy(x, y, c0, p, err) < 0)
			return -1;
		c0 += x->shape.dim[1];
	}
	return 0;
}

int
lrn_blocked(struct view *v, const struct lrn_blocked *r, struct plan *p,
    struct err *err)
{
	const struct ocl_facts *f = plan_facts(p);
	struct val *x = v->in[0], *y = v->out[0];
	int64_t space, blocks, rows;
	struct step *s;

	if (x->layout != LAYOUT_BLOCKED || !suits(x, p) ||
	    r->before > f->vec || r->behind > f->vec || !(r->bias > 0))
		return 1;
	s = plan_step(p, err, "blocked", "lrn", "-DBEFORE=%d -DBEHIND=%d%s",
	    (int)r->before, (int)r->behind, r->beta == 0.75f ?
	    " -DTHREE_QUARTERS" : "");
	if (s == NULL)
		return -1;
	space = space_of(x);
	blocks = x->shape.dim[0] * ceil_div(x->shape.dim[1], f->vec);
	rows = tile_pieces(f, 20.0 * (double)(blocks * space * f->vec));
	rows = ceil_div(space, ceil_div(rows, blocks));
	y->layout = LAYOUT_BLOCKED;
	step_in(s, x);
	step_out(s, y);
	step_int(s, x->shape.dim[1]);
	step_int(s, space);
	step_int(s, rows);
	step_float(s, r->alpha);
	step_float(s, r->beta);
	step_float(s, r->bias);
	step_groups(s, (size_t)(blocks * ceil_div(space, rows)), 1);
	return plan_end(p, s, err);
}
