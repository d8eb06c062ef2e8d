#include "plan/plan.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/size.h"
#include "plan/build.h"

#define DEFINES_MAX	2048

struct plan *
plan_new(const struct plan_env *env, struct err *err)
{
	struct pool *pool = pool_new(PLAN_POOL_MAX);
	struct plan *p = pool == NULL ? NULL : pool_get(pool, sizeof(*p));

	if (p == NULL) {
		pool_free(pool);
		(void)err_memory(err, "a plan", sizeof(*p));
		return NULL;
	}
	p->pool = pool;
	p->env = *env;
	p->tail = &p->first;
	p->store_tail = &p->stores;
	p->node_index = -1;
	return p;
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	for (struct step *s = p->first; s != NULL; s = s->next)
		ocl_step_free(p->env.ocl, s->ocl);
	if (p->consts != NULL)
		ocl_buf_free(p->env.ocl, p->consts);
	pool_free(p->run);
	pool_free(p->pool);
}

struct pool *
plan_pool(struct plan *p)
{
	return p->pool;
}

void
plan_node(struct plan *p, const struct node *node, int index)
{
	p->node = node;
	p->node_index = index;
}

const struct node *
plan_node_now(const struct plan *p)
{
	return p->node;
}

const struct ocl_facts *
plan_facts(const struct plan *p)
{
	return p->env.facts != NULL ? p->env.facts : ocl_facts(p->env.ocl);
}

bool
plan_may_block(const struct plan *p)
{
	return !p->env.no_blocks;
}

static struct step *
step_new(struct plan *p, struct err *err)
{
	struct step *s = pool_get(p->pool, sizeof(*s));

	if (s == NULL) {
		(void)err_memory(err, "a step", sizeof(*s));
		return NULL;
	}
	s->plan = p;
	s->node = p->node;
	s->node_index = p->node_index;
	s->arg = pool_array(p->pool, ARGS_MAX, sizeof(*s->arg));
	if (s->arg == NULL) {
		(void)err_memory(err, "a step", sizeof(*s->arg));
		return NULL;
	}
	return s;
}

struct step *
plan_step(struct plan *p, struct err *err, const char *file,
    const char *kernel, const char *defines, ...)
{
	struct step *s = step_new(p, err);
	char text[DEFINES_MAX];
	va_list ap;
	int n;

	if (s == NULL)
		return NULL;
	va_start(ap, defines);
	n = vsnprintf(text, sizeof(text), defines, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text)) {
		(void)err_set(err, ERR_INTERNAL, "defines of %s are too long",
		    kernel);
		return NULL;
	}
	s->file = pool_str(p->pool, file);
	s->kernel = pool_str(p->pool, kernel);
	s->defines = pool_str(p->pool, text);
	if (s->file == NULL || s->kernel == NULL || s->defines == NULL) {
		(void)err_memory(err, "a step", sizeof(text));
		return NULL;
	}
	return s;
}

struct storage *
storage_new(struct plan *p, size_t bytes, struct err *err)
{
	struct storage *s = pool_get(p->pool, sizeof(*s));

	if (s == NULL || bytes > SIZE_MAX / 2) {
		(void)err_memory(err, "a storage", sizeof(*s));
		return NULL;
	}
	s->bytes = size_round(bytes > 0 ? bytes : 1, ALIGN_BYTES);
	s->first = LIFE_END;
	s->last = -1;
	*p->store_tail = s;
	p->store_tail = &s->next;
	return s;
}

void
storage_touch(struct storage *s, int step)
{
	for (; s != NULL; s = s->place) {
		s->used = true;
		if (step < s->first)
			s->first = step;
		if (step > s->last)
			s->last = step;
	}
}

size_t
elem_size(enum dtype t)
{
	return (size_t)(dtype_info(t)->bits / 8);
}

bool
val_device_bytes(const struct plan *p, const struct val *v,
    enum layout layout, size_t *bytes)
{
	struct shape s = v->shape;
	int64_t vec = plan_facts(p)->vec;

	if (layout == LAYOUT_BLOCKED && s.rank >= 3)
		s.dim[1] = (s.dim[1] + vec - 1) / vec * vec;
	return shape_bytes(&s, v->type, bytes);
}

int
val_store(struct plan *p, struct val *v, struct err *err)
{
	size_t n;

	if (v->store != NULL)
		return 0;
	if (!val_device_bytes(p, v, v->layout, &n))
		return err_set(err, ERR_LIMIT, "a value is too large, or of a "
		    "type that devices do not hold");
	v->store = storage_new(p, n, err);
	v->offset = 0;
	return v->store == NULL ? -1 : 0;
}

int
plan_input(struct plan *p, struct val *v, struct err *err)
{
	if (val_store(p, v, err) < 0)
		return -1;
	storage_touch(v->store, -1);
	return 0;
}

int
plan_output(struct plan *p, struct val **v, struct err *err)
{
	struct val *plain = *v;

	if (plain->kind != VAL_DEVICE)
		return 0;
	if ((plain = plan_as(p, plain, LAYOUT_PLAIN, err)) == NULL ||
	    val_store(p, plain, err) < 0)
		return -1;
	storage_touch(plain->store, LIFE_END);
	*v = plain;
	return 0;
}

int
plan_keep(struct plan *p, struct val *v, struct err *err)
{
	if (val_store(p, v, err) < 0)
		return -1;
	storage_touch(v->store, LIFE_END);
	return 0;
}

struct storage *
plan_temp(struct plan *p, size_t bytes, struct err *err)
{
	return storage_new(p, bytes, err);
}

struct val *
plan_new_val(struct plan *p, enum dtype type, const struct shape *shape,
    struct err *err)
{
	struct val *v = pool_get(p->pool, sizeof(*v));

	if (v == NULL) {
		(void)err_memory(err, "a value", sizeof(*v));
		return NULL;
	}
	v->kind = VAL_DEVICE;
	v->type = type;
	v->shape = *shape;
	v->row = ROW_MIXED;
	return v;
}

void
plan_view(struct plan *p, struct val *out, struct val *of, int64_t offset)
{
	struct err ignored;

	if (of->kind == VAL_KNOWN)
		(void)val_upload(p, of, &ignored);
	else
		(void)val_store(p, of, &ignored);
	out->kind = VAL_DEVICE;
	out->store = of->store;
	out->offset = of->offset + offset;
	out->layout = of->layout;
}

bool
plan_adopt(struct plan *p, struct val *v, struct val *whole, int64_t offset)
{
	struct storage *s = v->store, *to;
	struct err ignored;
	size_t n;

	if (v->kind != VAL_DEVICE || s == NULL || v->offset != 0 ||
	    v->layout != whole->layout || v->type != whole->type ||
	    s->buf != NULL || s->fill != NULL || s->place != NULL ||
	    !s->used || s->first < 0 || s->last == LIFE_END ||
	    !val_device_bytes(p, v, v->layout, &n) ||
	    size_round(n, ALIGN_BYTES) != s->bytes ||
	    val_store(p, whole, &ignored) < 0)
		return false;
	to = whole->store;
	if (storage_root(to) == s)
		return false;
	s->place = to;
	s->place_at = (size_t)(whole->offset + offset) * elem_size(v->type);
	storage_touch(to, s->first);
	storage_touch(to, s->last);
	return true;
}

static void
append(struct plan *p, struct step *s)
{
	s->index = p->n_step++;
	*p->tail = s;
	p->tail = &s->next;
}

int
plan_end(struct plan *p, struct step *s, struct err *err)
{
	if (s->err.code == ERR_NONE && !s->sized && s->host == NULL)
		(void)err_set(&s->err, ERR_INTERNAL, "no size was given");
	if (s->err.code != ERR_NONE) {
		*err = s->err;
		return err_prefix(err, "kernel %s", s->kernel);
	}
	append(p, s);
	for (int i = 0; i < s->n_arg; i++)
		if (s->arg[i].kind == ARG_BUF)
			storage_touch(s->arg[i].store, s->index);
	return 0;
}

/* A value that a host step reads or writes lives while it runs. */
static int
touch_val(struct plan *p, struct val *v, int index, struct err *err)
{
	if (v == NULL || v->kind != VAL_DEVICE)
		return 0;
	if (val_store(p, v, err) < 0)
		return -1;
	storage_touch(v->store, index);
	return 0;
}

int
plan_host(struct plan *p, struct view *v, struct err *err)
{
	struct step *s = step_new(p, err);

	if (s == NULL)
		return -1;
	s->kernel = "host";
	s->host = v;
	for (int i = 0; i < v->n_in; i++) {
		if (v->in[i] != NULL && v->in[i]->kind == VAL_DEVICE &&
		    (v->in[i] = plan_as(p, v->in[i], LAYOUT_PLAIN,
		    err)) == NULL)
			return -1;
	}
	append(p, s);
	for (int i = 0; i < v->n_in; i++)
		if (touch_val(p, v->in[i], s->index, err) < 0)
			return -1;
	for (int i = 0; i < v->n_out; i++)
		if (touch_val(p, v->out[i], s->index, err) < 0)
			return -1;
	return 0;
}
