#include "parse/pb.h"

#include <string.h>

enum wire { W_VARINT, W_FIXED64, W_BYTES, W_FIXED32 = 5 };

/* One field as it lies in the message. */
struct item {
	uint32_t	num;
	enum wire	wire;
	uint64_t	u;		/* W_VARINT */
	struct pb_span	span;		/* the rest: its bytes */
};

static const enum wire wire_of[] = {
	[PB_INT] = W_VARINT,
	[PB_FLOAT] = W_FIXED32,
	[PB_SPAN] = W_BYTES,
	[PB_SPANS] = W_BYTES,
	[PB_INTS] = W_VARINT,
	[PB_FLOATS] = W_FIXED32,
	[PB_DOUBLES] = W_FIXED64,
};

static void
skip(struct pb_span *s, size_t n)
{
	s->at += n;
	s->n -= n;
}

/* Ten bytes at most; bits above 64 are dropped, as every reader does. */
static bool
varint(struct pb_span *s, uint64_t *u)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 10 && i < s->n; i++) {
		v |= (uint64_t)(s->at[i] & 0x7f) << (7 * i);
		if (s->at[i] < 0x80) {
			skip(s, i + 1);
			*u = v;
			return true;
		}
	}
	return false;
}

static bool
bytes(struct pb_span *s, uint64_t n, struct pb_span *out)
{
	if (n > s->n)
		return false;
	*out = (struct pb_span){ s->at, (size_t)n };
	skip(s, (size_t)n);
	return true;
}

/* The item at the front of s, which is not empty. */
static bool
item(struct pb_span *s, struct item *it)
{
	uint64_t tag, n;

	if (!varint(s, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
		return false;
	it->num = (uint32_t)(tag >> 3);
	it->wire = (enum wire)(tag & 7);
	if (it->wire == W_VARINT)
		return varint(s, &it->u);
	if (it->wire == W_FIXED64)
		return bytes(s, 8, &it->span);
	if (it->wire == W_FIXED32)
		return bytes(s, 4, &it->span);
	/* Groups have been obsolete for longer than ONNX exists. */
	return it->wire == W_BYTES && varint(s, &n) && bytes(s, n, &it->span);
}

/* Elements of a packed run; false if it does not end with one. */
static bool
count_packed(struct pb_span run, enum pb_kind kind, size_t *count)
{
	size_t size = kind == PB_DOUBLES ? 8 : 4;
	uint64_t u;

	if (kind != PB_INTS) {
		*count = run.n / size;
		return run.n % size == 0;
	}
	for (*count = 0; run.n > 0; ++*count)
		if (!varint(&run, &u))
			return false;
	return true;
}

static bool
many(const struct pb_field *f, const struct item *it, struct pb_span from,
    struct pb_many *out)
{
	size_t n = 1;

	if (it->wire != wire_of[f->kind] && (it->wire != W_BYTES ||
	    !count_packed(it->span, f->kind, &n)))
		return false;
	if (out->rest.at == NULL)
		out->rest = from;
	out->num = f->num;
	out->count += n;
	return true;
}

/* Store one item; from is the message from that item on. */
static bool
store(const struct pb_field *f, const struct item *it, struct pb_span from,
    void *into)
{
	char *to = (char *)into + f->offset;

	if (f->kind >= PB_SPANS)
		return many(f, it, from, (struct pb_many *)(void *)to);
	if (it->wire != wire_of[f->kind])
		return false;
	if (f->kind == PB_INT)
		memcpy(to, &it->u, sizeof(it->u));
	else if (f->kind == PB_FLOAT)
		memcpy(to, it->span.at, sizeof(float));
	else
		memcpy(to, &it->span, sizeof(it->span));
	return true;
}

int
pb_read(struct pb_span m, const struct pb_field *f, size_t n, void *into,
    struct err *e)
{
	struct pb_span s = m, from;
	struct item it;
	size_t i;

	while (s.n > 0) {
		from = s;
		if (!item(&s, &it))
			return err_set(e, ERR_INVALID,
			    "malformed protobuf at byte %zu of %zu",
			    m.n - from.n, m.n);
		for (i = 0; i < n && f[i].num != it.num; i++)
			;
		if (i < n && !store(&f[i], &it, from, into))
			return err_set(e, ERR_INVALID, "protobuf field %u at "
			    "byte %zu of %zu has the wrong wire type", it.num,
			    m.n - from.n, m.n);
	}
	return 0;
}

/* The next item of a repeated field: one element, or a packed run. */
static bool
next_item(struct pb_many *m, struct item *it)
{
	while (m->rest.n > 0 && item(&m->rest, it))
		if (it->num == m->num)
			return true;
	return false;
}

bool
pb_next(struct pb_many *m, struct pb_span *out)
{
	struct item it;

	if (!next_item(m, &it))
		return false;
	*out = it.span;
	return true;
}

void
pb_ints(struct pb_many m, int64_t *out)
{
	struct item it;

	while (next_item(&m, &it)) {
		if (it.wire == W_VARINT)
			*out++ = (int64_t)it.u;
		else
			while (it.span.n > 0 && varint(&it.span, &it.u))
				*out++ = (int64_t)it.u;
	}
}

/* Fixed-size numbers lie in the file as in memory (little-endian). */
static void
copy_runs(struct pb_many m, void *out)
{
	char *to = out;
	struct item it;

	while (next_item(&m, &it)) {
		memcpy(to, it.span.at, it.span.n);
		to += it.span.n;
	}
}

void
pb_floats(struct pb_many m, float *out)
{
	copy_runs(m, out);
}

void
pb_doubles(struct pb_many m, double *out)
{
	copy_runs(m, out);
}

static void
put_varint(struct buf *b, uint64_t u)
{
	uint8_t v[10];
	size_t n = 0;

	for (; u >= 0x80; u >>= 7)
		v[n++] = (uint8_t)(u | 0x80);
	v[n++] = (uint8_t)u;
	(void)buf_add(b, v, n);
}

void
pb_put_int(struct buf *b, uint32_t num, int64_t i)
{
	put_varint(b, (uint64_t)num << 3 | W_VARINT);
	put_varint(b, (uint64_t)i);
}

void
pb_put_bytes(struct buf *b, uint32_t num, const void *data, size_t n)
{
	put_varint(b, (uint64_t)num << 3 | W_BYTES);
	put_varint(b, n);
	if (n > 0)
		(void)buf_add(b, data, n);
}
