/*
 * dispatch: which worker takes the next batch, decided from numbers alone.
 *
 * Least expected completion: what a worker has before it plus what this batch
 * is expected to take there, from measured times per (version, worker, batch
 * size). So unlike devices form one pool.  Pure functions; queue.c acts on
 * them.
 */
#ifndef PARENT_DISPATCH_H
#define PARENT_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

/* At a worker at once: one that runs and one that is ready to follow. */
#define DISPATCH_INFLIGHT	2

/* By powers of two of rows: 1, 2, 4 ... 65536 and more. */
#define ESTIMATE_BUCKETS	17

struct estimate {
	int64_t		ns[ESTIMATE_BUCKETS];	/* 0: never measured */
	int64_t		at_ns;			/* of the last measurement */
};

/* A batch of that many rows (0 counts as 1) took ns; now: clock_ns(). */
void		 estimate_add(struct estimate *, int64_t rows, int64_t ns,
		    int64_t now);

/*
 * What one would take; 0 if nothing at all was measured.  What was measured
 * long ago counts less and less, so that a worker that was slow once is tried
 * again.
 */
int64_t		 estimate_get(const struct estimate *, int64_t rows,
		    int64_t now);

/* A worker that has the version, as a candidate. */
struct lane {
	int64_t		backlog_ns;	/* expected until it is free */
	int64_t		batch_ns;	/* expected for this batch there */
	uint32_t	inflight;
	uint64_t	used;	/* when it last got one: any rising number */
};

/*
 * The index of the lane for the next batch, when waiting batches (at least 1)
 * are in the queue; or -1: it is better to wait for a lane that is full now.
 * Works on lanes in place: backlog_ns is spoilt.
 */
int		 dispatch_pick(struct lane *, uint32_t n, uint32_t waiting);

/*
 * Cut rows into parts of at most max rows each, as equal as can be.  Returns
 * the number of parts; *each rows in all of them, one more in the first *extra.
 */
uint32_t	 dispatch_split(int64_t rows, int64_t max, int64_t *each,
		    uint32_t *extra);

#endif
