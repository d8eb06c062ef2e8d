#include "model/datum.h"

#include <string.h>

#include "model/load.h"

#define DEPTH_MAX	8

static int	read_optional(struct load *, struct pb_span, struct datum *,
		    struct err *);

static int
read_tensor(struct load *l, struct pb_span m, struct datum *d, struct err *e)
{
	d->kind = DATUM_TENSOR;
	return tensor_read(l, m, &d->tensor, e);
}

static int
read_sequence(struct load *l, struct pb_span m, struct datum *d, struct err *e)
{
	struct onnx_sequence o;
	struct pb_many from;
	struct pb_span span;
	int (*read)(struct load *, struct pb_span, struct datum *,
	    struct err *);

	if (l->depth > DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "sequences nest more than %d deep",
		    DEPTH_MAX);
	if (onnx_read_sequence(m, &o, e) == -1)
		return -1;
	from = o.tensors;
	read = read_tensor;
	if (o.elem == ONNX_HOLDS_SEQUENCE) {
		from = o.sequences;
		read = read_sequence;
	} else if (o.elem == ONNX_HOLDS_OPTIONAL) {
		from = o.optionals;
		read = read_optional;
	} else if (o.elem > ONNX_HOLDS_TENSOR)
		return err_set(e, ERR_UNSUPPORTED,
		    "a sequence of sparse tensors or maps");
	d->kind = DATUM_SEQUENCE;
	d->elem = load_get(l, from.count, sizeof(*d->elem), e);
	if (d->elem == NULL)
		return -1;
	l->depth++;
	for (; pb_next(&from, &span); d->n++)
		if (read(l, span, &d->elem[d->n], e) == -1)
			return err_prefix(e, "element %zu", d->n);
	l->depth--;
	return 0;
}

static int
read_optional(struct load *l, struct pb_span m, struct datum *d, struct err *e)
{
	struct onnx_optional o;
	int r;

	if (l->depth > DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "optionals nest more than %d deep",
		    DEPTH_MAX);
	if (onnx_read_optional(m, &o, e) == -1)
		return -1;
	if (o.tensor.at != NULL)
		return read_tensor(l, o.tensor, d, e);
	if (o.elem == ONNX_HOLDS_SPARSE || o.elem == ONNX_HOLDS_MAP)
		return err_set(e, ERR_UNSUPPORTED,
		    "an optional sparse tensor or map");
	d->kind = DATUM_NONE;
	l->depth++;
	r = 0;
	if (o.sequence.at != NULL)
		r = read_sequence(l, o.sequence, d, e);
	else if (o.optional.at != NULL)
		r = read_optional(l, o.optional, d, e);
	l->depth--;
	return r;
}

int
datum_read(struct pool *pool, void *bytes, size_t n, enum value_type type,
    struct datum *d, struct err *e)
{
	struct load l = { .pool = pool, .file = bytes };
	struct pb_span m = { bytes, n };

	load_budget(&l, n);
	memset(d, 0, sizeof(*d));
	if (type == VALUE_SEQUENCE)
		return read_sequence(&l, m, d, e);
	if (type == VALUE_OPTIONAL)
		return read_optional(&l, m, d, e);
	return read_tensor(&l, m, d, e);
}

void
datum_write_tensor(struct buf *b, const struct tensor *t)
{
	const struct string *s = t->data;

	for (int i = 0; i < t->shape.rank; i++)
		pb_put_int(b, ONNX_TENSOR_DIMS, t->shape.dim[i]);
	pb_put_int(b, ONNX_TENSOR_TYPE, t->type);
	if (t->name != NULL)
		pb_put_bytes(b, ONNX_TENSOR_NAME, t->name, strlen(t->name));
	if (t->type != DT_STRING)
		pb_put_bytes(b, ONNX_TENSOR_RAW, t->data, t->bytes);
	else
		for (size_t i = 0; i < t->count; i++)
			pb_put_bytes(b, ONNX_TENSOR_STRINGS, s[i].s, s[i].n);
}
