/* What engine.h promises: nets on a device against their definitions. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "net_help.h"
#include "onnx_make.h"
#include "suite.h"
#include "op/op.h"

#define MODELS	SRCDIR "/tests/models/"

/* The nets of one file: on the device, without fusion, by definitions. */
struct three {
	struct engine	*e[3];
	struct net	*net[3];
};

static void
load_three(struct three *t, const void *bytes, size_t n)
{
	static const struct engine_options opt[3] = {
		{ .nan_fill = true },
		{ .nan_fill = true, .no_fusion = true },
		{ .host_only = true },
	};

	for (int i = 0; i < 3; i++) {
		t->e[i] = help_engine(&opt[i]);
		t->net[i] = help_load(t->e[i], bytes, n);
	}
}

static void
free_three(struct three *t)
{
	for (int i = 0; i < 3; i++) {
		net_free(t->net[i]);
		engine_free(t->e[i]);
	}
}

static void
same_outputs(const struct outputs *a, const struct outputs *b)
{
	size_t n;

	ck_assert_int_eq(a->n, b->n);
	for (int i = 0; i < a->n; i++) {
		ck_assert_int_eq(a->io[i].type, b->io[i].type);
		ck_assert(shape_equal(&a->io[i].shape, &b->io[i].shape));
		ck_assert(shape_count(&a->io[i].shape, &n));
		if (a->io[i].type == DT_FLOAT)
			ck_assert_double_lt(help_diff(a->data[i], b->data[i],
			    n), 1e-4);
		else
			ck_assert_mem_eq(a->data[i], b->data[i], a->bytes[i]);
	}
}

/* All three give the same for these inputs. */
static void
agree(struct three *t, const struct io *in, uint32_t n_in)
{
	struct outputs o[3];
	struct err err = { 0 };

	for (int i = 0; i < 3; i++)
		ck_assert_msg(help_run(t->net[i], in, n_in, &o[i], &err) == 0,
		    "way %d: %s", i, err.text);
	same_outputs(&o[0], &o[2]);
	same_outputs(&o[1], &o[2]);
	for (int i = 0; i < 3; i++)
		help_free(&o[i]);
}

static void
agree_on(struct onnx *o, const struct io *in, uint32_t n_in)
{
	struct three t;
	size_t n;
	void *bytes = onnx_done(o, &n);

	load_three(&t, bytes, n);
	agree(&t, in, n_in);
	free_three(&t);
	free(bytes);
}

START_TEST(digits)
{
	struct three t;
	size_t n;
	void *bytes = help_file(MODELS "digits/1/model.onnx", &n);
	float x[5 * 64];
	uint32_t seed = 1;
	struct io_seg seg;
	struct io in;

	load_three(&t, bytes, n);
	help_random(&seed, x, 5 * 64);
	for (int i = 0; i < 5 * 64; i++)
		x[i] = 8 + 8 * x[i];
	for (int64_t rows = 1; rows <= 5; rows++) {
		in = help_input(DT_FLOAT, 2, (int64_t[]){ rows, 64 }, x, &seg);
		agree(&t, &in, 1);
	}
	free_three(&t);
	free(bytes);
}
END_TEST

/* A chain of expressions over broadcast operands is one kernel, and right. */
START_TEST(chains_fuse)
{
	struct onnx *o = onnx_new(17);
	float x[2 * 3 * 40], c[3] = { 1, -2, 3 }, s = 0.5f;
	uint32_t seed = 2;
	struct io_seg seg;
	struct io in = help_input(DT_FLOAT, 3, (int64_t[]){ 2, 3, 40 }, x,
	    &seg);

	help_random(&seed, x, 240);
	onnx_input(o, "x", DT_FLOAT, 3, (int64_t[]){ -1, 3, -1 });
	onnx_init(o, "c", DT_FLOAT, 2, (int64_t[]){ 3, 1 }, c);
	onnx_init(o, "s", DT_FLOAT, 0, NULL, &s);
	onnx_node(o, "Mul", "x c", "a");
	onnx_node(o, "Sigmoid", "a", "b");
	onnx_node(o, "Mul", "a b", "d");
	onnx_node(o, "Sub", "d s", "e");
	onnx_node(o, "LeakyRelu", "e", "f");
	onnx_attr_float(o, "alpha", 0.3f);
	onnx_node(o, "Add", "f x", "y");
	onnx_output(o, "y", DT_FLOAT, 3, (int64_t[]){ -1, 3, -1 });
	agree_on(o, &in, 1);
}
END_TEST

/* Shape -> Gather -> Concat -> Reshape is known when it is planned. */
START_TEST(shapes_are_known)
{
	struct onnx *o = onnx_new(17);
	float x[24];
	int64_t zero = 0, minus = -1;
	uint32_t seed = 3;
	struct io_seg seg;
	struct io in = help_input(DT_FLOAT, 3, (int64_t[]){ 2, 3, 4 }, x, &seg);

	help_random(&seed, x, 24);
	onnx_input(o, "x", DT_FLOAT, 3, (int64_t[]){ -1, -1, 4 });
	onnx_init(o, "zero", DT_INT64, 1, (int64_t[]){ 1 }, &zero);
	onnx_init(o, "minus", DT_INT64, 1, (int64_t[]){ 1 }, &minus);
	onnx_node(o, "Shape", "x", "s");
	onnx_node(o, "Gather", "s zero", "n");
	onnx_node(o, "Concat", "n minus", "t");
	onnx_attr_int(o, "axis", 0);
	onnx_node(o, "Relu", "x", "r");
	onnx_node(o, "Reshape", "r t", "y");
	onnx_output(o, "y", DT_FLOAT, 2, (int64_t[]){ -1, -1 });
	agree_on(o, &in, 1);
}
END_TEST

/* A target given by the client is part of the key: no stale plan answers. */
START_TEST(reshape_by_data)
{
	struct onnx *o = onnx_new(17);
	struct three t;
	float x[24];
	int64_t target[3][2] = { { 4, 6 }, { 6, 4 }, { 2, 12 } };
	uint32_t seed = 4;
	struct io_seg seg[2];
	struct io in[2];
	size_t n;
	void *bytes;

	help_random(&seed, x, 24);
	onnx_input(o, "x", DT_FLOAT, 3, (int64_t[]){ 2, 3, 4 });
	onnx_input(o, "t", DT_INT64, 1, (int64_t[]){ 2 });
	onnx_node(o, "Abs", "t", "a");
	onnx_node(o, "Exp", "x", "e");
	onnx_node(o, "Reshape", "e t", "y");
	onnx_node(o, "Reshape", "y a", "z");
	onnx_node(o, "Neg", "z", "w");
	onnx_output(o, "y", DT_FLOAT, 2, (int64_t[]){ -1, -1 });
	onnx_output(o, "w", DT_FLOAT, 2, (int64_t[]){ -1, -1 });
	bytes = onnx_done(o, &n);
	load_three(&t, bytes, n);
	in[0] = help_input(DT_FLOAT, 3, (int64_t[]){ 2, 3, 4 }, x, &seg[0]);
	for (int i = 0; i < 6; i++) {
		in[1] = help_input(DT_INT64, 1, (int64_t[]){ 2 },
		    target[i % 3], &seg[1]);
		agree(&t, in, 2);
	}
	free_three(&t);
	free(bytes);
}
END_TEST

/* Outputs whose shape only the data tells: the node runs between two plans. */
START_TEST(shapes_from_data)
{
	struct onnx *o = onnx_new(17);
	float x[100];
	uint32_t seed = 5;
	struct io_seg seg;
	struct io in = help_input(DT_FLOAT, 2, (int64_t[]){ 10, 10 }, x, &seg);

	help_random(&seed, x, 100);
	onnx_input(o, "x", DT_FLOAT, 2, (int64_t[]){ -1, -1 });
	onnx_node(o, "Relu", "x", "r");
	onnx_node(o, "NonZero", "r", "i");
	onnx_node(o, "Transpose", "i", "t");
	onnx_node(o, "GatherND", "r t", "g");
	onnx_node(o, "Exp", "g", "y");
	onnx_output(o, "t", DT_INT64, 2, (int64_t[]){ -1, -1 });
	onnx_output(o, "y", DT_FLOAT, 1, (int64_t[]){ -1 });
	agree_on(o, &in, 1);
}
END_TEST

/* if (c) x + w else x * x; w is captured. */
START_TEST(branches)
{
	struct onnx *o = onnx_new(17), *yes = onnx_new(17), *no = onnx_new(17);
	struct three t;
	float x[6] = { 1, -2, 3, -4, 5, -6 }, w[6] = { 1, 1, 2, 2, 3, 3 };
	uint8_t c;
	struct io_seg seg[2];
	struct io in[2];
	size_t n;
	void *bytes;

	onnx_node(yes, "Add", "r w", "y1");
	onnx_output(yes, "y1", DT_FLOAT, 1, (int64_t[]){ 6 });
	onnx_node(no, "Mul", "r r", "y2");
	onnx_output(no, "y2", DT_FLOAT, 1, (int64_t[]){ 6 });
	onnx_input(o, "c", DT_BOOL, 0, NULL);
	onnx_input(o, "x", DT_FLOAT, 1, (int64_t[]){ 6 });
	onnx_init(o, "w", DT_FLOAT, 1, (int64_t[]){ 6 }, w);
	onnx_node(o, "Relu", "x", "r");
	onnx_node(o, "If", "c", "y");
	onnx_attr_graph(o, "then_branch", yes);
	onnx_attr_graph(o, "else_branch", no);
	onnx_node(o, "Neg", "y", "z");
	onnx_output(o, "z", DT_FLOAT, 1, (int64_t[]){ 6 });
	bytes = onnx_done(o, &n);
	load_three(&t, bytes, n);
	in[0] = help_input(DT_BOOL, 0, NULL, &c, &seg[0]);
	in[1] = help_input(DT_FLOAT, 1, (int64_t[]){ 6 }, x, &seg[1]);
	for (c = 0; c < 2; c++)
		agree(&t, in, 2);
	free_three(&t);
	free(bytes);
}
END_TEST

/* s = 0; for (i = 0; i < n; i++) s += x; and each s in a row. */
START_TEST(loops)
{
	struct onnx *o = onnx_new(17), *body = onnx_new(17);
	int64_t trips = 5;
	float x[2] = { 1.5f, -2 }, zero[2] = { 0 };
	uint8_t yes = 1;
	struct io_seg seg[2];
	struct io in[2] = {
		help_input(DT_INT64, 0, NULL, &trips, &seg[0]),
		help_input(DT_FLOAT, 1, (int64_t[]){ 2 }, x, &seg[1]),
	};
	struct outputs out;
	struct err err = { 0 };
	struct engine *e;
	struct net *net;
	size_t n;
	void *bytes;

	onnx_input(body, "i", DT_INT64, 0, NULL);
	onnx_input(body, "go", DT_BOOL, 0, NULL);
	onnx_input(body, "s", DT_FLOAT, 1, (int64_t[]){ 2 });
	onnx_node(body, "Add", "s x", "s2");
	onnx_node(body, "Identity", "go", "go2");
	onnx_node(body, "Identity", "s2", "each");
	onnx_output(body, "go2", DT_BOOL, 0, NULL);
	onnx_output(body, "s2", DT_FLOAT, 1, (int64_t[]){ 2 });
	onnx_output(body, "each", DT_FLOAT, 1, (int64_t[]){ 2 });
	onnx_input(o, "n", DT_INT64, 0, NULL);
	onnx_input(o, "x", DT_FLOAT, 1, (int64_t[]){ 2 });
	onnx_init(o, "yes", DT_BOOL, 0, NULL, &yes);
	onnx_init(o, "zero", DT_FLOAT, 1, (int64_t[]){ 2 }, zero);
	onnx_node(o, "Loop", "n yes zero", "last all");
	onnx_attr_graph(o, "body", body);
	onnx_output(o, "last", DT_FLOAT, 1, (int64_t[]){ 2 });
	onnx_output(o, "all", DT_FLOAT, 2, (int64_t[]){ -1, 2 });
	bytes = onnx_done(o, &n);
	e = help_engine(NULL);
	net = help_load(e, bytes, n);
	ck_assert_msg(help_run(net, in, 2, &out, &err) == 0, "%s", err.text);
	ck_assert_float_eq(((float *)out.data[0])[0], 7.5f);
	ck_assert_int_eq(out.io[1].shape.dim[0], 5);
	ck_assert_float_eq(((float *)out.data[1])[9], -10);
	help_free(&out);
	net_free(net);
	engine_free(e);
	free(bytes);
}
END_TEST

/*
 * Convolutions with batch normalisation, residuals, broadcast operands and odd
 * channel counts behind them.
 */
START_TEST(epilogues)
{
	enum { C = 19, M = 21, H = 9 };
	struct onnx *o = onnx_new(17);
	static float x[2 * C * H * H], w[M * C * 9], w2[M * M], v[4][M];
	uint32_t seed = 6;
	struct io_seg seg;
	struct io in = help_input(DT_FLOAT, 4, (int64_t[]){ 2, C, H, H }, x,
	    &seg);

	help_random(&seed, x, sizeof(x) / sizeof(*x));
	help_random(&seed, w, sizeof(w) / sizeof(*w));
	help_random(&seed, w2, sizeof(w2) / sizeof(*w2));
	help_random(&seed, v[0], 4 * M);
	for (int i = 0; i < M; i++)
		v[3][i] = 1.5f + v[3][i];
	onnx_input(o, "x", DT_FLOAT, 4, (int64_t[]){ -1, C, -1, -1 });
	onnx_init(o, "w", DT_FLOAT, 4, (int64_t[]){ M, C, 3, 3 }, w);
	onnx_init(o, "w2", DT_FLOAT, 4, (int64_t[]){ M, M, 1, 1 }, w2);
	onnx_init(o, "v0", DT_FLOAT, 1, (int64_t[]){ M }, v[0]);
	onnx_init(o, "v1", DT_FLOAT, 1, (int64_t[]){ M }, v[1]);
	onnx_init(o, "v2", DT_FLOAT, 1, (int64_t[]){ M }, v[2]);
	onnx_init(o, "v3", DT_FLOAT, 1, (int64_t[]){ M }, v[3]);
	onnx_init(o, "c", DT_FLOAT, 3, (int64_t[]){ M, 1, 1 }, v[0]);
	onnx_node(o, "Conv", "x w", "a");
	onnx_attr_ints(o, "pads", 4, (int64_t[]){ 1, 1, 1, 1 });
	onnx_node(o, "BatchNormalization", "a v0 v1 v2 v3", "b");
	onnx_node(o, "Sigmoid", "b", "s");
	onnx_node(o, "Conv", "s w2 v0", "d");
	onnx_node(o, "Add", "d s", "e");
	onnx_node(o, "Mul", "e c", "f");
	onnx_node(o, "Exp", "f", "g");
	onnx_node(o, "BatchNormalization", "g v0 v1 v2 v3", "h");
	onnx_node(o, "Relu", "h", "i");
	onnx_node(o, "GlobalAveragePool", "i", "p");
	onnx_node(o, "Mul", "i p", "q");
	onnx_node(o, "Conv", "q w2", "y");
	onnx_output(o, "y", DT_FLOAT, 4, (int64_t[]){ -1, M, -1, -1 });
	agree_on(o, &in, 1);
}
END_TEST

/* Rows of one run in one piece, in several, and with spare ones behind. */
START_TEST(batches)
{
	struct net_options opt = { .batch_max = 8 };
	struct engine *e = help_engine(&(struct engine_options){ .nan_fill =
	    true });
	struct err err = { 0 };
	float x[5 * 64];
	uint32_t seed = 7;
	struct io_seg whole, part[3];
	struct io in;
	struct outputs a, b;
	size_t n;
	void *bytes = help_file(MODELS "digits/1/model.onnx", &n);
	struct net *net = net_load(e, bytes, n, NULL, &opt, &err);

	ck_assert_msg(net != NULL, "%s", err.text);
	ck_assert_msg(net_signature(net)->batchable, "%s", net_note(net));
	help_random(&seed, x, 5 * 64);
	in = help_input(DT_FLOAT, 2, (int64_t[]){ 5, 64 }, x, &whole);
	ck_assert_int_eq(help_run(net, &in, 1, &a, &err), 0);
	ck_assert_int_eq(a.io[0].shape.dim[0], 5);
	for (int i = 0; i < 3; i++) {
		part[i].data = x + 2 * 64 * i;
		part[i].bytes = (i < 2 ? 2 : 1) * 64 * sizeof(float);
	}
	in.seg = part;
	in.n_seg = 3;
	ck_assert_int_eq(help_run(net, &in, 1, &b, &err), 0);
	same_outputs(&a, &b);
	help_free(&a);
	help_free(&b);
	net_free(net);
	engine_free(e);
}
END_TEST

/* Answers that mix rows must not be batched. */
START_TEST(mixed_rows_are_not_batched)
{
	struct onnx *o = onnx_new(17);
	struct net_options opt = { .batch_max = 4 };
	struct engine *e = help_engine(NULL);
	struct err err = { 0 };
	struct net *net;
	size_t n;
	void *bytes;

	onnx_input(o, "x", DT_FLOAT, 2, (int64_t[]){ -1, 3 });
	if (_i == 0) {		/* over the rows */
		onnx_node(o, "Softmax", "x", "y");
		onnx_attr_int(o, "axis", 0);
	} else {		/* by their number */
		onnx_node(o, "Shape", "x", "s");
		onnx_node(o, "Cast", "s", "f");
		onnx_attr_int(o, "to", DT_FLOAT);
		onnx_node(o, "ReduceSum", "f", "n");
		onnx_attr_int(o, "keepdims", 0);
		onnx_node(o, "Mul", "x n", "y");
	}
	onnx_output(o, "y", DT_FLOAT, 2, (int64_t[]){ -1, 3 });
	bytes = onnx_done(o, &n);
	net = net_load(e, bytes, n, NULL, &opt, &err);
	ck_assert_msg(net != NULL, "%s", err.text);
	ck_assert(!net_signature(net)->batchable);
	ck_assert_str_ne(net_note(net), "");
	net_free(net);
	engine_free(e);
}
END_TEST

/* A request's own mistakes leave the net as it was. */
START_TEST(bad_requests)
{
	struct onnx *o = onnx_new(17);
	struct engine *e = help_engine(NULL);
	float x[4] = { 1, 2, 3, 4 };
	int64_t index = 9;
	struct err err = { 0 };
	struct io_seg seg[2];
	struct io in[2];
	struct outputs out;
	struct net *net;
	size_t n;
	void *bytes;

	onnx_input(o, "x", DT_FLOAT, 1, (int64_t[]){ 4 });
	onnx_input(o, "i", DT_INT64, 1, (int64_t[]){ -1 });
	onnx_node(o, "Gather", "x i", "y");
	onnx_output(o, "y", DT_FLOAT, 1, (int64_t[]){ -1 });
	bytes = onnx_done(o, &n);
	net = help_load(e, bytes, n);
	in[0] = help_input(DT_FLOAT, 1, (int64_t[]){ 4 }, x, &seg[0]);
	in[1] = help_input(DT_INT64, 1, (int64_t[]){ 1 }, &index, &seg[1]);
	ck_assert_int_eq(help_run(net, in, 2, &out, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	help_free(&out);
	ck_assert_int_eq(help_run(net, in, 1, &out, &err), -1);
	in[0].shape.dim[0] = 5;
	ck_assert_int_eq(help_run(net, in, 2, &out, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	in[0].shape.dim[0] = 4;
	in[0].type = DT_INT32;
	ck_assert_int_eq(help_run(net, in, 2, &out, &err), -1);
	in[0].type = DT_FLOAT;
	index = 2;
	ck_assert_msg(help_run(net, in, 2, &out, &err) == 0, "%s", err.text);
	ck_assert_float_eq(*(float *)out.data[0], 3);
	help_free(&out);
	net_free(net);
	engine_free(e);
	free(bytes);
}
END_TEST

/* Every expression, over broadcast operands, against its definition. */
static void
expression(const struct op *op, enum dtype type)
{
	struct onnx *o = onnx_new(op->until > 0 ? op->until : 22);
	int n_in = op->pw->arity > 0 ? op->pw->arity : 3;
	static const int64_t dims[3][3] = { { 2, 5, 37 }, { 5, 1 }, { 37 } };
	static const int rank[3] = { 3, 2, 1 };
	static const char *const names[] = { "a", "a b", "a b c" };
	struct io_seg seg[3];
	struct io in[3];
	char data[3][370 * 8];
	uint32_t seed = (uint32_t)type + 8;
	enum dtype t = type;

	for (int i = 0; i < n_in; i++) {
		t = n_in == 3 && op->pw->arity == 3 && i == 0 ? DT_BOOL : type;
		in[i] = help_input(t, rank[i], dims[i], data[i], &seg[i]);
		for (size_t k = 0; k < 370; k++) {
			seed = seed * 1664525 + 1013904223;
			elem_set_f(t, data[i], k, t == DT_BOOL ? seed >> 31 :
			    (seed >> 16) / 8192.0 - 3.5);
		}
		onnx_input(o, (const char *[]){ "a", "b", "c" }[i], t, rank[i],
		    dims[i]);
	}
	onnx_node(o, op->name, names[n_in - 1], "y");
	if (strcmp(op->name, "BitShift") == 0)
		onnx_attr_string(o, "direction", "LEFT");
	if (strcmp(op->name, "Mod") == 0)
		onnx_attr_int(o, "fmod", 1);
	onnx_output(o, "y", op->pw->out != DT_NONE ? op->pw->out : type, -1,
	    NULL);
	agree_on(o, in, (uint32_t)n_in);
}

/* All take minutes to compile; a tenth, another for each type, does not. */
START_TEST(expressions)
{
	static const enum dtype types[] = { DT_FLOAT, DT_INT32, DT_INT64,
	    DT_UINT8 };
	bool all = getenv("CLINFERD_TEST_LONG") != NULL;
	const struct op *op;
	int n = 0;

	for (int i = 0; (op = op_row(i)) != NULL; i++) {
		if (op->pw == NULL || (!all && n++ % 10 != 2 * _i) ||
		    op->domain != NULL || op->since > 22 ||
		    strcmp(op->name, "Cast") == 0 ||
		    strcmp(op->name, "CastLike") == 0 ||
		    strcmp(op->name, "Pow") == 0 ||
		    !op_takes(op, op->pw->arity == 3, types[_i]))
			continue;
		expression(op, types[_i]);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine");
	TCase *t = tcase_create("nets");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, digits);
	tcase_add_test(t, chains_fuse);
	tcase_add_test(t, shapes_are_known);
	tcase_add_test(t, reshape_by_data);
	tcase_add_test(t, shapes_from_data);
	tcase_add_test(t, branches);
	tcase_add_test(t, loops);
	tcase_add_test(t, epilogues);
	tcase_add_test(t, batches);
	tcase_add_loop_test(t, mixed_rows_are_not_batched, 0, 2);
	tcase_add_test(t, bad_requests);
	tcase_add_loop_test(t, expressions, 0, 4);
	suite_add_tcase(s, t);
	return suite_run(s);
}
