/*
 * request: one inference, from its acceptance to its one answer.
 *
 * The seam between the protocol (http, api) and the machinery (queues,
 * dispatch, supervision).  The protocol fills a request and submits it; the
 * machinery calls done() exactly once, from the event loop, never from inside
 * request_submit().
 *
 * Inputs lie in the request arena (ipc/segment.h) and stay there, untouched,
 * until the request is answered, so that a worker's death costs nothing: the
 * request is dispatched again from the same bytes.
 */
#ifndef PARENT_REQUEST_H
#define PARENT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/shape.h"
#include "base/signature.h"

struct version;		/* parent/models.h: one loaded version of a model */
struct block;		/* ipc/segment.h: a piece of the request arena */

/* One input: a tensor lying at [offset, offset + bytes) of a block. */
struct request_input {
	uint32_t	 index;		/* in the version's signature */
	struct shape	 shape;
	struct block	*block;	/* held once per input, by the request */
	size_t		 offset;
	size_t		 bytes;
};

/*
 * A run of bytes of an output.  It lies in memory that a worker may still be
 * able to write: copy before parsing; sending it as it is is fine.
 */
struct piece {
	const void	*data;
	size_t		 bytes;
	struct hold	*hold;		/* keeps data valid; see hold_put() */
};

struct request_output {
	uint32_t	 index;		/* in the version's signature */
	enum dtype	 type;
	struct shape	 shape;	/* of the whole answer, all rows joined */
	struct piece	*pieces;	/* in row order */
	uint32_t	 n_pieces;
	size_t		 bytes;		/* sum over the pieces */
};

enum request_state {
	REQUEST_NEW,		/* being filled by the protocol */
	REQUEST_QUEUED,
	REQUEST_RUNNING,	/* some part is at a worker */
	REQUEST_DONE,		/* done() was called, or it was cancelled */
};

struct request {
	/* Filled by the protocol. */
	/* bound at arrival; holds a reference */
	struct version		*version;
	struct request_input	*in;	/* malloc'ed; owned by the request */
	uint32_t		 n_in;
	/* bit: output wanted */
	uint64_t		 want[SIG_TENSORS_MAX / 64];
	/* axis 0 of all inputs; 0: not batched */
	int64_t			 rows;
	/* 1 highest; 0: the model's default */
	uint32_t		 priority;
	int64_t			 arrived_ns;	/* last byte of the body */
	/* 0: the configured default applies */
	int64_t			 deadline_ns;
	void			(*done)(struct request *);
	void			*arg;		/* the protocol's own */

	/* Filled by the machinery before done(). */
	struct err		 err;	/* ERR_NONE: outputs are there */
	/* with ERR_UNAVAILABLE; 0: none */
	int			 retry_after_s;
	struct request_output	*out; /* the wanted ones, in signature order */
	uint32_t		 n_out;
	/* first left the queue; 0: never */
	int64_t			 started_ns;
	int64_t			 compute_ns;	/* spent in workers, summed */

	/* The machinery's own. */
	enum request_state	 state;
	uint64_t		 id;
	struct part		*parts;
	uint32_t		 n_parts;
	uint32_t		 parts_open;	/* not yet back */
	uint32_t		 parts_queued;
	uint32_t		 heap_at;	/* index by deadline */
	int64_t			 input_ns;	/* spent on handing it over */
	uint64_t		 key;	/* equal for what may share a batch */
	/* workers lost while running it alone */
	uint32_t		 deaths;
	uint32_t		 died_at; /* the slot of the last one, plus 1 */
	bool			 alone;		/* a suspect: share no batch */
};

/* A zeroed request in REQUEST_NEW; NULL if out of memory. */
struct request	*request_new(void);

/*
 * Hand a filled request over.  0: done() will be called once.  -1 (queue full,
 * shutting down, no worker): *err says why, the caller still owns the request.
 */
int		 request_submit(struct request *, struct err *);

/*
 * The client is gone: done() will not be called.  Queued work is dropped,
 * running work finishes unseen; the request is freed when no worker holds it.
 */
void		 request_cancel(struct request *);

/* After done() or a refused submit: frees inputs and outputs that are left. */
void		 request_free(struct request *);

/*
 * Take a reference to what keeps a piece's bytes valid, and give it back; the
 * last one releases the worker's output memory.  For answers that are still
 * being sent after request_free().
 */
void		 hold_get(struct hold *);
void		 hold_put(struct hold *);

/*
 * Whoever may hold for long (an answer behind a slow client) says so and is
 * asked to let go: copy() is called, from the loop, when worker.hold_timeout is
 * over or the worker has no memory left for outputs.  It copies to the heap
 * what it still needs and calls holder_remove(), at once or soon.
 */
struct holder {
	void		(*copy)(struct holder *);

	/* The machinery's own. */
	struct hold	*hold;
	int64_t		 since_ns;
	struct holder	*next, **prev;
};

void		 holder_add(struct holder *, struct hold *);	/* hold_get() */
void		 holder_remove(struct holder *);		/* hold_put() */

#endif
