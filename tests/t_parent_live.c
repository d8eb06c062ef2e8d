/* Supervision, batching, splitting and replay, with fake workers. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "parent/conf.h"
#include "parent/models.h"
#include "parent/queue.h"
#include "parent/sup.h"
#include "parent/workers.h"
#include "parent_world.h"
#include "suite.h"

/* First elements that make a fake worker misbehave: tests/fake_worker.c. */
enum { CRASH = 1001, HANG, SLOW, LIE_JOB, LIE_PARTS, LIE_TYPE, GARBLE, QUIT,
    FAIL, FAIL_IN_COMPANY, FLOOD, CHATTER };

static struct world	w;
static struct ask	asks[256];

static void
begin(const char *settings, const char *env, const char *models)
{
	memset(asks, 0, sizeof(asks));
	world_open(&w, settings, env, models);
}

static void
begin_ready(const char *settings, const char *env)
{
	begin(settings, env, "fake.onnx");
	world_until(&w, world_ready(&w, "fake"));
}

static void
ask_all(int from, int to, float x)
{
	for (int i = from; i < to; i++)
		ck_assert_msg(world_ask(&w, &asks[i], "fake", x + (float)i, 1,
		    4) == 0, "%s", asks[i].err.text);
}

static bool
all_done(int from, int to)
{
	for (int i = from; i < to; i++)
		if (!asks[i].done)
			return false;
	return true;
}

static void
check_all(int from, int to, float x)
{
	world_until(&w, all_done(from, to));
	for (int i = from; i < to; i++)
		ck_assert_msg(world_good(&asks[i], x + (float)i, 1, 4),
		    "%d: %s", i, asks[i].err.text);
}

static uint32_t
answered(int from, int to)
{
	uint32_t n = 0;

	for (int i = from; i < to; i++)
		n += asks[i].done;
	return n;
}

static struct version_stats *
stats(void)
{
	return &models_version(w.p.models, "fake", NULL, NULL)->stats;
}

START_TEST(a_request_is_answered)
{
	begin_ready("", "FAKE_ROWS=1");
	ask_all(0, 1, 5);
	ck_assert(!asks[0].done);		/* never from inside submit */
	check_all(0, 1, 5);
	ck_assert_uint_eq(stats()->success.count, 1);
	ck_assert_uint_eq(stats()->execution_count, 1);
	ck_assert_ptr_null(w.p.queue->active);
	ck_assert_uint_eq(w.p.queue->open, 0);
	world_close(&w);
}
END_TEST

START_TEST(what_queues_becomes_a_batch)
{
	begin_ready("queue.batch=8", "FAKE_ROWS=1 FAKE_MS=5");
	ask_all(0, 64, 0);
	check_all(0, 64, 0);
	ck_assert_uint_eq(stats()->inference_count, 64);
	ck_assert_uint_le(stats()->execution_count, 16);
	ck_assert_uint_ge(stats()->execution_count, 8);
	world_close(&w);
}
END_TEST

START_TEST(unlike_shapes_do_not_share)
{
	begin_ready("", "FAKE_ROWS=1");
	for (int i = 0; i < 20; i++)
		(void)world_ask(&w, &asks[i], "fake", (float)i, 1, 1 + i % 2);
	world_until(&w, all_done(0, 20));
	for (int i = 0; i < 20; i++)
		ck_assert(world_good(&asks[i], (float)i, 1, 1 + i % 2));
	ck_assert_uint_ge(stats()->execution_count, 2);
	world_close(&w);
}
END_TEST

START_TEST(what_is_not_batchable_runs_alone)
{
	begin_ready("", "FAKE_MS=1");
	ask_all(0, 10, 0);
	check_all(0, 10, 0);
	ck_assert_uint_eq(stats()->execution_count, 10);
	world_close(&w);
}
END_TEST

START_TEST(a_large_request_is_split_and_joined)
{
	begin_ready("queue.batch=16 worker.count=2", "FAKE_ROWS=1 FAKE_MS=5");
	ck_assert_int_eq(world_ask(&w, &asks[0], "fake", 0, 100, 3), 0);
	world_until(&w, asks[0].done);
	ck_assert_uint_eq(asks[0].pieces, 7);
	ck_assert(world_good(&asks[0], 0, 100, 3));
	ck_assert_uint_eq(stats()->inference_count, 100);
	world_close(&w);
}
END_TEST

START_TEST(both_workers_work)
{
	struct worker_info a, b;

	begin_ready("worker.count=2 queue.batch=1", "FAKE_ROWS=1 FAKE_MS=5");
	world_until(&w, workers_info(w.p.sup, 1, &b) && b.models == 1);
	ask_all(0, 40, 0);
	check_all(0, 40, 0);
	ck_assert(workers_info(w.p.sup, 0, &a) && workers_info(w.p.sup, 1, &b));
	ck_assert_uint_gt(a.requests, 5);
	ck_assert_uint_gt(b.requests, 5);
	ck_assert_uint_eq(a.requests + b.requests, 40);
	world_close(&w);
}
END_TEST

START_TEST(a_killed_worker_costs_nobody_an_answer)
{
	uint32_t before;

	begin_ready("queue.batch=4", "FAKE_ROWS=1 FAKE_MS=10");
	ask_all(0, 60, 0);
	for (int i = 0; i < 3; i++) {
		/* Suspects are through, so that nobody is hit alone twice. */
		before = answered(0, 60);
		world_until(&w, answered(0, 60) >= before + 8);
		world_kill(&w, 0, SIGKILL);
		world_until(&w, w.p.stats.deaths == (uint64_t)i + 1);
	}
	check_all(0, 60, 0);
	ck_assert_uint_eq(w.p.stats.restarts, 3);
	ck_assert_uint_gt(w.p.stats.replays, 0);
	ck_assert_uint_eq(stats()->fail.count, 0);
	world_close(&w);
}
END_TEST

/* One of a batch kills its worker twice alone: it fails, nobody else does. */
START_TEST(only_the_killer_fails)
{
	begin_ready("queue.batch=8", "FAKE_ROWS=1 FAKE_MS=5");
	ask_all(0, 4, 0);
	ck_assert_int_eq(world_ask(&w, &asks[200], "fake", CRASH, 1, 4), 0);
	ask_all(4, 20, 0);
	check_all(0, 20, 0);
	world_until(&w, asks[200].done);
	ck_assert_int_eq(asks[200].err.code, ERR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(asks[200].err.text, "2 workers died"));
	ck_assert_uint_eq(w.p.stats.deaths, 3);
	world_close(&w);
}
END_TEST

START_TEST(the_second_death_is_on_another_device)
{
	struct worker_info a, b;

	begin_ready("worker.devices=all", "FAKE_ROWS=1 FAKE_DEVICES=A#0,B#0");
	world_until(&w, workers_info(w.p.sup, 0, &a) && a.models == 1 &&
	    workers_info(w.p.sup, 1, &b) && b.models == 1);
	ck_assert_int_eq(world_ask(&w, &asks[0], "fake", CRASH, 1, 4), 0);
	world_until(&w, asks[0].done);
	ck_assert_int_eq(asks[0].err.code, ERR_INTERNAL);
	world_until(&w, sup_ready(w.p.sup) == 2);
	ck_assert(workers_info(w.p.sup, 0, &a) && workers_info(w.p.sup, 1, &b));
	ck_assert_uint_eq(a.restarts, 1);
	ck_assert_uint_eq(b.restarts, 1);
	world_close(&w);
}
END_TEST

START_TEST(a_hung_worker_is_replaced)
{
	begin_ready("queue.batch=4 worker.run_timeout=200ms",
	    "FAKE_ROWS=1 FAKE_MS=1");
	ask_all(0, 4, 0);
	ck_assert_int_eq(world_ask(&w, &asks[200], "fake", HANG, 1, 4), 0);
	ask_all(4, 10, 0);
	check_all(0, 10, 0);
	world_until(&w, asks[200].done);
	ck_assert_int_eq(asks[200].err.code, ERR_INTERNAL);
	ck_assert_uint_ge(w.p.stats.kills, 2);
	world_close(&w);
}
END_TEST

START_TEST(a_stopped_worker_is_replaced)
{
	struct worker_info info;

	begin_ready(_i == 0 ? "worker.run_timeout=200ms" :
	    "worker.run_timeout=1h", "FAKE_ROWS=1");
	world_kill(&w, 0, SIGSTOP);
	ask_all(0, 10, 0);
	check_all(0, 10, 0);
	ck_assert_uint_eq(w.p.stats.kills, 1);
	ck_assert(workers_info(w.p.sup, 0, &info));
	ck_assert_ptr_nonnull(strstr(info.death, _i == 0 ? "for more than" :
	    "stopped by a signal"));
	world_close(&w);
}
END_TEST

/*
 * A liar is killed; what it had is answered by the next worker.  Who made two
 * of them lie fails; garbage may do no harm to its own answer.
 */
START_TEST(a_lying_worker_is_replaced)
{
	begin_ready("queue.batch=1", "FAKE_ROWS=1");
	ck_assert_int_eq(world_ask(&w, &asks[200], "fake", (float)_i, 1, 4), 0);
	ask_all(0, 4, 0);
	world_until(&w, asks[200].done);
	check_all(0, 4, 0);
	if (_i != GARBLE) {
		ck_assert_int_eq(asks[200].err.code, ERR_INTERNAL);
		ck_assert_uint_eq(w.p.stats.rings_bad, 2);
	}
	world_close(&w);
}
END_TEST

START_TEST(an_error_belongs_to_its_request)
{
	begin_ready("queue.batch=8", "FAKE_ROWS=1 FAKE_MS=5");
	ask_all(0, 4, 0);
	ck_assert_int_eq(world_ask(&w, &asks[200], "fake", FAIL, 1, 4), 0);
	ck_assert_int_eq(world_ask(&w, &asks[201], "fake", FAIL_IN_COMPANY, 1,
	    4), 0);
	ask_all(4, 8, 0);
	check_all(0, 8, 0);
	world_until(&w, all_done(200, 202));
	ck_assert_int_eq(asks[200].err.code, ERR_INVALID);
	ck_assert_str_eq(asks[200].err.text, "the fake does not like it");
	ck_assert(world_good(&asks[201], FAIL_IN_COMPANY, 1, 4));
	ck_assert_uint_eq(w.p.stats.deaths, 0);
	world_close(&w);
}
END_TEST

START_TEST(deadlines_are_kept)
{
	begin_ready("queue.timeout=100ms", "FAKE_ROWS=1");
	ck_assert_int_eq(world_ask(&w, &asks[0], "fake", SLOW, 1, 4), 0);
	world_run_ms(&w, 30);
	ck_assert_int_eq(world_ask(&w, &asks[1], "fake", SLOW, 1, 4), 0);
	ask_all(2, 5, 0);
	world_until(&w, all_done(0, 5));
	ck_assert_int_eq(asks[1].err.code, ERR_UNAVAILABLE);
	ck_assert_str_eq(asks[1].err.text, "Request timeout expired");
	/* The worker is none the worse for it. */
	world_run_ms(&w, 300);
	ask_all(10, 11, 0);
	check_all(10, 11, 0);
	ck_assert_uint_eq(w.p.stats.deaths, 0);
	world_close(&w);
}
END_TEST

START_TEST(a_full_queue_refuses)
{
	int refused = 0;

	begin_ready("queue.size=5 queue.batch=1", "FAKE_ROWS=1 FAKE_MS=20");
	for (int i = 0; i < 20; i++)
		if (world_ask(&w, &asks[i], "fake", (float)i, 1, 4) == -1) {
			ck_assert_int_eq(asks[i].err.code, ERR_UNAVAILABLE);
			ck_assert_str_eq(asks[i].err.text,
			    "Exceeds maximum queue size");
			refused++;
		}
	ck_assert_int_eq(refused, 15);
	check_all(0, 5, 0);
	ck_assert_uint_eq(stats()->refused, 15);
	world_close(&w);
}
END_TEST

START_TEST(cancelled_work_is_dropped)
{
	begin_ready("queue.batch=1", "FAKE_ROWS=1 FAKE_MS=200");
	ask_all(0, 10, 0);
	world_run_ms(&w, 5);
	for (int i = 0; i < 10; i += 2) {
		request_cancel(asks[i].r);
		asks[i].r = NULL;
	}
	for (int i = 1; i < 10; i += 2)
		check_all(i, i + 1, 0);
	world_run_ms(&w, 300);
	for (int i = 0; i < 10; i += 2)
		ck_assert_uint_eq(asks[i].calls, 0);
	ck_assert_uint_le(stats()->execution_count, 7);
	ck_assert_uint_eq(w.p.queue->open, 0);
	world_close(&w);
}
END_TEST

/* Outputs stay readable when the worker that made them is gone. */
START_TEST(outputs_outlive_their_worker)
{
	const int64_t columns = 100000;
	const float *y;
	struct hold *h;

	begin_ready("", "FAKE_ROWS=1");
	asks[0].keep = true;
	ck_assert_int_eq(world_ask(&w, &asks[0], "fake", 3, 1, columns), 0);
	world_until(&w, asks[0].done);
	y = asks[0].r->out[0].pieces[0].data;
	h = asks[0].r->out[0].pieces[0].hold;
	hold_get(h);
	request_free(asks[0].r);
	world_kill(&w, 0, SIGKILL);
	world_until(&w, w.p.stats.restarts == 1 && sup_ready(w.p.sup) == 1);
	ck_assert_float_eq(y[0], 6);
	ck_assert_float_eq(y[columns - 1], 2 * (float)(columns - 1));
	hold_put(h);
	world_close(&w);
}
END_TEST

struct slow_client {
	struct holder	 holder;	/* first */
	unsigned	 asked;
};

static void
copy_out(struct holder *h)
{
	((struct slow_client *)h)->asked++;
	holder_remove(h);
}

/*
 * Four outputs of 300 KB do not fit into 1 MiB: the holders are asked to copy.
 */
START_TEST(a_short_arena_is_given_back)
{
	struct slow_client slow[4];

	memset(slow, 0, sizeof(slow));
	begin_ready("worker.output=1M worker.run_timeout=400ms "
	    "worker.hold_timeout=1h queue.batch=0", "");
	for (int i = 0; i < 4; i++) {
		asks[i].keep = true;
		ck_assert_int_eq(world_ask(&w, &asks[i], "fake", 3, 1, 75000),
		    0);
		world_until(&w, asks[i].done);
		ck_assert_int_eq(asks[i].err.code, ERR_NONE);
		slow[i].holder.copy = copy_out;
		holder_add(&slow[i].holder,
		    asks[i].r->out[0].pieces[0].hold);
		request_free(asks[i].r);
	}
	ck_assert_uint_eq(slow[0].asked, 1);
	ck_assert_uint_eq(w.p.stats.deaths, 0);
	for (int i = 0; i < 4; i++)
		holder_remove(&slow[i].holder);
	world_close(&w);
}
END_TEST

START_TEST(priority_overtakes)
{
	struct version *v;

	begin("queue.batch=1", "FAKE_ROWS=1 FAKE_MS=5", "fake/1/model.onnx "
	    "fake/config.pbtxt");
	world_model(&w, "fake/config.pbtxt", "max_batch_size: 1 "
	    "dynamic_batching { priority_levels: 2 default_priority_level: 2 "
	    "}");
	models_reload(w.p.models);
	world_until(&w, world_ready(&w, "fake"));
	v = models_version(w.p.models, "fake", NULL, NULL);
	ck_assert_uint_eq(v->config->priorities, 2);
	ask_all(0, 30, 0);
	world_priority = 1;
	ask_all(30, 33, 0);
	world_priority = 0;
	world_until(&w, all_done(30, 33));
	ck_assert_uint_lt(answered(0, 30), 15);
	check_all(0, 33, 0);
	world_close(&w);
}
END_TEST

/* With nothing else to do, it waits for company only if that was asked for. */
START_TEST(a_delay_fills_the_batch)
{
	begin_ready("queue.delay=5s queue.batch=4", "FAKE_ROWS=1");
	ask_all(0, 3, 0);
	world_run_ms(&w, 50);
	ck_assert_uint_eq(answered(0, 3), 0);
	ask_all(3, 4, 0);
	check_all(0, 4, 0);
	ck_assert_uint_eq(stats()->execution_count, 1);
	world_close(&w);
}
END_TEST

/* One model's flood leaves the other its half of the device. */
START_TEST(models_share_a_device)
{
	begin("queue.batch=1", "FAKE_ROWS=1 FAKE_MS=4", "fake.onnx b.onnx");
	world_until(&w, world_ready(&w, "fake") && world_ready(&w, "b"));
	ask_all(0, 100, 0);
	world_run_ms(&w, 30);
	for (int i = 100; i < 110; i++)
		ck_assert_int_eq(world_ask(&w, &asks[i], "b", (float)i, 1, 4),
		    0);
	world_until(&w, all_done(100, 110));
	ck_assert_uint_lt(answered(0, 100), 50);
	check_all(0, 100, 0);
	world_close(&w);
}
END_TEST

START_TEST(a_slow_client_is_asked_to_copy)
{
	struct slow_client slow;

	memset(&slow, 0, sizeof(slow));
	begin_ready("worker.hold_timeout=50ms", "FAKE_ROWS=1");
	slow.holder.copy = copy_out;
	asks[0].keep = true;
	ck_assert_int_eq(world_ask(&w, &asks[0], "fake", 3, 1, 75000), 0);
	world_until(&w, asks[0].done);
	holder_add(&slow.holder, asks[0].r->out[0].pieces[0].hold);
	request_free(asks[0].r);
	world_until(&w, slow.asked == 1);
	ck_assert_uint_eq(w.p.sup->slot[0]->holds, 0);
	world_close(&w);
}
END_TEST

START_TEST(draining_ends_the_workers)
{
	begin_ready("", "FAKE_ROWS=1");
	ask_all(0, 5, 0);
	check_all(0, 5, 0);
	sup_stop(w.p.sup);
	world_until(&w, sup_stopped(w.p.sup));
	ck_assert_uint_eq(w.p.stats.deaths, 0);
	ck_assert_uint_eq(w.p.stats.kills, 0);
	world_close(&w);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("parent");
	TCase *c = tcase_create("live");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_request_is_answered);
	tcase_add_test(c, what_queues_becomes_a_batch);
	tcase_add_test(c, unlike_shapes_do_not_share);
	tcase_add_test(c, what_is_not_batchable_runs_alone);
	tcase_add_test(c, a_large_request_is_split_and_joined);
	tcase_add_test(c, both_workers_work);
	tcase_add_test(c, a_killed_worker_costs_nobody_an_answer);
	tcase_add_test(c, only_the_killer_fails);
	tcase_add_test(c, the_second_death_is_on_another_device);
	tcase_add_test(c, a_hung_worker_is_replaced);
	tcase_add_loop_test(c, a_stopped_worker_is_replaced, 0, 2);
	tcase_add_loop_test(c, a_lying_worker_is_replaced, LIE_JOB,
	    GARBLE + 1);
	tcase_add_loop_test(c, a_lying_worker_is_replaced, FLOOD,
	    CHATTER + 1);
	tcase_add_test(c, an_error_belongs_to_its_request);
	tcase_add_test(c, deadlines_are_kept);
	tcase_add_test(c, a_full_queue_refuses);
	tcase_add_test(c, cancelled_work_is_dropped);
	tcase_add_test(c, outputs_outlive_their_worker);
	tcase_add_test(c, a_short_arena_is_given_back);
	tcase_add_test(c, priority_overtakes);
	tcase_add_test(c, a_delay_fills_the_batch);
	tcase_add_test(c, models_share_a_device);
	tcase_add_test(c, a_slow_client_is_asked_to_copy);
	tcase_add_test(c, draining_ends_the_workers);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return suite_run(suite());
}
