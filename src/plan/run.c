/* Running a sealed plan: steps in order, arguments again if the arena moved. */
#include <stdlib.h>

#include "base/size.h"
#include "plan/build.h"
#include "plan/host_mem.h"

#define RUN_MAX		((size_t)8 << 30)	/* bytes made by definitions */
#define OUT_MAX		64

static size_t
store_at(const struct storage *s)
{
	size_t at = 0;

	for (; s->place != NULL; s = s->place)
		at += s->place_at;
	return at + s->at;
}

static struct ocl_buf *
store_buf(const struct storage *s, const struct plan_place *at)
{
	const struct storage *r = storage_root((struct storage *)s);

	return r->buf != NULL ? r->buf : at->arena;
}

static int
apply_arg(struct ocl_step *o, int i, const struct arg *a,
    const struct plan_place *at, struct err *err)
{
	int64_t place;

	switch (a->kind) {
	case ARG_BUF:
		return ocl_step_buf(o, i, store_buf(a->store, at), err);
	case ARG_AT:
		place = (int64_t)(store_at(a->store) / a->size) + a->offset;
		return ocl_step_bytes(o, i, &place, sizeof(place), err);
	case ARG_BYTES:
		return ocl_step_bytes(o, i, a->bytes, a->size, err);
	case ARG_SCRATCH:
		return ocl_step_scratch(o, i, a->size, err);
	case ARG_ERROR:
		return ocl_step_buf(o, i, at->error, err);
	}
	return err_set(err, ERR_INTERNAL, "an argument of no kind");
}

static int
apply(struct plan *p, const struct plan_place *at, struct err *err)
{
	const struct step *s;
	int at_arg;

	for (int i = 0; i < p->n_step; i++) {
		s = p->step[i];
		at_arg = 0;
		for (int k = 0; s->host == NULL && k < s->n_arg; k++) {
			if (apply_arg(s->ocl, at_arg, &s->arg[k], at, err) < 0)
				return err_prefix(err, "kernel %s", s->kernel);
			at_arg++;
		}
	}
	p->generation = at->generation;
	return 0;
}

/* Where a plain value's bytes are in its buffer. */
static size_t
val_at(const struct val *v)
{
	size_t bits = dtype_info(v->type)->bits;

	return store_at(v->store) + (size_t)v->offset * bits / 8;
}

void *
plan_at(struct plan *p, const struct plan_place *at, const struct val *v)
{
	struct ocl_buf *b = store_buf(v->store, at);
	char *host = b == NULL ? NULL : ocl_buf_host(b);

	(void)p;
	return host == NULL ? NULL : host + val_at(v);
}

int
plan_write(struct plan *p, const struct plan_place *at, const struct val *v,
    size_t off, const void *from, size_t n, struct err *err)
{
	if (n == 0)
		return 0;
	return ocl_write(p->env.ocl, store_buf(v->store, at), val_at(v) + off,
	    from, n, err);
}

int
plan_read(struct plan *p, const struct plan_place *at, const struct val *v,
    void *to, size_t n, struct err *err)
{
	if (n == 0)
		return 0;
	if (v->kind == VAL_KNOWN) {
		memcpy(to, v->data, n);
		return 0;
	}
	return ocl_read(p->env.ocl, store_buf(v->store, at), val_at(v), to, n,
	    err);
}

/* The bytes of a device value for a definition to read. */
static int
bring(struct plan *p, const struct plan_place *at, struct val *v,
    struct pool *scratch, struct err *err)
{
	size_t n;
	void *to;

	if (v == NULL || v->kind != VAL_DEVICE)
		return 0;
	if ((v->data = plan_at(p, at, v)) != NULL)
		return 0;
	if (!shape_bytes(&v->shape, v->type, &n))
		return err_set(err, ERR_LIMIT, "a value is too large");
	if ((to = pool_get(scratch, n)) == NULL)
		return err_memory(err, "a value", n);
	v->data = to;
	return plan_read(p, at, v, to, n, err);
}

/* What the definition gave, to where the plan expects it. */
static int
take(struct plan *p, const struct plan_place *at, struct val *v,
    const struct val *was, struct err *err)
{
	size_t n;
	int r = 0;

	if (v->kind != VAL_DEVICE)
		return 0;
	if (v->type != was->type || !shape_equal(&v->shape, &was->shape) ||
	    v->data == NULL || !shape_bytes(&v->shape, v->type, &n))
		r = err_set(err, ERR_INTERNAL, "the definition's output is "
		    "not what was inferred");
	else if (v->data != plan_at(p, at, v))
		r = plan_write(p, at, v, 0, v->data, n, err);
	*(struct val *)v = *was;
	return r;
}

struct places {
	void		*at[OUT_MAX];
	size_t		 bytes[OUT_MAX];
	struct val	 was[OUT_MAX];
};

static int
prepare_host(struct plan *p, const struct plan_place *at, struct view *v,
    struct places *out, struct pool *scratch, struct err *err)
{
	if (v->n_out > OUT_MAX)
		return err_set(err, ERR_UNSUPPORTED, "over %d outputs",
		    OUT_MAX);
	for (int i = 0; i < v->n_in; i++)
		if (bring(p, at, v->in[i], scratch, err) < 0)
			return -1;
	for (int i = 0; i < v->n_out; i++) {
		out->at[i] = NULL;
		if (v->out[i] == NULL)
			continue;
		v->out[i]->data = NULL;
		out->was[i] = *v->out[i];
		if (v->out[i]->kind == VAL_DEVICE &&
		    shape_bytes(&v->out[i]->shape, v->out[i]->type,
		    &out->bytes[i]))
			out->at[i] = plan_at(p, at, v->out[i]);
	}
	return 0;
}

static int
run_host(struct plan *p, const struct plan_place *at, struct step *s,
    struct err *err)
{
	struct view *v = s->host;
	struct pool *scratch = pool_new(RUN_MAX);
	struct places out;
	struct host_mem mem = { .out = p->run, .scratch = scratch,
	    .place = out.at, .place_bytes = out.bytes, .n_place = v->n_out };
	int r;

	if (scratch == NULL)
		return err_memory(err, "scratch", 0);
	v->mem = &mem;
	r = prepare_host(p, at, v, &out, scratch, err);
	if (r == 0)
		r = p->env.host(p->env.arg, v, err);
	for (int i = 0; r == 0 && i < v->n_out; i++)
		if (v->out[i] != NULL)
			r = take(p, at, v->out[i], &out.was[i], err);
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i] != NULL && v->in[i]->kind == VAL_DEVICE)
			v->in[i]->data = NULL;
	v->mem = NULL;
	pool_free(scratch);
	return r;
}

void
plan_drop(struct plan *p)
{
	pool_free(p->run);
	p->run = NULL;
}

/* Did a kernel meet an index out of range?  Whose, the word says. */
static int
check_word(struct plan *p, const struct plan_place *at, struct err *err)
{
	int32_t word, zero = 0;
	const char *name = "?";

	if (!p->checks)
		return 0;
	if (ocl_read(p->env.ocl, at->error, 0, &word, sizeof(word), err) < 0)
		return -1;
	if (word == 0)
		return 0;
	for (int i = 0; i < p->n_step; i++)
		if (p->step[i]->node_index + 1 == word &&
		    p->step[i]->node != NULL)
			name = p->step[i]->node->name;
	if (ocl_write(p->env.ocl, at->error, 0, &zero, sizeof(zero), err) < 0)
		return -1;
	return err_set(err, ERR_INVALID, "node \"%s\": an index is out of "
	    "range", name);
}

int
plan_run(struct plan *p, const struct plan_place *at, int64_t *ns,
    struct err *err)
{
	int i = 0, n;

	if (p->generation != at->generation && apply(p, at, err) < 0)
		return -1;
	plan_drop(p);
	while (i < p->n_step) {
		if (p->step[i]->host != NULL) {
			if (p->run == NULL &&
			    (p->run = pool_new(RUN_MAX)) == NULL)
				return err_memory(err, "a run", 0);
			if (run_host(p, at, p->step[i], err) < 0)
				return -1;
			i++;
			continue;
		}
		for (n = i; n < p->n_step && p->step[n]->host == NULL; n++)
			;
		if (ocl_run(p->env.ocl, p->ocl + i, (size_t)(n - i),
		    ns == NULL ? NULL : ns + i, err) < 0)
			return -1;
		i = n;
	}
	return check_word(p, at, err);
}
