#include "parse/npy.h"

#include <inttypes.h>
#include <string.h>

#include "base/size.h"

#define MAGIC		"\x93NUMPY"
#define MAGIC_LEN	6
#define HEADER_MAX	65535	/* NumPy itself stops at 10000 */

/* The text after the byte-order character. */
static const struct {
	const char	*descr;
	enum dtype	 type;
} types[] = {
	{ "f4", DT_FLOAT }, { "f8", DT_DOUBLE }, { "f2", DT_FLOAT16 },
	{ "i1", DT_INT8 }, { "i2", DT_INT16 }, { "i4", DT_INT32 },
	{ "i8", DT_INT64 }, { "u1", DT_UINT8 }, { "u2", DT_UINT16 },
	{ "u4", DT_UINT32 }, { "u8", DT_UINT64 }, { "b1", DT_BOOL },
	{ "c8", DT_COMPLEX64 }, { "c16", DT_COMPLEX128 },
};

/* The header's text, read from the front. */
struct text {
	const char	*at, *end;
};

static void
blanks(struct text *t)
{
	while (t->at < t->end && (*t->at == ' ' || *t->at == '\n'))
		t->at++;
}

/* Blanks, then that word if it is there. */
static bool
word(struct text *t, const char *w)
{
	size_t n = strlen(w);

	blanks(t);
	if ((size_t)(t->end - t->at) < n || memcmp(t->at, w, n) != 0)
		return false;
	t->at += n;
	return true;
}

/* A string in either kind of quotes, without escapes. */
static bool
quoted(struct text *t, const char **s, size_t *n)
{
	char quote;

	blanks(t);
	if (t->at == t->end || (*t->at != '\'' && *t->at != '"'))
		return false;
	quote = *t->at++;
	*s = t->at;
	while (t->at < t->end && *t->at != quote && *t->at != '\\')
		t->at++;
	if (t->at == t->end || *t->at != quote)
		return false;
	*n = (size_t)(t->at++ - *s);
	return true;
}

static bool
number(struct text *t, int64_t *out)
{
	const char *start;
	int64_t v = 0;

	blanks(t);
	for (start = t->at; t->at < t->end && *t->at >= '0' && *t->at <= '9';
	    t->at++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *t->at - '0', &v))
			return false;
	*out = v;
	return t->at > start;
}

static int
read_descr(struct text *t, struct npy *a, struct err *e)
{
	const char *s;
	size_t n;

	if (!quoted(t, &s, &n))
		return err_set(e, ERR_INVALID, "npy: descr is not a string");
	for (size_t i = 0; n > 1 && i < nitems(types); i++) {
		bool byte = dtype_info(types[i].type)->bits == 8;

		if (strlen(types[i].descr) == n - 1 &&
		    memcmp(types[i].descr, s + 1, n - 1) == 0 &&
		    (*s == '<' || *s == '=' || (*s == '|' && byte))) {
			a->type = types[i].type;
			return 0;
		}
	}
	return err_set(e, ERR_UNSUPPORTED, "npy: elements of type \"%.*s\"",
	    n < 40 ? (int)n : 40, s);
}

static int
read_order(struct text *t, struct npy *a, struct err *e)
{
	a->fortran = word(t, "True");
	if (!a->fortran && !word(t, "False"))
		return err_set(e, ERR_INVALID,
		    "npy: fortran_order is neither True nor False");
	return 0;
}

static int
read_shape(struct text *t, struct npy *a, struct err *e)
{
	bool comma = true;

	if (!word(t, "("))
		return err_set(e, ERR_INVALID, "npy: shape is not a tuple");
	while (!word(t, ")")) {
		if (a->shape.rank == MAX_RANK)
			return err_set(e, ERR_UNSUPPORTED, "npy: more than %d "
			    "dimensions", MAX_RANK);
		if (!comma || !number(t, &a->shape.dim[a->shape.rank]))
			return err_set(e, ERR_INVALID, "npy: shape: dimension "
			    "%d is not a number", a->shape.rank);
		a->shape.rank++;
		comma = word(t, ",");
	}
	return 0;
}

static const struct {
	const char	*key;
	int		(*read)(struct text *, struct npy *, struct err *);
} keys[] = {
	{ "descr", read_descr },
	{ "fortran_order", read_order },
	{ "shape", read_shape },
};

static int
read_header(struct text *t, struct npy *a, struct err *e)
{
	unsigned seen = 0;
	const char *s;
	size_t n, i;

	if (!word(t, "{"))
		return err_set(e, ERR_INVALID, "npy: no header");
	while (!word(t, "}")) {
		if (!quoted(t, &s, &n) || !word(t, ":"))
			return err_set(e, ERR_INVALID, "npy: header: no key");
		for (i = 0; i < nitems(keys); i++)
			if (strlen(keys[i].key) == n &&
			    memcmp(keys[i].key, s, n) == 0)
				break;
		if (i == nitems(keys) || (seen & 1u << i) != 0)
			return err_set(e, ERR_INVALID, "npy: header: key "
			    "\"%.*s\"", n < 40 ? (int)n : 40, s);
		seen |= 1u << i;
		if (keys[i].read(t, a, e) == -1)
			return -1;
		(void)word(t, ",");
	}
	if (seen != (1u << nitems(keys)) - 1)
		return err_set(e, ERR_INVALID, "npy: header: a key is missing");
	return 0;
}

int
npy_read(const void *file, size_t n, struct npy *a, struct err *e)
{
	const uint8_t *f = file;
	size_t len, start;

	memset(a, 0, sizeof(*a));
	if (n < 12 || memcmp(f, MAGIC, MAGIC_LEN) != 0)
		return err_set(e, ERR_INVALID, "npy: not a NumPy array file");
	if (f[6] < 1 || f[6] > 3)
		return err_set(e, ERR_UNSUPPORTED, "npy: version %d", f[6]);
	len = f[8] | (size_t)f[9] << 8;
	start = 10;
	if (f[6] > 1) {
		len |= (size_t)f[10] << 16 | (size_t)f[11] << 24;
		start = 12;
	}
	if (len > HEADER_MAX || len > n - start)
		return err_set(e, ERR_INVALID, "npy: the header has %zu bytes",
		    len);
	struct text t = { (const char *)f + start,
	    (const char *)f + start + len };
	if (read_header(&t, a, e) == -1)
		return -1;
	start += len;
	if (!shape_bytes(&a->shape, a->type, &a->bytes) ||
	    a->bytes != n - start)
		return err_set(e, ERR_INVALID, "npy: %zu bytes of data do not "
		    "fit type and shape", n - start);
	a->data = f + start;
	return 0;
}

void
npy_copy(const struct npy *a, void *to)
{
	size_t size = dtype_info(a->type)->bits / 8, n = a->bytes / size;
	int64_t at[MAX_RANK] = { 0 }, stride[MAX_RANK] = { 0 }, step = 1;
	const char *from = a->data;
	char *out = to;
	size_t flat;

	if (!a->fortran) {
		if (a->bytes > 0)
			memcpy(to, a->data, a->bytes);
		return;
	}
	for (int i = 0; i < a->shape.rank; step *= a->shape.dim[i++])
		stride[i] = step;
	for (size_t k = 0; k < n; k++) {
		flat = 0;
		for (int i = 0; i < a->shape.rank; i++)
			flat += (size_t)(at[i] * stride[i]);
		memcpy(out + k * size, from + flat * size, size);
		for (int i = a->shape.rank - 1; i >= 0; i--) {
			if (++at[i] < a->shape.dim[i])
				break;
			at[i] = 0;
		}
	}
}

static const char *
descr(enum dtype type)
{
	for (size_t i = 0; i < nitems(types); i++)
		if (types[i].type == type)
			return types[i].descr;
	return NULL;
}

bool
npy_has(enum dtype type)
{
	return descr(type) != NULL;
}

void
npy_write(struct buf *b, enum dtype type, const struct shape *s,
    const void *data, size_t bytes)
{
	char text[256];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text),
	    "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
	    dtype_info(type)->bits == 8 ? '|' : '<', descr(type));
	for (int i = 0; i < s->rank; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%" PRId64 ",%s", s->dim[i], i + 1 < s->rank ? " " : "");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "), }");
	/* The data starts at a multiple of 64 bytes. */
	size_t len = size_round(10 + n + 1, 64) - 10;
	const uint8_t front[] = { 1, 0, (uint8_t)len, (uint8_t)(len >> 8) };
	(void)buf_add(b, MAGIC, MAGIC_LEN);
	(void)buf_add(b, front, sizeof(front));
	(void)buf_add(b, text, n);
	for (; n + 1 < len; n++)
		(void)buf_add(b, " ", 1);
	(void)buf_add(b, "\n", 1);
	if (bytes > 0)
		(void)buf_add(b, data, bytes);
}
