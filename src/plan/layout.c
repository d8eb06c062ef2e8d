/* Values in another layout, and what epilogues bring to a kernel. */
#include <stdio.h>

#include "plan/build.h"

/* Planes [channels][space] into blocks of vec, or back: a piece is a block. */
static int
reorder(struct plan *p, struct val *from, struct val *to, const char *kernel,
    struct err *err)
{
	const struct shape *s = &from->shape;
	int64_t vec = plan_facts(p)->vec;
	int64_t blocks = (s->dim[1] + vec - 1) / vec, space = 1;
	struct step *step = plan_step(p, err, "reorder", kernel, "%s", "");

	if (step == NULL)
		return -1;
	for (int i = 2; i < s->rank; i++)
		space *= s->dim[i];
	step_in(step, from);
	step_out(step, to);
	step_int(step, s->dim[1]);
	step_int(step, blocks);
	step_int(step, space);
	step_groups(step, (size_t)(s->dim[0] * blocks), 64);
	return plan_end(p, step, err);
}

struct blocks {
	int64_t		 vec;
};

/* Where channel c of image n begins in blocks; *space: elements of one. */
static int64_t
blocked_at(const struct shape *s, int64_t vec, int64_t n, int64_t c,
    int64_t *space)
{
	int64_t blocks = (s->dim[1] + vec - 1) / vec;

	*space = 1;
	for (int i = 2; i < s->rank; i++)
		*space *= s->dim[i];
	return (n * blocks + c / vec) * *space * vec + c % vec;
}

void
layout_block(const struct shape *s, int vec, const float *x, float *y)
{
	int64_t space, at;

	for (int64_t n = 0; n < s->dim[0]; n++)
		for (int64_t c = 0; c < s->dim[1]; c++) {
			at = blocked_at(s, vec, n, c, &space);
			for (int64_t i = 0; i < space; i++)
				y[at + i * vec] = *x++;
		}
}

void
layout_plain(const struct shape *s, int vec, const float *x, float *y)
{
	int64_t space, at;

	for (int64_t n = 0; n < s->dim[0]; n++)
		for (int64_t c = 0; c < s->dim[1]; c++) {
			at = blocked_at(s, vec, n, c, &space);
			for (int64_t i = 0; i < space; i++)
				*y++ = x[at + i * vec];
		}
}

static int
fill_blocked(void *to, size_t bytes, const struct val *v, const void *arg)
{
	(void)bytes;
	layout_block(&v->shape, (int)((const struct blocks *)arg)->vec,
	    v->data, to);
	return 0;
}

static struct val *
blocked_const(struct plan *p, struct val *v, struct val *twin,
    struct err *err)
{
	struct blocks b = { .vec = plan_facts(p)->vec };
	char key[32];
	size_t n;

	if (!val_device_bytes(p, v, LAYOUT_BLOCKED, &n)) {
		(void)err_set(err, ERR_LIMIT, "a constant is too large");
		return NULL;
	}
	(void)snprintf(key, sizeof(key), "blocked %d", (int)b.vec);
	twin->store = plan_packed(p, v, key, n, fill_blocked, &b, err);
	return twin->store == NULL ? NULL : twin;
}

struct val *
plan_as(struct plan *p, struct val *v, enum layout layout, struct err *err)
{
	struct val *twin = v->twin;

	if (v->layout == layout)
		return v;
	if (twin != NULL && twin->layout == layout)
		return twin;
	if (v->type != DT_FLOAT || v->shape.rank < 3 ||
	    v->kind == VAL_HOST) {
		(void)err_set(err, ERR_INTERNAL, "a value cannot be blocked");
		return NULL;
	}
	if ((twin = plan_new_val(p, v->type, &v->shape, err)) == NULL)
		return NULL;
	twin->layout = layout;
	if (v->kind == VAL_KNOWN)
		twin = blocked_const(p, v, twin, err);
	else if (reorder(p, v, twin, layout == LAYOUT_BLOCKED ?
	    "reorder_block" : "reorder_plain", err) < 0)
		return NULL;
	if (twin != NULL) {
		v->twin = twin;
		twin->twin = v;
	}
	return twin;
}

struct val *
view_result(const struct view *v)
{
	return v->epi != NULL ? v->epi->out : v->out[0];
}

static int
fill_padded(void *to, size_t bytes, const struct val *v, const void *arg)
{
	size_t n = val_count(v) * sizeof(float);

	(void)arg;
	if (n > bytes)
		return -1;
	memcpy(to, v->data, n);
	return 0;
}

/*
 * One value per channel, readable up to a multiple of the vector: constants
 * are padded with zeros, others read what lies behind them, which the
 * expression masks.
 */
static void
channel_operand(struct step *s, struct val *v)
{
	size_t vec = (size_t)plan_facts(s->plan)->vec, n;
	struct storage *store;

	if (v->kind != VAL_KNOWN) {
		step_in(s, v);
		return;
	}
	n = (val_count(v) + vec - 1) / vec * vec * sizeof(float);
	store = plan_packed(s->plan, v, "channels", n, fill_padded, NULL,
	    &s->err);
	if (store != NULL)
		step_pack(s, store);
}

static void
epi_operand(struct step *s, enum epi_kind kind, struct val *v,
    enum layout layout)
{
	if (kind == EPI_CHANNEL) {
		channel_operand(s, v);
		return;
	}
	v = plan_as(s->plan, v, kind == EPI_SAME ? layout : LAYOUT_PLAIN,
	    &s->err);
	if (v != NULL)
		step_in(s, v);
}

void
step_epilogue(struct step *s, const struct view *v, enum layout layout)
{
	const struct epilogue *e = v->epi;
	size_t n;
	char *text;

	if (e == NULL || s->err.code != ERR_NONE)
		return;
	n = strlen(s->defines) + strlen(e->defines) + 32;
	if ((text = pool_get(s->plan->pool, n)) == NULL) {
		(void)err_memory(&s->err, "defines", n);
		return;
	}
	(void)snprintf(text, n, "%s %s%s", s->defines, e->defines,
	    layout == LAYOUT_BLOCKED ? " -DEPI_BLOCKED=1" : "");
	s->defines = text;
	s->preamble = e->preamble;
	for (int i = 0; i < e->n && s->err.code == ERR_NONE; i++)
		epi_operand(s, e->operand[i].kind, e->operand[i].v, layout);
	for (int i = 0; i < e->n_param; i++)
		step_float(s, e->param[i]);
	if (e->mask && layout == LAYOUT_BLOCKED)
		step_int(s, e->out->shape.dim[1]);
}
