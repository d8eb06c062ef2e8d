/* What parse/pb.h and parse/npy.h promise. */
#include <check.h>
#include <stdint.h>

#include "base/size.h"
#include "parse/npy.h"
#include "parse/pb.h"
#include "suite.h"

struct msg {
	int64_t		i;
	float		f;
	struct pb_span	s;
	struct pb_many	many;
	struct pb_many	ints;
	struct pb_many	doubles;
};

static const struct pb_field fields[] = {
	{ 1, PB_INT, offsetof(struct msg, i) },
	{ 2, PB_FLOAT, offsetof(struct msg, f) },
	{ 3, PB_SPAN, offsetof(struct msg, s) },
	{ 4, PB_SPANS, offsetof(struct msg, many) },
	{ 5, PB_INTS, offsetof(struct msg, ints) },
	{ 6, PB_DOUBLES, offsetof(struct msg, doubles) },
};

static int
read_msg(const void *bytes, size_t n, struct msg *m, struct err *e)
{
	struct pb_span s = { bytes, n };

	memset(m, 0, sizeof(*m));
	return pb_read(s, fields, nitems(fields), m, e);
}

#define READ(text, m, e)	read_msg(text, sizeof(text) - 1, m, e)

START_TEST(a_message_is_read_by_its_table)
{
	struct msg m;
	struct err e;
	struct pb_span s;

	ck_assert_int_eq(READ("\x08\xac\x02" "\x15\0\0\x80\x3f" "\x1a\2hi"
	    "\x22\1a" "\x72\4skip" "\x22\0" "\x1a\3yes", &m, &e), 0);
	ck_assert_int_eq(m.i, 300);
	ck_assert(m.f == 1.0f);
	ck_assert_uint_eq(m.s.n, 3);		/* the last counts */
	ck_assert_uint_eq(m.many.count, 2);
	ck_assert(pb_next(&m.many, &s) && s.n == 1 && *s.at == 'a');
	ck_assert(pb_next(&m.many, &s) && s.n == 0 && s.at != NULL);
	ck_assert(!pb_next(&m.many, &s));
	ck_assert_uint_eq(m.ints.count, 0);
}
END_TEST

START_TEST(numbers_may_be_packed_or_not_or_both)
{
	struct msg m;
	struct err e;
	int64_t v[5];
	double d[1];

	ck_assert_int_eq(READ("\x28\1" "\x2a\3\2\xac\2" "\x28\4"
	    "\x2a\xa\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"
	    "\x32\x8\0\0\0\0\0\0\xf0\x3f", &m, &e), 0);
	ck_assert_uint_eq(m.ints.count, 5);
	pb_ints(m.ints, v);
	ck_assert_int_eq(v[0], 1);
	ck_assert_int_eq(v[1], 2);
	ck_assert_int_eq(v[2], 300);
	ck_assert_int_eq(v[3], 4);
	ck_assert_int_eq(v[4], -1);
	ck_assert_uint_eq(m.doubles.count, 1);
	pb_doubles(m.doubles, d);
	ck_assert(d[0] == 1.0);
}
END_TEST

START_TEST(what_is_malformed_is_refused_with_its_place)
{
	struct msg m;
	struct err e;

	ck_assert_int_eq(READ("\x08\1\x1a\5hi", &m, &e), -1);
	ck_assert_str_eq(e.text, "malformed protobuf at byte 2 of 6");
	ck_assert_int_eq(READ("\x08", &m, &e), -1);
	ck_assert_int_eq(READ("\x15\0\0", &m, &e), -1);
	ck_assert_int_eq(READ("\x00\x01", &m, &e), -1);		/* number 0 */
	ck_assert_int_eq(READ("\x0b\x0c", &m, &e), -1);		/* a group */
	ck_assert_int_eq(READ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1",
	    &m, &e), -1);
	ck_assert_int_eq(READ("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\1",
	    &m, &e), -1);
	ck_assert_int_eq(READ("\x2a\1\x80", &m, &e), -1);
	ck_assert_int_eq(READ("\x32\7\0\0\0\0\0\0\0", &m, &e), -1);
	ck_assert_int_eq(READ("\x0a\1a", &m, &e), -1);
	ck_assert_str_eq(e.text,
	    "protobuf field 1 at byte 0 of 3 has the wrong wire type");
}
END_TEST

START_TEST(what_is_written_is_read)
{
	struct buf b;
	struct msg m;
	struct err e;

	buf_init(&b, 100);
	pb_put_int(&b, 1, -7);
	pb_put_bytes(&b, 3, "text", 4);
	ck_assert_int_eq(read_msg(b.data, b.len, &m, &e), 0);
	ck_assert_int_eq(m.i, -7);
	ck_assert_uint_eq(m.s.n, 4);
	buf_done(&b);
}
END_TEST

/* An npy file, version 1, with that header and data. */
static int
read_npy(const char *header, const char *data, size_t n, struct npy *a,
    struct err *e)
{
	static char file[1000];
	size_t len = strlen(header);

	memcpy(file, "\x93NUMPY\1\0", 8);
	file[8] = (char)len;
	file[9] = 0;
	memcpy(file + 10, header, len);
	if (n > 0)
		memcpy(file + 10 + len, data, n);
	return npy_read(file, 10 + len + n, a, e);
}

START_TEST(an_array_survives_writing)
{
	static const int16_t v[6] = { 1, 2, 3, 4, 5, -6 };
	struct shape s = { 2, { 2, 3 } };
	struct npy a;
	struct err e;
	struct buf b;
	int16_t w[6];

	buf_init(&b, 1000);
	npy_write(&b, DT_INT16, &s, v, sizeof(v));
	ck_assert_uint_eq((b.len - sizeof(v)) % 64, 0);
	ck_assert_int_eq(npy_read(b.data, b.len, &a, &e), 0);
	ck_assert_int_eq(a.type, DT_INT16);
	ck_assert(shape_equal(&a.shape, &s));
	npy_copy(&a, w);
	ck_assert(memcmp(v, w, sizeof(v)) == 0);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(npy_read(b.data, n, &a, &e), -1);
	buf_done(&b);
	ck_assert(npy_has(DT_BOOL) && !npy_has(DT_BFLOAT16));
}
END_TEST

START_TEST(fortran_order_is_turned)
{
	struct npy a;
	struct err e;
	char to[7] = "";

	ck_assert_int_eq(read_npy("{\"shape\": (2,3), 'fortran_order':True, "
	    "'descr': '|i1'}\n", "adbecf", 6, &a, &e), 0);
	npy_copy(&a, to);
	ck_assert_str_eq(to, "abcdef");
}
END_TEST

START_TEST(strange_headers_are_refused)
{
	static const char *const bad[] = {
		"", "{", "{}", "[]",
		"{'descr': '<f4', 'fortran_order': False}",
		"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
		"{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}",
		"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1, -1)}",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1,}",
		"{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
		"{'descr': '<f4', 'fortran_order': False, "
		    "'shape': (4611686018427387904,)}",
		"{'descr': '<f4', 'fortran_order': False, "
		    "'shape': (1,1,1,1,1,1,1,1,1)}",
	};
	struct npy a;
	struct err e;

	ck_assert_int_eq(read_npy("{'descr': '<f4', 'fortran_order': False, "
	    "'shape': (1,), }", "abcd", 4, &a, &e), 0);
	ck_assert_int_eq(read_npy("{'descr': '<f4', 'fortran_order': False, "
	    "'shape': ()}", "abcd", 4, &a, &e), 0);
	ck_assert_int_eq(a.shape.rank, 0);
	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_msg(read_npy(bad[i], "abcd", 4, &a, &e) == -1,
		    "%s", bad[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pb");
	TCase *c = tcase_create("pb");

	tcase_add_test(c, a_message_is_read_by_its_table);
	tcase_add_test(c, numbers_may_be_packed_or_not_or_both);
	tcase_add_test(c, what_is_malformed_is_refused_with_its_place);
	tcase_add_test(c, what_is_written_is_read);
	tcase_add_test(c, an_array_survives_writing);
	tcase_add_test(c, fortran_order_is_turned);
	tcase_add_test(c, strange_headers_are_refused);
	suite_add_tcase(s, c);

	return suite_run(s);
}
