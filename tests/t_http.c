/* What parent/http.h promises of requests and answers. */
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <event2/buffer.h>

#include "http_world.h"
#include "suite.h"

START_TEST(a_body_comes_back_however_it_is_cut)
{
	static const char whole[] = "POST /echo HTTP/1.1\r\n" HOST
	    "Content-Length: 11\r\n\r\nhello world";
	static const char chunked[] = "POST /echo HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n "
	    "world\r\n0\r\n" "T: u\r\n\r\n";
	int fd = connect_client();

	for (size_t step = 1; step < sizeof(chunked); step += 3) {
		put(fd, whole, sizeof(whole) - 1, step);
		(void)take(fd);
		ck_assert_int_eq(status_of(got), 200);
		ck_assert_ptr_nonnull(strstr(got, "X-Own: 1\r\n"));
		ck_assert_ptr_nonnull(strstr(got, "Content-Length: 11\r\n"));
		ck_assert_str_eq(body_of(got), "hello world");
		put(fd, chunked, sizeof(chunked) - 1, step);
		(void)take(fd);
		ck_assert_str_eq(body_of(got), "hello world");
		ck_assert(!closed);
	}
	ck_assert_int_eq(http_stats(http)->open, 1);
	ck_assert_int_eq(http_stats(http)->accepted, 1);
	ck_assert_uint_eq(http_budget(http)->used, 0);
	(void)close(fd);
	turn_loop(4);
	ck_assert_int_eq(http_stats(http)->open, 0);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	struct buf b;
	int fd = connect_client();
	const char *p = got;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "POST /echo HTTP/1.1\r\n" HOST
		    "Content-Length: 3\r\n\r\n%03d", i);
	put(fd, b.data, b.len, b.len);
	wait_ms(20);
	(void)take(fd);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(status_of(p), 200);
		p = body_of(p);
		ck_assert_int_eq((int)strtol((char[4]){ p[0], p[1], p[2], 0 },
		    NULL, 10), i);
		p += 3;
	}
	ck_assert_uint_eq(*p, '\0');
	buf_done(&b);
	(void)close(fd);
}
END_TEST

START_TEST(a_pending_call_holds_back_the_next)
{
	static const char s[] = "POST /later HTTP/1.1\r\n" HOST
	    "Content-Length: 1\r\n\r\naGET /echo HTTP/1.0\r\n\r\n";
	int fd = connect_client();

	put(fd, s, sizeof(s) - 1, 7);
	ck_assert_uint_eq(take(fd), 0);
	ck_assert_ptr_nonnull(later);
	ck_assert_int_eq(begun, 1);
	(void)evbuffer_add(http_body(later), "late", 4);
	http_send(later, 200, "text/plain", NULL);
	(void)take(fd);
	ck_assert_int_eq(begun, 2);
	ck_assert(closed);
	ck_assert_str_eq(body_of(body_of(got)), "");
	ck_assert_ptr_nonnull(strstr(body_of(got), "Connection: close\r\n"));
	(void)close(fd);
}
END_TEST

static void
leave_while_pending(void (*leave)(int))
{
	static const char s[] = "GET /later HTTP/1.1\r\n" HOST "\r\n";
	int fd = connect_client();

	put(fd, s, sizeof(s) - 1, 100);
	turn_loop(3);
	ck_assert_ptr_nonnull(later);
	leave(fd);
	turn_loop(3);
	ck_assert_int_eq(gone, 1);
	ck_assert_ptr_null(later);
	ck_assert_int_eq(http_stats(http)->open, 0);
	gone = 0;
}

static void
leave_by_close(int fd)
{
	(void)close(fd);
}

static void
leave_by_half(int fd)
{
	(void)shutdown(fd, SHUT_WR);
	turn_loop(3);
	(void)close(fd);
}

START_TEST(a_client_that_leaves_is_noticed)
{
	leave_while_pending(leave_by_close);
	leave_while_pending(leave_by_half);
}
END_TEST

static const struct {
	const char	*request;
	int		 status;
	bool		 closes;
} refusals[] = {
	{ "GET /\r\n\r\n", 400, true },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n", 413,
	    true },
	{ "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "xyz\r\n", 400, true },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Encoding: br\r\n"
	    "Content-Length: 3\r\n\r\nabc", 501, true },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Encoding: gzip\r\n"
	    "Content-Length: 3\r\n\r\nabc", 400, false },
	{ "POST /no HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 503,
	    false },
	{ "POST /no HTTP/1.1\r\n" HOST "Content-Length: 30000\r\n\r\nabc", 503,
	    true },
	{ "GET / HTTP/3.0\r\n" HOST "\r\n", 505, true },
};

START_TEST(refusals_are_json_and_keep_what_can_be_kept)
{
	int fd = connect_client();

	put(fd, refusals[_i].request, strlen(refusals[_i].request), 4096);
	(void)take(fd);
	ck_assert_int_eq(status_of(got), refusals[_i].status);
	ck_assert_ptr_nonnull(strstr(got, "Content-Type: "
	    "application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(body_of(got), "{\"error\":\""));
	ck_assert_int_eq(closed, refusals[_i].closes);
	ck_assert_int_eq(strstr(got, "Connection: close\r\n") != NULL,
	    refusals[_i].closes);
	(void)close(fd);
	turn_loop(4);
	ck_assert_int_eq(http_stats(http)->open, 0);
}
END_TEST

START_TEST(a_long_answer_arrives_whole_and_can_be_copied)
{
	static const char s[] = "GET /big HTTP/1.1\r\n" HOST "\r\n";

	for (int copy = 0; copy < 2; copy++) {
		int fd = connect_client();
		size_t n = 0, start = 0;

		put(fd, s, sizeof(s) - 1, 100);
		ck_assert_int_eq(released, copy);
		if (copy == 1) {
			ck_assert_uint_gt(http_copy(last), BIG / 2);
			ck_assert_int_eq(released, 2);
		}
		while (n < start + BIG) {
			ssize_t r = recv(fd, got, sizeof(got) - 1, 0);

			turn_loop(1);
			if (r <= 0)
				continue;
			if (start == 0)
				start = (size_t)(body_of(got) - got);
			for (ssize_t i = n == 0 ? (ssize_t)start : 0; i < r;
			    i++)
				if (got[i] != 'a' +
				    (int)((n + (size_t)i - start) % 23))
					ck_abort_msg("byte %zu", n + (size_t)i);
			n += (size_t)r;
		}
		turn_loop(4);
		ck_assert_int_eq(released, copy + 1);
		(void)close(fd);
	}
}
END_TEST

static size_t
compress_with(int bits, const char *s, size_t n, char *out, size_t cap)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)s, .avail_in = (uInt)n,
	    .next_out = (Bytef *)out, .avail_out = (uInt)cap };

	ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, 0), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	(void)deflateEnd(&z);
	return cap - z.avail_out;
}

static void
put_encoded(int fd, const char *encoding, const char *data, size_t n,
    size_t step)
{
	char head[200];
	int len = snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\n" HOST
	    "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n", encoding, n);

	put(fd, head, (size_t)len, 1000);
	put(fd, data, n, step);
}

START_TEST(compressed_bodies_are_unpacked)
{
	static const struct {
		const char	*name;
		int		 bits;
	} rows[] = { { "gzip", 31 }, { "deflate", 15 }, { "deflate", -15 } };
	enum { N = 50000 };
	static char data[N], packed[N];
	int fd = connect_client();

	for (size_t i = 0; i < N; i++)
		data[i] = (char)('a' + i * i / 7 % 26);
	for (size_t i = 0; i < 3; i++) {
		size_t n = compress_with(rows[i].bits, data, N, packed, N);

		put_encoded(fd, rows[i].name, packed, n, 97);
		wait_ms(10);
		ck_assert_uint_eq(take(fd) - (size_t)(body_of(got) - got), N);
		ck_assert_mem_eq(body_of(got), data, N);
		put_encoded(fd, rows[i].name, packed, n - 1, 5000);
		(void)take(fd);
		ck_assert_int_eq(status_of(got), 400);
		ck_assert_ptr_nonnull(strstr(got, "cut short"));
	}
	ck_assert_uint_eq(http_budget(http)->used, 0);
	(void)close(fd);
}
END_TEST

/* A bomb: 64 MiB of nothing in 64 KiB. */
START_TEST(what_unpacks_to_too_much_is_refused)
{
	size_t n = (size_t)64 << 20, len;
	char *zeros = calloc(1, n), *packed = malloc(1 << 20);
	int fd = connect_client();

	len = compress_with(31, zeros, n, packed, 1 << 20);
	put_encoded(fd, "gzip", packed, len, len);
	wait_ms(50);
	(void)take(fd);
	ck_assert_int_eq(status_of(got), 413);
	ck_assert_uint_le(body.len, limits.body);
	free(zeros);
	free(packed);
	(void)close(fd);
}
END_TEST

START_TEST(answers_are_compressed_on_demand)
{
	enum { N = 20000 };
	static char data[N], plain[N + 1];
	char head[200];
	int fd = connect_client(), len;
	size_t n;
	z_stream z = { 0 };

	for (size_t i = 0; i < N; i++)
		data[i] = (char)('0' + i / 3 % 10);
	len = snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\n" HOST
	    "Accept-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", N);
	put(fd, head, (size_t)len, 1000);
	put(fd, data, N, N);
	wait_ms(10);
	n = take(fd);
	ck_assert_ptr_nonnull(strstr(got, "Content-Encoding: gzip\r\n"));
	z.next_in = (Bytef *)(uintptr_t)body_of(got);
	z.avail_in = (uInt)(n - (size_t)(body_of(got) - got));
	ck_assert_uint_lt(z.avail_in, N / 2);
	z.next_out = (Bytef *)plain;
	z.avail_out = sizeof(plain);
	ck_assert_int_eq(inflateInit2(&z, 31), Z_OK);
	ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	ck_assert_uint_eq(z.total_out, N);
	ck_assert_mem_eq(plain, data, N);
	(void)inflateEnd(&z);
	(void)close(fd);
}
END_TEST

START_TEST(continue_is_said_only_when_wanted)
{
	static const char head[] = "POST /echo HTTP/1.1\r\n" HOST
	    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
	static const char no[] = "POST /no HTTP/1.1\r\n" HOST
	    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
	int fd = connect_client();

	put(fd, head, sizeof(head) - 1, 1000);
	(void)take(fd);
	ck_assert_str_eq(got, "HTTP/1.1 100 Continue\r\n\r\n");
	put(fd, "ab", 2, 1);
	(void)take(fd);
	ck_assert_str_eq(body_of(got), "ab");
	put(fd, no, sizeof(no) - 1, 1000);
	(void)take(fd);
	ck_assert_int_eq(status_of(got), 503);
	ck_assert(closed);
	(void)close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http server");
	TCase *c = tcase_create("http server");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_body_comes_back_however_it_is_cut);
	tcase_add_test(c, pipelined_requests_are_answered_in_order);
	tcase_add_test(c, a_pending_call_holds_back_the_next);
	tcase_add_test(c, a_client_that_leaves_is_noticed);
	tcase_add_loop_test(c, refusals_are_json_and_keep_what_can_be_kept, 0,
	    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(c, a_long_answer_arrives_whole_and_can_be_copied);
	tcase_add_test(c, compressed_bodies_are_unpacked);
	tcase_add_test(c, what_unpacks_to_too_much_is_refused);
	tcase_add_test(c, answers_are_compressed_on_demand);
	tcase_add_test(c, continue_is_said_only_when_wanted);
	suite_add_tcase(s, c);

	return suite_run(s);
}
