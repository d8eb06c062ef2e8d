/* Constants on the device: the model's, packed once, and the plan's own. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/size.h"
#include "plan/build.h"

struct pack {
	struct pack		*next;
	const struct tensor	*init;
	const char		*key;
	struct storage		 store;
};

#define PACK_BUCKETS	1024

struct packs {
	struct pool	*pool;
	struct ocl	*ocl;
	size_t		 bytes;
	struct pack	*bucket[PACK_BUCKETS];
};

struct packs *
packs_new(struct ocl *ocl, struct err *err)
{
	struct pool *pool = pool_new(PLAN_POOL_MAX);
	struct packs *s = pool == NULL ? NULL : pool_get(pool, sizeof(*s));

	if (s == NULL) {
		pool_free(pool);
		(void)err_memory(err, "packed weights", sizeof(*s));
		return NULL;
	}
	s->pool = pool;
	s->ocl = ocl;
	return s;
}

void
packs_free(struct packs *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < PACK_BUCKETS; i++)
		for (struct pack *p = s->bucket[i]; p != NULL; p = p->next)
			ocl_buf_free(s->ocl, p->store.buf);
	pool_free(s->pool);
}

size_t
packs_bytes(const struct packs *s)
{
	return s->bytes;
}

/* Where the pack of that key is, or belongs. */
static struct pack **
pack_find(struct packs *s, const struct tensor *t, const char *key)
{
	uint64_t h = hash_add((uint64_t)(uintptr_t)t >> 4, key, strlen(key));
	struct pack **p;

	p = &s->bucket[h % PACK_BUCKETS];
	while (*p != NULL && ((*p)->init != t || strcmp((*p)->key, key) != 0))
		p = &(*p)->next;
	return p;
}

/* Let fill write the buffer: straight into it where that is possible. */
static int
pack_fill(struct packs *s, struct ocl_buf *buf, size_t bytes,
    int (*fill)(void *, size_t, const struct val *, const void *),
    const struct val *v, const void *arg, struct err *err)
{
	void *at = ocl_buf_host(buf);
	int r;

	if (at != NULL)
		return fill(at, bytes, v, arg) == 0 ? 0 :
		    err_set(err, ERR_INTERNAL, "a constant cannot be packed");
	if ((at = calloc(1, bytes > 0 ? bytes : 1)) == NULL)
		return err_memory(err, "packed weights", bytes);
	if ((r = fill(at, bytes, v, arg)) == 0)
		r = ocl_write(s->ocl, buf, 0, at, bytes, err);
	else
		r = err_set(err, ERR_INTERNAL, "a constant cannot be packed");
	free(at);
	return r;
}

struct storage *
pack_get(struct packs *s, const struct tensor *t, const char *key,
    size_t bytes, int (*fill)(void *, size_t, const struct val *,
    const void *), const struct val *v, const void *arg, struct err *err)
{
	struct pack **at = pack_find(s, t, key);
	struct pack *p;
	struct ocl_buf *buf;
	size_t room = size_round(bytes > 0 ? bytes : 1, ALIGN_BYTES);

	if (*at != NULL)
		return &(*at)->store;
	p = pool_get(s->pool, sizeof(*p));
	if (p == NULL || (p->key = pool_str(s->pool, key)) == NULL) {
		(void)err_memory(err, "packed weights", sizeof(*p));
		return NULL;
	}
	if ((buf = ocl_buf_new(s->ocl, room, err)) == NULL)
		return NULL;
	if (pack_fill(s, buf, bytes, fill, v, arg, err) < 0) {
		ocl_buf_free(s->ocl, buf);
		return NULL;
	}
	p->init = t;
	p->store = (struct storage){ .bytes = room, .buf = buf };
	s->bytes += room;
	*at = p;
	return &p->store;
}

/* A constant of the plan's own: its bytes are uploaded when it is sealed. */
static struct storage *
own_const(struct plan *p, size_t bytes, void **fill, struct err *err)
{
	struct storage *s = storage_new(p, bytes, err);

	if (s == NULL)
		return NULL;
	*fill = pool_get(p->pool, bytes);
	if (*fill == NULL) {
		(void)err_memory(err, "a constant", bytes);
		return NULL;
	}
	s->fill = *fill;
	s->n_fill = bytes;
	return s;
}

struct storage *
plan_packed(struct plan *p, const struct val *v, const char *key,
    size_t bytes, int (*fill)(void *, size_t, const struct val *,
    const void *), const void *arg, struct err *err)
{
	struct storage *s;
	void *at;

	if (v->kind != VAL_KNOWN) {
		(void)err_set(err, ERR_INTERNAL, "only constants are packed");
		return NULL;
	}
	if (p->env.draft)
		return storage_new(p, bytes, err);
	if (v->init != NULL)
		return pack_get(p->env.packs, v->init, key, bytes, fill, v,
		    arg, err);
	if ((s = own_const(p, bytes, &at, err)) == NULL)
		return NULL;
	if (fill(at, bytes, v, arg) != 0) {
		(void)err_set(err, ERR_INTERNAL, "a constant cannot be packed");
		return NULL;
	}
	return s;
}

static int
copy(void *to, size_t n, const struct val *v, const void *arg)
{
	(void)arg;
	if (n > 0)
		memcpy(to, v->data, n);
	return 0;
}

int
val_upload(struct plan *p, struct val *v, struct err *err)
{
	size_t n;

	if (v->store != NULL)
		return 0;
	if (!shape_bytes(&v->shape, v->type, &n))
		return err_set(err, ERR_INTERNAL,
		    "devices do not hold values of type %s",
		    dtype_info(v->type)->onnx);
	v->store = plan_packed(p, v, "plain", n, copy, NULL, err);
	v->offset = 0;
	v->layout = LAYOUT_PLAIN;
	return v->store == NULL ? -1 : 0;
}
