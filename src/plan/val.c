#include "plan/val.h"

#include <stdarg.h>

#include "base/size.h"
#include "plan/host_mem.h"

int
view_need(struct view *v, int i)
{
	v->needs = i;
	return -1;
}

bool
view_form(struct view *v, int i)
{
	if (i < v->skip)
		return false;
	v->form = i;
	return true;
}

void
view_set(struct view *v, int i, enum dtype type, const struct shape *shape,
    int row)
{
	struct val *o = view_out(v, i);

	if (o == NULL)
		return;
	o->type = type;
	o->shape = *shape;
	o->row = row;
}

int
view_error(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INVALID, fmt, ap);
	va_end(ap);
	return -1;
}

/* Bytes of a value of that type and shape; strings are structs. */
static bool
val_bytes(enum dtype type, const struct shape *shape, size_t *bytes)
{
	size_t n;

	if (!shape_count(shape, &n))
		return false;
	if (type == DT_STRING)
		return size_mul(n, sizeof(struct string), bytes);
	return dtype_bytes(type, n, bytes);
}

static void *
pool_or_error(struct pool *p, size_t n, struct err *err)
{
	void *r = pool_get(p, n);

	if (r == NULL)
		(void)err_memory(err, "a tensor", n);
	return r;
}

void *
view_alloc(struct view *v, int i, struct err *err)
{
	struct val *o = view_out(v, i);

	if (o == NULL) {
		(void)err_set(err, ERR_INTERNAL, "output %d is left out", i);
		return NULL;
	}
	return view_alloc_as(v, i, o->type, &o->shape, err);
}

void *
view_alloc_as(struct view *v, int i, enum dtype type,
    const struct shape *shape, struct err *err)
{
	struct val *o = view_out(v, i);
	const struct host_mem *m = v->mem;
	size_t n;
	void *p;

	if (!val_bytes(type, shape, &n)) {
		(void)err_set(err, ERR_LIMIT, "output %d is too large", i);
		return NULL;
	}
	if (o == NULL)		/* computed, but nobody asked for it */
		return pool_or_error(m->scratch, n, err);
	if (i < m->n_place && m->place[i] != NULL && n <= m->place_bytes[i]) {
		p = m->place[i];
		memset(p, 0, n);
	} else if ((p = pool_or_error(m->out, n, err)) == NULL)
		return NULL;
	o->form = VALUE_TENSOR;
	o->type = type;
	o->shape = *shape;
	o->data = p;
	return p;
}

void *
view_scratch(struct view *v, size_t n, size_t size, struct err *err)
{
	size_t all;

	if (!size_mul(n, size, &all)) {
		(void)err_set(err, ERR_LIMIT, "scratch is too large");
		return NULL;
	}
	return pool_or_error(v->mem->scratch, all, err);
}

void *
view_own(struct view *v, size_t n, size_t size, struct err *err)
{
	size_t all;

	if (!size_mul(n, size, &all)) {
		(void)err_set(err, ERR_LIMIT, "a value is too large");
		return NULL;
	}
	return pool_or_error(v->mem->out, all, err);
}

const char *
view_string(struct view *v, const char *s, size_t n, struct err *err)
{
	char *r = pool_strn(v->mem->out, s, n);

	if (r == NULL)
		(void)err_memory(err, "a string", n);
	return r;
}

int
val_ints(const struct val *v, int64_t *out, size_t max, size_t *n,
    struct err *err)
{
	size_t count = val_count(v);

	if (v->data == NULL && count > 0)
		return err_set(err, ERR_INTERNAL, "a value is not known");
	if (count > max)
		return view_error(err, "%zu values, want at most %zu", count,
		    max);
	for (size_t i = 0; i < count; i++)
		out[i] = elem_i(v->type, v->data, i);
	*n = count;
	return 0;
}

int
val_scalar_f(const struct val *v, double *out, struct err *err)
{
	if (val_count(v) != 1)
		return view_error(err, "%zu values, want one", val_count(v));
	if (v->data == NULL)
		return err_set(err, ERR_INTERNAL, "a value is not known");
	*out = elem_f(v->type, v->data, 0);
	return 0;
}

size_t
val_count(const struct val *v)
{
	size_t n;

	return shape_count(&v->shape, &n) ? n : 0;
}
