/* The decisions of the parent: pure functions of parent/ and what they read. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "parent/dispatch.h"
#include "parent/stats.h"
#include "parent/sup.h"
#include "suite.h"

#define MS	NS_PER_MS
#define S	NS_PER_S

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
	return suite_run(suite());
}
