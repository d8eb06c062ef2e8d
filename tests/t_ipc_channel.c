/*
 * What channel.h promises: an honest worker in another process, and a hostile
 * one that writes anything anywhere it can.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/memory.h"
#include "suite.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define JOBS	5000
#define ATTACKS	300
#else
#define JOBS	50000
#define ATTACKS	2000
#endif

enum { ARENA = 1 << 16, LIMIT_MS = 20000 };

static struct channel	*ch;
static struct wire	 wire;
static struct err	 err;

/* A second view of the same memory, as the worker gets it. */
static void
open_wire(void)
{
	if (wire_open(&wire, dup(ch->to.fd), dup(ch->from.fd),
	    dup(ch->peer_bell), &err) == -1)
		_exit(9);
}

static void
setup(void)
{
	ch = channel_new(ARENA, &err);
	ck_assert_ptr_nonnull(ch);
	open_wire();
}

static void
teardown(void)
{
	wire_close(&wire);
	channel_put(ch);
}

static enum ring_result
submit(uint64_t id)
{
	struct job_tensor t = { 0, DT_UINT64, { 1, { 1 } }, 1, 8 * id, 8 };
	struct job_part p = { .request = id, .rows = 1, .want = { 1 },
	    .n_in = 1, .in = &t };
	struct job j = { id, 1, 1, &p };

	return channel_submit(ch, &j);
}

/* As a worker answers: its output is the job's number, twice. */
static enum ring_result
answer(struct wire *w, uint64_t id)
{
	uint64_t at = (id % 64) * 64;
	uint64_t value[2] = { id, id };
	struct done_output o = { 0, DT_UINT64, { 1, { 2 } }, at, 16 };
	struct done_part p = { ERR_NONE, "", 1, &o };
	struct done d = { id, 1, 2, 3, 1, &p };

	memcpy(w->arena + at, value, sizeof(value));
	return wire_done(w, &d);
}

static void
check_answer(const struct done *d, uint64_t id)
{
	uint64_t value[2];

	ck_assert_uint_eq(d->job, id);
	ck_assert_uint_eq(d->n_parts, 1);
	ck_assert_uint_eq(d->part[0].n_out, 1);
	memcpy(value, channel_output(ch, &d->part[0].out[0]), sizeof(value));
	ck_assert_uint_eq(value[0], id);
	ck_assert_uint_eq(value[1], id);
}

START_TEST(a_job_goes_there_and_back)
{
	struct phase_now now;
	struct job *j;
	struct done *d;
	uint64_t id;

	ck_assert_int_eq(submit(7), RING_OK);
	ck_assert_int_eq(wire_next(&wire, &j, &err), RING_OK);
	ck_assert_uint_eq(j->id, 7);
	ck_assert_uint_eq(j->part[0].in[0].offset, 56);
	wire_phase(&wire, PHASE_RUN, j->id);
	ck_assert(channel_phase(ch, clock_ns(), &now));
	ck_assert_int_eq(now.phase, PHASE_RUN);
	ck_assert_uint_eq(now.job, 7);
	ck_assert_int_gt(now.since_ns, 0);
	ck_assert(channel_phase(ch, 5, &now));
	ck_assert_int_eq(now.since_ns, 5);
	ck_assert_uint_eq(channel_demoted(ch), 0);
	wire_demoted(&wire);
	wire_demoted(&wire);
	ck_assert_uint_eq(channel_demoted(ch), 2);
	free(j);
	ck_assert_int_eq(wire_next(&wire, &j, &err), RING_EMPTY);
	ck_assert_int_eq(answer(&wire, 7), RING_OK);
	ck_assert_int_eq(channel_complete(ch, &d, &err), RING_OK);
	check_answer(d, 7);
	free(d);
	ck_assert_int_eq(channel_complete(ch, &d, &err), RING_EMPTY);
	ck_assert_int_eq(wire_released(&wire, &id), RING_EMPTY);
	ck_assert_int_eq(channel_release(ch, 7), RING_OK);
	ck_assert_int_eq(wire_released(&wire, &id), RING_OK);
	ck_assert_uint_eq(id, 7);
}
END_TEST

START_TEST(as_many_jobs_as_fit_and_no_more)
{
	uint64_t i = 0;

	while (submit(i) == RING_OK)
		i++;
	ck_assert_uint_eq(i, CHANNEL_JOBS);
	ck_assert_int_eq(submit(i), RING_FULL);
}
END_TEST

static bool
rings(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

START_TEST(only_a_sleeper_is_rung_for)
{
	struct done *d;

	ck_assert_int_eq(submit(1), RING_OK);
	ck_assert(!rings(wire.bell));
	ck_assert(!wire_sleep(&wire));
	ck_assert_int_eq(answer(&wire, 1), RING_OK);
	ck_assert(!rings(ch->bell));
	ck_assert_int_eq(channel_complete(ch, &d, &err), RING_OK);
	free(d);
	ck_assert(channel_sleep(ch));
	ck_assert(wire_sleep_space(&wire));
	ck_assert_int_eq(submit(2), RING_OK);
	ck_assert(!rings(wire.bell));
	ck_assert_int_eq(channel_release(ch, 1), RING_OK);
	ck_assert(rings(wire.bell));
	ck_assert_int_eq(wire_wake(&wire), 0);
	ck_assert(!rings(wire.bell));
	ck_assert_int_eq(answer(&wire, 2), RING_OK);
	ck_assert(rings(ch->bell));
	ck_assert_int_eq(channel_wake(ch), 0);
	ck_assert(!rings(ch->bell));
}
END_TEST

START_TEST(outputs_outlive_their_worker)
{
	struct done *d;

	ck_assert_int_eq(submit(3), RING_OK);
	ck_assert_int_eq(answer(&wire, 3), RING_OK);
	ck_assert_int_eq(channel_complete(ch, &d, &err), RING_OK);
	channel_get(ch);
	wire_close(&wire);
	channel_detach(ch);
	channel_put(ch);
	check_answer(d, 3);
	ck_assert_int_eq(channel_release(ch, 3), RING_OK);
	ck_assert_int_eq(submit(4), RING_FULL);
	free(d);
	wire.bell = -1;
}
END_TEST

START_TEST(a_worker_cannot_write_what_is_ours)
{
	ck_assert_int_eq(mprotect(wire.to.data, 4096, PROT_READ | PROT_WRITE),
	    -1);
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, wire.to.fd,
	    0), MAP_FAILED);
	ck_assert_int_eq(ftruncate(wire.from.fd, 0), -1);
}
END_TEST

START_TEST(the_arena_can_be_given_back)
{
	wire.arena[5] = 5;
	ck_assert_uint_eq(ch->arena[5], 5);
	channel_trim(ch);
	ck_assert_uint_eq(ch->arena[5], 5);
	wire_trim(&wire);
	ck_assert_uint_eq(ch->arena[5], 0);
}
END_TEST

/* Until poll() says so, or the worker is late. */
static bool
wait_bell(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, LIMIT_MS) == 1;
}

static void
serve(void)
{
	struct wire w = wire;
	struct job *j;
	uint64_t id;
	enum ring_result r;

	for (;;) {
		r = wire_next(&w, &j, &err);
		if (r == RING_BAD)
			_exit(1);
		if (r == RING_EMPTY && wire_sleep(&w))
			if (!wait_bell(w.bell) || wire_wake(&w) == -1)
				_exit(2);
		if (r == RING_EMPTY)
			continue;
		while (wire_released(&w, &id) == RING_OK)
			continue;
		if (answer(&w, j->id) != RING_OK)
			_exit(3);
		if (j->id == JOBS - 1)
			_exit(0);
		free(j);
	}
}

static uint64_t
take_all(uint64_t next)
{
	struct done *d;
	enum ring_result r;

	while ((r = channel_complete(ch, &d, &err)) == RING_OK) {
		check_answer(d, next++);
		ck_assert_int_eq(channel_release(ch, d->job), RING_OK);
		free(d);
	}
	ck_assert_int_eq(r, RING_EMPTY);
	return next;
}

START_TEST(two_processes_agree)
{
	uint64_t in = 0, out = 0;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		serve();
	while (out < JOBS) {
		while (in < JOBS && in - out < 1 + in % 3 &&
		    submit(in) == RING_OK)
			in++;
		out = take_all(out);
		if (in == out || !channel_sleep(ch))
			continue;
		ck_assert_msg(wait_bell(ch->bell), "lost after %u",
		    (unsigned)out);
		ck_assert_int_eq(channel_wake(ch), 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static uint32_t seed = 1;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525U + 1013904223U;
	return (uint32_t)(((uint64_t)seed * n) >> 32);
}

/* One kind of malice after another, until killed. */
static void
attack(void)
{
	struct from_memory *m = (struct from_memory *)wire.from.data;
	unsigned char *p = wire.from.data;
	char junk[256];

	for (;;) {
		switch (rnd(6)) {
		case 0:
			for (int i = 0; i < 1000; i++)
				p[rnd(4096)] = (unsigned char)rnd(256);
			break;
		case 1:
			for (int i = 0; i < 1000; i++)
				m->desc[rnd(4096)] = (unsigned char)rnd(256);
			break;
		case 2:
			atomic_store(&m->complete_entry[rnd(MEMORY_DONES)],
			    memory_entry(8 * rnd(100), 8 * rnd(100)));
			atomic_fetch_add(&m->complete.pushed, 1);
			break;
		case 3:
			while (send(wire.bell, junk, sizeof(junk),
			    MSG_DONTWAIT) > 0)
				continue;
			break;
		case 4:
			while (recv(wire.bell, junk, sizeof(junk),
			    MSG_DONTWAIT) > 0)
				continue;
			break;
		case 5:
			for (int fd = 3; fd < 32; fd++)
				(void)fcntl(fd, F_SETFL, 0);
			if (ftruncate(wire.from.fd, 0) == 0)
				_exit(1);
			break;
		}
	}
}

/* Everything the parent ever calls, whatever it gets. */
static void
endure(void)
{
	struct phase_now now;
	struct done *d;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < 200; i++) {
		(void)submit(i);
		if (channel_complete(ch, &d, &err) == RING_OK) {
			for (uint32_t p = 0; p < d->n_parts; p++)
				for (uint32_t o = 0; o < d->part[p].n_out; o++)
					sum += *(const unsigned char *)
					    channel_output(ch,
					    &d->part[p].out[o]);
			free(d);
		}
		(void)channel_release(ch, i);
		(void)channel_phase(ch, clock_ns(), &now);
		if (channel_sleep(ch) || sum == 1)
			(void)channel_wake(ch);
	}
}

START_TEST(a_hostile_worker_is_endured)
{
	int64_t begin = clock_ns();
	pid_t pid = fork();

	if (pid == 0)
		attack();
	for (int i = 0; i < ATTACKS; i++) {
		endure();
		/* Fresh memory on our side of it: its counts start over. */
		if (i % 10 == 0)
			ch->open = 0;
	}
	(void)kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_lt(clock_ns() - begin, 100 * NS_PER_S);
}
END_TEST

/* As endure(), but against counts and entries that look plausible each time. */
START_TEST(plausible_lies_are_endured)
{
	struct from_memory *m = (struct from_memory *)wire.from.data;

	for (int round = 0; round < ATTACKS; round++) {
		teardown();
		setup();
		m = (struct from_memory *)wire.from.data;
		for (uint64_t i = 0; i < 10; i++)
			(void)submit(i);
		for (uint64_t i = 0; i < 10; i++)
			ck_assert_int_eq(answer(&wire, i), RING_OK);
		for (int i = rnd(8) + 1; i > 0; i--)
			m->desc[rnd(10 * 128)] ^= (unsigned char)(1 + rnd(255));
		if (rnd(2) == 0)
			atomic_store(&m->complete_entry[rnd(12)],
			    memory_entry(8 * rnd(160), 8 * rnd(40)));
		if (rnd(3) == 0)
			atomic_store(&m->complete.pushed, rnd(200));
		endure();
	}
}
END_TEST

START_TEST(a_worker_that_rings_without_measure_is_noticed)
{
	char junk[4096] = { 0 };

	ck_assert_int_eq(send(wire.bell, junk, sizeof(junk), MSG_DONTWAIT),
	    (ssize_t)sizeof(junk));
	ck_assert_int_eq(channel_wake(ch), -1);
}
END_TEST

START_TEST(a_worker_that_invents_completions_is_noticed)
{
	struct from_memory *m = (struct from_memory *)wire.from.data;
	struct phase_now now;
	struct done *d;

	ck_assert_int_eq(answer(&wire, 1), RING_OK);
	ck_assert_int_eq(channel_complete(ch, &d, &err), RING_BAD);
	atomic_store(&m->phase, (uint64_t)PHASE_COUNT << MEMORY_PHASE_SHIFT);
	ck_assert(!channel_phase(ch, clock_ns(), &now));
}
END_TEST

START_TEST(a_worker_that_never_pops_is_noticed)
{
	struct done *d;

	for (uint64_t i = 0; i < CHANNEL_JOBS; i++) {
		ck_assert_int_eq(submit(i), RING_OK);
		ck_assert_int_eq(answer(&wire, i), RING_OK);
		ck_assert_int_eq(channel_complete(ch, &d, &err), RING_OK);
		free(d);
	}
	ck_assert_int_eq(submit(0), RING_BAD);
	for (uint64_t i = 0; i < CHANNEL_HELD; i++)
		ck_assert_int_eq(channel_release(ch, i), RING_OK);
	ck_assert_int_eq(channel_release(ch, 0), RING_BAD);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipc_channel");
	TCase *c = tcase_create("channel");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, a_job_goes_there_and_back);
	tcase_add_test(c, as_many_jobs_as_fit_and_no_more);
	tcase_add_test(c, only_a_sleeper_is_rung_for);
	tcase_add_test(c, outputs_outlive_their_worker);
	tcase_add_test(c, a_worker_cannot_write_what_is_ours);
	tcase_add_test(c, the_arena_can_be_given_back);
	tcase_add_test(c, two_processes_agree);
	tcase_add_test(c, a_hostile_worker_is_endured);
	tcase_add_test(c, plausible_lies_are_endured);
	tcase_add_test(c, a_worker_that_rings_without_measure_is_noticed);
	tcase_add_test(c, a_worker_that_invents_completions_is_noticed);
	tcase_add_test(c, a_worker_that_never_pops_is_noticed);
	suite_add_tcase(s, c);
	return suite_run(s);
}
