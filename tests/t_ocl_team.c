/*
 * The team of threads: all work is done, once, and seen, whoever does it.
 * Also worth running with --enable-tsan.
 */
#include <check.h>
#include <stdatomic.h>
#include <unistd.h>

#include "ocl/team.h"
#include "suite.h"

#define CELLS	512

/* Work in pieces, as kernels do it: plain memory, one shared counter. */
struct job {
	_Atomic int	 next;
	int		 n;
	int		 from[CELLS], to[CELLS];
	_Atomic int	 came;		/* members other than the caller */
};

static void
work(void *arg, int member)
{
	struct job *j = arg;
	int i;

	if (member > 0)
		atomic_fetch_add_explicit(&j->came, 1, memory_order_relaxed);
	while ((i = atomic_fetch_add_explicit(&j->next, 1,
	    memory_order_relaxed)) < j->n)
		j->to[i] = j->from[(i + 1) % j->n] + 1;
}

static void
round_of(struct team *t, struct job *j, int want)
{
	atomic_store_explicit(&j->next, 0, memory_order_relaxed);
	team_do(t, want);
	memcpy(j->from, j->to, sizeof(j->from));
}

START_TEST(every_round_sees_the_one_before)
{
	struct job j = { .n = CELLS };
	struct team *t;
	struct err e;
	int rounds = 0;

	t = team_new(_i, NULL, work, &j, &e);
	ck_assert_msg(t != NULL, "%s", e.text);
	for (int i = 0; i < 3000; i++, rounds++)
		round_of(t, &j, i % 7 == 0 ? 1 : _i);
	/* Asleep, woken, asleep. */
	for (int i = 0; i < 20; i++, rounds++) {
		(void)usleep(500);
		round_of(t, &j, _i);
	}
	for (int i = 0; i < CELLS; i++)
		ck_assert_int_eq(j.from[i], rounds);
	team_free(t);
}
END_TEST

/* With work that takes its time the others do come, from their sleep, too. */
static void
slow(void *arg, int member)
{
	struct job *j = arg;

	if (member > 0)
		atomic_fetch_add_explicit(&j->came, 1, memory_order_relaxed);
	while (atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed) <
	    j->n)
		(void)usleep(1000);
}

START_TEST(sleepers_are_woken)
{
	struct job j = { .n = 300 };
	struct team *t;
	struct err e;

	t = team_new(3, NULL, slow, &j, &e);
	ck_assert_msg(t != NULL, "%s", e.text);
	(void)usleep(20000);
	team_do(t, 3);
	ck_assert_int_eq(atomic_load(&j.came), 2);
	/* No more are called than there is work for. */
	atomic_store(&j.next, 0);
	atomic_store(&j.came, 0);
	team_do(t, 1);
	ck_assert_int_eq(atomic_load(&j.came), 0);
	team_free(t);
}
END_TEST

START_TEST(a_team_may_end_at_any_moment)
{
	struct job j = { .n = CELLS };
	struct team *t;
	struct err e;

	for (int i = 0; i < 60; i++) {
		t = team_new(4, NULL, work, &j, &e);
		ck_assert_msg(t != NULL, "%s", e.text);
		for (int k = 0; k < i % 4; k++)
			round_of(t, &j, 4);
		if (i % 3 == 0)
			(void)usleep(300);
		team_free(t);
	}
	team_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ocl_team");
	TCase *t = tcase_create("team");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_round_sees_the_one_before, 1, 5);
	tcase_add_test(t, sleepers_are_woken);
	tcase_add_test(t, a_team_may_end_at_any_moment);
	suite_add_tcase(s, t);
	return suite_run(s);
}
