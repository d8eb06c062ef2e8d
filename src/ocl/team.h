/*
 * team: threads that do the same thing at the same moment, and wake fast.
 *
 * The caller is member 0.  team_do() opens a round: it and every other member
 * that is awake call work(arg, member), and it returns when all that came have
 * left. A member that comes late, or not at all because the machine is busy, is
 * not waited for: whatever work() does, any subset of members must be enough to
 * do all of it (pieces taken from a shared counter are).
 *
 * Everything before team_do() happens before work() in any member, and that
 * before team_do()'s return.  Members spin for some microseconds after a round,
 * then sleep.
 */
#ifndef OCL_TEAM_H
#define OCL_TEAM_H

#include <sched.h>

#include "base/err.h"

struct team;

/*
 * n members, 1 <= n.  cpus: member i is pinned to the i-th of these if there
 * are exactly n; NULL or another number: nobody is.
 */
struct team	*team_new(int n, const cpu_set_t *cpus,
		    void (*work)(void *arg, int member), void *arg,
		    struct err *);
void		 team_free(struct team *);		/* NULL is fine */

/* want: of how many members there is work for; no more are woken. */
void		 team_do(struct team *, int want);

#endif
