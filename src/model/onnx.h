/*
 * onnx: the messages of onnx.proto, as far as they mean something to us.
 *
 * One struct per message, holding spans of the file; onnx_read_x() fills it
 * from the message's bytes.  Only form is checked here, never sense.  The enums
 * of tensors are enum dtype, those of attributes enum attr_type.
 *
 * Source: onnx/onnx.proto (proto2; field numbers never change).
 */
#ifndef MODEL_ONNX_H
#define MODEL_ONNX_H

#include "base/err.h"
#include "parse/pb.h"

struct onnx_model {
	int64_t		ir_version;
	struct pb_span	producer;
	struct pb_span	graph;
	struct pb_many	opsets;		/* onnx_opset */
	struct pb_many	functions;	/* onnx_function */
};

struct onnx_opset {
	struct pb_span	domain;
	int64_t		version;
};

struct onnx_graph {
	struct pb_span	name;
	struct pb_many	nodes;		/* onnx_node */
	struct pb_many	initializers;	/* onnx_tensor */
	struct pb_many	sparse;		/* onnx_sparse */
	struct pb_many	inputs;		/* onnx_value, like the next two */
	struct pb_many	outputs;
	struct pb_many	values;
};

struct onnx_function {
	struct pb_span	name;
	struct pb_span	domain;
	struct pb_span	overload;
	struct pb_many	inputs;		/* names */
	struct pb_many	outputs;	/* names */
	struct pb_many	defaults;	/* onnx_attr */
	struct pb_many	nodes;		/* onnx_node */
	struct pb_many	opsets;		/* onnx_opset */
	struct pb_many	values;		/* onnx_value */
};

struct onnx_node {
	struct pb_span	name;
	struct pb_span	op;
	struct pb_span	domain;
	struct pb_span	overload;
	struct pb_many	inputs;		/* names; empty: left out */
	struct pb_many	outputs;
	struct pb_many	attrs;		/* onnx_attr */
};

struct onnx_attr {
	struct pb_span	name;
	struct pb_span	ref;		/* name of the function's attribute */
	int64_t		type;
	float		f;
	int64_t		i;
	struct pb_span	s;
	struct pb_span	tensor;
	struct pb_span	graph;
	struct pb_span	sparse;
	struct pb_span	type_proto;
	struct pb_many	floats;
	struct pb_many	ints;
	struct pb_many	strings;
	struct pb_many	tensors;
	struct pb_many	graphs;
};

struct onnx_tensor {
	struct pb_span	name;
	struct pb_many	dims;
	int64_t		type;
	struct pb_span	raw;
	struct pb_many	floats;
	struct pb_many	ints32;
	struct pb_many	strings;
	struct pb_many	ints64;
	struct pb_many	doubles;
	struct pb_many	uints64;
	struct pb_span	segment;
	struct pb_many	external;	/* onnx_entry */
	int64_t		location;	/* 1: external */
};

struct onnx_sparse {
	struct pb_span	values;		/* onnx_tensor */
	struct pb_span	indices;	/* onnx_tensor */
	struct pb_many	dims;
};

struct onnx_entry {
	struct pb_span	key;
	struct pb_span	value;
};

struct onnx_value {
	struct pb_span	name;
	struct pb_span	type;		/* onnx_type */
};

struct onnx_type {
	struct pb_span	tensor;		/* onnx_tensor_type */
	struct pb_span	sequence;	/* onnx_element, as the next */
	struct pb_span	optional;
};

struct onnx_element {
	struct pb_span	type;		/* onnx_type */
};

struct onnx_tensor_type {
	int64_t		elem;
	struct pb_span	shape;		/* onnx_shape */
};

struct onnx_shape {
	struct pb_many	dims;		/* onnx_dim */
};

struct onnx_dim {
	int64_t		value;		/* -1 if the file does not say */
	struct pb_span	param;
};

/* Files of test cases: sequences and optionals of tensors. */
struct onnx_sequence {
	struct pb_span	name;
	int64_t		elem;		/* enum onnx_holds */
	struct pb_many	tensors;	/* onnx_tensor */
	struct pb_many	sequences;	/* onnx_sequence */
	struct pb_many	optionals;	/* onnx_optional */
};

struct onnx_optional {
	struct pb_span	name;
	int64_t		elem;		/* enum onnx_holds */
	struct pb_span	tensor;
	struct pb_span	sequence;
	struct pb_span	optional;
};

enum onnx_holds {
	ONNX_HOLDS_NOTHING, ONNX_HOLDS_TENSOR, ONNX_HOLDS_SPARSE,
	ONNX_HOLDS_SEQUENCE, ONNX_HOLDS_MAP, ONNX_HOLDS_OPTIONAL,
};

/* 0, or -1 and *err: which message is malformed and where. */
int	onnx_read_model(struct pb_span, struct onnx_model *, struct err *);
int	onnx_read_opset(struct pb_span, struct onnx_opset *, struct err *);
int	onnx_read_graph(struct pb_span, struct onnx_graph *, struct err *);
int	onnx_read_function(struct pb_span, struct onnx_function *,
	    struct err *);
int	onnx_read_node(struct pb_span, struct onnx_node *, struct err *);
int	onnx_read_attr(struct pb_span, struct onnx_attr *, struct err *);
int	onnx_read_tensor(struct pb_span, struct onnx_tensor *, struct err *);
int	onnx_read_sparse(struct pb_span, struct onnx_sparse *, struct err *);
int	onnx_read_entry(struct pb_span, struct onnx_entry *, struct err *);
int	onnx_read_value(struct pb_span, struct onnx_value *, struct err *);
int	onnx_read_type(struct pb_span, struct onnx_type *, struct err *);
int	onnx_read_element(struct pb_span, struct onnx_element *, struct err *);
int	onnx_read_tensor_type(struct pb_span, struct onnx_tensor_type *,
	    struct err *);
int	onnx_read_shape(struct pb_span, struct onnx_shape *, struct err *);
int	onnx_read_dim(struct pb_span, struct onnx_dim *, struct err *);
int	onnx_read_sequence(struct pb_span, struct onnx_sequence *,
	    struct err *);
int	onnx_read_optional(struct pb_span, struct onnx_optional *,
	    struct err *);

/* Field numbers that are written, too. */
enum {
	ONNX_TENSOR_DIMS = 1, ONNX_TENSOR_TYPE = 2, ONNX_TENSOR_STRINGS = 6,
	ONNX_TENSOR_NAME = 8, ONNX_TENSOR_RAW = 9,
};

#endif
