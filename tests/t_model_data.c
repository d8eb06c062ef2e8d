/* What model/graph.h promises of weights, and datum.h of data files. */
#include <check.h>
#include <stdint.h>
#include <unistd.h>

#include "base/size.h"
#include "model/datum.h"
#include "model/graph.h"
#include "model_help.h"
#include "suite.h"
#include "parse/pb.h"

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
	Suite *s = suite_create("model data");
	TCase *c = tcase_create("model data");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_tensor_has_exactly_its_bytes);
	tcase_add_test(c, weights_are_aligned_and_right);
	tcase_add_test(c, constants_become_initializers);
	tcase_add_test(c, every_type_is_read);
	tcase_add_test(c, external_data_comes_from_its_source);
	tcase_add_test(c, data_files_are_read_and_written);
	suite_add_tcase(s, c);

	return suite_run(s);
}
