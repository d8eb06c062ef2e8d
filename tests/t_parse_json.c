/* What parse/json.h promises. */
#include <check.h>

#include "base/buf.h"
#include "base/size.h"
#include "parse/json.h"
#include "parse/num.h"
#include "suite.h"

#define ONE(data)	"{\"inputs\":[{\"name\":\"a\",\"shape\":[2,3]," \
			"\"datatype\":\"FP32\",\"data\":" data "}]}"

static struct err	 e;
static struct json_request q;
static char		*text;		/* a copy that may be written to */
static struct json_scan	 scan;
static unsigned char	 out[65536];
static size_t		 used;

static void
teardown(void)
{
	json_request_done(&q);
	free(text);
	text = NULL;
}

/* Scan in steps, then read; the result of json_infer(). */
static int
infer(const char *s, size_t n, size_t step)
{
	teardown();
	text = malloc(n + 1);
	ck_assert_ptr_nonnull(text);
	memcpy(text, s, n);
	memset(&scan, 0, sizeof(scan));
	memset(&e, 0, sizeof(e));
	for (size_t at = 0; at < n;) {
		at = n - at < step ? n : at + step;
		if (json_scan(&scan, text, at, &e) != 0)
			return -1;
	}
	return json_infer(&q, text, n, &scan, &e);
}

/* Then its first input's elements, in slices. */
static int
fill(const char *s, size_t slice)
{
	struct json_fill f;
	size_t room;
	int more = 1;

	if (infer(s, strlen(s), 7) != 0 || json_fill_room(&q, 0, &room,
	    &e) != 0)
		return -1;
	ck_assert_uint_le(room, sizeof(out));
	json_fill_start(&f, &q, 0, text, out, room);
	for (int i = 0; more == 1 && i < 1000000; i++)
		more = json_fill(&f, slice, &e);
	used = f.used;
	return more;
}

START_TEST(a_request_is_read)
{
	static const char s[] = " { \"id\" : \"4\\u00e92\" , "
	    "\"extra\":{\"a\":[1,{}]},\"parameters\":{\"priority\":2,"
	    "\"timeout\":50000,\"x\":\"y\",\"binary_data_output\":true},\n"
	    "\"outputs\":[{\"name\":\"p\",\"parameters\":{\"classification\":3,"
	    "\"binary_data\":false}},{\"name\":\"q\"}],"
	    "\"inputs\":[{\"name\":\"in\",\"shape\":[1,2],"
	    "\"datatype\":\"INT64\",\"parameters\":{},\"data\":[1,-2]},"
	    "{\"data\":[[true]],"
	    "\"datatype\":\"BOOL\",\"name\":\"b\",\"shape\":[]},"
	    "{\"name\":\"c\",\"datatype\":\"FP16\",\"shape\":[0],"
	    "\"parameters\":{\"binary_data_size\":16}}]}\r\n";

	for (size_t step = 1; step < sizeof(s); step += 5) {
		ck_assert_msg(infer(s, sizeof(s) - 1, step) == 0, "%s", e.text);
		ck_assert(text_is(q.id, "4\xc3\xa9" "2"));
		ck_assert_uint_eq(q.n_in, 3);
		ck_assert(text_is(q.in[0].name, "in"));
		ck_assert_int_eq(q.in[0].type, DT_INT64);
		ck_assert_int_eq(q.in[0].shape.rank, 2);
		ck_assert_int_eq(q.in[0].shape.dim[1], 2);
		ck_assert_int_eq(q.in[1].shape.rank, 0);
		ck_assert(q.in[2].has_binary && q.in[2].binary == 16);
		ck_assert_uint_eq(q.n_out, 2);
		ck_assert_uint_eq(q.out[0].classification, 3);
		ck_assert(q.out[0].has_binary && !q.out[0].binary);
		ck_assert(!q.out[1].has_binary);
		ck_assert(q.binary_output);
		ck_assert_uint_eq(q.priority, 2);
		ck_assert_uint_eq(q.timeout_us, 50000);
	}
}
END_TEST

START_TEST(flat_and_nested_are_the_same)
{
	static const char *const good[] = {
		ONE("[1,2,3,4,5,6.5]"), ONE("[[1,2,3],[4,5,6.5]]"),
		ONE(" [ [1 ,2, 3] ,\n[4,5,65e-1] ] "),
	};
	static const float want[] = { 1, 2, 3, 4, 5, 6.5f };

	for (size_t i = 0; i < nitems(good); i++)
		for (size_t slice = 1; slice < 40; slice++) {
			ck_assert_msg(fill(good[i], slice) == 0, "%s", e.text);
			ck_assert_uint_eq(used, sizeof(want));
			ck_assert_mem_eq(out, want, sizeof(want));
		}
}
END_TEST

#define IN(type, shape, data) \
	"{\"inputs\":[{\"name\":\"a\",\"shape\":" shape \
	",\"datatype\":\"" type "\",\"data\":" data "}]}"

START_TEST(every_type_is_stored)
{
	static const struct {
		const char	*text;
		size_t		 n;
		const char	*bytes;
	} rows[] = {
		{ IN("INT8", "[2]", "[-1,127]"), 2, "\xff\x7f" },
		{ IN("UINT16", "[1]", "[258]"), 2, "\x02\x01" },
		{ IN("FP16", "[2]", "[1,NaN]"), 4, "\x00\x3c\x00\x7e" },
		{ IN("BF16", "[2]", "[1.0,-Infinity]"), 4, "\x80\x3f\x80\xff" },
		{ IN("BOOL", "[4]", "[true,false,1,0]"), 4, "\1\0\1\0" },
		{ IN("INT64", "[]", "[-2]"), 8,
		    "\xfe\xff\xff\xff\xff\xff\xff\xff" },
		{ IN("FP64", "[1]", "[1]"), 8, "\0\0\0\0\0\0\xf0\x3f" },
		{ IN("FP32", "[0,3]", "[]"), 0, "" },
		{ IN("FP32", "[2,0]", "[[],[]]"), 0, "" },
		{ IN("BYTES", "[2]", "[\"a\\n\",\"\\ud83d\\ude00\"]"), 14,
		    "\2\0\0\0a\n\4\0\0\0\xf0\x9f\x98\x80" },
		{ IN("BYTES", "[1,1]", "[[\"\"]]"), 4, "\0\0\0\0" },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		ck_assert_msg(fill(rows[i].text, 3) == 0, "%s: %s",
		    rows[i].text, e.text);
		ck_assert_uint_eq(used, rows[i].n);
		ck_assert_msg(memcmp(out, rows[i].bytes, used) == 0, "%s",
		    rows[i].text);
	}
}
END_TEST

struct refusal {
	const char	*text;
	const char	*error;
};

static void
refused(const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(fill(rows[i].text, 5), -1);
		ck_assert_msg(strcmp(e.text, rows[i].error) == 0,
		    "%s:\n%s, want\n%s", rows[i].text, e.text, rows[i].error);
		ck_assert_int_eq(e.code, ERR_INVALID);
	}
}

START_TEST(errors_of_the_envelope_name_path_and_byte)
{
	static const struct refusal rows[] = {
		{ "", "expected an object at byte 0" },
		{ "[]", "expected an object at byte 0" },
		{ "{", "expected a string at byte 1" },
		{ "{}", "no \"inputs\" in the request that ends at byte 2" },
		{ "{\"id\":1}", "id: expected a string at byte 6" },
		{ "{\"id\":\"1\",\"id\":\"1\"}", "id: given twice at byte 14" },
		{ "{\"id\":\"a\nb\"}", "id: expected UTF-8 without control "
		    "characters at byte 8" },
		{ "{\"id\":\"\xff\"}", "id: expected UTF-8 without control "
		    "characters at byte 7" },
		{ "{\"id\":\"\\ud800\"}", "id: expected an escape of JSON at "
		    "byte 7" },
		{ "{\"x\":tru}", "x: expected a value at byte 5" },
		{ "{\"x\":[1 2]}", "x: expected ',' or ']' at byte 8" },
		{ "{\"inputs\":[{}]}", "inputs[0]: no \"name\" in the input "
		    "that ends at byte 13" },
		{ "{\"parameters\":{\"triton_x\":1}}", "parameters.triton_x: "
		    "parameter names that begin with 'triton_' are reserved at "
		    "byte 26" },
		{ IN("FP33", "[1]", "[1]"), "inputs[0].datatype: 'FP33' is no "
		    "datatype, expected FP32, INT64 or the like at byte 52" },
		{ IN("FP32", "[-1]", "[1]"), "inputs[0].shape[0]: expected an "
		    "integer that is not negative at byte 32" },
		{ IN("FP32", "[1,1,1,1,1,1,1,1,1]", "[1]"),
		    "inputs[0].shape[8]: more than 8 dimensions at byte 48" },
		{ IN("FP32", "[1]", "7"), "inputs[0].data: expected an array "
		    "at byte 60" },
	};

	refused(rows, nitems(rows));
}
END_TEST

START_TEST(errors_of_data_name_path_and_byte)
{
	static const struct refusal rows[] = {
		{ ONE("[1,2,3,4,5,x]"), "inputs[0].data[5]: expected a number "
		    "at byte 73" },
		{ ONE("[[1,2,3],[4,5e,6]]"), "inputs[0].data[1][1]: expected a "
		    "number at byte 74" },
		{ ONE("[1,2,3,4,5,6,7]"), "inputs[0].data[6]: more elements "
		    "than the shape's 6 at byte 75" },
		{ ONE("[1,2,3,4,5.00]"), "inputs[0].data: 5 values, expected 6 "
		    "at byte 75" },
		{ ONE("[[1,2,3],[4,5]]"), "inputs[0].data[1]: 2 values, "
		    "expected 3 at byte 75" },
		{ ONE("[[1,2,3],4,5,6]"), "inputs[0].data[1]: expected '[', as "
		    "the shape has 2 dimensions at byte 71" },
		{ ONE("[[1,2,3],[4,5,6],[7]]"), "inputs[0].data[2]: more rows "
		    "than the shape's 2 at byte 79" },
		{ ONE("[[[1,2,3]],[4,5,6]]"), "inputs[0].data[0][0]: expected "
		    "no '[' there, as the shape has 2 dimensions at byte 64" },
		{ ONE("[1,2,3,4,5,]"), "inputs[0].data[5]: expected a number "
		    "at byte 73" },
		{ ONE("[1,2,3,4,5,6e99]"), "inputs[0].data[5]: 6e99 is no FP32 "
		    "at byte 73" },
		{ ONE("[1,2,3,4,5 6]"), "inputs[0].data[5]: expected ',' or "
		    "']' at byte 73" },
		{ ONE("[1,2,3,4,5,6}"), "inputs[0].data[6]: expected ',' or "
		    "']' at byte 74" },
		{ ONE("[1]"), "inputs[0].data: fewer elements than the [2,3] "
		    "of shape" },
		{ ONE("[1,2,3,4,5,6]") "x", "expected nothing more at byte "
		    "78" },
		{ IN("INT32", "[1]", "[1.5]"), "inputs[0].data[0]: 1.5 is no "
		    "INT32 at byte 62" },
		{ IN("BYTES", "[1]", "[1]"), "inputs[0].data[0]: expected a "
		    "string at byte 62" },
	};

	refused(rows, nitems(rows));
}
END_TEST

START_TEST(every_cut_is_refused)
{
	static const char s[] = ONE("[[1,2,3],[4,5,6]]");

	for (size_t n = 0; n < sizeof(s) - 1; n++)
		ck_assert_int_eq(infer(s, n, 3), -1);
}
END_TEST

/* Every byte changed to every other: refused, or read without harm. */
START_TEST(no_changed_byte_does_harm)
{
	static const char s[] = IN("BYTES", "[2]", "[\"a\\u0041\",\"b\"]");
	char changed[sizeof(s)];

	for (size_t i = 0; i < sizeof(s) - 1; i++)
		for (int c = 1; c < 256; c++) {
			memcpy(changed, s, sizeof(s));
			changed[i] = (char)c;
			if (fill(changed, 9) == -1)
				ck_assert_uint_gt(strlen(e.text), 0);
		}
}
END_TEST

START_TEST(nesting_has_a_limit)
{
	struct buf b;

	buf_init(&b, 10000);
	buf_str(&b, "{\"x\":");
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_str(&b, "[");
	ck_assert_int_eq(infer(b.data, b.len, 16), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "nested deeper than 100"));
	ck_assert_int_eq(json_infer(&q, b.data, b.len, NULL, &e), -1);
	buf_done(&b);
}
END_TEST

/* Large arrays are found as they arrive, and jumped over. */
START_TEST(large_arrays_are_spans)
{
	enum { N = 6000 };
	struct json_fill f;
	struct buf b;
	size_t room;
	int slices = 0, more;
	float *v;

	buf_init(&b, 1 << 20);
	buf_printf(&b, "{\"inputs\":[{\"name\":\"a\",\"datatype\":\"FP32\","
	    "\"data\":[");
	for (int i = 0; i < N; i++)
		buf_printf(&b, "%s%d.5", i > 0 ? ", " : "", i);
	buf_printf(&b, "],\"shape\":[%d]}]}", N);
	ck_assert_msg(infer(b.data, b.len, 1000) == 0, "%s", e.text);
	ck_assert_uint_eq(scan.n_spans, 1);
	ck_assert_int_eq(text[scan.span[0].at], '[');
	ck_assert_int_eq(text[scan.span[0].end - 1], ']');
	ck_assert_int_eq(json_fill_room(&q, 0, &room, &e), 0);
	ck_assert_uint_eq(room, N * sizeof(float));
	v = malloc(room);
	json_fill_start(&f, &q, 0, text, v, room);
	while ((more = json_fill(&f, 4096, &e)) == 1)
		slices++;
	ck_assert_int_eq(more, 0);
	ck_assert_int_gt(slices, 8);
	for (int i = 0; i < N; i++)
		ck_assert(v[i] == (float)i + 0.5f);
	free(v);
	/* The same array where nobody asked for it. */
	memcpy(strstr(b.data, "\"data\""), "\"dada\"", 6);
	ck_assert_int_eq(infer(b.data, b.len, 1000), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "a large array where none is "
	    "known"));
	buf_done(&b);
}
END_TEST

START_TEST(what_is_printed_is_read_again)
{
	float v[100], w[100];
	char s[300 + 100 * NUM_TEXT];
	size_t n = 0, bytes, done = 0;

	for (int i = 0; i < 100; i++)
		v[i] = (float)i / 7;
	n += (size_t)snprintf(s, sizeof(s), "{\"inputs\":[{\"name\":\"a\","
	    "\"shape\":[100],\"datatype\":\"FP32\",\"data\":[");
	while (done < 100) {
		size_t got = json_print(DT_FLOAT, v + done, 100 - done, s + n,
		    150, &bytes);

		ck_assert_uint_gt(got, 0);
		ck_assert_uint_le(bytes, 150);
		done += got;
		n += bytes;
		s[n++] = done < 100 ? ',' : ']';
	}
	memcpy(s + n, "}]}", 4);
	ck_assert_msg(fill(s, 50) == 0, "%s", e.text);
	memcpy(w, out, sizeof(w));
	ck_assert_mem_eq(v, w, sizeof(v));
}
END_TEST

START_TEST(strings_are_escaped)
{
	static const char s[] = "a\"\\\n\x01\x7f\xc3\xa9\xff.";
	char got[JSON_QUOTE_ROOM(sizeof(s))];
	size_t n = json_quote(s, sizeof(s) - 1, got);
	static const char want[] =
	    "\"a\\\"\\\\\\n\\u0001\\u007f\xc3\xa9\\ufffd.\"";

	ck_assert_uint_eq(n, sizeof(want) - 1);
	ck_assert_mem_eq(got, want, n);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json");
	TCase *c = tcase_create("json");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_test(c, a_request_is_read);
	tcase_add_test(c, flat_and_nested_are_the_same);
	tcase_add_test(c, every_type_is_stored);
	tcase_add_test(c, errors_of_the_envelope_name_path_and_byte);
	tcase_add_test(c, errors_of_data_name_path_and_byte);
	tcase_add_test(c, every_cut_is_refused);
	tcase_add_test(c, no_changed_byte_does_harm);
	tcase_add_test(c, nesting_has_a_limit);
	tcase_add_test(c, large_arrays_are_spans);
	tcase_add_test(c, what_is_printed_is_read_again);
	tcase_add_test(c, strings_are_escaped);
	suite_add_tcase(s, c);

	return suite_run(s);
}
