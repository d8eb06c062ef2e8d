/* What the headers of base/ promise. */
#include <check.h>
#include <errno.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dtype.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/shape.h"
#include "base/size.h"
#include "suite.h"

START_TEST(an_error_is_prefixed_and_cut)
{
	struct err e;
	char big[2 * ERR_TEXT];

	ck_assert_int_eq(err_set(&e, ERR_INVALID, "pads: %d values", 3), -1);
	ck_assert_int_eq(err_prefix(&e, "node \"%s\"", "a"), -1);
	ck_assert_str_eq(e.text, "node \"a\": pads: 3 values");
	ck_assert_int_eq(e.code, ERR_INVALID);

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)err_prefix(&e, "%s", big);
	ck_assert_uint_eq(strlen(e.text), ERR_TEXT - 1);
	errno = ENOENT;
	(void)err_sys(&e, "open %s", "/x");
	ck_assert_str_eq(e.text, "open /x: No such file or directory");
	ck_assert_int_eq(err_set(NULL, ERR_INVALID, "nobody cares"), -1);
}
END_TEST

START_TEST(sizes_do_not_wrap)
{
	size_t n = 7;

	ck_assert(!size_add(SIZE_MAX, 1, &n));
	ck_assert(!size_mul(SIZE_MAX / 2, 3, &n));
	ck_assert_uint_eq(n, 7);
	ck_assert(size_within(0, 0, 0));
	ck_assert(size_within(4, 4, 8));
	ck_assert(!size_within(5, 4, 8));
	ck_assert(!size_within(SIZE_MAX, 2, 8));
}
END_TEST

START_TEST(types_are_named_and_sized)
{
	size_t n;

	ck_assert_int_eq(dtype_by_v2("FP32", 4), DT_FLOAT);
	ck_assert_int_eq(dtype_by_v2("FP3", 3), DT_NONE);
	ck_assert_int_eq(dtype_by_onnx("bfloat16"), DT_BFLOAT16);
	ck_assert(dtype_bytes(DT_INT4, 3, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert(!dtype_bytes(DT_STRING, 3, &n));
	ck_assert(!dtype_bytes(DT_DOUBLE, SIZE_MAX / 4, &n));
	ck_assert(!dtype_bytes((enum dtype)99, 1, &n));
	for (int t = 1; t < DT_COUNT; t++)
		ck_assert_int_eq(dtype_by_onnx(dtype_info(t)->onnx), t);
}
END_TEST

START_TEST(shapes_count_and_refuse)
{
	struct shape s = { 3, { 2, 3, 4 } };
	struct shape huge = { 3, { INT64_MAX, INT64_MAX, 0 } };
	char text[SHAPE_TEXT];
	size_t n;

	ck_assert(shape_count(&s, &n));
	ck_assert_uint_eq(n, 24);
	ck_assert(!shape_count(&huge, &n));
	ck_assert_str_eq(shape_text(&s, text), "[2,3,4]");
	s.dim[1] = -1;
	ck_assert(!shape_count(&s, &n));
	ck_assert(shape_allows(&s, &(struct shape){ 3, { 2, 9, 4 } }));
	ck_assert(!shape_allows(&s, &(struct shape){ 3, { 3, 9, 4 } }));
}
END_TEST

START_TEST(shapes_broadcast)
{
	struct shape a = { 3, { 2, 1, 4 } }, b = { 2, { 3, 1 } }, r;

	ck_assert(shape_broadcast(&a, &b, &r));
	ck_assert(shape_equal(&r, &(struct shape){ 3, { 2, 3, 4 } }));
	ck_assert(!shape_broadcast(&r, &(struct shape){ 1, { 5 } }, &r));
	ck_assert(shape_broadcast(&(struct shape){ 1, { 0 } },
	    &(struct shape){ 1, { 1 } }, &r));
	ck_assert_int_eq(r.dim[0], 0);
}
END_TEST

START_TEST(a_buffer_stops_at_its_maximum)
{
	struct buf b;

	buf_init(&b, 10);
	ck_assert(buf_printf(&b, "%d-%s", 12, "abc"));
	ck_assert_str_eq(b.data, "12-abc");
	ck_assert(!buf_str(&b, "defgh"));
	ck_assert(buf_failed(&b));
	ck_assert(!buf_str(&b, "d"));
	buf_clear(&b);
	ck_assert(buf_str(&b, "0123456789"));
	ck_assert(!buf_str(&b, "x"));
	buf_done(&b);
}
END_TEST

START_TEST(a_pool_gives_zeroes_up_to_its_maximum)
{
	struct pool *p = pool_new((size_t)1 << 20);
	char *a = pool_get(p, 100), *b = pool_get(p, (size_t)300000);

	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	for (int i = 0; i < 300000; i++)
		ck_assert_int_eq(b[i], 0);
	ck_assert_ptr_null(pool_get(p, (size_t)1 << 20));
	ck_assert_ptr_null(pool_array(p, SIZE_MAX / 2, 4));
	ck_assert_str_eq(pool_strn(p, "abcdef", 3), "abc");
	ck_assert_uint_eq((uintptr_t)pool_get(p, 1) % 16, 0);
	pool_free(p);
	pool_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base");
	TCase *c = tcase_create("base");

	tcase_add_test(c, an_error_is_prefixed_and_cut);
	tcase_add_test(c, sizes_do_not_wrap);
	tcase_add_test(c, types_are_named_and_sized);
	tcase_add_test(c, shapes_count_and_refuse);
	tcase_add_test(c, shapes_broadcast);
	tcase_add_test(c, a_buffer_stops_at_its_maximum);
	tcase_add_test(c, a_pool_gives_zeroes_up_to_its_maximum);
	suite_add_tcase(s, c);

	return suite_run(s);
}
