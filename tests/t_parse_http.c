/* What parse/http.h promises: what is accepted, what is refused, and how. */
#include <check.h>

#include "base/buf.h"
#include "base/size.h"
#include "parse/http.h"
#include "suite.h"

#define HEAD_MAX	16384
#define LINE		"POST /v2/models/m/infer HTTP/1.1\r\n"
#define HOST		"Host: a\r\n"

static struct http_head	 head;
static struct err	 e;

/*
 * 0 for a good head, else the status of the refusal; -1: the head has no end.
 */
static int
read_head(const char *s, size_t n)
{
	struct http_find f = { 0 };
	int status = 0;
	size_t len;

	switch (http_find(&f, s, n, HEAD_MAX, &len, &status, &e)) {
	case HTTP_MORE:
		return -1;
	case HTTP_DONE:
		if (http_parse(s, len, &head, &status, &e) == 0)
			return 0;
		break;
	default:
		break;
	}
	ck_assert_int_ge(status, 400);
	ck_assert_uint_gt(strlen(e.text), 0);
	return status;
}

static const struct row {
	const char	*text;
	int		 status;
} rows[] = {
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "GET / HTTP/1.0\r\n\r\n", 0 },
	{ "GET http://x:80/v2?a=b HTTP/1.1\r\nHost: x:80\r\n\r\n", 0 },
	{ LINE HOST "Content-Length: 7\r\n\r\n", 0 },
	{ LINE HOST "Content-Length:0007 \r\n\r\n", 0 },
	{ LINE HOST "Transfer-Encoding: Chunked\r\n\r\n", 0 },
	{ LINE HOST "Expect: 100-continue\r\n\r\n", 0 },
	{ LINE HOST "Expect:\r\n\r\n", 0 },
	{ LINE HOST "X:\tc\xc3\xa9 \r\n\r\n", 0 },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 0 },
	{ "PATCH / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0 },
	/* Lines. */
	{ "GET / HTTP/1.1\nHost: a\n\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a\n\r\n", 400 },
	{ "GET / HTTP/1.1\rHost: a\r\n\r\n", 400 },
	{ "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /\r\n\r\n", 400 },
	{ "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ " GET / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1 \r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.9\r\n" HOST "\r\n", 505 },
	{ "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
	{ "GET / http/1.1\r\n" HOST "\r\n", 400 },
	{ "G(T / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /a\x7f HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /#x HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET v2 HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET * HTTP/1.1\r\n" HOST "\r\n", 400 },
	/* Fields. */
	{ "GET / HTTP/1.1\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "X : y\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST ": y\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "nothing\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n", 400 },
	/* Framing. */
	{ LINE HOST "Content-Length: -3\r\n\r\n", 400 },
	{ LINE HOST "Content-Length: +3\r\n\r\n", 400 },
	{ LINE HOST "Content-Length: 0x3\r\n\r\n", 400 },
	{ LINE HOST "Content-Length: 3, 3\r\n\r\n", 400 },
	{ LINE HOST "Content-Length:\r\n\r\n", 400 },
	{ LINE HOST "Content-Length: 12345678901234567890\r\n\r\n", 400 },
	{ LINE HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 400 },
	{ LINE HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
	    400 },
	{ LINE HOST "Transfer-Encoding: xchunked\r\n\r\n", 400 },
	{ LINE HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 400 },
	{ LINE HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
	    "chunked\r\n" "\r\n", 400 },
	{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400 },
	{ LINE HOST "Expect: 200-ok\r\n\r\n", 417 },
};

START_TEST(heads_are_taken_or_refused)
{
	const struct row *r = &rows[_i];
	int status = read_head(r->text, strlen(r->text));

	ck_assert_msg(status == r->status, "%s: %d (%s), want %d", r->text,
	    status, e.text, r->status);
}
END_TEST

START_TEST(a_head_says_what_it_says)
{
	static const char s[] = "POST /v2/models/a%20b/infer?x=1 HTTP/1.1\r\n"
	    "hOST: h:8000\r\nContent-Length: 42\r\nconnection: x, Close\r\n"
	    "Accept-Encoding: gzip;q=0, deflate ; q=0.5\r\nTwice: 1\r\nTwice: "
	    "2\r\n" "Expect: 100-Continue\r\n\r\nrest";
	char out[64];
	size_t n;

	ck_assert_int_eq(read_head(s, sizeof(s) - 1), 0);
	ck_assert_int_eq(head.method, HTTP_POST);
	ck_assert(text_is(head.path, "/v2/models/a%20b/infer"));
	ck_assert(text_is(head.query, "x=1"));
	ck_assert_uint_eq(head.length, 42);
	ck_assert(head.has_length && !head.chunked && !head.keep_alive);
	ck_assert(head.expect_continue);
	ck_assert(text_is(http_header(&head, "host"), "h:8000"));
	ck_assert_ptr_null(http_header(&head, "twice").at);
	ck_assert_ptr_null(http_header(&head, "never").at);
	ck_assert(!http_lists(&head, "accept-encoding", "gzip"));
	ck_assert(http_lists(&head, "accept-encoding", "deflate"));
	ck_assert(http_unescape(head.path, out, &n));
	ck_assert_uint_eq(n, strlen("/v2/models/a b/infer"));
	ck_assert_mem_eq(out, "/v2/models/a b/infer", n);
	ck_assert(!http_unescape((struct text){ "a%2", 3 }, out, &n));
	ck_assert(!http_unescape((struct text){ "a%00", 4 }, out, &n));
	ck_assert(!http_unescape((struct text){ "%zz", 3 }, out, &n));

	ck_assert_int_eq(read_head("GET / HTTP/1.0\r\n\r\n", 18), 0);
	ck_assert(!head.keep_alive);
	ck_assert_int_eq(read_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27), 0);
	ck_assert(head.keep_alive);
}
END_TEST

START_TEST(every_prefix_waits_for_more)
{
	static const char s[] = LINE HOST "Content-Length: 3\r\n\r\n";
	struct http_find f = { 0 };
	size_t len = 0;
	int status = 0;

	for (size_t n = 0; n + 1 < sizeof(s) - 1; n++) {
		ck_assert_int_eq(read_head(s, n), -1);
		ck_assert_int_eq(http_find(&f, s, n, HEAD_MAX, &len, &status,
		    &e), HTTP_MORE);
	}
	ck_assert_int_eq(http_find(&f, s, sizeof(s) - 1, HEAD_MAX, &len,
	    &status, &e), HTTP_DONE);
	ck_assert_uint_eq(len, sizeof(s) - 1);
}
END_TEST

START_TEST(a_nul_is_refused)
{
	static const char s[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";

	ck_assert_int_eq(read_head(s, sizeof(s) - 1), 400);
}
END_TEST

START_TEST(size_and_number_of_headers_have_limits)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_str(&b, LINE HOST);
	for (int i = 0; i < HTTP_HEADERS_MAX - 1; i++)
		buf_printf(&b, "x%d: y\r\n", i);
	buf_str(&b, "\r\n");
	ck_assert_int_eq(read_head(b.data, b.len), 0);
	b.len -= 2;
	buf_str(&b, "x: y\r\n\r\n");
	ck_assert_int_eq(read_head(b.data, b.len), 431);

	buf_clear(&b);
	buf_str(&b, LINE HOST "X: ");
	while (b.len < HEAD_MAX - 4)
		buf_str(&b, "y");
	buf_str(&b, "\r\n\r\n");
	ck_assert_uint_eq(b.len, HEAD_MAX);
	ck_assert_int_eq(read_head(b.data, b.len), 0);
	b.len -= 4;
	buf_str(&b, "y\r\n\r\n");
	ck_assert_int_eq(read_head(b.data, b.len), 431);
	buf_done(&b);
}
END_TEST

/* Decode all of s in steps; the payload into out; -1: bad, else bytes used. */
static long
decode(const char *s, size_t n, size_t step, struct buf *out)
{
	struct http_chunks c = { 0 };
	enum http_result r = HTTP_MORE;
	size_t at = 0, used;
	struct text data;

	buf_clear(out);
	while (at < n && r != HTTP_DONE) {
		size_t have = n - at < step ? n - at : step;

		r = http_chunks_next(&c, s + at, have, &used, &data, &e);
		if (r == HTTP_BAD)
			return -1;
		if (r == HTTP_DATA)
			buf_add(out, data.at, data.n);
		at += used;
	}
	return r == HTTP_DONE ? (long)at : 0;
}

START_TEST(chunks_give_their_payload)
{
	static const char s[] = "5;ext=\"a\"\r\nhello\r\n00A \r\n0123456789\r\n"
	    "0\r\nTrailer: x\r\n\r\nnext";
	struct buf out;

	buf_init(&out, 1000);
	for (size_t step = 1; step <= sizeof(s); step++) {
		ck_assert_int_eq(decode(s, sizeof(s) - 1, step, &out),
		    (long)sizeof(s) - 5);
		ck_assert_uint_eq(out.len, 15);
		ck_assert_mem_eq(out.data, "hello0123456789", 15);
	}
	for (size_t n = 0; n < sizeof(s) - 5; n++)
		ck_assert_int_eq(decode(s, n, n + 1, &out), 0);
	buf_done(&out);
}
END_TEST

START_TEST(bad_chunks_are_refused)
{
	static const char *const bad[] = { "+3\r\nabc\r\n", "0x3\r\nabc\r\n",
	    " 3\r\nabc\r\n", "3\nabc\r\n", "3\r\nabcd\r\n", "3\r\nabc\n",
	    "\r\n", ";x\r\n", "3\rabc", "1234567890abcdef0\r\n", "g\r\n",
	    "-1\r\n", "0\r\n folded\r\n\r\n", "0\r\n: x\r\n\r\n",
	    "0\r\nX: y\n\r\n", "3;\x01\r\nabc\r\n", "0\r\n\rx" };
	struct buf out, long_one;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_msg(decode(bad[i], strlen(bad[i]), 100, &out) == -1,
		    "%s", bad[i]);

	buf_init(&long_one, 1 << 20);
	buf_str(&long_one, "1;");
	for (int i = 0; i < HTTP_CHUNK_LINE_MAX + 1; i++)
		buf_str(&long_one, "x");
	ck_assert_int_eq(decode(long_one.data, long_one.len, 100, &out), -1);
	buf_clear(&long_one);
	buf_str(&long_one, "0\r\n");
	for (int i = 0; i < HTTP_TRAILERS_MAX / 4 + 1; i++)
		buf_str(&long_one, "x:yz\r\n");
	ck_assert_int_eq(decode(long_one.data, long_one.len, 100, &out), -1);
	buf_clear(&long_one);
	for (int i = 0; i < HTTP_CHUNKS_MAX; i++)
		buf_str(&long_one, "1\r\nx\r\n");
	ck_assert_int_eq(decode(long_one.data, long_one.len, 4096, &out), 0);
	ck_assert_uint_eq(out.len, HTTP_CHUNKS_MAX);
	buf_str(&long_one, "1\r\nx\r\n");
	ck_assert_int_eq(decode(long_one.data, long_one.len, 4096, &out), -1);
	buf_done(&long_one);
	buf_done(&out);
}
END_TEST

/* Heads of answers: the status taken, or 0 where it must be refused. */
static const struct {
	const char	*text;
	int		 code;
} answers[] = {
	{ "HTTP/1.1 200 OK\r\n\r\n", 200 },
	{ "HTTP/1.0 503 \r\nContent-Length: 7\r\n\r\n", 503 },
	{ "HTTP/1.1 404\r\nTransfer-Encoding: chunked\r\n\r\n", 404 },
	{ "HTTP/1.1 200 OK\r\nHost: a\r\nHost: b\r\n\r\n", 200 },
	{ "HTTP/2 200 OK\r\n\r\n", 0 },
	{ "HTTP/2.0 200 OK\r\n\r\n", 0 },
	{ "SSH-2.0-OpenSSH_9\r\n\r\n", 0 },
	{ "HTTP/1.1\r\n\r\n", 0 },
	{ "HTTP/1.1 \r\n\r\n", 0 },
	{ "HTTP/1.1 20 OK\r\n\r\n", 0 },
	{ "HTTP/1.1 2000 OK\r\n\r\n", 0 },
	{ "HTTP/1.1 099 OK\r\n\r\n", 0 },
	{ "HTTP/1.1 2x0 OK\r\n\r\n", 0 },
	{ "HTTP/1.1  200 OK\r\n\r\n", 0 },
	{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0 },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
	    0 },
	{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0 },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0 },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", 0 },
	{ "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", 0 },
};

START_TEST(answers_are_taken_or_refused)
{
	const char *s = answers[_i].text;
	int r;

	e.text[0] = '\0';
	r = http_parse_answer(s, strlen(s), &head, &e);
	ck_assert_msg((r == 0) == (answers[_i].code != 0), "%s: %s", s, e.text);
	if (r == 0)
		ck_assert_int_eq(head.code, answers[_i].code);
	else
		ck_assert(e.text[0] != '\0');
}
END_TEST

START_TEST(an_answer_says_how_long_it_is)
{
	static const char s[] = "HTTP/1.1 200 Fine, thanks\r\n"
	    "Content-Length: 12\r\nContent-Type: text/plain\r\n\r\n";

	ck_assert_int_eq(http_parse_answer(s, sizeof(s) - 1, &head, &e), 0);
	ck_assert(head.has_length && !head.chunked);
	ck_assert_uint_eq(head.length, 12);
	ck_assert(text_is(http_header(&head, "content-type"), "text/plain"));
	ck_assert_int_eq(http_parse_answer(answers[2].text,
	    strlen(answers[2].text), &head, &e), 0);
	ck_assert(head.chunked && !head.has_length);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http parser");
	TCase *c = tcase_create("http parser");

	tcase_add_loop_test(c, heads_are_taken_or_refused, 0, nitems(rows));
	tcase_add_test(c, a_head_says_what_it_says);
	tcase_add_test(c, every_prefix_waits_for_more);
	tcase_add_test(c, a_nul_is_refused);
	tcase_add_test(c, size_and_number_of_headers_have_limits);
	tcase_add_test(c, chunks_give_their_payload);
	tcase_add_test(c, bad_chunks_are_refused);
	tcase_add_loop_test(c, answers_are_taken_or_refused, 0,
	    nitems(answers));
	tcase_add_test(c, an_answer_says_how_long_it_is);
	suite_add_tcase(s, c);

	return suite_run(s);
}
