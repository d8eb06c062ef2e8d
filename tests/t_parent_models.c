/* Models that come, go, fail and are replaced; workers that cannot start. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "parent/models.h"
#include "parent/sup.h"
#include "parent/workers.h"
#include "parent_world.h"
#include "suite.h"

static struct world	w;
static struct ask	asks[8];

static void
begin(const char *settings, const char *env, const char *models)
{
	memset(asks, 0, sizeof(asks));
	world_open(&w, settings, env, models);
}

static const char *
reason(const char *model)
{
	struct model *m = models_find(w.p.models, model);

	if (m == NULL || m->versions == NULL ||
	    m->versions->state != VERSION_UNAVAILABLE)
		return NULL;
	return m->versions->reason;
}

START_TEST(a_broken_model_leaves_the_others)
{
	const char *why;

	begin("", "FAKE_ROWS=1", "bad.onnx crash.onnx crash_cached.onnx "
	    "untyped.onnx fake.onnx");
	world_until(&w, world_ready(&w, "fake") && reason("bad") != NULL &&
	    reason("crash") != NULL && reason("untyped") != NULL &&
	    world_ready(&w, "crash_cached"));
	ck_assert_ptr_nonnull(strstr(reason("bad"), "it is bad"));
	ck_assert_ptr_nonnull(strstr(reason("crash"), "signal 6"));
	ck_assert_ptr_nonnull(strstr(reason("untyped"), "control message"));
	ck_assert_uint_eq(w.p.stats.deaths, 7);
	world_until(&w, parent_ready(&w.p, &why));
	ck_assert_int_eq(world_ask(&w, &asks[0], "fake", 1, 1, 4), 0);
	world_until(&w, asks[0].done);
	ck_assert(world_good(&asks[0], 1, 1, 4));
	world_close(&w);
}
END_TEST

START_TEST(a_worker_that_cannot_start_opens_the_breaker)
{
	struct worker_info info;
	const char *why = NULL;

	begin("", "FAKE_START=crash", "fake.onnx");
	world_until(&w, w.p.sup->n == 1 && !sup_hopeful(w.p.sup));
	ck_assert(workers_info(w.p.sup, 0, &info));
	ck_assert_int_eq(info.state, WORKER_BROKEN);
	ck_assert_ptr_nonnull(strstr(info.death, "cannot start"));
	ck_assert_uint_eq(w.p.stats.deaths, 5);
	ck_assert(!parent_ready(&w.p, &why));
	/* SIGHUP tries again. */
	(void)setenv("FAKE_START", "", 1);
	sup_reload(w.p.sup);
	world_until(&w, world_ready(&w, "fake"));
	world_close(&w);
}
END_TEST

START_TEST(no_device_is_a_state)
{
	const char *why = NULL;

	begin("", "FAKE_DEVICES=,", "fake.onnx");
	world_until(&w, w.p.sup->listed);
	ck_assert(!parent_ready(&w.p, &why));
	ck_assert_str_eq(why, "no worker is ready");
	(void)setenv("FAKE_DEVICES", "Late/cpu#0", 1);
	sup_reload(w.p.sup);
	world_until(&w, parent_ready(&w.p, &why));
	world_close(&w);
}
END_TEST

START_TEST(another_build_is_refused)
{
	begin("", "FAKE_START=build", "fake.onnx");
	world_until(&w, w.p.stats.rings_bad >= 2);
	ck_assert_uint_eq(sup_ready(w.p.sup), 0);
	world_close(&w);
}
END_TEST

static bool	told;
static struct err told_err;

static void
on_loaded(void *arg, const struct err *e)
{
	(void)arg;
	told = true;
	told_err = *e;
}

static bool	told_second;

static void
on_second(void *arg, const struct err *e)
{
	(void)arg;
	told_second = e->code == ERR_NONE;
}

START_TEST(a_reload_replaces_and_a_failed_one_does_not)
{
	struct version *old, *new;
	struct err e;

	told = false;
	begin("", "FAKE_ROWS=1 FAKE_MS=50", "m/1/model.onnx");
	world_until(&w, world_ready(&w, "m"));
	old = models_version(w.p.models, "m", NULL, &e);
	ck_assert_int_eq(world_ask(&w, &asks[0], "m", 1, 1, 4), 0);
	ck_assert_ptr_nonnull(models_load(w.p.models, "m", on_loaded, NULL,
	    &e));
	ck_assert(!told);
	world_until(&w, told);
	ck_assert_msg(told_err.code == ERR_NONE, "%s", told_err.text);
	new = models_version(w.p.models, "m", NULL, &e);
	ck_assert_ptr_ne(old, new);
	world_until(&w, asks[0].done);
	ck_assert(world_good(&asks[0], 1, 1, 4));
	/* Now a file that does not load. */
	world_model(&w, "m/config.pbtxt",
	    "default_model_filename: \"bad.onnx\"");
	world_model(&w, "m/1/bad.onnx", "x");
	told = false;
	ck_assert_ptr_nonnull(models_load(w.p.models, "m", on_loaded, NULL,
	    &e));
	world_until(&w, told);
	ck_assert_int_ne(told_err.code, ERR_NONE);
	ck_assert_ptr_eq(models_version(w.p.models, "m", NULL, &e), new);
	ck_assert_int_eq(world_ask(&w, &asks[1], "m", 1, 1, 4), 0);
	world_until(&w, asks[1].done);
	ck_assert(world_good(&asks[1], 1, 1, 4));
	world_close(&w);
}
END_TEST

START_TEST(sighup_follows_the_repository)
{
	struct err e;

	told = false;
	begin("", "FAKE_ROWS=1", "a.onnx b.onnx");
	world_until(&w, world_ready(&w, "a") && world_ready(&w, "b"));
	world_no_model(&w, "b.onnx");
	world_model(&w, "c/2/model.onnx", "x");
	world_model(&w, "c/1/model.onnx", "x");
	models_reload(w.p.models);
	world_until(&w, world_ready(&w, "c"));
	ck_assert(!world_ready(&w, "b"));
	ck_assert_int_eq(models_version(w.p.models, "c", NULL, &e)->number, 2);
	ck_assert_ptr_null(models_version(w.p.models, "c", "1", &e));
	ck_assert_int_eq(e.code, ERR_NOT_FOUND);
	/* Unloaded stays unloaded over a reload, until it is loaded. */
	ck_assert_ptr_nonnull(models_unload(w.p.models, "a", on_loaded, NULL,
	    &e));
	world_until(&w, told);
	models_reload(w.p.models);
	ck_assert(!world_ready(&w, "a"));
	ck_assert_ptr_nonnull(models_load(w.p.models, "a", on_loaded, NULL,
	    &e));
	world_until(&w, world_ready(&w, "a"));
	ck_assert_ptr_null(models_load(w.p.models, "none", on_loaded, NULL,
	    &e));
	ck_assert_int_eq(e.code, ERR_NOT_FOUND);
	world_close(&w);
}
END_TEST

/* While there is work, a new model does not take all workers at once. */
START_TEST(loads_leave_somebody_serving)
{
	struct worker_info a, b;
	struct err e;
	bool both = false;
	int64_t i = 0;

	told = false;
	begin("worker.count=2", "FAKE_ROWS=1 FAKE_MS=1", "fake.onnx");
	world_until(&w, workers_info(w.p.sup, 0, &a) && a.models == 1 &&
	    workers_info(w.p.sup, 1, &b) && b.models == 1);
	world_model(&w, "slow.onnx", "x");
	ck_assert_int_eq(world_ask(&w, &asks[0], "fake", 0, 1, 4), 0);
	ck_assert_ptr_nonnull(models_load(w.p.models, "slow", on_loaded, NULL,
	    &e));
	do {
		struct ask *x = &asks[++i % 2];

		memset(x, 0, sizeof(*x));
		ck_assert_int_eq(world_ask(&w, x, "fake", (float)i, 1, 4), 0);
		both |= w.p.sup->slot[0]->loading != NULL &&
		    w.p.sup->slot[1]->loading != NULL;
		world_until(&w, asks[(i + 1) % 2].done);
		ck_assert(workers_info(w.p.sup, 0, &a) &&
		    workers_info(w.p.sup, 1, &b));
	} while (a.models + b.models < 4);
	world_until(&w, asks[i % 2].done);
	ck_assert(!both);
	ck_assert(told);
	world_close(&w);
}
END_TEST

START_TEST(an_unload_ends_a_load)
{
	struct err e, *first = &told_err;
	int64_t end = clock_ns() + NS_PER_S;

	told = false;
	begin("", "FAKE_ROWS=1", "fake.onnx");
	world_until(&w, world_ready(&w, "fake"));
	world_model(&w, "hang.onnx", "x");
	ck_assert_ptr_nonnull(models_load(w.p.models, "hang", on_loaded, NULL,
	    &e));
	while (!told && clock_ns() < end)
		world_run_ms(&w, 20);
	ck_assert(!told);
	ck_assert_ptr_nonnull(models_unload(w.p.models, "hang", on_second,
	    NULL, &e));
	world_until(&w, told && told_second);
	ck_assert_ptr_nonnull(strstr(first->text, "unloaded meanwhile"));
	world_close(&w);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("parent");
	TCase *c = tcase_create("models");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_broken_model_leaves_the_others);
	tcase_add_test(c, a_worker_that_cannot_start_opens_the_breaker);
	tcase_add_test(c, no_device_is_a_state);
	tcase_add_test(c, another_build_is_refused);
	tcase_add_test(c, a_reload_replaces_and_a_failed_one_does_not);
	tcase_add_test(c, sighup_follows_the_repository);
	tcase_add_test(c, loads_leave_somebody_serving);
	tcase_add_test(c, an_unload_ends_a_load);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return suite_run(suite());
}
