/* What model/graph.h promises, on files that this test writes itself. */
#include <check.h>
#include <stdint.h>
#include <unistd.h>

#include "base/size.h"
#include "model/datum.h"
#include "model/graph.h"
#include "parse/pb.h"

#define MESSAGE_MAX	((size_t)64 << 20)

static struct err e;

static struct buf
new(void)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	return b;
}

static void
put_text(struct buf *b, uint32_t num, const char *s)
{
	pb_put_bytes(b, num, s, strlen(s));
}

/* Put message m into b and free it. */
static void
put(struct buf *b, uint32_t num, struct buf m)
{
	pb_put_bytes(b, num, m.data, m.len);
	buf_done(&m);
}

/* "a,b" as fields num; "" none; an empty name between commas. */
static void
put_names(struct buf *b, uint32_t num, const char *list)
{
	for (const char *end; *list != '\0'; list = end + (*end == ',')) {
		end = list + strcspn(list, ",");
		pb_put_bytes(b, num, list, (size_t)(end - list));
	}
}

static struct buf
node(const char *op, const char *in, const char *out)
{
	struct buf b = new();

	put_names(&b, 1, in);
	put_names(&b, 2, out);
	put_text(&b, 4, op);
	return b;
}

static struct buf
value_info(const char *name, int64_t elem)
{
	struct buf b = new(), type = new(), tensor = new();

	put_text(&b, 1, name);
	pb_put_int(&tensor, 1, elem);
	put(&type, 1, tensor);
	put(&b, 2, type);
	return b;
}

/* A float tensor of n elements, raw bytes given. */
static struct buf
tensor(const char *name, int64_t n, const void *raw, size_t bytes)
{
	struct buf b = new();

	pb_put_int(&b, 1, n);
	pb_put_int(&b, 2, DT_FLOAT);
	put_text(&b, 8, name);
	pb_put_bytes(&b, 9, raw, bytes);
	return b;
}

/* A graph of that input and output; the caller adds nodes (1), tensors (5). */
static struct buf
graph(const char *in, const char *out)
{
	struct buf b = new();

	put_text(&b, 2, "g");
	if (in != NULL)
		put(&b, 11, value_info(in, DT_FLOAT));
	put(&b, 12, value_info(out, DT_FLOAT));
	return b;
}

static struct buf
opset(const char *domain, int64_t version)
{
	struct buf b = new();

	put_text(&b, 1, domain);
	pb_put_int(&b, 2, version);
	return b;
}

static struct buf
file(int64_t ir, struct buf g)
{
	struct buf b = new();

	pb_put_int(&b, 1, ir);
	put(&b, 7, g);
	put(&b, 8, opset("", 17));
	return b;
}

/* Load it; the model owns the bytes then, else they are freed here. */
static struct model *
load_from(struct buf b, const struct model_source *source)
{
	void *bytes = malloc(b.len);
	struct model *m;

	ck_assert_ptr_nonnull(bytes);
	ck_assert(!buf_failed(&b));
	memcpy(bytes, b.data, b.len);
	if ((m = model_load(bytes, b.len, source, &e)) == NULL)
		free(bytes);
	buf_done(&b);
	return m;
}

static struct model *
load(struct buf b)
{
	return load_from(b, NULL);
}

static void
assert_refused(struct buf b, const char *why)
{
	ck_assert_ptr_null(load(b));
	ck_assert_msg(strstr(e.text, why) != NULL, "%s", e.text);
}

/* x -> Relu -> y */
static struct buf
simple(void)
{
	struct buf g = graph("x", "y");

	put(&g, 1, node("Relu", "x", "y"));
	return g;
}

START_TEST(a_small_model_is_read)
{
	struct model *m = load(file(8, simple()));

	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert_int_eq(m->opset, 17);
	ck_assert_int_eq(m->graph->n_node, 1);
	ck_assert_int_eq(m->graph->n_in, 1);
	ck_assert_int_eq(m->graph->n_out, 1);

	const struct node *n = &m->graph->node[0];
	ck_assert_str_eq(n->op, "Relu");
	ck_assert_str_eq(n->domain, "");
	ck_assert_str_eq(n->name, "y");
	ck_assert_int_eq(n->opset, 17);
	ck_assert_int_eq(n->in[0], m->graph->in[0]);
	ck_assert_int_eq(n->out[0], m->graph->out[0]);
	ck_assert_int_eq(m->graph->value[n->out[0]].producer, 0);
	ck_assert_int_eq(m->graph->value[n->in[0]].producer, -1);
	model_free(m);
}
END_TEST

START_TEST(names_must_be_known_and_given_once)
{
	struct buf g = graph("x", "y");

	put(&g, 1, node("Add", "x,ghost", "y"));
	assert_refused(file(8, g),
	    "node \"y\" (Add-17): input 1: \"ghost\" is not defined");

	g = simple();
	put(&g, 1, node("Relu", "x", "y"));
	assert_refused(file(8, g), "node 1: \"y\" is defined twice");

	g = simple();
	put(&g, 1, node("Relu", "y", "x"));
	assert_refused(file(8, g), "\"x\" is defined twice");

	g = graph("x", "z");
	put(&g, 1, node("Relu", "x", "y"));
	assert_refused(file(8, g), "output 0: \"z\" is not defined");

	g = graph("x", "y");
	put(&g, 1, node("Relu", "x", "y\xff"));
	assert_refused(file(8, g), "not UTF-8");

	g = graph("x", "y");
	put(&g, 1, node("", "x", "y"));
	assert_refused(file(8, g), "node 0 \"\" has no op_type");
}
END_TEST

START_TEST(an_absent_input_is_no_value)
{
	struct buf g = graph("x", "y");

	put(&g, 1, node("Clip", "x,,x", "y"));
	struct model *m = load(file(8, g));
	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert_int_eq(m->graph->node[0].n_in, 3);
	ck_assert_int_eq(m->graph->node[0].in[1], NO_VALUE);
	model_free(m);
}
END_TEST

START_TEST(nodes_are_put_in_order)
{
	struct buf g = graph("x", "c");

	put(&g, 1, node("Neg", "b", "c"));
	put(&g, 1, node("Abs", "a", "b"));
	put(&g, 1, node("Relu", "x", "a"));
	struct model *m = load(file(8, g));
	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert_str_eq(m->graph->node[0].op, "Relu");
	ck_assert_str_eq(m->graph->node[1].op, "Abs");
	ck_assert_str_eq(m->graph->node[2].op, "Neg");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(m->graph->value[m->graph->node[i].out[0]]
		    .producer, i);
	model_free(m);

	g = graph("x", "b");
	put(&g, 1, node("Add", "x,b", "a"));
	put(&g, 1, node("Relu", "a", "b"));
	assert_refused(file(8, g), "needs its own output");
}
END_TEST

START_TEST(initializers_are_constants_or_defaults)
{
	static const float w[2] = { 1, 2 };
	struct buf g;
	struct model *m;

	for (int64_t ir = 3; ir <= 4; ir++) {
		g = simple();
		put(&g, 11, value_info("w", DT_FLOAT));
		put(&g, 5, tensor("w", 2, w, sizeof(w)));
		m = load(file(ir, g));
		ck_assert_msg(m != NULL, "%s", e.text);
		/* Before version 4 all initializers were inputs, too. */
		ck_assert_int_eq(m->graph->n_in, ir == 3 ? 1 : 2);
		ck_assert_uint_eq(m->parameters, 2);
		model_free(m);
	}
	g = simple();
	put(&g, 5, tensor("w", 2, w, sizeof(w)));
	put(&g, 5, tensor("w", 2, w, sizeof(w)));
	assert_refused(file(8, g), "initializer \"w\" is defined twice");
	g = simple();
	put(&g, 11, value_info("w", DT_INT64));
	put(&g, 5, tensor("w", 2, w, sizeof(w)));
	assert_refused(file(8, g),
	    "is float, but the input of that name int64");
	assert_refused(file(2, simple()), "IR version 2");
}
END_TEST

START_TEST(a_tensor_has_exactly_its_bytes)
{
	static const float w[4] = { 1, 2, 3, 4 };
	struct buf g = simple(), t;

	put(&g, 5, tensor("w", 4, w, 15));
	assert_refused(file(8, g),
	    "tensor \"w\": 15 bytes of raw_data, want 16");
	g = simple();
	put(&g, 5, tensor("w", -4, w, 16));
	assert_refused(file(8, g), "tensor \"w\": dimension 0 is negative");
	g = simple();
	put(&g, 5, tensor("w", INT64_MAX, w, 16));
	assert_refused(file(8, g), "tensor \"w\"");

	t = new();
	pb_put_int(&t, 1, 3);
	pb_put_int(&t, 2, DT_INT64);
	pb_put_bytes(&t, 7, "\1\2", 2);
	g = simple();
	put(&g, 5, t);
	assert_refused(file(8, g), "2 values of type int64, want 3");
}
END_TEST

/*
 * Every start of the data in the file, large and small: always aligned in
 * memory.
 */
START_TEST(weights_are_aligned_and_right)
{
	static float w[5000];
	char name[16];

	for (int k = 0; k < 5000; k++)
		w[k] = (float)k;
	for (int64_t pad = 1; pad < 9; pad++) {
		struct buf g = simple();

		memset(name, 'n', sizeof(name));
		name[pad] = '\0';
		put(&g, 5, tensor(name, 5000, w, sizeof(w)));
		put(&g, 5, tensor("small", 3, w, 3 * sizeof(*w)));
		struct model *m = load(file(8, g));
		ck_assert_msg(m != NULL, "%s", e.text);
		ck_assert_uint_lt(pool_used(m->pool), 16384);
		for (int i = 0; i < m->graph->n_value; i++) {
			const struct tensor *t = m->graph->value[i].init;

			if (t == NULL)
				continue;
			ck_assert_uint_eq((uintptr_t)t->data % 4, 0);
			ck_assert(memcmp(t->data, w, t->bytes) == 0);
		}
		model_free(m);
	}
}
END_TEST

static const struct value *
value_named(const struct graph *g, const char *name)
{
	for (int i = 0; i < g->n_value; i++)
		if (strcmp(g->value[i].name, name) == 0)
			return &g->value[i];
	ck_abort_msg("no value \"%s\"", name);
	return NULL;
}

/* A file of the fuzz corpus. */
static struct model *
load_file(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	FILE *f;
	char *bytes = malloc(1 << 20);
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/model/%s",
	    srcdir != NULL ? srcdir : ".", name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL && bytes != NULL, "%s", path);
	n = fread(bytes, 1, 1 << 20, f);
	(void)fclose(f);
	struct model *m = model_load(bytes, n, NULL, &e);
	ck_assert_msg(m != NULL, "%s: %s", name, e.text);
	return m;
}

START_TEST(constants_become_initializers)
{
	struct model *m = load_file("constants.onnx");
	const struct graph *g = m->graph;
	const struct tensor *t;

	ck_assert_int_eq(g->n_node, 5);
	t = value_named(g, "value_float")->init;
	ck_assert(t->shape.rank == 0 && *(const float *)t->data == 1.5f);
	t = value_named(g, "value_ints")->init;
	ck_assert(t->type == DT_INT64 && t->count == 2 &&
	    ((const int64_t *)t->data)[1] == 2);
	t = value_named(g, "value_strings")->init;
	ck_assert(t->type == DT_STRING && t->count == 2 &&
	    strcmp(((const struct string *)t->data)[1].s, "bc") == 0);
	t = value_named(g, "value_string")->init;
	ck_assert_str_eq(((const struct string *)t->data)->s, "text");
	t = value_named(g, "sparse_value")->init;
	ck_assert_int_eq(t->shape.dim[0], 2);
	ck_assert_int_eq(t->shape.dim[1], 3);
	ck_assert(((const float *)t->data)[1] == 1 &&
	    ((const float *)t->data)[5] == 2 &&
	    ((const float *)t->data)[0] == 0);
	model_free(m);
}
END_TEST

START_TEST(every_type_is_read)
{
	struct model *m = load_file("types.onnx");
	static const struct {
		const char	*name;
		enum dtype	 type;
		size_t		 bytes;
		uint64_t	 bits;
	} want[] = {
		{ "t0", DT_FLOAT16, 2, 0x3c00 },
		{ "t1", DT_BFLOAT16, 2, 0x3f80 },
		{ "t2", DT_INT8, 1, 0xff }, { "t3", DT_UINT16, 2, 7 },
		{ "t4", DT_BOOL, 1, 1 }, { "t5", DT_UINT32, 4, 9 },
		{ "t6", DT_DOUBLE, 8, UINT64_C(0x4004000000000000) },
		{ "t7", DT_COMPLEX64, 8, UINT64_C(0x400000003f800000) },
		{ "t9", DT_INT4, 1, 3 }, { "t10", DT_FLOAT8E4M3FN, 1, 0x38 },
	};

	for (size_t i = 0; i < nitems(want); i++) {
		const struct tensor *t = value_named(m->graph,
		    want[i].name)->init;
		uint64_t bits = 0;

		ck_assert_int_eq(t->type, want[i].type);
		ck_assert_uint_eq(t->bytes, want[i].bytes);
		memcpy(&bits, t->data, t->bytes);
		ck_assert_msg(bits == want[i].bits, "%s", want[i].name);
	}
	ck_assert_int_eq(value_named(m->graph, "q")->type, VALUE_SEQUENCE);
	ck_assert_int_eq(value_named(m->graph, "p")->type, VALUE_OPTIONAL);
	model_free(m);
}
END_TEST

START_TEST(subgraphs_capture)
{
	struct model *m = load_file("control.onnx");
	const struct graph *g = m->graph, *inner;
	const struct value *v;
	struct graph *branch;

	for (int i = 0; i < g->n_node; i++) {
		if (strcmp(g->node[i].op, "If") != 0)
			continue;
		ck_assert_int_eq(attr_graph(&g->node[i], "else_branch",
		    &branch, &e), 0);
		/* x and one are two graphs up: captured by both. */
		ck_assert_ptr_eq(branch->parent, g);
		v = value_named(branch, "x");
		ck_assert_int_eq(v->outer, g->in[0]);
		inner = branch->node[0].attr[0].g;
		v = value_named(inner, "x");
		ck_assert_ptr_eq(inner->parent, branch);
		ck_assert_str_eq(branch->value[v->outer].name, "x");
	}
	model_free(m);
}
END_TEST

START_TEST(functions_are_inlined)
{
	struct model *m = load_file("functions.onnx");
	const struct graph *g = m->graph;
	int elus = 0, with_alpha = 0;
	float alpha;

	ck_assert_int_eq(g->n_node, 16);	/* 2 * 2 * (5 - Constant) */
	for (int i = 0; i < g->n_node; i++) {
		if (strcmp(g->node[i].op, "Elu") != 0)
			continue;
		elus++;
		ck_assert_int_eq(attr_float(&g->node[i], "alpha", 9, &alpha,
		    &e), 0);
		with_alpha += alpha == 0.5f;
		ck_assert(alpha == 0.5f || alpha == 9);
	}
	ck_assert_int_eq(elus, 4);
	ck_assert_int_eq(with_alpha, 2);
	ck_assert_int_eq(g->value[g->out[0]].producer, 15);
	model_free(m);
}
END_TEST

/* f calls f */
START_TEST(recursion_ends)
{
	struct buf g = graph("x", "y"), f = new(), b, n = node("f", "x", "y");

	put_text(&n, 7, "d");
	put(&g, 1, n);
	put_text(&f, 1, "f");
	put_text(&f, 10, "d");
	put_names(&f, 4, "a");
	put_names(&f, 5, "b");
	n = node("f", "a", "b");
	put_text(&n, 7, "d");
	put(&f, 7, n);
	b = file(8, g);
	put(&b, 25, f);
	assert_refused(b, "nest more than 32 deep");
}
END_TEST

START_TEST(depth_ends)
{
	struct buf g = simple();

	for (int i = 0; i < 40; i++) {
		struct buf a = new(), n = node("If", "x", "y"), up;

		put_text(&a, 1, "then_branch");
		pb_put_int(&a, 20, ATTR_GRAPH);
		put(&a, 6, g);
		put(&n, 5, a);
		up = graph(i == 39 ? "x" : NULL, "y");
		put(&up, 1, n);
		g = up;
	}
	assert_refused(file(8, g), "nest more than 32 deep");
}
END_TEST

START_TEST(a_small_file_cannot_ask_for_much)
{
	struct buf g, f, b = new(), n, leaf = new();

	/* 64 calls of 64 calls of ... : 2^60 nodes from a few kilobytes. */
	put_text(&leaf, 1, "f0");
	put_text(&leaf, 10, "d");
	put_names(&leaf, 5, "o");
	put(&leaf, 7, node("RandomNormal", "", "o"));
	put(&leaf, 9, opset("", 17));
	put(&b, 25, leaf);
	for (int i = 1; i <= 10; i++) {
		char name[16];

		f = new();
		(void)snprintf(name, sizeof(name), "f%d", i);
		put_text(&f, 1, name);
		put_text(&f, 10, "d");
		for (int k = 0; k < 64; k++) {
			char out[16];

			(void)snprintf(out, sizeof(out), "o%d", k);
			(void)snprintf(name, sizeof(name), "f%d", i - 1);
			n = node(name, "", out);
			put_text(&n, 7, "d");
			put(&f, 7, n);
		}
		put_names(&f, 5, "o0");
		put(&b, 25, f);
	}
	g = graph("x", "y");
	n = node("f10", "", "y");
	put_text(&n, 7, "d");
	put(&g, 1, n);
	put(&b, 7, g);
	pb_put_int(&b, 1, 8);
	put(&b, 8, opset("", 17));
	assert_refused(b, "needs too much memory for its size");
}
END_TEST

START_TEST(opsets_are_needed)
{
	struct buf g = graph("x", "y"), n = node("Scaler", "x", "y");

	put_text(&n, 7, "ai.onnx.ml");
	put(&g, 1, n);
	assert_refused(file(8, g), "node \"y\" (Scaler): the model imports no "
	    "opset of domain \"ai.onnx.ml\"");
}
END_TEST

START_TEST(attributes_have_the_type_they_claim)
{
	struct buf g, n, a;
	struct model *m;
	const int64_t *v;
	size_t count;
	int64_t i;

	for (int k = 0; k < 3; k++) {	/* unknown, empty, unsaid */
		a = new();
		put_text(&a, 1, "pads");
		if (k < 2)
			pb_put_int(&a, 20, k == 0 ? 99 : ATTR_TENSOR);
		g = graph("x", "y");
		n = node("Conv", "x", "y");
		put(&n, 5, a);
		put(&g, 1, n);
		assert_refused(file(8, g),
		    "node \"y\" (Conv-17): attribute \"pads\": ");
	}
	a = new();
	put_text(&a, 1, "pads");
	pb_put_int(&a, 20, ATTR_INTS);
	pb_put_int(&a, 8, 4);
	g = graph("x", "y");
	n = node("Conv", "x", "y");
	put(&n, 5, a);
	put(&g, 1, n);
	m = load(file(8, g));
	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert_int_eq(attr_ints(&m->graph->node[0], "pads", &v, &count,
	    &e), 0);
	ck_assert(count == 1 && v[0] == 4);
	ck_assert_int_eq(attr_int(&m->graph->node[0], "pads", 0, &i, &e), -1);
	ck_assert_str_eq(e.text, "attribute \"pads\" is ints, want an int");
	ck_assert_int_eq(attr_int(&m->graph->node[0], "none", 5, &i, &e), 0);
	ck_assert_int_eq(i, 5);
	model_free(m);
}
END_TEST

static int
give(void *arg, const char *name, size_t off, size_t len, void *into,
    struct err *why)
{
	if (strcmp(name, "w.bin") != 0 || off != 4)
		return err_set(why, ERR_NOT_FOUND, "no %s", name);
	memcpy(into, arg, len);
	return 0;
}

static void
put_entry(struct buf *t, const char *key, const char *value)
{
	struct buf b = new();

	put_text(&b, 1, key);
	put_text(&b, 2, value);
	put(t, 13, b);
}

static struct buf
external(const char *location, const char *length)
{
	struct buf t = new(), g = simple();

	pb_put_int(&t, 1, 2);
	pb_put_int(&t, 2, DT_FLOAT);
	put_text(&t, 8, "w");
	put_entry(&t, "location", location);
	put_entry(&t, "offset", "4");
	put_entry(&t, "length", length);
	pb_put_int(&t, 14, 1);
	put(&g, 5, t);
	return file(8, g);
}

START_TEST(external_data_comes_from_its_source)
{
	static float w[2] = { 5, 6 };
	struct model_source source = { give, w };
	struct model *m = load_from(external("w.bin", "8"), &source);

	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert(((const float *)value_named(m->graph, "w")->init->data)[1] ==
	    6);
	model_free(m);
	ck_assert_ptr_null(load_from(external("../w", "8"), &source));
	ck_assert_str_eq(e.text, "tensor \"w\": no ../w");
	ck_assert_ptr_null(load_from(external("w.bin", "7"), &source));
	ck_assert_ptr_null(load_from(external("w.bin", "8x"), &source));
	assert_refused(external("w.bin", "8"), "without a folder");
}
END_TEST

START_TEST(data_files_are_read_and_written)
{
	static const struct string s[2] = { { "a", 1 }, { "bc", 2 } };
	struct tensor t = { .name = "n", .type = DT_STRING, .count = 2,
	    .shape = { 1, { 2 } }, .bytes = sizeof(s), .data = s };
	struct pool *pool = pool_new(1 << 20);
	struct buf b = new(), q = new(), o = new();
	struct datum d;

	datum_write_tensor(&b, &t);
	ck_assert_int_eq(datum_read(pool, b.data, b.len, VALUE_TENSOR, &d,
	    &e), 0);
	ck_assert_int_eq(d.kind, DATUM_TENSOR);
	ck_assert_str_eq(((const struct string *)d.tensor.data)[1].s, "bc");
	pb_put_int(&q, 2, 1);
	pb_put_bytes(&q, 3, b.data, b.len);
	pb_put_bytes(&q, 3, b.data, b.len);
	ck_assert_int_eq(datum_read(pool, q.data, q.len, VALUE_SEQUENCE, &d,
	    &e), 0);
	ck_assert_int_eq(d.kind, DATUM_SEQUENCE);
	ck_assert_uint_eq(d.n, 2);
	pb_put_int(&o, 2, 3);
	pb_put_bytes(&o, 5, q.data, q.len);
	ck_assert_int_eq(datum_read(pool, o.data, o.len, VALUE_OPTIONAL, &d,
	    &e), 0);
	ck_assert_uint_eq(d.n, 2);
	ck_assert_int_eq(datum_read(pool, o.data, 0, VALUE_OPTIONAL, &d, &e),
	    0);
	ck_assert_int_eq(d.kind, DATUM_NONE);
	buf_done(&b);
	buf_done(&q);
	buf_done(&o);
	pool_free(pool);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("model");
	TCase *c = tcase_create("model");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_small_model_is_read);
	tcase_add_test(c, names_must_be_known_and_given_once);
	tcase_add_test(c, an_absent_input_is_no_value);
	tcase_add_test(c, nodes_are_put_in_order);
	tcase_add_test(c, initializers_are_constants_or_defaults);
	tcase_add_test(c, a_tensor_has_exactly_its_bytes);
	tcase_add_test(c, weights_are_aligned_and_right);
	tcase_add_test(c, constants_become_initializers);
	tcase_add_test(c, every_type_is_read);
	tcase_add_test(c, subgraphs_capture);
	tcase_add_test(c, functions_are_inlined);
	tcase_add_test(c, recursion_ends);
	tcase_add_test(c, depth_ends);
	tcase_add_test(c, a_small_file_cannot_ask_for_much);
	tcase_add_test(c, opsets_are_needed);
	tcase_add_test(c, attributes_have_the_type_they_claim);
	tcase_add_test(c, external_data_comes_from_its_source);
	tcase_add_test(c, data_files_are_read_and_written);
	suite_add_tcase(s, c);

	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
