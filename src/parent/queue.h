/*
 * queue: requests between the protocol and the workers.
 *
 * A request is cut into parts (one, unless it has more rows than a batch may);
 * parts wait in their version's queue by priority; a batch is some parts of
 * equal non-batch shape on their way through one worker.  When all parts of a
 * request are back it is answered.  So batching and splitting are one
 * mechanism.
 *
 * A batch outlives its requests: it holds the input blocks itself, and a
 * request that is cancelled or late just leaves its members empty.
 *
 *	queue.c		submit, cancel, deadlines, answers
 *	batch.c		forming batches, choosing a worker, submitting
 *	back.c		completed batches; replay of lost ones
 *	join.c		the outputs of all parts as one answer
 *	hold.c		the life of outputs
 *	dispatch.c	decisions
 */
#ifndef PARENT_QUEUE_H
#define PARENT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "parent/dispatch.h"
#include "parent/modelconf.h"
#include "parent/request.h"

struct event;
struct parent;
struct slot;

enum part_state { PART_QUEUED, PART_RUNNING, PART_DONE };

struct part {
	struct request	*request;
	int64_t		 first_row, rows;	/* rows 0: not batched */
	enum part_state	 state;
	struct part	*next, **prev;		/* in the queue */
	struct batch	*batch;			/* running: where */
	uint32_t	 member;		/* ... and which */
	struct hold	*hold;			/* done: keeps what follows */
	struct piece	*piece;			/* one per wanted output */
	struct shape	*shape;
};

/* What waits for one version. */
struct request_queue {
	struct queue	*queue;
	struct version	*version;
	struct part	*first[PRIORITIES_MAX], **last[PRIORITIES_MAX];
	uint32_t	 parts;			/* waiting */
	uint32_t	 requests;	/* not yet answered, and not running */
	int64_t		 vtime;	/* device time used, for fairness */
	uint64_t	 tried;			/* in that round of dispatch */
	struct request_queue *next, **prev; /* of those with parts waiting */
};

struct batch {
	uint64_t	 id;			/* never used twice */
	struct slot	*slot;
	struct version	*version;		/* a reference */
	struct batch	*next;			/* at that worker */
	uint32_t	 n;
	struct part	**part;	/* n; NULL: nobody waits for it */
	uint64_t	(*want)[WANT_WORDS];	/* n: as submitted */
	int64_t		*part_rows;		/* n: as submitted */
	struct block	**block;		/* inputs, each held */
	uint32_t	 n_blocks;
	int64_t		 rows;
	bool		 alone;			/* a suspect being tried */
	int64_t		 submitted_ns;
	int64_t		 expected_ns;
};

struct queue {
	struct parent	*parent;
	struct request_queue *active;		/* with parts waiting */
	struct request	**heap;			/* by deadline; queue.c */
	uint32_t	 heap_n, heap_cap;
	struct event	*deadline, *run, *hold, *delay;
	int64_t		 deadline_armed_ns;	/* 0: not */
	uint32_t	 open;			/* requests not yet answered */
	uint64_t	 batch_ids, request_ids, clock;
	struct holder	*holders, **holders_last;	/* oldest first */
};

struct queue	*queue_new(struct parent *, struct err *);
void		 queue_free(struct queue *);

/* For a version that begins to take requests.  NULL: no memory. */
struct request_queue *request_queue_new(struct queue *, struct version *);
void		 request_queue_free(struct request_queue *); /* it is empty */

/* Something changed for the better: try to dispatch, before the loop sleeps. */
void		 queue_kick(struct queue *);

/* A version lost its last hope: answer what waits for it with *err. */
void		 queue_fail(struct request_queue *, const struct err *);

/* No worker will come soon: answer all that waits. */
void		 queue_fail_all(struct queue *, const struct err *);

/* The end: answer everything that is open with *err. */
void		 queue_abort(struct queue *, const struct err *);

/* queue.c, for batch.c */
void		 part_enqueue_first(struct part *);	/* back to the front */
void		 part_dequeue(struct part *);
void		 request_answer(struct request *, const struct err *);

/* join.c */
void		 request_part_done(struct part *);	/* maybe the last */
void		 request_outputs_free(struct request *);

/* batch.c: give the first parts of the queue to a worker; false: none took. */
bool		 batch_dispatch(struct request_queue *);
void		 batch_free(struct batch *);	/* gives the blocks back */

/* back.c: a completion came.  -1: it cannot be true (*err), kill the worker. */
int		 batch_done(struct slot *, struct done *, struct err *);

/*
 * back.c: the worker died.  executing: the id of the batch it was running, 0 if
 * none or if that does not matter since the death was no fault of a request.
 */
void		 batch_lost(struct slot *, uint64_t executing);

/*
 * hold.c: what keeps outputs, referenced once.  Either a completed job in the
 * worker's arena, or heap memory of that many bytes, within the budget.  NULL:
 * no memory.
 */
struct hold	*hold_new_job(struct slot *, uint64_t job);
struct hold	*hold_new_heap(struct parent *, size_t bytes,
		    unsigned char **data);
void		 hold_timer(int fd, short what, void *queue);

/* The worker's arena runs short: have all its outputs copied. */
void		 hold_copy_all(struct queue *, const struct slot *);

#endif
