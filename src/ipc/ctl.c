#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/ctl.h"
#include "ipc/cursor.h"
#include "ipc/text.h"

/*
 * A message is its type (32 bits) and its fields one after the other: numbers
 * little-endian in their own width, a text as a 16-bit length and its bytes.
 * What both directions do per type is one row of the table below.
 */
struct form {
	bool	fd;
	bool	(*put)(struct buf *, const struct ctl_msg *);
	bool	(*get)(struct cursor *, struct ctl_msg *, struct err *);
};

#define PUT(b, x)	buf_add((b), &(x), sizeof(x))
#define GET(c, x)	cursor_get((c), &(x), sizeof(x))

static bool
put_text(struct buf *b, const char *text, size_t max)
{
	size_t n = strnlen(text, max - 1);
	uint16_t n16 = (uint16_t)n;

	return PUT(b, n16) && buf_add(b, text, n);
}

/* Into max bytes, always with a NUL. */
static bool
get_text(struct cursor *c, char *text, size_t max)
{
	uint16_t n;

	if (!GET(c, n) || n >= max || !cursor_get(c, text, n))
		return false;
	text[n] = '\0';
	return memchr(text, '\0', n) == NULL;
}

/* As get_text(), for what is only shown. */
static bool
get_shown(struct cursor *c, char *text, size_t max)
{
	if (!get_text(c, text, max))
		return false;
	(void)text_clean(text, strlen(text));
	return true;
}

static bool
put_enum(struct buf *b, unsigned v)
{
	uint32_t v32 = v;

	return PUT(b, v32);
}

static bool
get_enum(struct cursor *c, unsigned *v, unsigned end)
{
	uint32_t v32;

	if (!GET(c, v32) || v32 >= end)
		return false;
	*v = v32;
	return true;
}

static bool
put_nothing(struct buf *b, const struct ctl_msg *m)
{
	(void)b;
	(void)m;
	return true;
}

static bool
get_nothing(struct cursor *c, struct ctl_msg *m, struct err *e)
{
	(void)c;
	(void)m;
	(void)e;
	return true;
}

static bool
put_handle(struct buf *b, const struct ctl_msg *m)
{
	return PUT(b, m->handle);
}

static bool
get_handle(struct cursor *c, struct ctl_msg *m, struct err *e)
{
	(void)e;
	return GET(c, m->handle);
}

static bool
put_segment(struct buf *b, const struct ctl_msg *m)
{
	return PUT(b, m->segment.id) && PUT(b, m->segment.bytes);
}

static bool
get_segment(struct cursor *c, struct ctl_msg *m, struct err *e)
{
	(void)e;
	return GET(c, m->segment.id) && GET(c, m->segment.bytes);
}

static bool
put_hello(struct buf *b, const struct ctl_msg *m)
{
	const struct ctl_hello *h = &m->hello;

	return put_text(b, h->build, sizeof(h->build)) &&
	    put_text(b, h->device, sizeof(h->device)) &&
	    put_text(b, h->vendor, sizeof(h->vendor)) &&
	    put_text(b, h->driver, sizeof(h->driver)) &&
	    put_text(b, h->sandbox, sizeof(h->sandbox)) &&
	    put_enum(b, h->type) && PUT(b, h->compute_units) &&
	    PUT(b, h->memory) && PUT(b, h->max_alloc);
}

static bool
get_hello(struct cursor *c, struct ctl_msg *m, struct err *e)
{
	struct ctl_hello *h = &m->hello;
	unsigned type = 0;

	(void)e;
	if (!get_shown(c, h->build, sizeof(h->build)) ||
	    !get_shown(c, h->device, sizeof(h->device)) ||
	    !get_shown(c, h->vendor, sizeof(h->vendor)) ||
	    !get_shown(c, h->driver, sizeof(h->driver)) ||
	    !get_shown(c, h->sandbox, sizeof(h->sandbox)) ||
	    !get_enum(c, &type, CTL_OTHER + 1))
		return false;
	h->type = (enum ctl_device)type;
	return GET(c, h->compute_units) && GET(c, h->memory) &&
	    GET(c, h->max_alloc);
}

static bool
put_load(struct buf *b, const struct ctl_msg *m)
{
	const struct ctl_load *l = &m->load;

	return PUT(b, l->handle) && put_text(b, l->name, sizeof(l->name)) &&
	    PUT(b, l->version) && put_text(b, l->path, sizeof(l->path)) &&
	    PUT(b, l->max_batch) && put_enum(b, l->precision) &&
	    put_enum(b, l->cache);
}

static bool
get_load(struct cursor *c, struct ctl_msg *m, struct err *e)
{
	struct ctl_load *l = &m->load;
	unsigned precision = 0, cache = 0;

	(void)e;
	if (!GET(c, l->handle) || !get_text(c, l->name, sizeof(l->name)) ||
	    !GET(c, l->version) || !get_text(c, l->path, sizeof(l->path)) ||
	    !GET(c, l->max_batch) ||
	    !get_enum(c, &precision, CTL_INT8 + 1) ||
	    !get_enum(c, &cache, CTL_CACHE_WIPE + 1))
		return false;
	l->precision = (enum ctl_precision)precision;
	l->cache = (enum ctl_cache)cache;
	return true;
}

static bool
put_tensor(struct buf *b, const struct sig_tensor *t)
{
	uint32_t type = t->type;
	uint8_t rank = t->has_shape ? (uint8_t)t->shape.rank : UINT8_MAX;
	uint8_t optional = t->optional;

	return put_text(b, t->name, sizeof(t->name)) && PUT(b, type) &&
	    PUT(b, optional) && PUT(b, rank) && (!t->has_shape ||
	    buf_add(b, t->shape.dim, (size_t)rank * sizeof(int64_t)));
}

/* A name is a key: it must arrive as it is, not cleaned. */
static bool
get_tensor(struct cursor *c, struct sig_tensor *t)
{
	unsigned type = 0;
	uint8_t rank, optional;

	if (!get_text(c, t->name, sizeof(t->name)) ||
	    !get_enum(c, &type, DT_COUNT) || !GET(c, optional) ||
	    !GET(c, rank) || type == DT_NONE)
		return false;
	t->type = (enum dtype)type;
	t->optional = optional != 0;
	t->has_shape = rank != UINT8_MAX;
	if (!t->has_shape)
		return true;
	if (rank > MAX_RANK ||
	    !cursor_get(c, t->shape.dim, rank * sizeof(int64_t)))
		return false;
	t->shape.rank = rank;
	for (int i = 0; i < rank; i++)
		if (t->shape.dim[i] < -1)
			return false;
	return true;
}

static bool
put_signature(struct buf *b, const struct signature *s)
{
	uint8_t batchable = s->batchable;

	if (s->n_in > SIG_TENSORS_MAX || s->n_out > SIG_TENSORS_MAX ||
	    !PUT(b, s->n_in) || !PUT(b, s->n_out) || !PUT(b, batchable))
		return false;
	for (uint32_t i = 0; i < s->n_in; i++)
		if (!put_tensor(b, &s->in[i]))
			return false;
	for (uint32_t i = 0; i < s->n_out; i++)
		if (!put_tensor(b, &s->out[i]))
			return false;
	return true;
}

static struct signature *
get_signature(struct cursor *c, struct err *e)
{
	struct signature *s;
	uint32_t n_in, n_out;
	uint8_t batchable;
	bool good = true;

	if (!GET(c, n_in) || !GET(c, n_out) || !GET(c, batchable) ||
	    n_in > SIG_TENSORS_MAX || n_out > SIG_TENSORS_MAX)
		return NULL;
	s = signature_new(n_in, n_out);
	if (s == NULL) {
		(void)err_memory(e, "signature", n_in + n_out);
		return NULL;
	}
	s->batchable = batchable != 0;
	for (uint32_t i = 0; good && i < n_in; i++)
		good = get_tensor(c, &s->in[i]);
	for (uint32_t i = 0; good && i < n_out; i++)
		good = get_tensor(c, &s->out[i]);
	if (good)
		return s;
	signature_free(s);
	return NULL;
}

static bool
put_loaded(struct buf *b, const struct ctl_msg *m)
{
	const struct ctl_loaded *l = &m->loaded;

	return PUT(b, l->handle) && PUT(b, l->load_ms) && PUT(b, l->memory) &&
	    put_signature(b, l->signature);
}

static bool
get_loaded(struct cursor *c, struct ctl_msg *m, struct err *e)
{
	struct ctl_loaded *l = &m->loaded;

	if (!GET(c, l->handle) || !GET(c, l->load_ms) || !GET(c, l->memory))
		return false;
	l->signature = get_signature(c, e);
	return l->signature != NULL;
}

static bool
put_failed(struct buf *b, const struct ctl_msg *m)
{
	const struct ctl_failed *f = &m->failed;

	return PUT(b, f->handle) && put_enum(b, f->err.code) &&
	    put_text(b, f->err.text, sizeof(f->err.text));
}

static bool
get_failed(struct cursor *c, struct ctl_msg *m, struct err *e)
{
	struct ctl_failed *f = &m->failed;
	unsigned code = 0;

	(void)e;
	if (!GET(c, f->handle) || !get_enum(c, &code, ERR_INTERNAL + 1) ||
	    code == ERR_NONE)
		return false;
	f->err.code = (enum err_code)code;
	return get_shown(c, f->err.text, sizeof(f->err.text));
}

static const struct form forms[CTL_TYPES] = {
	[CTL_HELLO] = { false, put_hello, get_hello },
	[CTL_SEGMENT_ADD] = { true, put_segment, get_segment },
	[CTL_SEGMENT_DROP] = { false, put_segment, get_segment },
	[CTL_SEGMENT_DROPPED] = { false, put_segment, get_segment },
	[CTL_LOAD] = { true, put_load, get_load },
	[CTL_LOADED] = { false, put_loaded, get_loaded },
	[CTL_LOAD_FAILED] = { false, put_failed, get_failed },
	[CTL_UNLOAD] = { false, put_handle, get_handle },
	[CTL_UNLOADED] = { false, put_handle, get_handle },
	[CTL_DRAIN] = { false, put_nothing, get_nothing },
	[CTL_PING] = { false, put_nothing, get_nothing },
	[CTL_PONG] = { false, put_nothing, get_nothing },
};

bool
ctl_has_fd(enum ctl_type type)
{
	return (unsigned)type < CTL_TYPES && forms[type].fd;
}

int
ctl_encode(const struct ctl_msg *m, struct buf *b, struct err *e)
{
	uint32_t type = m->type;

	if (type >= CTL_TYPES || forms[type].put == NULL)
		return err_set(e, ERR_INTERNAL, "control message of type %u",
		    type);
	if (!PUT(b, type) || !forms[type].put(b, m) || buf_failed(b))
		return err_set(e, ERR_LIMIT,
		    "control message of type %u: over %zu bytes", type,
		    CTL_BYTES_MAX);
	return 0;
}

int
ctl_decode(const void *bytes, size_t n, struct ctl_msg *m, struct err *e)
{
	struct cursor c = { bytes, n };
	struct ctl_msg got = { .fd = -1 };
	uint32_t type;

	if (!GET(&c, type) || type >= CTL_TYPES || forms[type].get == NULL)
		return err_set(e, ERR_INVALID, "no control message: %zu bytes",
		    n);
	got.type = (enum ctl_type)type;
	(void)err_set(e, ERR_INVALID, "control message of type %u: %zu bytes",
	    type, n);
	if (!forms[type].get(&c, &got, e))
		return -1;
	if (c.left > 0) {
		ctl_msg_done(&got);
		return -1;
	}
	if (e != NULL)
		*e = (struct err){ .code = ERR_NONE };
	*m = got;
	return 0;
}

void
ctl_msg_done(struct ctl_msg *m)
{
	if (m->type == CTL_LOADED)
		signature_free(m->loaded.signature);
	if (m->fd != -1)
		(void)close(m->fd);
	*m = (struct ctl_msg){ .fd = -1 };
}
