#include "tool/value.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/size.h"
#include "parse/npy.h"
#include "plan/val.h"
#include "tool/file.h"
#include "tool/show.h"

#define PRINT_MAX	32	/* elements of an output that are printed */

/* Strings as the engine takes them: length and bytes each. */
static int
pack_strings(struct pool *pool, const struct tensor *t, struct io_seg *seg,
    struct err *e)
{
	const struct string *s = t->data;
	size_t n = t->count * sizeof(uint32_t);
	uint32_t len;
	char *to;

	for (size_t i = 0; i < t->count; i++)
		n += s[i].n;
	if ((to = pool_get(pool, n)) == NULL)
		return err_memory(e, "strings", n);
	*seg = (struct io_seg){ to, n };
	for (size_t i = 0; i < t->count; i++) {
		len = htole32((uint32_t)s[i].n);
		memcpy(to, &len, sizeof(len));
		if (s[i].n > 0)
			memcpy(to + sizeof(len), s[i].s, s[i].n);
		to += sizeof(len) + s[i].n;
	}
	return 0;
}

static int
tensor_io(struct pool *pool, const struct tensor *t, struct io *io,
    struct err *e)
{
	struct io_seg *seg = pool_get(pool, sizeof(*seg));

	if (seg == NULL)
		return err_memory(e, "an input", sizeof(*seg));
	*io = (struct io){ .kind = IO_TENSOR, .type = t->type,
	    .shape = t->shape, .seg = seg, .n_seg = 1 };
	if (t->type == DT_STRING)
		return pack_strings(pool, t, seg, e);
	*seg = (struct io_seg){ t->data, t->bytes };
	return 0;
}

int
value_io(struct pool *pool, const struct datum *d, struct io *io,
    struct err *e)
{
	if (d->kind == DATUM_TENSOR)
		return tensor_io(pool, &d->tensor, io, e);
	*io = (struct io){ .kind = d->kind == DATUM_NONE ? IO_NONE :
	    IO_SEQUENCE, .n_elems = (uint32_t)d->n };
	io->elems = pool_array(pool, d->n, sizeof(*io->elems));
	if (io->elems == NULL)
		return err_memory(e, "a sequence", d->n);
	for (size_t i = 0; i < d->n; i++)
		if (value_io(pool, &d->elem[i], &io->elems[i], e) == -1)
			return -1;
	return 0;
}

static int
npy_datum(struct pool *pool, const void *bytes, size_t n, struct datum *d,
    struct err *e)
{
	struct tensor *t = &d->tensor;
	struct npy a;
	void *data;

	if (npy_read(bytes, n, &a, e) == -1)
		return -1;
	if ((data = pool_get(pool, a.bytes)) == NULL)
		return err_memory(e, "an array", a.bytes);
	npy_copy(&a, data);
	*d = (struct datum){ .kind = DATUM_TENSOR };
	*t = (struct tensor){ .name = "", .type = a.type, .shape = a.shape,
	    .bytes = a.bytes, .data = data };
	(void)shape_count(&a.shape, &t->count);
	return 0;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

int
value_file(struct pool *pool, const char *path, enum value_type type,
    struct datum *d, struct err *e)
{
	void *bytes, *copy;
	size_t n;
	int r;

	if (file_read(path, &bytes, &n, e) == -1)
		return -1;
	if ((copy = pool_get(pool, n)) == NULL) {
		free(bytes);
		return err_memory(e, path, n);
	}
	memcpy(copy, bytes, n);
	free(bytes);
	if (ends_with(path, ".npy"))
		r = npy_datum(pool, copy, n, d, e);
	else
		r = datum_read(pool, copy, n, type, d, e);
	return r == -1 ? err_prefix(e, "%s", path) : 0;
}

int
value_fill(struct pool *pool, enum dtype type, const struct shape *shape,
    int number, struct datum *d, struct err *e)
{
	struct tensor *t = &d->tensor;
	struct string *s;
	void *data;

	*d = (struct datum){ .kind = DATUM_TENSOR };
	*t = (struct tensor){ .name = "", .type = type, .shape = *shape };
	if (!shape_count(shape, &t->count))
		return err_set(e, ERR_INVALID, "the shape is not one");
	t->bytes = t->count * sizeof(*s);
	if (type != DT_STRING && !dtype_bytes(type, t->count, &t->bytes))
		return err_set(e, ERR_INVALID, "the size overflows");
	if ((data = pool_get(pool, t->bytes)) == NULL)
		return err_memory(e, "an input", t->bytes);
	t->data = s = data;
	if (type == DT_STRING)
		for (size_t i = 0; i < t->count; i++)
			s[i].s = "";
	else
		for (size_t i = 0; number != 0 && i < t->count; i++)
			elem_set_f(type, data, i, number);
	return 0;
}

/* One output as the engine placed it. */
struct caught {
	struct io	 io;
	unsigned char	*bytes;
	size_t		 n;
};

static void *
place(void *arg, uint32_t i, const struct io *shape_of, size_t bytes)
{
	struct outputs *o = arg;
	struct caught *c = &o->caught[i];

	c->io = *shape_of;
	c->n = bytes;
	if (shape_of->n_elems > 0) {
		c->io.elems = pool_array(o->pool, shape_of->n_elems,
		    sizeof(*c->io.elems));
		if (c->io.elems == NULL)
			return NULL;
		memcpy(c->io.elems, shape_of->elems,
		    shape_of->n_elems * sizeof(*c->io.elems));
	}
	return c->bytes = pool_get(o->pool, bytes);
}

static int
unpack_strings(struct pool *pool, struct tensor *t, const unsigned char **at,
    size_t *left, struct err *e)
{
	struct string *s;
	uint32_t len;

	if (t->count > *left / sizeof(len))
		return err_set(e, ERR_INTERNAL, "strings are cut");
	if ((s = pool_array(pool, t->count, sizeof(*s))) == NULL)
		return err_memory(e, "strings", t->count * sizeof(*s));
	for (size_t i = 0; i < t->count; i++) {
		if (*left < sizeof(len))
			return err_set(e, ERR_INTERNAL, "strings are cut");
		memcpy(&len, *at, sizeof(len));
		len = le32toh(len);
		*at += sizeof(len);
		*left -= sizeof(len);
		if (len > *left)
			return err_set(e, ERR_INTERNAL, "strings are cut");
		s[i].n = len;
		s[i].s = pool_strn(pool, (const char *)*at, len);
		if (s[i].s == NULL)
			return err_memory(e, "strings", len);
		*at += len;
		*left -= len;
	}
	t->data = s;
	t->bytes = t->count * sizeof(*s);
	return 0;
}

/* The tensor of an io, whose bytes are next at *at. */
static int
io_tensor(struct pool *pool, const struct io *io, const unsigned char **at,
    size_t *left, struct tensor *t, struct err *e)
{
	void *data;

	*t = (struct tensor){ .name = "", .type = io->type,
	    .shape = io->shape };
	if (!shape_count(&io->shape, &t->count))
		return err_set(e, ERR_INTERNAL, "an output without a size");
	if (io->type == DT_STRING)
		return unpack_strings(pool, t, at, left, e);
	if (!dtype_bytes(io->type, t->count, &t->bytes) || t->bytes > *left)
		return err_set(e, ERR_INTERNAL, "an output of %zu bytes is too "
		    "short", *left);
	/* Tensors of a sequence follow each other, aligned to nothing. */
	if ((data = pool_get(pool, t->bytes)) == NULL)
		return err_memory(e, "an output", t->bytes);
	memcpy(data, *at, t->bytes);
	t->data = data;
	*at += t->bytes;
	*left -= t->bytes;
	return 0;
}

int
value_bytes(struct pool *pool, enum dtype type, const struct shape *shape,
    const void *bytes, size_t n, struct datum *d, struct err *e)
{
	struct io io = { .kind = IO_TENSOR, .type = type, .shape = *shape };
	const unsigned char *at = bytes;

	*d = (struct datum){ .kind = DATUM_TENSOR };
	if (io_tensor(pool, &io, &at, &n, &d->tensor, e) == -1)
		return -1;
	if (n > 0)
		return err_set(e, ERR_INVALID, "%zu bytes are left over", n);
	return 0;
}

static int
caught_datum(struct pool *pool, const struct caught *c, struct datum *d,
    struct err *e)
{
	const unsigned char *at = c->bytes;
	size_t left = c->n;

	*d = (struct datum){ .kind = DATUM_NONE };
	if (c->io.kind == IO_NONE || c->bytes == NULL)
		return 0;
	if (c->io.kind == IO_TENSOR) {
		d->kind = DATUM_TENSOR;
		return io_tensor(pool, &c->io, &at, &left, &d->tensor, e);
	}
	d->kind = DATUM_SEQUENCE;
	d->n = c->io.n_elems;
	d->elem = pool_array(pool, d->n, sizeof(*d->elem));
	if (d->elem == NULL)
		return err_memory(e, "a sequence", d->n);
	for (size_t i = 0; i < d->n; i++)
		if (io_tensor(pool, &c->io.elems[i], &at, &left,
		    &d->elem[i].tensor, e) == -1)
			return -1;
	return 0;
}

int
value_run(struct net *net, const struct io *in, uint32_t n_in,
    struct pool *pool, struct outputs *o, struct err *e)
{
	uint64_t want[(SIG_TENSORS_MAX + 63) / 64];
	struct run_sink sink = { place, o };

	memset(want, 0xff, sizeof(want));
	*o = (struct outputs){ .pool = pool, .n = net_signature(net)->n_out };
	o->datum = pool_array(pool, o->n, sizeof(*o->datum));
	o->caught = pool_array(pool, o->n, sizeof(*o->caught));
	if (o->datum == NULL || o->caught == NULL)
		return err_memory(e, "outputs", o->n * sizeof(*o->caught));
	if (net_run(net, in, n_in, want, &sink, e) == -1)
		return -1;
	for (uint32_t i = 0; i < o->n; i++)
		if (caught_datum(pool, &o->caught[i], &o->datum[i], e) == -1)
			return err_prefix(e, "output \"%s\"",
			    net_signature(net)->out[i].name);
	return 0;
}

static void
print_element(const struct tensor *t, size_t i)
{
	char kind = dtype_info(t->type)->kind;
	const struct string *s = t->data;

	if (kind == 's') {
		(void)fputs(" \"", stdout);
		(void)show_text(stdout, s[i].s, s[i].n);
		(void)putchar('"');
	} else if (kind == 'f')
		(void)printf(" %.6g", elem_f(t->type, t->data, i));
	else if (kind == 'u' && dtype_info(t->type)->bits == 64)
		(void)printf(" %" PRIu64,
		    (uint64_t)elem_i(t->type, t->data, i));
	else if (kind != 'c')
		(void)printf(" %" PRId64, elem_i(t->type, t->data, i));
	else if (t->type == DT_COMPLEX64)
		(void)printf(" (%g, %g)",
		    (double)((const float *)t->data)[2 * i],
		    (double)((const float *)t->data)[2 * i + 1]);
	else
		(void)printf(" (%g, %g)", ((const double *)t->data)[2 * i],
		    ((const double *)t->data)[2 * i + 1]);
}

void
value_print(const char *name, const struct datum *d)
{
	const struct tensor *t = &d->tensor;
	char text[SHAPE_TEXT];

	(void)show_string(stdout, name);
	if (d->kind == DATUM_NONE)
		(void)puts(" nothing");
	if (d->kind == DATUM_SEQUENCE)
		(void)printf(" sequence of %zu\n", d->n);
	for (size_t i = 0; d->kind == DATUM_SEQUENCE && i < d->n; i++)
		value_print(" ", &d->elem[i]);
	if (d->kind != DATUM_TENSOR)
		return;
	(void)printf(" %s%s:", dtype_info(t->type)->onnx,
	    shape_text(&t->shape, text));
	for (size_t i = 0; i < t->count && i < PRINT_MAX; i++)
		print_element(t, i);
	(void)puts(t->count > PRINT_MAX ? " ..." : "");
}

static int
write_file(const char *path, const struct buf *b, struct err *e)
{
	FILE *f = fopen(path, "wb");
	bool ok;

	if (f == NULL)
		return err_sys(e, "%s", path);
	ok = fwrite(b->data, 1, b->len, f) == b->len;
	if (fclose(f) != 0 || !ok)
		return err_sys(e, "%s", path);
	return 0;
}

static int
save_tensor(const char *dir, const char *name, const struct tensor *t,
    struct err *e)
{
	bool npy = npy_has(t->type);
	char path[PATH_MAX], safe[SIG_NAME_MAX];
	struct buf b;
	int r;

	(void)snprintf(safe, sizeof(safe), "%s", name);
	for (char *c = safe; *c != '\0'; c++)
		if (*c == '/' || (c == safe && *c == '.'))
			*c = '_';
	if ((size_t)snprintf(path, sizeof(path), "%s/%s.%s", dir, safe,
	    npy ? "npy" : "pb") >= sizeof(path))
		return err_set(e, ERR_LIMIT, "the path is too long");
	buf_init(&b, SIZE_MAX / 2);
	if (npy)
		npy_write(&b, t->type, &t->shape, t->data, t->bytes);
	else
		datum_write_tensor(&b, t);
	r = buf_failed(&b) ? err_memory(e, path, t->bytes) :
	    write_file(path, &b, e);
	buf_done(&b);
	return r;
}

int
value_save(const char *dir, const char *name, const struct datum *d,
    struct err *e)
{
	char each[SIG_NAME_MAX + 16];

	if (d->kind == DATUM_TENSOR)
		return save_tensor(dir, name, &d->tensor, e);
	for (size_t i = 0; i < d->n; i++) {
		(void)snprintf(each, sizeof(each), "%s-%zu", name, i);
		if (value_save(dir, each, &d->elem[i], e) == -1)
			return -1;
	}
	return 0;
}

int
value_save_all(const char *dir, const struct sig_tensor *names,
    const struct outputs *o, struct err *e)
{
	if (mkdir(dir, 0777) == -1 && errno != EEXIST)
		return err_sys(e, "%s", dir);
	for (uint32_t i = 0; i < o->n; i++)
		if (value_save(dir, names[i].name, &o->datum[i], e) == -1)
			return -1;
	return 0;
}
