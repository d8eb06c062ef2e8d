/*
 * child: this program again in a process of its own, so that what crashes,
 * hangs or eats memory there costs nothing here.
 *
 * The child reads its standard input from us and answers on descriptor
 * CHILD_ANSWER (drivers print on standard output as they like).
 */
#ifndef TOOL_CHILD_H
#define TOOL_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define CHILD_ANSWER	3

struct child {
	pid_t	pid;		/* 0: none */
	int	to;		/* its standard input; -1: closed */
	int	from;		/* its answers */
};

/*
 * Run /proc/self/exe with that argv.  memory: bytes of address space it may
 * use, 0 for no limit.  It dies with us.
 */
int	 child_start(struct child *, char *const argv[], size_t memory,
	    struct err *);

enum child_event { CHILD_SAID, CHILD_GONE, CHILD_LATE };

/* Read what is there into buf; wait for it until then (clock_ns()). */
enum child_event child_wait(struct child *, struct buf *, int64_t until);

void	 child_kill(struct child *);

/* Wait for its end: 0 if it was exit(0), else -1 and how it died. */
int	 child_end(struct child *, struct err *);

#endif
