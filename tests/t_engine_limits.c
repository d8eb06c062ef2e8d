/* Models that lie, and models that want more memory than there is. */
#include <check.h>
#include <stdlib.h>

#include "net_help.h"
#include "onnx_make.h"
#include "suite.h"

/* A file that declares another type than its nodes make. */
START_TEST(wrong_types)
{
	struct onnx *o = onnx_new(17);
	struct engine *e = help_engine(NULL);
	float x[4] = { 1, 2, 3, 4 };
	struct err err = { 0 };
	struct io_seg seg;
	struct io in;
	struct outputs out;
	struct net *net;
	size_t n;
	void *bytes;

	onnx_input(o, "x", DT_FLOAT, 1, (int64_t[]){ 4 });
	onnx_node(o, "Abs", "x", "y");
	onnx_output(o, "y", DT_UINT8, 1, (int64_t[]){ 4 });
	bytes = onnx_done(o, &n);
	net = help_load(e, bytes, n);
	in = help_input(DT_FLOAT, 1, (int64_t[]){ 4 }, x, &seg);
	ck_assert_int_eq(help_run(net, &in, 1, &out, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_str_eq(err.text, "output \"y\": the model makes float, but "
	    "declares uint8");
	help_free(&out);
	net_free(net);
	engine_free(e);
	free(bytes);
}
END_TEST

/* A model of w weights, all of them in one MatMul. */
static struct net *
load_weights(struct engine *e, int w, struct err *err)
{
	struct net_options opt = { .prepare_sizes = true };
	struct onnx *o = onnx_new(17);
	float *weights = calloc((size_t)w, sizeof(*weights));
	struct net *net;
	void *bytes;
	size_t n;

	onnx_input(o, "x", DT_FLOAT, 2, (int64_t[]){ 1, w / 64 });
	onnx_init(o, "w", DT_FLOAT, 2, (int64_t[]){ w / 64, 64 }, weights);
	onnx_node(o, "MatMul", "x w", "y");
	onnx_output(o, "y", DT_FLOAT, 2, (int64_t[]){ 1, 64 });
	bytes = onnx_done(o, &n);
	free(weights);
	if ((net = net_load(e, bytes, n, NULL, &opt, err)) == NULL)
		free(bytes);
	return net;
}

/* All nets of an engine share its memory: files, and weights on the device. */
START_TEST(memory_is_shared)
{
	struct engine_options o = { .memory_max = (size_t)5 << 20 };
	struct engine *e = help_engine(&o);
	struct err err = { 0 };
	struct net *a, *b;

	ck_assert_uint_le(engine_room(e), o.memory_max);
	ck_assert_ptr_null(load_weights(e, 2 << 20, &err));
	ck_assert_int_eq(err.code, ERR_MEMORY);
	/* The file would fit, but not with the weights on the device. */
	ck_assert_ptr_null(load_weights(e, 3 << 18, &err));
	ck_assert_int_eq(err.code, ERR_MEMORY);
	a = load_weights(e, 1 << 18, &err);
	ck_assert_msg(a != NULL, "%s", err.text);
	b = load_weights(e, 1 << 18, &err);
	ck_assert_msg(b != NULL, "%s", err.text);
	ck_assert_uint_le(engine_room(e), (size_t)1 << 20);
	ck_assert_ptr_null(load_weights(e, 1 << 18, &err));
	ck_assert_int_eq(err.code, ERR_MEMORY);
	net_free(a);
	a = load_weights(e, 1 << 18, &err);
	ck_assert_msg(a != NULL, "%s", err.text);
	net_free(a);
	net_free(b);
	ck_assert_uint_gt(engine_room(e), (size_t)4 << 20);
	engine_free(e);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine's limits");
	TCase *t = tcase_create("nets");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, wrong_types);
	tcase_add_test(t, memory_is_shared);
	suite_add_tcase(s, t);
	return suite_run(s);
}
