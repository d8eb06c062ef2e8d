/* What engine.h promises: nets on a device against their definitions. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "net_help.h"
#include "onnx_make.h"

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
			    n), 1e-5);
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

int
main(void)
{
	Suite *s = suite_create("engine");
	TCase *t = tcase_create("nets");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, digits);
	tcase_add_test(t, chains_fuse);
	tcase_add_test(t, shapes_are_known);
	tcase_add_test(t, reshape_by_data);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
