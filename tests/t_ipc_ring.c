/*
 * What ring.h promises.  An argument is the number of sleep/wake edges to try.
 */
#include <sys/socket.h>

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/ring.h"
#include "suite.h"

#define SIZE	8

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define EDGES	200000
#else
#define EDGES	1000000
#endif
#define BELLS	20000		/* edges with a real doorbell */
#define LOST_NS	(20 * NS_PER_S)	/* without a wake-up: it was lost */

static uint32_t		 edges = EDGES;
static struct ring_tx	 tx;
static struct ring_rx	 rx;
static _Atomic uint64_t	 entry[SIZE];
static struct ring	 in, out;
static int		 bell[2];
static _Atomic uint32_t	 wakes;

static void
setup(void)
{
	ring_init(&in, &tx, &rx, entry, SIZE);
	ring_init(&out, &tx, &rx, entry, SIZE);
}

START_TEST(gives_back_what_went_in_in_order)
{
	uint64_t e;

	for (uint64_t round = 0; round < 5; round++) {
		for (uint64_t i = 0; i < SIZE; i++)
			ck_assert_int_eq(ring_push(&in, round * 100 + i),
			    RING_OK);
		ck_assert_int_eq(ring_push(&in, 1), RING_FULL);
		for (uint64_t i = 0; i < SIZE; i++) {
			ck_assert_int_eq(ring_pop(&out, &e), RING_OK);
			ck_assert_uint_eq(e, round * 100 + i);
		}
		ck_assert_int_eq(ring_pop(&out, &e), RING_EMPTY);
	}
}
END_TEST

START_TEST(what_was_peeked_at_is_not_overwritten)
{
	uint64_t e;

	for (uint64_t i = 0; i < SIZE; i++)
		ck_assert_int_eq(ring_push(&in, i), RING_OK);
	ck_assert_int_eq(ring_peek(&out, &e), RING_OK);
	ck_assert_int_eq(ring_push(&in, 99), RING_FULL);
	ck_assert_int_eq(ring_popped(&in), RING_OK);
	ck_assert_uint_eq(in.peer, 0);
	ring_drop(&out);
	ck_assert_int_eq(ring_push(&in, 99), RING_OK);
	ck_assert_uint_eq(in.peer, 1);
}
END_TEST

START_TEST(counts_wrap)
{
	uint64_t e;

	atomic_store(&tx.pushed, UINT32_MAX - 2);
	atomic_store(&rx.popped, UINT32_MAX - 2);
	in.own = in.peer = out.own = out.peer = UINT32_MAX - 2;
	for (uint64_t i = 0; i < 20; i++) {
		ck_assert_int_eq(ring_push(&in, i), RING_OK);
		ck_assert_int_eq(ring_pop(&out, &e), RING_OK);
		ck_assert_uint_eq(e, i);
	}
}
END_TEST

START_TEST(an_impossible_producer_is_bad)
{
	uint64_t e;

	atomic_store(&tx.pushed, SIZE + 1);
	ck_assert_int_eq(ring_pop(&out, &e), RING_BAD);
	atomic_store(&tx.pushed, UINT32_MAX);
	ck_assert_int_eq(ring_pop(&out, &e), RING_BAD);
}
END_TEST

START_TEST(an_impossible_consumer_is_bad)
{
	for (uint64_t i = 0; i < SIZE; i++)
		ck_assert_int_eq(ring_push(&in, i), RING_OK);
	atomic_store(&rx.popped, SIZE + 1);
	ck_assert_int_eq(ring_push(&in, 0), RING_BAD);
	atomic_store(&rx.popped, 5);
	ck_assert_int_eq(ring_popped(&in), RING_OK);
	atomic_store(&rx.popped, 4);
	ck_assert_int_eq(ring_popped(&in), RING_BAD);
}
END_TEST

START_TEST(a_sleeper_is_woken_once_it_said_so)
{
	ck_assert(ring_sleep(&out));
	ck_assert_int_eq(ring_push(&in, 1), RING_WAKE);
	ring_awake(&out);
	ck_assert_int_eq(ring_push(&in, 2), RING_OK);
	ck_assert(!ring_sleep(&out));
}
END_TEST

/* One entry at a time, each about the moment the consumer falls asleep. */
static void *
produce(void *arg)
{
	uint32_t n = *(const uint32_t *)arg;

	for (uint32_t i = 0; i < n; i++) {
		for (int spin = 0; atomic_load(&rx.popped) != i; spin++)
			if (spin % 256 == 255)
				(void)sched_yield();
		if (ring_push(&in, i) != RING_WAKE)
			continue;
		if (bell[0] == -1)
			atomic_fetch_add(&wakes, 1);
		else if (send(bell[0], "", 1, MSG_DONTWAIT) != 1)
			return NULL;
	}
	return NULL;
}

/* False if no wake-up came although the ring is not empty. */
static bool
wait_for_bell(void)
{
	char drop[64];
	struct pollfd p = { .fd = bell[1], .events = POLLIN };

	if (poll(&p, 1, (int)(LOST_NS / NS_PER_MS)) != 1)
		return false;
	return recv(bell[1], drop, sizeof(drop), MSG_DONTWAIT) > 0;
}

/*
 * The same with a counter for a bell: a hundred times as many edges a second.
 */
static bool
wait_for_count(void)
{
	static uint32_t seen;
	int64_t since = 0;

	for (uint32_t spin = 1; atomic_load(&wakes) == seen; spin++) {
		if (spin % 256 != 0)
			continue;
		(void)sched_yield();
		if (since == 0)
			since = clock_ns();
		if (spin % 65536 == 0 && clock_ns() - since > LOST_NS)
			return false;
	}
	seen = atomic_load(&wakes);
	return true;
}

static void
no_wake_up_is_lost(uint32_t n, bool (*wait)(void))
{
	pthread_t t;
	uint64_t e;
	enum ring_result r;

	ck_assert_int_eq(pthread_create(&t, NULL, produce, &n), 0);
	for (uint64_t i = 0; i < n;) {
		r = ring_pop(&out, &e);
		ck_assert_int_ne(r, RING_BAD);
		if (r == RING_OK) {
			ck_assert_uint_eq(e, i++);
			continue;
		}
		if (!ring_sleep(&out))
			continue;
		ck_assert_msg(wait(), "lost after %u", (unsigned)i);
		ring_awake(&out);
	}
	(void)pthread_join(t, NULL);
}

START_TEST(no_wake_up_is_lost_by_count)
{
	bell[0] = -1;
	no_wake_up_is_lost(edges, wait_for_count);
}
END_TEST

START_TEST(no_wake_up_is_lost_by_bell)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, bell), 0);
	no_wake_up_is_lost(BELLS, wait_for_bell);
	(void)close(bell[0]);
	(void)close(bell[1]);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("ipc_ring");
	TCase *c = tcase_create("ring");

	if (argc > 1)
		edges = (uint32_t)strtoul(argv[1], NULL, 10);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_set_timeout(c, 600);
	tcase_add_test(c, gives_back_what_went_in_in_order);
	tcase_add_test(c, what_was_peeked_at_is_not_overwritten);
	tcase_add_test(c, counts_wrap);
	tcase_add_test(c, an_impossible_producer_is_bad);
	tcase_add_test(c, an_impossible_consumer_is_bad);
	tcase_add_test(c, a_sleeper_is_woken_once_it_said_so);
	tcase_add_test(c, no_wake_up_is_lost_by_count);
	tcase_add_test(c, no_wake_up_is_lost_by_bell);
	suite_add_tcase(s, c);
	return suite_run(s);
}
