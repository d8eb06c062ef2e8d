/*
 * outbox: which bytes of the output arena belong to which job.
 *
 * One job at a time is being written; when it completes, its bytes stay its own
 * until the parent releases the job.  The books are private: the parent cannot
 * write the arena, and what it releases is checked.
 */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct outbox {
	struct extents	*extents;
	struct held	*now;		/* of the job being written; or NULL */
	struct held	*first, **last;	/* completed, oldest first */
	uint32_t	 n_held;
	uint64_t	 peak;		/* most bytes in use; owner resets it */
};

#define OUTBOX_NONE	UINT64_MAX

int		 outbox_open(struct outbox *, uint64_t arena_bytes,
		    struct err *);
void		 outbox_close(struct outbox *);

int		 outbox_begin(struct outbox *, uint64_t job, struct err *);

/* Offset of n more bytes for it (64-byte aligned), or OUTBOX_NONE. */
uint64_t	 outbox_take(struct outbox *, uint64_t n);

/* How much it has, and give back all beyond so much. */
uint32_t	 outbox_mark(const struct outbox *);
void		 outbox_rewind(struct outbox *, uint32_t mark);

/* It completes.  keep: what it has, if anything, stays until it is released. */
void		 outbox_commit(struct outbox *, bool keep);

/* False: no such job holds anything. */
bool		 outbox_release(struct outbox *, uint64_t job);

#endif
