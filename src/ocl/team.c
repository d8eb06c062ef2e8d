#include "ocl/team.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"

#define SPIN_NS		(50 * NS_PER_US)
#define CACHE_LINE	64

/*
 * The round, all in one word so that entering is one compare-and-swap that
 * fails once the round is closed: its number, whether it is open, members
 * inside.
 */
#define ROUND_OF(w)	((uint32_t)((w) >> 32))
#define OPEN		UINT64_C(0x80000000)
#define INSIDE		UINT64_C(0x7fffffff)

struct member {
	struct team	*team;
	int		 number;
	int		 cpu;		/* -1: not pinned */
	pthread_t	 thread;
};

struct team {
	_Alignas(CACHE_LINE) _Atomic uint64_t word;
	_Alignas(CACHE_LINE) _Atomic uint32_t bell;	/* a futex */
	_Atomic int	 sleepers;
	_Atomic bool	 stop;
	_Alignas(CACHE_LINE) uint32_t round;		/* member 0's */
	int		 n, started;
	void		(*work)(void *, int);
	void		*arg;
	struct member	 member[];
};

static void
futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL,
	    0);
}

static void
futex_wake(_Atomic uint32_t *word, int n)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* Is a round open that this member has not been in? */
static bool
waiting(const struct team *t, uint32_t seen)
{
	uint64_t w = atomic_load(&t->word);

	return (w & OPEN) != 0 && ROUND_OF(w) != seen;
}

static bool
enter(struct team *t, uint32_t *seen)
{
	uint64_t w = atomic_load_explicit(&t->word, memory_order_relaxed);

	while ((w & OPEN) != 0 && ROUND_OF(w) != *seen)
		if (atomic_compare_exchange_weak_explicit(&t->word, &w, w + 1,
		    memory_order_acquire, memory_order_relaxed)) {
			*seen = ROUND_OF(w);
			return true;
		}
	return false;
}

/*
 * Count oneself among the sleepers, then look again: all sequentially
 * consistent, as in team_do(), so that either we see its round or it sees us.
 */
static void
sleep_until_rung(struct team *t, uint32_t seen)
{
	uint32_t bell = atomic_load(&t->bell);

	atomic_fetch_add(&t->sleepers, 1);
	if (!waiting(t, seen) && !atomic_load(&t->stop))
		futex_wait(&t->bell, bell);
	atomic_fetch_sub(&t->sleepers, 1);
}

/* Until this member is in the next round: true; or the team ends: false. */
static bool
await(struct team *t, uint32_t *seen)
{
	int64_t until = clock_ns() + SPIN_NS;

	while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
		for (int i = 0; i < 32; i++) {
			if (enter(t, seen))
				return true;
			cpu_relax();
		}
		if (clock_ns() >= until) {
			sleep_until_rung(t, *seen);
			until = clock_ns() + SPIN_NS;
		}
	}
	return false;
}

static void
pin(int cpu)
{
	cpu_set_t set;

	if (cpu == -1)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* Only speed depends on it. */
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void *
member_main(void *arg)
{
	struct member *m = arg;
	struct team *t = m->team;
	uint32_t seen = 0;

	pin(m->cpu);
	while (await(t, &seen)) {
		t->work(t->arg, m->number);
		atomic_fetch_sub_explicit(&t->word, 1, memory_order_release);
	}
	return NULL;
}

/* Close the round to newcomers, and wait for those inside. */
static void
close_round(struct team *t)
{
	int64_t until = 0;

	(void)atomic_fetch_and_explicit(&t->word, ~OPEN, memory_order_relaxed);
	while ((atomic_load_explicit(&t->word, memory_order_acquire) &
	    INSIDE) != 0) {
		for (int i = 0; i < 32; i++)
			cpu_relax();
		if (until == 0)
			until = clock_ns() + SPIN_NS;
		else if (clock_ns() >= until)
			(void)sched_yield();
	}
}

void
team_do(struct team *t, int want)
{
	if (t->n == 1 || want <= 1) {
		t->work(t->arg, 0);
		return;
	}
	/* Round 0 is what members have seen at the start. */
	if (++t->round == 0)
		t->round = 1;
	atomic_store(&t->word, (uint64_t)t->round << 32 | OPEN);
	if (atomic_load(&t->sleepers) > 0) {
		atomic_fetch_add(&t->bell, 1);
		futex_wake(&t->bell, want - 1);
	}
	t->work(t->arg, 0);
	close_round(t);
}

static int
nth_cpu(const cpu_set_t *cpus, int n)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, cpus) && n-- == 0)
			return cpu;
	return -1;
}

static int
start(struct team *t, const cpu_set_t *cpus, struct err *err)
{
	bool pinned = cpus != NULL && t->n > 1 && CPU_COUNT(cpus) == t->n;

	for (int i = 0; i < t->n; i++) {
		struct member *m = &t->member[i];

		*m = (struct member){ .team = t, .number = i,
		    .cpu = pinned ? nth_cpu(cpus, i) : -1 };
		if (i == 0)
			continue;
		errno = pthread_create(&m->thread, NULL, member_main, m);
		if (errno != 0)
			return err_sys(err, "thread of lane %d", i);
		t->started = i;
	}
	pin(t->member[0].cpu);
	return 0;
}

struct team *
team_new(int n, const cpu_set_t *cpus, void (*work)(void *, int), void *arg,
    struct err *err)
{
	size_t bytes = sizeof(struct team) + (size_t)n * sizeof(struct member);
	struct team *t;

	bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	if ((t = aligned_alloc(CACHE_LINE, bytes)) == NULL) {
		(void)err_memory(err, "a team", bytes);
		return NULL;
	}
	memset(t, 0, bytes);
	t->n = n;
	t->work = work;
	t->arg = arg;
	if (start(t, cpus, err) == -1) {
		team_free(t);
		return NULL;
	}
	return t;
}

void
team_free(struct team *t)
{
	if (t == NULL)
		return;
	atomic_store(&t->stop, true);
	atomic_fetch_add(&t->bell, 1);
	futex_wake(&t->bell, t->n);
	for (int i = 1; i <= t->started; i++)
		(void)pthread_join(t->member[i].thread, NULL);
	free(t);
}
