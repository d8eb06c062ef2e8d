/*
 * TensorProto -> struct tensor: exactly as many bytes as type and shape say.
 *
 * raw_data is used where it lies in the file if it is aligned for its type.
 * Large data that is not is moved back by up to three bytes, over its own tag
 * and length (at least four bytes from 16 KiB on), so that weights never exist
 * twice; the rest is copied.  Nothing reads those bytes again, except those of
 * function bodies, which are read once per call and therefore always copied.
 */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "model/load.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "tensor data is little-endian, in files and in memory");

#define MOVE_MIN	((size_t)1 << 14)
#define MOVE_MAX	3

/* In which of TensorProto's typed fields a type keeps its elements. */
enum field { IN_FLOATS, IN_INTS32, IN_INTS64, IN_DOUBLES, IN_UINTS64 };

static const uint8_t field_of[DT_COUNT] = {
	[DT_FLOAT] = IN_FLOATS, [DT_COMPLEX64] = IN_FLOATS,
	[DT_INT64] = IN_INTS64,
	[DT_DOUBLE] = IN_DOUBLES, [DT_COMPLEX128] = IN_DOUBLES,
	[DT_UINT32] = IN_UINTS64, [DT_UINT64] = IN_UINTS64,
	[DT_INT32] = IN_INTS32, [DT_INT16] = IN_INTS32, [DT_INT8] = IN_INTS32,
	[DT_UINT16] = IN_INTS32, [DT_UINT8] = IN_INTS32, [DT_BOOL] = IN_INTS32,
	[DT_FLOAT16] = IN_INTS32, [DT_BFLOAT16] = IN_INTS32,
	[DT_FLOAT8E4M3FN] = IN_INTS32, [DT_FLOAT8E4M3FNUZ] = IN_INTS32,
	[DT_FLOAT8E5M2] = IN_INTS32, [DT_FLOAT8E5M2FNUZ] = IN_INTS32,
	[DT_FLOAT8E8M0] = IN_INTS32, [DT_FLOAT4E2M1] = IN_INTS32,
	[DT_UINT4] = IN_INTS32, [DT_INT4] = IN_INTS32,
	[DT_UINT2] = IN_INTS32, [DT_INT2] = IN_INTS32,
};

static int
read_shape(const struct pb_many *dims, struct shape *s, struct err *e)
{
	if (dims->count > MAX_RANK)
		return err_set(e, ERR_UNSUPPORTED, "%zu dimensions, at most "
		    "%d are supported", dims->count, MAX_RANK);
	s->rank = (int)dims->count;
	pb_ints(*dims, s->dim);
	for (int i = 0; i < s->rank; i++)
		if (s->dim[i] < 0)
			return err_set(e, ERR_INVALID,
			    "dimension %d is negative", i);
	return 0;
}

static void
copy_bools(uint8_t *to, const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i] != 0;
}

static int
use_raw(struct load *l, struct pb_span raw, struct tensor *t, struct err *e)
{
	size_t bits = dtype_info(t->type)->bits;
	size_t align = bits <= 8 ? 1 : bits >= 64 ? 8 : bits / 8;
	size_t back = (uintptr_t)raw.at % align;
	char *to;

	if (raw.n != t->bytes)
		return err_set(e, ERR_INVALID,
		    "%zu bytes of raw_data, want %zu", raw.n, t->bytes);
	if (back == 0 && t->type != DT_BOOL) {
		t->data = raw.at;
		return 0;
	}
	if (raw.n >= MOVE_MIN && back > 0 && back <= MOVE_MAX &&
	    l->calls == 0) {
		to = l->file + ((const char *)raw.at - l->file) - back;
		memmove(to, raw.at, raw.n);
		t->data = to;
		return 0;
	}
	if ((to = load_get(l, raw.n, 1, e)) == NULL)
		return -1;
	if (t->type == DT_BOOL)
		copy_bools((uint8_t *)to, raw.at, raw.n);
	else if (raw.n > 0)
		memcpy(to, raw.at, raw.n);
	t->data = to;
	return 0;
}

/*
 * Keep the low bytes of each of n numbers: what the narrow type means by them.
 */
static int
narrow(const struct pb_many *from, struct tensor *t, void *to, struct err *e)
{
	size_t size = t->count > 0 ? t->bytes / from->count : 1;
	int64_t *wide = malloc(from->count * sizeof(*wide) + 1);

	if (wide == NULL)
		return err_memory(e, "tensor data", from->count * 8);
	pb_ints(*from, wide);
	for (size_t i = 0; i < from->count; i++) {
		if (t->type == DT_BOOL)
			wide[i] = wide[i] != 0;
		memcpy((char *)to + i * size, &wide[i], size);
	}
	free(wide);
	return 0;
}

/* How many numbers the typed field must hold. */
static size_t
numbers(const struct tensor *t)
{
	if (t->type == DT_COMPLEX64 || t->type == DT_COMPLEX128)
		return 2 * t->count;
	return dtype_info(t->type)->bits < 8 ? t->bytes : t->count;
}

static int
use_typed(struct load *l, const struct onnx_tensor *o, struct tensor *t,
    struct err *e)
{
	const struct pb_many *fields[] = {
		[IN_FLOATS] = &o->floats, [IN_INTS32] = &o->ints32,
		[IN_INTS64] = &o->ints64, [IN_DOUBLES] = &o->doubles,
		[IN_UINTS64] = &o->uints64,
	};
	enum field in = field_of[t->type];
	void *to;

	if (fields[in]->count != numbers(t))
		return err_set(e, ERR_INVALID, "%zu values of type %s, want "
		    "%zu", fields[in]->count, dtype_info(t->type)->onnx,
		    numbers(t));
	if ((to = load_get(l, t->bytes, 1, e)) == NULL)
		return -1;
	t->data = to;
	if (t->count == 0)
		return 0;
	if (in == IN_FLOATS)
		pb_floats(*fields[in], to);
	else if (in == IN_DOUBLES)
		pb_doubles(*fields[in], to);
	else if (dtype_info(t->type)->bits == 64)
		pb_ints(*fields[in], to);
	else
		return narrow(fields[in], t, to, e);
	return 0;
}

int
tensor_strings(struct load *l, struct pb_many from, struct string **out,
    struct err *e)
{
	struct string *s = load_get(l, from.count, sizeof(*s), e);
	struct pb_span span;
	char *text;

	if (s == NULL)
		return -1;
	for (size_t i = 0; pb_next(&from, &span); i++) {
		if ((text = load_get(l, span.n + 1, 1, e)) == NULL)
			return -1;
		if (span.n > 0)
			memcpy(text, span.at, span.n);
		s[i] = (struct string){ text, span.n };
	}
	*out = s;
	return 0;
}

static int
use_strings(struct load *l, const struct onnx_tensor *o, struct tensor *t,
    struct err *e)
{
	struct string *s;

	if (o->strings.count != t->count)
		return err_set(e, ERR_INVALID, "%zu strings, want %zu",
		    o->strings.count, t->count);
	if (tensor_strings(l, o->strings, &s, e) == -1)
		return -1;
	t->data = s;
	t->bytes = t->count * sizeof(*s);
	return 0;
}

static bool
decimal(struct pb_span s, size_t *out)
{
	size_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.at[i] < '0' || s.at[i] > '9' || !size_mul(v, 10, &v) ||
		    !size_add(v, s.at[i] - (size_t)'0', &v))
			return false;
	*out = v;
	return s.n > 0;
}

struct place {
	struct pb_span	location;
	size_t		offset;
	size_t		length;
};

static int
read_place(struct pb_many entries, struct place *p, struct err *e)
{
	struct pb_span span;
	struct onnx_entry entry;
	size_t *number;

	while (pb_next(&entries, &span)) {
		if (onnx_read_entry(span, &entry, e) == -1)
			return -1;
		number = NULL;
		if (entry.key.n == 8 &&
		    memcmp(entry.key.at, "location", 8) == 0)
			p->location = entry.value;
		else if (entry.key.n == 6 &&
		    memcmp(entry.key.at, "offset", 6) == 0)
			number = &p->offset;
		else if (entry.key.n == 6 &&
		    memcmp(entry.key.at, "length", 6) == 0)
			number = &p->length;
		if (number != NULL && !decimal(entry.value, number))
			return err_set(e, ERR_INVALID,
			    "external data: not a number: \"%.*s\"",
			    entry.value.n < 40 ? (int)entry.value.n : 40,
			    (const char *)entry.value.at);
	}
	return 0;
}

static int
use_external(struct load *l, const struct onnx_tensor *o, struct tensor *t,
    struct err *e)
{
	struct place p = { .length = t->bytes };
	const char *name;
	void *to;

	if (l->source == NULL || l->source->external == NULL)
		return err_set(e, ERR_UNSUPPORTED,
		    "external data, but the model comes without a folder");
	if (read_place(o->external, &p, e) == -1)
		return -1;
	if (p.location.at == NULL)
		return err_set(e, ERR_INVALID, "external data: no location");
	if ((name = load_name(l, p.location, e)) == NULL)
		return err_prefix(e, "external data: location");
	if (p.length != t->bytes)
		return err_set(e, ERR_INVALID, "external data: %zu bytes, "
		    "want %zu", p.length, t->bytes);
	/* Not from the budget: these bytes are in a file, or the call fails. */
	if ((to = pool_get(l->pool, t->bytes)) == NULL)
		return err_memory(e, "external data", t->bytes);
	t->data = to;
	return l->source->external(l->source->arg, name, p.offset, t->bytes,
	    to, e);
}

static int
read_data(struct load *l, const struct onnx_tensor *o, struct tensor *t,
    struct err *e)
{
	if (t->type == DT_STRING)
		return use_strings(l, o, t, e);
	if (!dtype_bytes(t->type, t->count, &t->bytes))
		return err_set(e, ERR_INVALID, "its size overflows");
	if (o->location == 1)
		return use_external(l, o, t, e);
	if (o->raw.at != NULL)
		return use_raw(l, o->raw, t, e);
	return use_typed(l, o, t, e);
}

int
tensor_read(struct load *l, struct pb_span m, struct tensor *t, struct err *e)
{
	struct onnx_tensor o;

	memset(t, 0, sizeof(*t));
	if (onnx_read_tensor(m, &o, e) == -1 ||
	    (t->name = load_name(l, o.name, e)) == NULL)
		return -1;
	if (o.segment.at != NULL)
		return err_set(e, ERR_UNSUPPORTED, "tensor \"%s\": in segments",
		    t->name);
	if (o.type <= DT_NONE || o.type >= DT_COUNT)
		return err_set(e, ERR_UNSUPPORTED, "tensor \"%s\": unknown "
		    "element type %lld", t->name, (long long)o.type);
	t->type = (enum dtype)o.type;
	if (read_shape(&o.dims, &t->shape, e) == -1)
		return err_prefix(e, "tensor \"%s\"", t->name);
	if (!shape_count(&t->shape, &t->count))
		return err_set(e, ERR_INVALID,
		    "tensor \"%s\": its size overflows", t->name);
	if (read_data(l, &o, t, e) == -1)
		return err_prefix(e, "tensor \"%s\"", t->name);
	return 0;
}

/* The place in the dense tensor of sparse element k; false if outside. */
static bool
dense_index(const struct tensor *indices, const struct shape *s, size_t k,
    size_t count, size_t *out)
{
	const int64_t *at = indices->data;
	size_t flat = 0;

	if (indices->shape.rank == 1) {
		*out = (size_t)at[k];
		return at[k] >= 0 && *out < count;
	}
	at += k * (size_t)s->rank;
	for (int i = 0; i < s->rank; i++) {
		if (at[i] < 0 || at[i] >= s->dim[i])
			return false;
		flat = flat * (size_t)s->dim[i] + (size_t)at[i];
	}
	*out = flat;
	return true;
}

static int
densify(struct load *l, const struct tensor *values,
    const struct tensor *indices, struct tensor *t, struct err *e)
{
	size_t size = dtype_info(t->type)->bits / 8, at;
	char *to;

	if (size == 0)
		return err_set(e, ERR_UNSUPPORTED, "sparse %s",
		    dtype_info(t->type)->onnx);
	if (!shape_bytes(&t->shape, t->type, &t->bytes))
		return err_set(e, ERR_INVALID, "its size overflows");
	if (indices->type != DT_INT64 || values->shape.rank != 1 ||
	    indices->shape.rank < 1 || indices->shape.rank > 2 ||
	    indices->shape.dim[0] != values->shape.dim[0] ||
	    (indices->shape.rank == 2 &&
	    indices->shape.dim[1] != t->shape.rank))
		return err_set(e, ERR_INVALID, "sparse values and indices do "
		    "not fit together");
	if ((to = load_get(l, t->bytes, 1, e)) == NULL)
		return -1;
	t->data = to;
	for (size_t k = 0; k < values->count; k++) {
		if (!dense_index(indices, &t->shape, k, t->count, &at))
			return err_set(e, ERR_INVALID,
			    "sparse index %zu is outside", k);
		memcpy(to + at * size, (const char *)values->data + k * size,
		    size);
	}
	return 0;
}

int
tensor_read_sparse(struct load *l, struct pb_span m, struct tensor *t,
    struct err *e)
{
	struct onnx_sparse o;
	struct tensor values, indices;

	memset(t, 0, sizeof(*t));
	if (onnx_read_sparse(m, &o, e) == -1 ||
	    tensor_read(l, o.values, &values, e) == -1 ||
	    tensor_read(l, o.indices, &indices, e) == -1)
		return -1;
	t->name = values.name;
	t->type = values.type;
	if (read_shape(&o.dims, &t->shape, e) == -1 ||
	    !shape_count(&t->shape, &t->count))
		return err_set(e, ERR_INVALID, "tensor \"%s\": bad shape",
		    t->name);
	if (densify(l, &values, &indices, t, e) == -1)
		return err_prefix(e, "tensor \"%s\"", t->name);
	return 0;
}
