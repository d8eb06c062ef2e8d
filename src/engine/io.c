#include "engine/io.h"

#include <endian.h>
#include <stdlib.h>

#include "base/size.h"

static size_t
seg_bytes(const struct io *io)
{
	size_t n = 0;

	for (uint32_t i = 0; i < io->n_seg; i++)
		if (!size_add(n, io->seg[i].bytes, &n))
			return SIZE_MAX;
	return n;
}

static int
check_tensor(const struct sig_tensor *s, const struct io *io, struct err *err)
{
	char want[SHAPE_TEXT], got[SHAPE_TEXT];
	size_t n;

	if (io->type != s->type && s->type != DT_NONE)
		return err_set(err, ERR_INVALID, "type %s, want %s",
		    dtype_info(io->type)->onnx, dtype_info(s->type)->onnx);
	if (!shape_count(&io->shape, &n))
		return err_set(err, ERR_INVALID, "the shape is not one");
	if (s->has_shape && !shape_allows(&s->shape, &io->shape))
		return err_set(err, ERR_INVALID, "shape %s, want %s",
		    shape_text(&io->shape, got), shape_text(&s->shape, want));
	if (io->type == DT_STRING)
		return 0;
	if (!shape_bytes(&io->shape, io->type, &n) || n != seg_bytes(io))
		return err_set(err, ERR_INVALID, "%zu bytes do not make shape "
		    "%s of %s", seg_bytes(io), shape_text(&io->shape, got),
		    dtype_info(io->type)->onnx);
	return 0;
}

int
io_check(const struct sig_tensor *s, const struct io *io, struct err *err)
{
	if (io->kind == IO_NONE)
		return s->optional ? 0 : err_set(err, ERR_INVALID,
		    "is missing");
	if (io->kind == IO_TENSOR)
		return check_tensor(s, io, err);
	for (uint32_t i = 0; i < io->n_elems; i++)
		if (io->elems[i].kind != IO_TENSOR ||
		    (io->elems[i].type != DT_STRING &&
		    check_tensor(&(struct sig_tensor){ .type =
		    io->elems[i].type }, &io->elems[i], err) < 0))
			return err_set(err, ERR_INVALID,
			    "element %u is not a tensor", i);
	return 0;
}

/* uint32 length and bytes each, joined in one piece of memory. */
static int
parse_strings(const unsigned char *p, size_t n, struct string *s,
    size_t count, struct err *err)
{
	uint32_t len;

	for (size_t i = 0; i < count; i++) {
		if (n < sizeof(len))
			return err_set(err, ERR_INVALID,
			    "%zu strings, want %zu", i, count);
		memcpy(&len, p, sizeof(len));
		len = le32toh(len);
		p += sizeof(len);
		n -= sizeof(len);
		if (len > n)
			return err_set(err, ERR_INVALID,
			    "string %zu is longer than its bytes", i);
		s[i].s = (const char *)p;
		s[i].n = len;
		p += len;
		n -= len;
	}
	return n == 0 ? 0 : err_set(err, ERR_INVALID,
	    "%zu bytes behind the last string", n);
}

static void
join(const struct io *io, unsigned char *to)
{
	for (uint32_t i = 0; i < io->n_seg; i++) {
		if (io->seg[i].bytes > 0)
			memcpy(to, io->seg[i].data, io->seg[i].bytes);
		to += io->seg[i].bytes;
	}
}

static int
string_val(const struct io *io, struct val *v, struct pool *pool,
    struct err *err)
{
	size_t bytes = seg_bytes(io), n, have;
	unsigned char *p = pool_get(pool, bytes);
	struct string *s;

	if (!shape_count(&v->shape, &n) || !shape_count(&io->shape, &have) ||
	    p == NULL || (s = pool_array(pool, n, sizeof(*s))) == NULL)
		return err_memory(err, "strings", bytes);
	join(io, p);
	for (size_t i = have; i < n; i++)
		s[i].s = "";
	v->data = s;
	return parse_strings(p, bytes, s, have, err);
}

static int
sequence_val(const struct io *io, struct val *v, struct pool *pool,
    struct err *err)
{
	v->form = VALUE_SEQUENCE;
	v->n_elem = (int)io->n_elems;
	v->elem = pool_array(pool, io->n_elems, sizeof(*v->elem));
	if (v->elem == NULL)
		return err_memory(err, "a sequence", io->n_elems);
	for (uint32_t i = 0; i < io->n_elems; i++) {
		v->elem[i] = pool_get(pool, sizeof(*v->elem[i]));
		if (v->elem[i] == NULL)
			return err_memory(err, "a sequence", io->n_elems);
		if (io_val(&io->elems[i], 0, v->elem[i], pool, true, err) < 0)
			return -1;
		v->elem[i]->kind = VAL_KNOWN;
	}
	return 0;
}

int
io_val(const struct io *io, int64_t rows, struct val *v, struct pool *pool,
    bool whole, struct err *err)
{
	size_t n;
	void *p;

	*v = (struct val){ .kind = VAL_HOST, .type = io->type,
	    .shape = io->shape, .row = ROW_FREE };
	if (io->kind == IO_SEQUENCE)
		return sequence_val(io, v, pool, err);
	if (rows > 0)
		v->shape.dim[0] = rows;
	if (io->type == DT_STRING)
		return string_val(io, v, pool, err);
	if (!shape_bytes(&v->shape, v->type, &n))
		return err_set(err, ERR_LIMIT, "an input is too large");
	if (io->n_seg == 1 && io->seg[0].bytes == n &&
	    (uintptr_t)io->seg[0].data % sizeof(double) == 0)
		v->data = io->seg[0].data;
	if (v->data != NULL || (!whole && n > KNOWN_BYTES))
		return 0;
	if ((p = pool_get(pool, n)) == NULL)
		return err_memory(err, "an input", n);
	join(io, p);
	v->data = p;
	return 0;
}

int
io_write(struct plan *plan, const struct plan_place *at, const struct io *io,
    const struct val *v, struct err *err)
{
	size_t off = 0, n;
	void *zero;
	int r;

	for (uint32_t i = 0; i < io->n_seg; i++) {
		if (plan_write(plan, at, v, off, io->seg[i].data,
		    io->seg[i].bytes, err) < 0)
			return -1;
		off += io->seg[i].bytes;
	}
	if (!shape_bytes(&v->shape, v->type, &n) || n <= off)
		return 0;
	if ((zero = calloc(1, n - off)) == NULL)
		return err_memory(err, "spare rows", n - off);
	r = plan_write(plan, at, v, off, zero, n - off, err);
	free(zero);
	return r;
}

static size_t
strings_bytes(const struct string *s, size_t n)
{
	size_t sum = n * sizeof(uint32_t);

	for (size_t i = 0; i < n; i++)
		sum += s[i].n;
	return sum;
}

static unsigned char *
put_strings(unsigned char *to, const struct string *s, size_t n)
{
	uint32_t len;

	for (size_t i = 0; i < n; i++) {
		len = htole32((uint32_t)s[i].n);
		memcpy(to, &len, sizeof(len));
		to += sizeof(len);
		if (s[i].n > 0)
			memcpy(to, s[i].s, s[i].n);
		to += s[i].n;
	}
	return to;
}

/* Bytes of a tensor as they go out, and its io. */
static int
tensor_io(const struct val *v, int64_t rows, struct io *io, size_t *bytes,
    struct err *err)
{
	size_t n;

	*io = (struct io){ .kind = IO_TENSOR, .type = v->type,
	    .shape = v->shape };
	if (rows > 0 && io->shape.rank > 0)
		io->shape.dim[0] = rows;
	if (!shape_count(&io->shape, &n))
		return err_set(err, ERR_LIMIT, "an output is too large");
	if (v->type == DT_STRING)
		*bytes = strings_bytes(v->data, n);
	else if (!dtype_bytes(v->type, n, bytes))
		return err_set(err, ERR_LIMIT, "an output is too large");
	return 0;
}

static unsigned char *
put_tensor(unsigned char *to, const struct val *v, const struct io *io,
    size_t bytes)
{
	size_t n;

	if (v->type == DT_STRING)
		return shape_count(&io->shape, &n) ?
		    put_strings(to, v->data, n) : to;
	if (bytes > 0)
		memcpy(to, v->data, bytes);
	return to + bytes;
}

/* Sequences and optionals: the bytes of their tensors one after the other. */
static int
deliver_elems(const struct run_sink *sink, uint32_t i, const struct val *v,
    struct err *err)
{
	size_t n = (size_t)v->n_elem, sum = 0;
	struct io *io = calloc(n + 1, sizeof(*io));
	size_t *bytes = calloc(n + 1, sizeof(*bytes));
	struct io all = { .kind = n == 0 && v->form == VALUE_OPTIONAL ?
	    IO_NONE : IO_SEQUENCE, .type = v->type, .elems = io,
	    .n_elems = (uint32_t)n };
	unsigned char *to;
	int r = io == NULL || bytes == NULL ?
	    err_memory(err, "a sequence", n) : 0;

	for (size_t k = 0; r == 0 && k < n; k++) {
		if (v->elem[k]->form != VALUE_TENSOR)
			r = err_set(err, ERR_UNSUPPORTED,
			    "sequences of sequences as outputs");
		else if ((r = tensor_io(v->elem[k], 0, &io[k], &bytes[k],
		    err)) == 0 && !size_add(sum, bytes[k], &sum))
			r = err_set(err, ERR_LIMIT, "an output is too large");
	}
	if (r == 0 && (to = sink->place(sink->arg, i, &all, sum)) == NULL)
		r = err_memory(err, "an output", sum);
	for (size_t k = 0; r == 0 && k < n; k++)
		to = put_tensor(to, v->elem[k], &io[k], bytes[k]);
	free(io);
	free(bytes);
	return r;
}

int
io_deliver(const struct run_sink *sink, uint32_t i, const struct val *v,
    int64_t rows, struct err *err)
{
	struct io io;
	size_t bytes;
	void *to;

	while (v->form == VALUE_OPTIONAL && v->n_elem == 1)
		v = v->elem[0];
	if (v->form != VALUE_TENSOR)
		return deliver_elems(sink, i, v, err);
	if (tensor_io(v, rows, &io, &bytes, err) < 0)
		return -1;
	if ((to = sink->place(sink->arg, i, &io, bytes)) == NULL)
		return err_memory(err, "an output", bytes);
	(void)put_tensor(to, v, &io, bytes);
	return 0;
}
