/* When to act on a folder that changes, and how inotify is understood. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/size.h"
#include "parent/folders.h"
#include "parent/pace.h"
#include "scratch.h"
#include "suite.h"

/* pace */

#define S	NS_PER_S
#define T	(1000 * S)	/* when it all begins */

static struct pace	p;

/* What is due then is judged; the verdict, or WAIT if nothing is. */
static enum verdict
judge(int64_t now, uint64_t stamp)
{
	struct change *c = pace_due(&p, now);
	enum verdict v;

	if (c == NULL)
		return VERDICT_WAIT;
	v = pace_judge(c, stamp, now);
	if (v != VERDICT_WAIT)
		pace_drop(&p, c);
	return v;
}

START_TEST(events_end_in_quiet)
{
	/* A copy that takes a minute. */
	for (int64_t i = 0; i < 60; i++) {
		ck_assert_int_eq(pace_event(&p, "m", T + i * S), 0);
		ck_assert_int_eq(judge(T + i * S + S - 1, (uint64_t)i + 1),
		    VERDICT_WAIT);
	}
	ck_assert_int_eq(pace_next(&p), T + 61 * S);
	ck_assert_ptr_null(pace_due(&p, T + 61 * S - 1));
	ck_assert_int_eq(judge(T + 61 * S, 99), VERDICT_ACT);
	ck_assert_int_eq(pace_next(&p), 0);
}
END_TEST

START_TEST(models_do_not_wait_for_each_other)
{
	(void)pace_event(&p, "a", T);
	(void)pace_event(&p, "b", T + S);
	ck_assert_int_eq(judge(T + 2 * S, 1), VERDICT_ACT);
	ck_assert_ptr_null(pace_find(&p, "a"));
	ck_assert_ptr_nonnull(pace_find(&p, "b"));
	ck_assert_int_eq(pace_next(&p), T + 3 * S);
	ck_assert_int_eq(judge(T + 2 * S, 1), VERDICT_WAIT);
	ck_assert_int_eq(judge(T + 3 * S, 1), VERDICT_ACT);
}
END_TEST

START_TEST(gone_is_gone_after_five_seconds)
{
	(void)pace_event(&p, "m", T);
	ck_assert_int_eq(judge(T + 2 * S, 0), VERDICT_WAIT);
	ck_assert_int_eq(pace_next(&p), T + 5 * S);
	ck_assert_int_eq(judge(T + 5 * S, 0), VERDICT_RETIRE);
	/* One that comes back meanwhile is a change. */
	(void)pace_event(&p, "m", T);
	ck_assert_int_eq(judge(T + 2 * S, 0), VERDICT_WAIT);
	(void)pace_event(&p, "m", T + 4 * S);
	ck_assert_int_eq(judge(T + 5 * S, 1), VERDICT_WAIT);
	ck_assert_int_eq(judge(T + 6 * S, 1), VERDICT_ACT);
}
END_TEST

/* Nobody tells of changes: two looks have to agree. */
START_TEST(looks_have_to_agree)
{
	(void)pace_look(&p, "m", 1, T);
	ck_assert_int_eq(judge(T + 2 * S, 2), VERDICT_WAIT);
	ck_assert_int_eq(judge(T + 4 * S, 3), VERDICT_WAIT);
	ck_assert_int_eq(pace_next(&p), T + 6 * S);
	ck_assert_int_eq(judge(T + 6 * S, 3), VERDICT_ACT);
	/* Gone without a word: five seconds, too. */
	(void)pace_look(&p, "m", 0, T);
	ck_assert_int_eq(judge(T + 2 * S, 0), VERDICT_WAIT);
	ck_assert_int_eq(judge(T + 4 * S, 0), VERDICT_WAIT);
	ck_assert_int_eq(judge(T + 5 * S, 0), VERDICT_RETIRE);
	/* Back, unheard: it may still be coming. */
	(void)pace_look(&p, "m", 0, T);
	ck_assert_int_eq(judge(T + 5 * S, 7), VERDICT_WAIT);
	ck_assert_int_eq(judge(T + 7 * S, 7), VERDICT_ACT);
}
END_TEST

START_TEST(noise_is_not_waited_for)
{
	int64_t now = T;

	/* Events that change nothing that counts: looks agree. */
	(void)pace_event(&p, "m", now);
	(void)pace_look(&p, "m", 5, now + S);
	(void)pace_event(&p, "m", now + 2 * S);
	ck_assert_int_eq(judge(now + 3 * S, 5), VERDICT_WAIT);
	(void)pace_look(&p, "m", 5, now + 3 * S);
	ck_assert_int_eq(judge(now + 3 * S, 5), VERDICT_ACT);
	/* And where nothing ever agrees there is an end, too. */
	while (pace_find(&p, "m") != NULL || now == T) {
		(void)pace_event(&p, "m", now);
		now += S;
		(void)judge(now, (uint64_t)now);
		ck_assert_int_le(now, T + PACE_NOISE_NS + 3 * S);
	}
	ck_assert_int_ge(now, T + PACE_NOISE_NS);
}
END_TEST

static void
forget_all(void)
{
	pace_drop_all(&p);
}

/* folders */

static struct folders	f;
static char		heard[4096];

static void
hear_event(void *arg, const char *model, const char *name, uint32_t mask)
{
	size_t n = strlen(heard);

	(void)arg;
	(void)snprintf(heard + n, sizeof(heard) - n, "%s/%s%s ",
	    model != NULL ? model : "?", name,
	    mask & IN_IGNORED ? " ignored" : "");
}

/* What the kernel has to say, all of it. */
static const char *
listen(void)
{
	char bytes[65536];
	ssize_t n = read(f.fd, bytes, sizeof(bytes));

	heard[0] = '\0';
	if (n > 0)
		folders_hear(&f, bytes, (size_t)n, hear_event, NULL);
	return heard;
}

static void
open_folders(void)
{
	struct err e;

	setup();
	ck_assert_int_eq(folders_open(&f, &e), 0);
}

static void
close_folders(void)
{
	folders_close(&f);
	teardown();
}

static void
cover(const char *model)
{
	struct conf_list dirs = { NULL, 0 };

	(void)conf_list_add(&dirs, dir);
	folders_cover(&f, dir, "");
	folders_cover_model(&f, &dirs, model);
	conf_list_free(&dirs);
}

START_TEST(folders_tell_whose_they_are)
{
	(void)put("m/1/model.onnx", "x");
	(void)put("m/docs/a", "x");
	cover("m");
	ck_assert_uint_eq(f.n, 3);
	cover("m");
	ck_assert_uint_eq(f.n, 3);
	(void)put("m/1/model.onnx", "other");
	ck_assert_ptr_nonnull(strstr(listen(), "m/model.onnx "));
	(void)put("m/config.pbtxt", "x");
	ck_assert_ptr_nonnull(strstr(listen(), "m/config.pbtxt "));
	(void)put("n/1/model.onnx", "x");
	ck_assert_str_eq(listen(), "/n ");
	(void)put("m/docs/a", "other");
	ck_assert_str_eq(listen(), "");
}
END_TEST

START_TEST(folders_may_have_several_models)
{
	char path[256];

	(void)put("m/1/model.onnx", "x");
	(void)snprintf(path, sizeof(path), "%s/twin", dir);
	ck_assert_int_eq(symlink("m", path), 0);
	cover("m");
	cover("twin");
	ck_assert_uint_eq(f.n, 5);
	(void)put("m/1/model.onnx", "other");
	ck_assert_ptr_nonnull(strstr(listen(), "m/model.onnx "));
	ck_assert_ptr_nonnull(strstr(heard, "twin/model.onnx "));
	/* The one is not covered any more; the other still is. */
	folders_begin(&f);
	cover("m");
	folders_sweep(&f);
	ck_assert_uint_eq(f.n, 3);
	(void)put("m/1/model.onnx", "third");
	ck_assert_ptr_nonnull(strstr(listen(), "m/model.onnx "));
	ck_assert_ptr_null(strstr(heard, "twin"));
	folders_begin(&f);
	folders_sweep(&f);
	ck_assert_uint_eq(f.n, 0);
	(void)put("m/1/model.onnx", "fourth");
	ck_assert_ptr_null(strstr(listen(), "model.onnx"));
}
END_TEST

START_TEST(folders_that_go_are_forgotten)
{
	char path[256];

	(void)put("m/1/model.onnx", "x");
	cover("m");
	(void)snprintf(path, sizeof(path), "%s/m/1/model.onnx", dir);
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_ptr_nonnull(strstr(listen(), "ignored"));
	ck_assert_uint_eq(f.n, 2);
}
END_TEST

START_TEST(lost_events_are_told)
{
	struct inotify_event lost = { .wd = -1, .mask = IN_Q_OVERFLOW };
	char bytes[2 * sizeof(lost)];

	heard[0] = '\0';
	memcpy(bytes, &lost, sizeof(lost));
	/* A second one, cut short, is none. */
	lost.len = 16;
	memcpy(bytes + sizeof(lost), &lost, sizeof(lost));
	folders_hear(&f, bytes, sizeof(bytes), hear_event, NULL);
	ck_assert_str_eq(heard, "?/ ");
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("parent");
	TCase *c = tcase_create("pace");

	tcase_add_checked_fixture(c, NULL, forget_all);
	tcase_add_test(c, events_end_in_quiet);
	tcase_add_test(c, models_do_not_wait_for_each_other);
	tcase_add_test(c, gone_is_gone_after_five_seconds);
	tcase_add_test(c, looks_have_to_agree);
	tcase_add_test(c, noise_is_not_waited_for);
	suite_add_tcase(s, c);
	c = tcase_create("folders");
	tcase_add_checked_fixture(c, open_folders, close_folders);
	tcase_add_test(c, folders_tell_whose_they_are);
	tcase_add_test(c, folders_may_have_several_models);
	tcase_add_test(c, folders_that_go_are_forgotten);
	tcase_add_test(c, lost_events_are_told);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return suite_run(suite());
}
