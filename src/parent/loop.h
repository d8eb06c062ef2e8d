/*
 * loop: how long the callbacks of the event loop take, and work in slices.
 *
 * Nothing that a request asks for may hold up the others for more than 5 ms, so
 * every callback of the loop is measured (in CPU time of the thread: what the
 * machine does to us besides is not our fault), and work that may be long is a
 * struct turn, done a slice at a time with the sockets served in between.
 */
#ifndef PARENT_LOOP_H
#define PARENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/clock.h"

struct event;
struct event_base;

/* Around the body of every callback that the loop calls. */
static inline int64_t
loop_enter(void)
{
	return clock_of(CLOCK_THREAD_CPUTIME_ID);
}

void		 loop_leave(int64_t entered);

/* The longest callback so far, CPU nanoseconds. */
int64_t		 loop_longest_ns(void);

/* Some work; embed it in what it works on. */
struct turn {
	void		 (*run)(struct turn *);	/* one slice of at most 2 ms */
	bool		 queued;
	TAILQ_ENTRY(turn) link;
};

TAILQ_HEAD(turn_list, turn);

/*
 * Those waiting, first come first served; one slice for each round of the loop.
 */
struct turns {
	struct turn_list queue;
	struct event	*timer;
};

/* -1: out of memory. */
int		 turns_init(struct turns *, struct event_base *);
void		 turns_done(struct turns *);

/* Have run() called once, later; asking twice is asking once. */
void		 turn_add(struct turns *, struct turn *);
void		 turn_remove(struct turns *, struct turn *);

#endif
