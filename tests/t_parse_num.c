/* What parse/num.h promises, against the C library and against long numbers. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "parse/num.h"
#include "parse/pow10.h"
#include "suite.h"

#define FLOATS		1000000
#define DOUBLES		300000

static uint64_t seed = 88172645463325252u;

static uint64_t
random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(2685821657736338717);
}

static bool
read_as(const char *s, size_t n, enum dtype t, void *at)
{
	struct num v;

	return num_scan(s, s + n, &v) == s + n && num_store(&v, t, at);
}

/* Numbers of 2304 bits, to judge the table by. */
#define LIMBS	72

struct big {
	uint32_t v[LIMBS];
};

static void
big_times(struct big *b, uint32_t by)
{
	uint64_t carry = 0;

	for (int i = 0; i < LIMBS; i++) {
		carry += (uint64_t)b->v[i] * by;
		b->v[i] = (uint32_t)carry;
		carry >>= 32;
	}
	ck_assert_uint_eq(carry, 0);
}

static void
big_shift(struct big *b, int n)
{
	for (; n >= 31; n -= 31)
		big_times(b, UINT32_C(1) << 31);
	big_times(b, UINT32_C(1) << n);
}

static int
big_cmp(const struct big *a, const struct big *b)
{
	for (int i = LIMBS - 1; i >= 0; i--)
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	return 0;
}

static struct big
big_of(uint64_t hi, uint64_t lo)
{
	return (struct big){ { (uint32_t)lo, (uint32_t)(lo >> 32),
	    (uint32_t)hi, (uint32_t)(hi >> 32) } };
}

START_TEST(every_power_of_ten_is_right)
{
	for (int k = POW10_MIN; k <= POW10_MAX; k++) {
		const uint64_t *g = pow10_at(k);
		int s = 127 - pow10_log2(k);
		struct big power = big_of(0, 1), above = big_of(g[0], g[1]);
		struct big below = big_of(g[0] - (g[1] == 0), g[1] - 1);
		struct big *sides[] = { &above, &below };

		ck_assert(g[0] >> 63 == 1);
		/* below < 10^k * 2^s <= above, with both sides made whole. */
		big_shift(&power, s > 0 ? s : 0);
		for (int i = 0; i < k; i++)
			big_times(&power, 10);
		for (size_t i = 0; i < nitems(sides); i++) {
			big_shift(sides[i], s < 0 ? -s : 0);
			for (int j = 0; j > k; j--)
				big_times(sides[i], 10);
		}
		ck_assert_msg(big_cmp(&below, &power) < 0 &&
		    big_cmp(&power, &above) <= 0, "10^%d", k);
	}
}
END_TEST

/* One float: reads back, and with one digit less it would not. */
static void
check_float(uint32_t bits)
{
	char text[NUM_TEXT + 1], less[64];
	uint32_t mine, libs, back;
	float v, w;
	size_t n;
	int count = 0;

	memcpy(&v, &bits, 4);
	if (!isfinite(v))
		return;
	n = num_print_float(v, text);
	text[n] = '\0';
	w = strtof(text, NULL);
	memcpy(&back, &w, 4);
	ck_assert_msg(back == bits, "%a printed %s", (double)v, text);
	ck_assert(read_as(text, n, DT_FLOAT, &mine));
	ck_assert_msg(mine == bits, "%a read from %s", (double)v, text);

	for (size_t i = 0; i < n && text[i] != 'e'; i++)
		count += text[i] != '.' && text[i] != '-' &&
		    (count > 0 || text[i] != '0');
	while (count > 1 && fmodf(v, 10) == 0)
		return;		/* zeros in front of the point: not worth it */
	if (count > 2 && text[n - 1] != '0') {
		(void)snprintf(less, sizeof(less), "%.*e", count - 2,
		    (double)v);
		ck_assert_msg(strtof(less, NULL) != v, "%s not %s", text, less);
	}
	/* Digits in excess, as Python's json prints a float32. */
	(void)snprintf(less, sizeof(less), "%.17g", (double)v);
	ck_assert(read_as(less, strlen(less), DT_FLOAT, &libs));
	ck_assert_uint_eq(libs, bits);
}

START_TEST(floats_go_round_in_the_shortest_way)
{
	for (int i = 0; i < FLOATS; i++)
		check_float((uint32_t)random64());
	for (uint32_t e = 0; e < 255; e++)
		for (uint32_t m = 0; m < 200; m++) {
			check_float(e << 23 | m);
			check_float((e << 23 | 0x7fffff) - m);
		}
	for (uint32_t i = 0; i < 100000; i++) {
		float f = (float)i / 64;
		uint32_t bits;

		memcpy(&bits, &f, 4);
		check_float(bits);
	}
}
END_TEST

static void
check_double(uint64_t bits)
{
	char text[NUM_TEXT + 1], less[64];
	uint64_t mine;
	double v;
	size_t n;

	memcpy(&v, &bits, 8);
	if (!isfinite(v))
		return;
	n = num_print_double(v, text);
	text[n] = '\0';
	ck_assert_msg(strtod(text, NULL) == v, "%a printed %s", v, text);
	ck_assert(read_as(text, n, DT_DOUBLE, &mine));
	ck_assert_msg(mine == bits, "%a read from %s", v, text);
	/* If 15 (16) digits are enough, there must not be more. */
	for (int p = 15; p <= 16; p++) {
		(void)snprintf(less, sizeof(less), "%.*g", p, v);
		if (strtod(less, NULL) != v)
			continue;
		ck_assert_msg(n <= strlen(less) + 2, "%s not %s", text, less);
		break;
	}
}

START_TEST(doubles_go_round)
{
	for (int i = 0; i < DOUBLES; i++)
		check_double(random64());
	for (uint64_t e = 0; e < 2047; e++)
		for (uint64_t m = 0; m < 20; m++) {
			check_double(e << 52 | m);
			check_double((e << 52 | 0xfffffffffffff) - m);
		}
}
END_TEST

/* Any decimal gives what the C library reads from it. */
START_TEST(reading_rounds_as_the_library_does)
{
	char text[80];

	for (int i = 0; i < FLOATS / 2; i++) {
		uint64_t a = random64() >> (random64() % 64) | 1;
		uint64_t b = random64();
		int e = (int)(b % 700) - 360;
		double d, d2;
		float f, f2;
		size_t n;

		if (i % 2 == 0)
			e = (int)(b % 90) - 60;
		(void)snprintf(text, sizeof(text), i % 3 == 0 ?
		    "%llu%06lluE%d" : "%llu.%06llue%d", (unsigned long long)a,
		    (unsigned long long)(b % 1000000), e);
		n = strlen(text);
		d = strtod(text, NULL);
		f = strtof(text, NULL);
		if (isfinite(d)) {
			ck_assert(read_as(text, n, DT_DOUBLE, &d2));
			ck_assert_msg(memcmp(&d, &d2, 8) == 0, "%s", text);
		} else {
			ck_assert(!read_as(text, n, DT_DOUBLE, &d2));
		}
		if (isfinite(f)) {
			ck_assert(read_as(text, n, DT_FLOAT, &f2));
			ck_assert_msg(memcmp(&f, &f2, 4) == 0, "%s", text);
		} else {
			ck_assert(!read_as(text, n, DT_FLOAT, &f2));
		}
	}
}
END_TEST

/* The exact middle between neighbours, and a hair above and below it. */
START_TEST(ties_go_to_even_and_hairs_decide)
{
	for (int i = 0; i < 20000; i++) {
		uint32_t bits = (uint32_t)(random64() % 0x7f7fffff), up, got;
		char text[300], *point;
		float a, b;
		double tie;

		memcpy(&a, &bits, 4);
		up = bits + 1;
		memcpy(&b, &up, 4);
		tie = ((double)a + (double)b) / 2;
		(void)snprintf(text, sizeof(text), "%.200e", tie);
		ck_assert(read_as(text, strlen(text), DT_FLOAT, &got));
		ck_assert_uint_eq(got, (bits & 1) == 0 ? bits : up);
		point = strchr(text, 'e');
		ck_assert_ptr_nonnull(point);
		point[-1] = '1';
		ck_assert(read_as(text, strlen(text), DT_FLOAT, &got));
		ck_assert_uint_eq(got, up);
	}
}
END_TEST

/* All FP16 and BF16 values; and that no rounding happens twice. */
START_TEST(short_floats_go_round)
{
	static const enum dtype types[] = { DT_FLOAT16, DT_BFLOAT16 };
	char text[NUM_TEXT];

	for (size_t t = 0; t < nitems(types); t++)
		for (uint32_t v = 0; v < 65536; v++) {
			uint16_t in = (uint16_t)v, out;
			size_t n = num_print(types[t], &in, text);
			bool nan = n == 3 && memcmp(text, "NaN", 3) == 0;

			ck_assert(read_as(text, n, types[t], &out));
			ck_assert_msg(nan || in == out, "%04x -> %.*s -> %04x",
			    in, (int)n, text, out);
		}

	uint16_t h;
	/* 1 + 2^-11 is a tie; a hair more, lost in a double, must round up. */
	static const char hair[] = "1.00048828125000000000000000000000000001";
	ck_assert(read_as(hair, sizeof(hair) - 1, DT_FLOAT16, &h));
	ck_assert_uint_eq(h, 0x3c01);
	ck_assert(read_as(hair, 13, DT_FLOAT16, &h));
	ck_assert_uint_eq(h, 0x3c00);
	ck_assert(read_as("65519.999", 9, DT_FLOAT16, &h));
	ck_assert_uint_eq(h, 0x7bff);
	ck_assert(!read_as("65520", 5, DT_FLOAT16, &h));
	ck_assert_uint_eq(num_print(DT_FLOAT16, &(uint16_t){ 0x2e66 }, text),
	    3);
	ck_assert_mem_eq(text, "0.1", 3);
}
END_TEST

START_TEST(integers_keep_to_their_range)
{
	static const struct {
		const char	*text;
		enum dtype	 type;
		bool		 good;
		uint64_t	 value;
	} rows[] = {
		{ "127", DT_INT8, true, 0x7f },
		{ "128", DT_INT8, false, 0 },
		{ "-128", DT_INT8, true, 0x80 },
		{ "-129", DT_INT8, false, 0 },
		{ "255", DT_UINT8, true, 0xff },
		{ "256", DT_UINT8, false, 0 },
		{ "-1", DT_UINT8, false, 0 },
		{ "-0", DT_UINT8, true, 0 },
		{ "65535", DT_UINT16, true, 0xffff },
		{ "-32769", DT_INT16, false, 0 },
		{ "-2147483648", DT_INT32, true, 0x80000000 },
		{ "4294967296", DT_UINT32, false, 0 },
		{ "9223372036854775807", DT_INT64, true, INT64_MAX },
		{ "9223372036854775808", DT_INT64, false, 0 },
		{ "-9223372036854775808", DT_INT64, true, UINT64_C(1) << 63 },
		{ "-9223372036854775809", DT_INT64, false, 0 },
		{ "18446744073709551615", DT_UINT64, true, UINT64_MAX },
		{ "18446744073709551616", DT_UINT64, false, 0 },
		{ "100000000000000000000", DT_UINT64, false, 0 },
		{ "1.0", DT_INT32, false, 0 },
		{ "1e2", DT_INT32, false, 0 },
		{ "NaN", DT_INT32, false, 0 },
		{ "1", DT_BOOL, true, 1 },
		{ "2", DT_BOOL, false, 0 },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		uint64_t v = 0;
		bool good = read_as(rows[i].text, strlen(rows[i].text),
		    rows[i].type, &v);

		ck_assert_msg(good == rows[i].good && v == rows[i].value,
		    "%s as %s", rows[i].text, dtype_info(rows[i].type)->v2);
	}
}
END_TEST

START_TEST(only_json_numbers_are_numbers)
{
	static const char *const bad[] = { "", "-", "+1", ".5", "1.", "1.e1",
	    "e1", "1e", "1e+", "--1", "-NaN", "Inf", "nan", "infinity", "- 1" };
	static const char *const partly[] = { "01", "1.5.5", "0x10", "1_0",
	    "NaNs", "1e5e" };
	struct num v;

	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_msg(num_scan(bad[i], bad[i] + strlen(bad[i]),
		    &v) == NULL, "%s", bad[i]);
	for (size_t i = 0; i < nitems(partly); i++)
		ck_assert(num_scan(partly[i], partly[i] + strlen(partly[i]),
		    &v) < partly[i] + strlen(partly[i]));
}
END_TEST

START_TEST(printing_looks_as_people_write)
{
	static const struct {
		double		 v;
		const char	*text;
	} rows[] = {
		{ 0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { -1.5, "-1.5" },
		{ 0.1, "0.1" }, { 100, "100.0" }, { 1e15,
		    "1000000000000000.0" },
		{ 1e16, "1e16" }, { 0.001, "0.001" }, { 0.0001, "0.0001" },
		{ 0.00001, "1e-5" }, { 1.25e-7, "1.25e-7" },
		{ 5e-324, "5e-324" }, { 1.7976931348623157e308,
		"1.7976931348623157e308" }, { (double)NAN, "NaN" },
		{ (double)INFINITY, "Infinity" },
		{ -(double)INFINITY, "-Infinity" }, { 9007199254740993.0,
		"9007199254740992.0" }, { 1e22, "1e22" }, { 1e23, "1e23" },
		{ 123456789012345.6, "123456789012345.6" },
	};
	char text[NUM_TEXT];

	for (size_t i = 0; i < nitems(rows); i++) {
		size_t n = num_print_double(rows[i].v, text);

		ck_assert_msg(n == strlen(rows[i].text) &&
		    memcmp(text, rows[i].text, n) == 0, "%.*s, want %s", (int)n,
		    text, rows[i].text);
	}
	ck_assert_uint_eq(num_print_float(0.1f, text), 3);
	ck_assert_uint_eq(num_print_i64(INT64_MIN, text), 20);
	ck_assert_mem_eq(text, "-9223372036854775808", 20);
	ck_assert_uint_eq(num_print_u64(UINT64_MAX, text), 20);
	ck_assert_mem_eq(text, "18446744073709551615", 20);
	ck_assert_uint_eq(num_print(DT_INT8, &(int8_t){ -7 }, text), 2);
	ck_assert_uint_eq(num_print(DT_BOOL, &(uint8_t){ 1 }, text), 4);
}
END_TEST

START_TEST(endless_digits_cost_little_and_stay_exact)
{
	size_t n = 1000000;
	char *s = malloc(n);
	float f;

	ck_assert_ptr_nonnull(s);
	memset(s, '0', n);
	memcpy(s, "1.", 2);
	ck_assert(read_as(s, n, DT_FLOAT, &f));
	ck_assert(f == 1);
	/* Half an ulp above 1, and something in the millionth place. */
	memcpy(s, "1.000000059604644775390625", 26);
	ck_assert(read_as(s, n, DT_FLOAT, &f));
	ck_assert(f == 1);
	s[n - 1] = '1';
	ck_assert(read_as(s, n, DT_FLOAT, &f));
	ck_assert(f == 1.00000012f);
	memset(s, '9', n);
	ck_assert(!read_as(s, n, DT_DOUBLE, &f));
	ck_assert(!read_as(s, n, DT_UINT64, &f));
	free(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("num");
	TCase *c = tcase_create("num");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, every_power_of_ten_is_right);
	tcase_add_test(c, floats_go_round_in_the_shortest_way);
	tcase_add_test(c, doubles_go_round);
	tcase_add_test(c, reading_rounds_as_the_library_does);
	tcase_add_test(c, ties_go_to_even_and_hairs_decide);
	tcase_add_test(c, short_floats_go_round);
	tcase_add_test(c, integers_keep_to_their_range);
	tcase_add_test(c, only_json_numbers_are_numbers);
	tcase_add_test(c, printing_looks_as_people_write);
	tcase_add_test(c, endless_digits_cost_little_and_stay_exact);
	suite_add_tcase(s, c);

	return suite_run(s);
}
