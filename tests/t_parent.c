/* The decisions of the parent: pure functions of parent/ and what they read. */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "parent/conf.h"
#include "parent/dispatch.h"
#include "parent/stats.h"
#include "parent/sup.h"
#include "scratch.h"

#define MS	NS_PER_MS
#define S	NS_PER_S

/* conf */

START_TEST(conf_reads_every_kind_of_value)
{
	struct conf *c = conf_new();
	const char *path = put("a.conf", "# comment\n[server]\n"
	    "listen = 127.0.0.1:1, unix:/x\n[limits]\nmemory = 3G\n"
	    "head_timeout = 250ms\nconnections=7\n[worker]\nsandbox = off\n"
	    "devices = a b\n[queue]\ndelay = 0\n"
	    "[models]\ndir = \"/my models\",/b \"/c\n");
	struct err e;

	ck_assert_uint_eq(c->limits_memory, (size_t)2 << 30);
	ck_assert_str_eq(c->server_listen.v[0], "127.0.0.1:8000");
	ck_assert_int_eq(conf_read(c, path, false, hear, NULL, &e), 0);
	ck_assert_uint_eq(c->server_listen.n, 2);
	ck_assert_str_eq(c->server_listen.v[1], "unix:/x");
	ck_assert_uint_eq(c->limits_memory, (size_t)3 << 30);
	ck_assert_int_eq(c->limits_head_ns, 250 * MS);
	ck_assert_uint_eq(c->limits_connections, 7);
	ck_assert_str_eq(c->worker_sandbox, "off");
	ck_assert_str_eq(c->worker_devices, "a b");
	ck_assert_int_eq(c->queue_delay_ns, 0);
	ck_assert_uint_eq(c->models_dir.n, 3);
	ck_assert_str_eq(c->models_dir.v[0], "/my models");
	ck_assert_str_eq(c->models_dir.v[1], "/b");
	ck_assert_str_eq(c->models_dir.v[2], "/c");
	conf_free(c);
}
END_TEST

START_TEST(conf_names_every_mistake)
{
	struct conf *c = conf_new();
	const char *path = put("b.conf", "[limits]\nmemroy = 1G\n\n"
	    "body = 12Q\nconnections = -1\nhead_timeout = 5\nnonsense\n"
	    "[worker]\nsandbox = maybe\n");
	static const char *const want[] = {
		":2: no key \"limits.memroy\"; the nearest is "
		    "\"limits.memory\"",
		":4: limits.body: \"12Q\" is not a number of bytes",
		":5: limits.connections: \"-1\" is not a number",
		":6: limits.head_timeout: \"5\" is not a time",
		":9: worker.sandbox: \"maybe\" is none of",
		":7: neither [section] nor key = value",
	};
	struct err e = { .code = ERR_NONE };

	ck_assert_int_eq(conf_read(c, path, false, hear, NULL, &e), -1);
	ck_assert_int_eq(n_said, (int)nitems(want));
	for (int i = 0; i < n_said; i++)
		ck_assert_msg(strstr(said[i], want[i]) != NULL,
		    "\"%s\" should hold \"%s\"", said[i], want[i]);
	ck_assert_str_eq(e.text, said[0]);
	ck_assert_uint_eq(c->limits_memory, (size_t)2 << 30);
	ck_assert_int_eq(conf_read(c, "/nowhere", true, hear, NULL, &e), 0);
	ck_assert_int_eq(conf_read(c, "/nowhere", false, hear, NULL, &e), -1);
	conf_free(c);
}
END_TEST

START_TEST(conf_folder_is_read_in_order)
{
	struct conf *c = conf_new();
	struct err e;

	(void)put("conf.d/2.conf", "[queue]\nsize = 2\n");
	(void)put("conf.d/1.conf", "[queue]\nsize = 1\nbatch = 4\n");
	(void)put("conf.d/3.txt", "[queue]\nsize = 3\n");
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/conf.d", dir);
	ck_assert_int_eq(conf_read_dir(c, path, hear, NULL, &e), 0);
	ck_assert_uint_eq(c->queue_size, 2);
	ck_assert_uint_eq(c->queue_batch, 4);
	ck_assert_int_eq(conf_set(c, "queue.size=9", &e), 0);
	ck_assert_uint_eq(c->queue_size, 9);
	ck_assert_int_eq(conf_set(c, "queue.size=0", &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "out of range"));
	ck_assert_int_eq(conf_set(c, "queue", &e), -1);
	conf_free(c);
}
END_TEST

/*
 * The default is written back as it reads: nothing in the file is out of date.
 */
START_TEST(conf_prints_what_the_tree_holds)
{
	const char *tree = getenv("srcdir") != NULL ? getenv("srcdir") : SRCDIR;
	char path[PATH_MAX], *at;
	static const char *const places[][2] = {
		{ LOCALSTATEDIR "/", "/var/" }, { DATADIR "/", "/usr/share/" },
	};
	struct buf b, file, text;
	FILE *f;
	int c;

	(void)snprintf(path, sizeof(path), "%s/conf/clinferd.conf", tree);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	buf_init(&file, 1 << 20);
	while ((c = getc(f)) != EOF)
		ck_assert(buf_add(&file, (char[]){ (char)c }, 1));
	(void)fclose(f);
	buf_init(&b, 1 << 20);
	ck_assert(conf_print(&b));
	/* The tree's file is made for Debian's folders. */
	buf_init(&text, 1 << 20);
	for (at = b.data; *at != '\0';) {
		size_t i = 0;

		while (i < nitems(places) && strncmp(at, places[i][0],
		    strlen(places[i][0])) != 0)
			i++;
		if (i == nitems(places)) {
			ck_assert(buf_add(&text, at++, 1));
			continue;
		}
		ck_assert(buf_str(&text, places[i][1]));
		at += strlen(places[i][0]);
	}
	ck_assert_msg(strcmp(text.data, file.data) == 0, "conf/clinferd.conf "
	    "is out of date: clinferd --print-config, with /var and "
	    "/usr/share");
	buf_done(&text);
	buf_done(&b);
	buf_done(&file);
}
END_TEST

START_TEST(conf_reload_takes_only_what_may_change)
{
	struct conf *a = conf_new(), *b = conf_new();
	struct err e;

	ck_assert_int_eq(conf_set(b, "queue.size=5", &e), 0);
	ck_assert_int_eq(conf_set(b, "server.listen=x:1", &e), 0);
	ck_assert_int_eq(conf_set(b, "log.level=debug", &e), 0);
	conf_reload(a, b, hear, NULL);
	conf_free(b);
	ck_assert_uint_eq(a->queue_size, 5);
	ck_assert_str_eq(a->log_level, "debug");
	ck_assert_str_eq(a->server_listen.v[0], "127.0.0.1:8000");
	ck_assert_int_eq(n_said, 3);
	ck_assert_str_eq(said[0], "server.listen changed: needs a restart");
	conf_free(a);
}
END_TEST

/* dispatch */

START_TEST(estimates_follow_measurements)
{
	struct estimate e;

	memset(&e, 0, sizeof(e));
	ck_assert_int_eq(estimate_get(&e, 8, S), 0);
	estimate_add(&e, 8, 80 * MS, S);
	ck_assert_int_eq(estimate_get(&e, 8, S), 80 * MS);
	ck_assert_int_eq(estimate_get(&e, 16, S), 160 * MS);
	ck_assert_int_eq(estimate_get(&e, 1, S), 10 * MS);
	/* The first run paid for planning: forget it at once. */
	estimate_add(&e, 8, 8 * MS, S);
	ck_assert_int_eq(estimate_get(&e, 8, S), 8 * MS);
	estimate_add(&e, 8, 16 * MS, S);
	ck_assert_int_eq(estimate_get(&e, 8, S), 9 * MS);
	estimate_add(&e, 0, 2 * MS, S);
	ck_assert_int_eq(estimate_get(&e, 1, S), 2 * MS);
	/* What nothing confirms fades. */
	ck_assert_int_eq(estimate_get(&e, 1, 5 * S), MS / 2);
	ck_assert_int_eq(estimate_get(&e, 1, 1000 * S), 0);
	ck_assert_int_eq(estimate_get(&e, INT64_MAX, S), (9 * MS) << 13);
}
END_TEST

START_TEST(the_earliest_completion_wins)
{
	struct lane slow_idle = { 0, 100 * MS, 0, 0 };
	struct lane fast_busy = { 10 * MS, 10 * MS, 1, 0 };
	struct lane l[2] = { slow_idle, fast_busy };

	ck_assert_int_eq(dispatch_pick(l, 2, 1), 1);
	/* Full: better to wait for it than to take the slow one ... */
	fast_busy.inflight = DISPATCH_INFLIGHT;
	l[0] = slow_idle;
	l[1] = fast_busy;
	ck_assert_int_eq(dispatch_pick(l, 2, 1), -1);
	/* ... but not when there is work for both. */
	l[0] = slow_idle;
	l[1] = fast_busy;
	ck_assert_int_eq(dispatch_pick(l, 2, 20), 0);
	ck_assert_int_eq(dispatch_pick(l, 0, 1), -1);
}
END_TEST

START_TEST(equal_lanes_take_turns)
{
	struct lane l[3] = { { 0, 0, 0, 7 }, { 0, 0, 0, 3 }, { 0, 0, 1, 1 } };

	ck_assert_int_eq(dispatch_pick(l, 3, 1), 1);
	l[1].inflight = 1;
	ck_assert_int_eq(dispatch_pick(l, 3, 1), 0);
}
END_TEST

START_TEST(splitting_is_even)
{
	int64_t each;
	uint32_t extra;

	ck_assert_uint_eq(dispatch_split(100, 32, &each, &extra), 4);
	ck_assert_int_eq(each, 25);
	ck_assert_uint_eq(extra, 0);
	ck_assert_uint_eq(dispatch_split(33, 32, &each, &extra), 2);
	ck_assert_int_eq(each, 16);
	ck_assert_uint_eq(extra, 1);
	ck_assert_uint_eq(dispatch_split(32, 32, &each, &extra), 1);
	ck_assert_uint_eq(dispatch_split(7, 0, &each, &extra), 1);
	ck_assert_int_eq(each, 7);
}
END_TEST

/* stats */

START_TEST(stats_keep_batches_sorted)
{
	struct version_stats s;
	const uint32_t sizes[] = { 8, 1, 4, 8, 1, 16 };

	memset(&s, 0, sizeof(s));
	for (size_t i = 0; i < nitems(sizes); i++)
		version_stats_run(&s, sizes[i], 1, 10, 2);
	ck_assert_uint_eq(s.n_batches, 4);
	ck_assert_uint_eq(s.batches[0].batch_size, 1);
	ck_assert_uint_eq(s.batches[2].compute_infer.count, 2);
	ck_assert_uint_eq(s.batches[2].compute_infer.ns, 20);
	ck_assert_uint_eq(s.batches[3].batch_size, 16);
	ck_assert_uint_eq(s.execution_count, 6);
	for (uint32_t i = 0; i < 1000; i++)
		version_stats_run(&s, i, 1, 1, 1);
	ck_assert_uint_le(s.n_batches, 128);
	version_stats_done(&s);
	for (int64_t ns = 1; ns < 200 * NS_PER_S; ns *= 3)
		histogram_add(&s.latency, ns);
	ck_assert_int_eq(histogram_bound(HISTOGRAM_BUCKETS - 1), INT64_MAX);
	ck_assert_uint_gt(s.latency.count[HISTOGRAM_BUCKETS - 1], 0);
}
END_TEST

/* devices, cores */

START_TEST(devices_are_chosen)
{
	const struct device d[] = {
		{ .name = "Oclgrind/x#0", .type = "cpu" },
		{ .name = "Portable Computing Language/pthread#0",
		    .type = "cpu" },
		{ .name = "rusticl/llvmpipe#0", .type = "cpu" },
		{ .name = "NV/a#0", .type = "gpu" },
		{ .name = "NV/a#1", .type = "accelerator" },
	};
	static const struct {
		const char	*wanted;
		uint32_t	 n, mask;
	} want[] = {
		{ "auto", 5, 0x18 }, { "auto", 3, 0x02 }, { "auto", 1, 0x01 },
		{ "all", 5, 0x1f }, { "gpu", 5, 0x18 }, { "cpu", 5, 0x07 },
		{ "LLVM,a#1", 5, 0x14 }, { "none", 5, 0 }, { "", 5, 0 },
	};

	for (size_t k = 0; k < nitems(want); k++)
		for (uint32_t i = 0; i < want[k].n; i++)
			ck_assert_msg(devices_chosen(d, want[k].n, i,
			    want[k].wanted) == (want[k].mask >> i & 1),
			    "%s: %s", want[k].wanted, d[i].name);
}
END_TEST

START_TEST(cores_are_shared)
{
	cpu_set_t all, share, sum;

	CPU_ZERO(&all);
	for (int c = 2; c < 10; c++)
		CPU_SET(c, &all);
	CPU_ZERO(&sum);
	for (uint32_t i = 0; i < 3; i++) {
		spawn_share(&all, 0, i, 3, &share);
		ck_assert_int_ge(CPU_COUNT(&share), 2);
		CPU_XOR(&sum, &sum, &share);
	}
	ck_assert(CPU_EQUAL(&sum, &all));
	/* A quota of four cores, and more workers than cores. */
	spawn_share(&all, 4, 0, 1, &share);
	ck_assert_int_eq(CPU_COUNT(&share), 4);
	for (uint32_t i = 0; i < 20; i++) {
		spawn_share(&all, 0, i, 20, &share);
		ck_assert_int_eq(CPU_COUNT(&share), 1);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("parent");
	TCase *c = tcase_create("pure");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, conf_reads_every_kind_of_value);
	tcase_add_test(c, conf_names_every_mistake);
	tcase_add_test(c, conf_folder_is_read_in_order);
	tcase_add_test(c, conf_prints_what_the_tree_holds);
	tcase_add_test(c, conf_reload_takes_only_what_may_change);
	tcase_add_test(c, estimates_follow_measurements);
	tcase_add_test(c, the_earliest_completion_wins);
	tcase_add_test(c, equal_lanes_take_turns);
	tcase_add_test(c, splitting_is_even);
	tcase_add_test(c, stats_keep_batches_sorted);
	tcase_add_test(c, devices_are_chosen);
	tcase_add_test(c, cores_are_shared);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
