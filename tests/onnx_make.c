#include "onnx_make.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/shape.h"

#define MAX	((size_t)1 << 30)

/* Field numbers of onnx.proto. */
enum {
	MODEL_IR = 1, MODEL_GRAPH = 7, MODEL_OPSET = 8, OPSET_VERSION = 2,
	GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INIT = 5, GRAPH_INPUT = 11,
	GRAPH_OUTPUT = 12,
	NODE_IN = 1, NODE_OUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTR = 5,
	ATTR_NAME = 1, ATTR_F = 2, ATTR_I = 3, ATTR_S = 4, ATTR_T = 5,
	ATTR_G = 6, ATTR_INTS = 8, ATTR_TYPE = 20,
	TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9,
	INFO_NAME = 1, INFO_TYPE = 2, TYPE_TENSOR = 1, TT_ELEM = 1,
	TT_SHAPE = 2, SHAPE_DIM = 1, DIM_VALUE = 1, DIM_PARAM = 2,
};

struct onnx {
	struct buf	 graph, node;
	int		 opset, n_node;
};

static void
varint(struct buf *b, uint64_t v)
{
	unsigned char c;

	do {
		c = (unsigned char)((v & 127) | (v > 127 ? 128 : 0));
		if (!buf_add(b, &c, 1))
			abort();
		v >>= 7;
	} while (v > 0);
}

static void
put_int(struct buf *b, int field, int64_t v)
{
	varint(b, (uint64_t)field << 3);
	varint(b, (uint64_t)v);
}

static void
put_bytes(struct buf *b, int field, const void *p, size_t n)
{
	varint(b, (uint64_t)field << 3 | 2);
	varint(b, n);
	if (!buf_add(b, p, n))
		abort();
}

static void
put_text(struct buf *b, int field, const char *s)
{
	put_bytes(b, field, s, strlen(s));
}

/* A message within b; empties it. */
static void
put_message(struct buf *b, int field, struct buf *m)
{
	put_bytes(b, field, m->len > 0 ? m->data : "", m->len);
	buf_done(m);
}

struct onnx *
onnx_new(int opset)
{
	struct onnx *o = calloc(1, sizeof(*o));

	if (o == NULL)
		abort();
	o->opset = opset;
	buf_init(&o->graph, MAX);
	buf_init(&o->node, MAX);
	put_text(&o->graph, GRAPH_NAME, "test");
	return o;
}

static void
flush(struct onnx *o)
{
	if (o->node.len > 0)
		put_message(&o->graph, GRAPH_NODE, &o->node);
}

static void
put_names(struct buf *b, int field, const char *names)
{
	size_t n;

	for (; *names != '\0'; names += n + (names[n] == ' ')) {
		n = strcspn(names, " ");
		if (n == 1 && names[0] == '-')
			put_text(b, field, "");
		else
			put_bytes(b, field, names, n);
	}
}

void
onnx_node(struct onnx *o, const char *op, const char *in, const char *out)
{
	char name[32];

	flush(o);
	(void)snprintf(name, sizeof(name), "node%d", o->n_node++);
	put_names(&o->node, NODE_IN, in);
	put_names(&o->node, NODE_OUT, out);
	put_text(&o->node, NODE_NAME, name);
	put_text(&o->node, NODE_OP, op);
}

static struct buf
attr(const char *name, int type)
{
	struct buf b;

	buf_init(&b, MAX);
	put_text(&b, ATTR_NAME, name);
	put_int(&b, ATTR_TYPE, type);
	return b;
}

void
onnx_attr_int(struct onnx *o, const char *name, int64_t v)
{
	struct buf b = attr(name, 2);

	put_int(&b, ATTR_I, v);
	put_message(&o->node, NODE_ATTR, &b);
}

void
onnx_attr_float(struct onnx *o, const char *name, float v)
{
	struct buf b = attr(name, 1);

	varint(&b, (uint64_t)ATTR_F << 3 | 5);
	if (!buf_add(&b, &v, sizeof(v)))
		abort();
	put_message(&o->node, NODE_ATTR, &b);
}

void
onnx_attr_string(struct onnx *o, const char *name, const char *v)
{
	struct buf b = attr(name, 3);

	put_text(&b, ATTR_S, v);
	put_message(&o->node, NODE_ATTR, &b);
}

void
onnx_attr_ints(struct onnx *o, const char *name, int n, const int64_t *v)
{
	struct buf b = attr(name, 7);

	for (int i = 0; i < n; i++)
		put_int(&b, ATTR_INTS, v[i]);
	put_message(&o->node, NODE_ATTR, &b);
}

static struct buf
tensor(const char *name, enum dtype type, int rank, const int64_t *dims,
    const void *data)
{
	struct shape s = { .rank = rank };
	struct buf b;
	size_t n;

	buf_init(&b, MAX);
	for (int i = 0; i < rank; i++) {
		s.dim[i] = dims[i];
		put_int(&b, TENSOR_DIMS, dims[i]);
	}
	put_int(&b, TENSOR_TYPE, type);
	put_text(&b, TENSOR_NAME, name);
	if (!shape_bytes(&s, type, &n))
		abort();
	put_bytes(&b, TENSOR_RAW, data, n);
	return b;
}

void
onnx_attr_tensor(struct onnx *o, const char *name, enum dtype type, int rank,
    const int64_t *dims, const void *data)
{
	struct buf b = attr(name, 4), t = tensor("", type, rank, dims, data);

	put_message(&b, ATTR_T, &t);
	put_message(&o->node, NODE_ATTR, &b);
}

void
onnx_attr_graph(struct onnx *o, const char *name, struct onnx *sub)
{
	struct buf b = attr(name, 5);

	flush(sub);
	put_message(&b, ATTR_G, &sub->graph);
	put_message(&o->node, NODE_ATTR, &b);
	free(sub);
}

static void
put_info(struct onnx *o, int field, const char *name, enum dtype type,
    int rank, const int64_t *dims)
{
	struct buf info, t, tt, shape, dim;
	char param[16];

	buf_init(&info, MAX);
	buf_init(&t, MAX);
	buf_init(&tt, MAX);
	buf_init(&shape, MAX);
	buf_init(&dim, MAX);
	put_text(&info, INFO_NAME, name);
	put_int(&tt, TT_ELEM, type);
	for (int i = 0; i < rank; i++) {
		(void)snprintf(param, sizeof(param), "d%d", i);
		if (dims[i] < 0)
			put_text(&dim, DIM_PARAM, param);
		else
			put_int(&dim, DIM_VALUE, dims[i]);
		put_message(&shape, SHAPE_DIM, &dim);
	}
	if (rank >= 0)
		put_message(&tt, TT_SHAPE, &shape);
	put_message(&t, TYPE_TENSOR, &tt);
	put_message(&info, INFO_TYPE, &t);
	put_message(&o->graph, field, &info);
}

void
onnx_input(struct onnx *o, const char *name, enum dtype type, int rank,
    const int64_t *dims)
{
	put_info(o, GRAPH_INPUT, name, type, rank, dims);
}

void
onnx_output(struct onnx *o, const char *name, enum dtype type, int rank,
    const int64_t *dims)
{
	put_info(o, GRAPH_OUTPUT, name, type, rank, dims);
}

void
onnx_init(struct onnx *o, const char *name, enum dtype type, int rank,
    const int64_t *dims, const void *data)
{
	struct buf b = tensor(name, type, rank, dims, data);

	put_message(&o->graph, GRAPH_INIT, &b);
}

void *
onnx_done(struct onnx *o, size_t *n)
{
	struct buf m, set;

	buf_init(&m, MAX);
	buf_init(&set, MAX);
	flush(o);
	put_int(&m, MODEL_IR, 8);
	put_int(&set, OPSET_VERSION, o->opset);
	put_message(&m, MODEL_OPSET, &set);
	put_message(&m, MODEL_GRAPH, &o->graph);
	free(o);
	*n = m.len;
	return m.data;
}
