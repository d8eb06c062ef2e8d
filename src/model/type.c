/* TypeProto -> what a value holds, as far as the file says so. */
#include <string.h>

#include "model/load.h"

/* The dimensions; more of them than we handle leave the shape unsaid. */
static int
read_dims(struct load *l, struct pb_many dims, struct value *v, struct err *e)
{
	struct onnx_dim dim;
	struct pb_span span;

	if (dims.count > MAX_RANK)
		return 0;
	v->has_shape = true;
	while (pb_next(&dims, &span)) {
		if (onnx_read_dim(span, &dim, e) == -1)
			return -1;
		if (dim.param.n > 0 && (v->dim_name[v->shape.rank] =
		    load_name(l, dim.param, e)) == NULL)
			return err_prefix(e, "dimension %d", v->shape.rank);
		v->shape.dim[v->shape.rank++] = dim.value < 0 ? -1 : dim.value;
	}
	return 0;
}

static int
read_tensor_type(struct load *l, struct pb_span m, struct value *v,
    struct err *e)
{
	struct onnx_tensor_type t;
	struct onnx_shape shape;

	if (onnx_read_tensor_type(m, &t, e) == -1)
		return -1;
	if (t.elem < 0 || t.elem >= DT_COUNT)
		return err_set(e, ERR_UNSUPPORTED,
		    "unknown element type %lld", (long long)t.elem);
	v->elem = (enum dtype)t.elem;
	if (t.shape.at == NULL)
		return 0;
	if (onnx_read_shape(t.shape, &shape, e) == -1)
		return -1;
	return read_dims(l, shape.dims, v, e);
}

/*
 * optional(sequence(tensor)) is an optional, sequence(tensor) a sequence: the
 * outermost word counts, and the innermost tensor gives the elements.
 */
int
type_read(struct load *l, struct pb_span m, struct value *v, struct err *e)
{
	struct onnx_type t;
	struct onnx_element inner;
	enum value_type outer = VALUE_UNKNOWN;

	v->type = VALUE_UNKNOWN;
	for (int depth = 0; m.at != NULL && depth < 4; depth++) {
		if (onnx_read_type(m, &t, e) == -1)
			return -1;
		if (t.tensor.at != NULL) {
			v->type = outer == VALUE_UNKNOWN ? VALUE_TENSOR : outer;
			return read_tensor_type(l, t.tensor, v, e);
		}
		if (outer == VALUE_UNKNOWN && t.sequence.at != NULL)
			outer = VALUE_SEQUENCE;
		else if (outer == VALUE_UNKNOWN && t.optional.at != NULL)
			outer = VALUE_OPTIONAL;
		m = t.sequence.at != NULL ? t.sequence : t.optional;
		if (m.at == NULL)
			break;
		if (onnx_read_element(m, &inner, e) == -1)
			return -1;
		m = inner.type;
	}
	return 0;
}
