/*
 * signals: ours, whatever a driver installs.
 *
 * Drivers set handlers while they start (PoCL: for SIGFPE, SIGSEGV and more).
 * SIGFPE stays theirs, since kernels may divide by zero; a crash must end us by
 * its own signal, so that the parent sees which.
 */
#ifndef WORKER_SIGNALS_H
#define WORKER_SIGNALS_H

#include <poll.h>
#include <stdbool.h>
#include <time.h>

/* Before the first OpenCL call: remember, and hold back what would end us. */
void	 signals_before(void);

/* After it: put back what was remembered; SIGTERM asks to drain. */
void	 signals_after(void);

/* Has SIGTERM come? */
bool	 signals_ended(void);

/* ppoll() that SIGTERM interrupts; NULL: no limit. */
int	 signals_poll(struct pollfd *, unsigned n,
	    const struct timespec *limit);

#endif
