/* What parent/http.h promises of limits, deadlines and the end. */
#include <unistd.h>

#include "http_world.h"
#include "suite.h"

START_TEST(a_head_that_is_too_large_is_431)
{
	char many[100];
	int fd = connect_client();

	put(fd, "GET /", 5, 5);
	memset(many, 'a', sizeof(many));
	for (size_t n = 5; n < limits.head + 100; n += sizeof(many))
		put(fd, many, sizeof(many), sizeof(many));
	(void)take(fd);
	ck_assert_int_eq(status_of(got), 431);
	(void)close(fd);
}
END_TEST

START_TEST(slow_clients_meet_their_deadline)
{
	static const char head[] = "POST /echo HTTP/1.1\r\n" HOST
	    "Content-Length: 10\r\n\r\n";
	int idle = connect_client(), in_head = connect_client();
	int in_body = connect_client();

	put(in_head, "GET", 3, 3);
	put(in_body, head, sizeof(head) - 1, 100);
	wait_ms(400);
	ck_assert_uint_eq(take(idle), 0);
	ck_assert(closed);
	(void)take(in_head);
	ck_assert_int_eq(status_of(got), 408);
	(void)take(in_body);
	ck_assert_int_eq(status_of(got), 408);
	ck_assert_uint_eq(http_stats(http)->timeouts, 2);
	(void)close(idle);
	(void)close(in_head);
	(void)close(in_body);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_dropped)
{
	static const char s[] = "GET /big HTTP/1.1\r\n" HOST "\r\n";
	int fd = connect_client();

	put(fd, s, sizeof(s) - 1, 100);
	wait_ms(100);
	ck_assert_int_eq(released, 0);
	wait_ms(400);
	ck_assert_int_eq(http_stats(http)->open, 0);
	ck_assert_int_eq(released, 1);
	ck_assert_int_eq(gone, 1);
	(void)close(fd);
}
END_TEST

START_TEST(connections_have_a_limit)
{
	static const char s[] = "GET /later HTTP/1.1\r\n" HOST "\r\n";
	int fd[12];

	/* Idle ones make room for new ones. */
	for (int i = 0; i < 12; i++) {
		fd[i] = connect_client();
		turn_loop(3);
	}
	ck_assert_int_eq(http_stats(http)->open, 8);
	ck_assert_uint_eq(take(fd[0]), 0);
	ck_assert(closed);
	/* Busy ones do not. */
	for (int i = 4; i < 12; i++)
		put(fd[i], s, sizeof(s) - 1, 100);
	int next = connect_client();
	put(next, s, sizeof(s) - 1, 100);
	ck_assert_int_eq(begun, 8);
	(void)close(fd[4]);
	turn_loop(6);
	ck_assert_int_eq(begun, 9);
	for (int i = 0; i < 12; i++)
		if (i != 4)
			(void)close(fd[i]);
	(void)close(next);
	turn_loop(6);
	ck_assert_int_eq(http_stats(http)->open, 0);
	ck_assert_int_eq(gone, 9);
}
END_TEST

START_TEST(draining_answers_and_closes)
{
	static const char s[] = "GET /later HTTP/1.1\r\n" HOST "\r\n";
	int fd = connect_client(), idle = connect_client();

	put(fd, s, sizeof(s) - 1, 100);
	http_drain(http);
	ck_assert_uint_eq(take(idle), 0);
	ck_assert(closed);
	ck_assert_int_eq(http_stats(http)->open, 1);
	http_send(later, 200, NULL, NULL);
	(void)take(fd);
	ck_assert_int_eq(status_of(got), 200);
	ck_assert(closed);
	ck_assert_int_eq(http_stats(http)->open, 0);
	(void)close(fd);
	(void)close(idle);
}
END_TEST

/* A request that has begun to arrive is answered, if it comes to its end. */
START_TEST(draining_waits_for_what_has_begun)
{
	static const char s[] = "GET /now HTTP/1.1\r\n" HOST "\r\n";
	static const char b[] = "POST /now HTTP/1.1\r\n" HOST
	    "Content-Length: 3\r\n\r\nab";
	int half = connect_client(), post = connect_client();

	put(half, s, 9, 9);
	put(post, b, sizeof(b) - 1, 100);
	http_drain(http);
	ck_assert_int_eq(http_stats(http)->open, 2);
	put(half, s + 9, sizeof(s) - 10, 100);
	(void)take(half);
	ck_assert_int_eq(status_of(got), 200);
	ck_assert(closed);
	ck_assert_int_eq(http_stats(http)->open, 1);
	http_drain_late(http);
	(void)take(post);
	ck_assert_int_eq(status_of(got), 503);
	ck_assert(closed);
	(void)close(half);
	(void)close(post);
}
END_TEST

START_TEST(addresses_are_checked)
{
	static const char *const bad[] = { "", "localhost", "localhost:",
	    "a:b:1", "unix:relative", "[::1]", "127.0.0.1:http",
	    "127.0.0.1:99999999" };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e.text[0] = '\0';
		if (http_listen(http, bad[i], 1, 2, &e) == 0)
			ck_abort_msg("%s was accepted", bad[i]);
		ck_assert_uint_gt(strlen(e.text), 0);
	}
	ck_assert_int_eq(http_listen(http, "127.0.0.1:0", 1, 2, &e), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http limits");
	TCase *c = tcase_create("http limits");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_head_that_is_too_large_is_431);
	tcase_add_test(c, slow_clients_meet_their_deadline);
	tcase_add_test(c, a_client_that_does_not_read_is_dropped);
	tcase_add_test(c, connections_have_a_limit);
	tcase_add_test(c, draining_answers_and_closes);
	tcase_add_test(c, draining_waits_for_what_has_begun);
	tcase_add_test(c, addresses_are_checked);
	suite_add_tcase(s, c);

	return suite_run(s);
}
