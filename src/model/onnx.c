#include "model/onnx.h"

#include <string.h>

#include "base/size.h"

#define F(s, num, kind, field)	{ num, kind, offsetof(struct onnx_##s, field) }

static const struct pb_field model_fields[] = {
	F(model, 1, PB_INT, ir_version),
	F(model, 2, PB_SPAN, producer),
	F(model, 7, PB_SPAN, graph),
	F(model, 8, PB_SPANS, opsets),
	F(model, 25, PB_SPANS, functions),
};

static const struct pb_field opset_fields[] = {
	F(opset, 1, PB_SPAN, domain),
	F(opset, 2, PB_INT, version),
};

static const struct pb_field graph_fields[] = {
	F(graph, 1, PB_SPANS, nodes),
	F(graph, 2, PB_SPAN, name),
	F(graph, 5, PB_SPANS, initializers),
	F(graph, 11, PB_SPANS, inputs),
	F(graph, 12, PB_SPANS, outputs),
	F(graph, 13, PB_SPANS, values),
	F(graph, 15, PB_SPANS, sparse),
};

static const struct pb_field function_fields[] = {
	F(function, 1, PB_SPAN, name),
	F(function, 4, PB_SPANS, inputs),
	F(function, 5, PB_SPANS, outputs),
	F(function, 7, PB_SPANS, nodes),
	F(function, 9, PB_SPANS, opsets),
	F(function, 10, PB_SPAN, domain),
	F(function, 11, PB_SPANS, defaults),
	F(function, 12, PB_SPANS, values),
	F(function, 13, PB_SPAN, overload),
};

static const struct pb_field node_fields[] = {
	F(node, 1, PB_SPANS, inputs),
	F(node, 2, PB_SPANS, outputs),
	F(node, 3, PB_SPAN, name),
	F(node, 4, PB_SPAN, op),
	F(node, 5, PB_SPANS, attrs),
	F(node, 7, PB_SPAN, domain),
	F(node, 8, PB_SPAN, overload),
};

static const struct pb_field attr_fields[] = {
	F(attr, 1, PB_SPAN, name),
	F(attr, 2, PB_FLOAT, f),
	F(attr, 3, PB_INT, i),
	F(attr, 4, PB_SPAN, s),
	F(attr, 5, PB_SPAN, tensor),
	F(attr, 6, PB_SPAN, graph),
	F(attr, 7, PB_FLOATS, floats),
	F(attr, 8, PB_INTS, ints),
	F(attr, 9, PB_SPANS, strings),
	F(attr, 10, PB_SPANS, tensors),
	F(attr, 11, PB_SPANS, graphs),
	F(attr, 14, PB_SPAN, type_proto),
	F(attr, 20, PB_INT, type),
	F(attr, 21, PB_SPAN, ref),
	F(attr, 22, PB_SPAN, sparse),
};

static const struct pb_field tensor_fields[] = {
	F(tensor, ONNX_TENSOR_DIMS, PB_INTS, dims),
	F(tensor, ONNX_TENSOR_TYPE, PB_INT, type),
	F(tensor, 3, PB_SPAN, segment),
	F(tensor, 4, PB_FLOATS, floats),
	F(tensor, 5, PB_INTS, ints32),
	F(tensor, ONNX_TENSOR_STRINGS, PB_SPANS, strings),
	F(tensor, 7, PB_INTS, ints64),
	F(tensor, ONNX_TENSOR_NAME, PB_SPAN, name),
	F(tensor, ONNX_TENSOR_RAW, PB_SPAN, raw),
	F(tensor, 10, PB_DOUBLES, doubles),
	F(tensor, 11, PB_INTS, uints64),
	F(tensor, 13, PB_SPANS, external),
	F(tensor, 14, PB_INT, location),
};

static const struct pb_field sparse_fields[] = {
	F(sparse, 1, PB_SPAN, values),
	F(sparse, 2, PB_SPAN, indices),
	F(sparse, 3, PB_INTS, dims),
};

static const struct pb_field entry_fields[] = {
	F(entry, 1, PB_SPAN, key),
	F(entry, 2, PB_SPAN, value),
};

static const struct pb_field value_fields[] = {
	F(value, 1, PB_SPAN, name),
	F(value, 2, PB_SPAN, type),
};

static const struct pb_field type_fields[] = {
	F(type, 1, PB_SPAN, tensor),
	F(type, 4, PB_SPAN, sequence),
	F(type, 9, PB_SPAN, optional),
};

static const struct pb_field element_fields[] = {
	F(element, 1, PB_SPAN, type),
};

static const struct pb_field tensor_type_fields[] = {
	F(tensor_type, 1, PB_INT, elem),
	F(tensor_type, 2, PB_SPAN, shape),
};

static const struct pb_field shape_fields[] = {
	F(shape, 1, PB_SPANS, dims),
};

static const struct pb_field dim_fields[] = {
	F(dim, 1, PB_INT, value),
	F(dim, 2, PB_SPAN, param),
};

static const struct pb_field sequence_fields[] = {
	F(sequence, 1, PB_SPAN, name),
	F(sequence, 2, PB_INT, elem),
	F(sequence, 3, PB_SPANS, tensors),
	F(sequence, 5, PB_SPANS, sequences),
	F(sequence, 7, PB_SPANS, optionals),
};

static const struct pb_field optional_fields[] = {
	F(optional, 1, PB_SPAN, name),
	F(optional, 2, PB_INT, elem),
	F(optional, 3, PB_SPAN, tensor),
	F(optional, 5, PB_SPAN, sequence),
	F(optional, 7, PB_SPAN, optional),
};

/* Each reader: zero the struct, read it, name the message if that fails. */
#define READER(x, message)						\
int									\
onnx_read_##x(struct pb_span m, struct onnx_##x *out, struct err *e)	\
{									\
	memset(out, 0, sizeof(*out));					\
	if (pb_read(m, x##_fields, nitems(x##_fields), out, e) == -1)	\
		return err_prefix(e, message);				\
	return 0;							\
}

READER(model, "ModelProto")
READER(opset, "OperatorSetIdProto")
READER(graph, "GraphProto")
READER(function, "FunctionProto")
READER(node, "NodeProto")
READER(attr, "AttributeProto")
READER(tensor, "TensorProto")
READER(sparse, "SparseTensorProto")
READER(entry, "StringStringEntryProto")
READER(value, "ValueInfoProto")
READER(type, "TypeProto")
READER(element, "TypeProto element")
READER(tensor_type, "TypeProto.Tensor")
READER(shape, "TensorShapeProto")
READER(sequence, "SequenceProto")
READER(optional, "OptionalProto")

int
onnx_read_dim(struct pb_span m, struct onnx_dim *out, struct err *e)
{
	*out = (struct onnx_dim){ .value = -1 };
	if (pb_read(m, dim_fields, nitems(dim_fields), out, e) == -1)
		return err_prefix(e, "Dimension");
	return 0;
}
