/* What the headers of plan/ promise, as far as no device is needed. */
#include <check.h>
#include <math.h>

#include "plan/build.h"
#include "plan/host_mem.h"
#include "plan/val.h"
#include "suite.h"

/*
 * Every code of a small float decodes to a value that encodes to the same
 * code.
 */
START_TEST(small_floats_round_trip)
{
	static const enum dtype type[] = {
		DT_FLOAT16, DT_BFLOAT16, DT_FLOAT8E4M3FN, DT_FLOAT8E4M3FNUZ,
		DT_FLOAT8E5M2, DT_FLOAT8E5M2FNUZ, DT_FLOAT4E2M1, DT_FLOAT8E8M0,
	};
	enum dtype t = type[_i];
	unsigned bits = dtype_info(t)->bits;
	unsigned char in[2], out[2];
	double v;

	for (unsigned code = 0; code < 1u << bits; code++) {
		in[0] = (unsigned char)code;
		in[1] = (unsigned char)(code >> 8);
		out[0] = out[1] = 0;
		v = elem_f(t, in, 0);
		elem_set_f(t, out, 0, v);
		if (isnan(v))
			ck_assert(isnan(elem_f(t, out, 0)));
		else if (!isinf(v) || t == DT_FLOAT16 || t == DT_BFLOAT16)
			ck_assert_mem_eq(in, out, (bits + 7) / 8);
	}
}
END_TEST

START_TEST(floats_round_to_nearest_even)
{
	uint16_t h = 0;

	elem_set_f(DT_FLOAT16, &h, 0, 1 + 0x1p-11);
	ck_assert_uint_eq(h, 0x3c00);
	elem_set_f(DT_FLOAT16, &h, 0, 1 + 3 * 0x1p-11);
	ck_assert_uint_eq(h, 0x3c02);
	elem_set_f(DT_FLOAT16, &h, 0, 65519);
	ck_assert_uint_eq(h, 0x7bff);
	elem_set_f(DT_FLOAT16, &h, 0, 65520);
	ck_assert_uint_eq(h, 0x7c00);
	elem_set_f(DT_FLOAT16, &h, 0, -0x1p-24);
	ck_assert_uint_eq(h, 0x8001);
}
END_TEST

START_TEST(integers_wrap_and_are_total)
{
	int8_t b[2] = { 0 };
	int32_t i = 7;

	elem_set_i(DT_INT8, b, 1, 130);
	ck_assert_int_eq(elem_i(DT_INT8, b, 1), -126);
	elem_set_f(DT_INT32, &i, 0, NAN);
	ck_assert_int_eq(i, 0);
	elem_set_i(DT_INT4, b, 1, -3);
	elem_set_i(DT_INT4, b, 0, 5);
	ck_assert_int_eq(elem_i(DT_INT4, b, 1), -3);
	ck_assert_int_eq(elem_i(DT_INT4, b, 0), 5);
}
END_TEST

START_TEST(outputs_are_zeroed_and_bounded)
{
	struct pool *out = pool_new(4096), *scratch = pool_new(4096);
	struct host_mem mem = { .out = out, .scratch = scratch };
	struct val v = { .type = DT_FLOAT, .shape = { 1, { 8 } } };
	struct val *outs[] = { &v };
	struct view view = { .out = outs, .n_out = 1, .mem = &mem };
	struct shape huge = { 2, { INT64_MAX, 4 } };
	struct err err = { 0 };
	const float *p = view_alloc(&view, 0, &err);

	ck_assert_ptr_nonnull(p);
	ck_assert(p[0] == 0 && p[7] == 0);
	ck_assert_ptr_eq(v.data, p);
	ck_assert_ptr_null(view_alloc_as(&view, 0, DT_FLOAT, &huge, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT);
	huge = (struct shape){ 1, { 1 << 20 } };
	ck_assert_ptr_null(view_alloc_as(&view, 0, DT_FLOAT, &huge, &err));
	ck_assert_int_eq(err.code, ERR_MEMORY);
	ck_assert_int_eq(view_need(&view, 3), -1);
	ck_assert_int_eq(view.needs, 3);
	pool_free(out);
	pool_free(scratch);
}
END_TEST

/* Storages that live at the same time lie apart, and lowest fits first. */
START_TEST(places_do_not_overlap)
{
	enum { N = 200 };
	struct pool *pool = pool_new((size_t)1 << 20);
	struct storage *s = pool_array(pool, N, sizeof(*s));
	struct plan p = { .pool = pool };
	uint32_t seed = 1;
	size_t sum = 0, top;

	for (int i = 0; i < N; i++) {
		seed = seed * 1664525 + 1013904223;
		s[i].bytes = ((seed >> 8) % 50 + 1) * ALIGN_BYTES;
		s[i].first = (int)(seed >> 16) % 60;
		s[i].last = s[i].first + (int)(seed >> 24) % 9;
		s[i].used = i % 17 != 0;
		s[i].next = i + 1 < N ? &s[i + 1] : NULL;
		sum += s[i].bytes;
	}
	p.stores = s;
	top = arena_place(&p);
	ck_assert_uint_lt(top, sum / 2);
	for (int i = 0; i < N; i++)
		for (int k = 0; k < i; k++) {
			if (!s[i].used || !s[k].used ||
			    s[i].first > s[k].last || s[k].first > s[i].last)
				continue;
			ck_assert(s[i].at + s[i].bytes <= s[k].at ||
			    s[k].at + s[k].bytes <= s[i].at);
		}
	for (int i = 0; i < N; i++)
		ck_assert(!s[i].used || s[i].at + s[i].bytes <= top);
	pool_free(pool);
}
END_TEST

/* An output lies where an operand ends, if its step says that it may. */
START_TEST(outputs_take_the_place_of_operands)
{
	struct pool *pool = pool_new((size_t)1 << 20);
	struct storage in = { .bytes = 512, .first = -1, .last = 0,
	    .used = true };
	struct storage out = { .bytes = 512, .first = 0, .last = 1,
	    .used = true };
	struct arg arg[2] = { { .kind = ARG_BUF, .store = &in },
	    { .kind = ARG_BUF, .store = &out } };
	struct step step = { .arg = arg, .n_arg = 2, .over = &in,
	    .out = &out };
	struct step *steps[] = { &step };
	struct plan p = { .pool = pool, .stores = &in, .step = steps,
	    .n_step = 1 };

	in.next = &out;
	if (_i == 1)
		in.last = 1;		/* read again later */
	if (_i == 2)
		out.bytes = 1024;
	ck_assert_uint_eq(arena_place(&p),
	    _i == 0 ? 512 : _i == 1 ? 1024 : 1536);
	ck_assert_ptr_eq(out.place, _i == 0 ? &in : NULL);
	pool_free(pool);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("values");

	tcase_add_loop_test(t, small_floats_round_trip, 0, 8);
	tcase_add_test(t, floats_round_to_nearest_even);
	tcase_add_test(t, integers_wrap_and_are_total);
	tcase_add_test(t, outputs_are_zeroed_and_bounded);
	tcase_add_test(t, places_do_not_overlap);
	tcase_add_loop_test(t, outputs_take_the_place_of_operands, 0, 3);
	suite_add_tcase(s, t);
	return suite_run(s);
}
