/*
 * desc: what the rings carry.  A ring entry names a descriptor, (offset,
 * length) in the writer's descriptor space; a descriptor is a job or its
 * completion:
 *
 *	job  -> parts -> tensors	parent to worker: run these inputs
 *	done -> parts -> outputs	worker to parent: here are the results
 *
 * A part is a run of rows of one request.  Several requests in one job are a
 * batch; several jobs with parts of one request are a split: one mechanism.
 * All parts of a job belong to one model and agree in the types and, but for
 * axis 0, the shapes of their inputs; their rows are run together, in order.
 *
 * The encoded form is little-endian, fixed-width, 8-byte aligned and private to
 * desc.c.  A decoder copies it once out of the shared memory, checks everything
 * that can be checked without knowing the model or the segments, and returns
 * one allocation that free() releases.
 */
#ifndef IPC_DESC_H
#define IPC_DESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/shape.h"
#include "base/signature.h"

#define DESC_PARTS_MAX	1024
#define DESC_BYTES_MAX	((size_t)1 << 20)	/* of one descriptor */
#define DESC_TEXT_MAX	(ERR_TEXT - 1)
#define WANT_WORDS	(SIG_TENSORS_MAX / 64)

/*
 * One input of a part, exactly its rows: shape.dim[0] counts this part's rows,
 * not the request's.  The bytes may begin at any address.  A string tensor is
 * its elements in order, each a 32-bit little-endian length and so many bytes.
 */
struct job_tensor {
	uint32_t	 index;		/* in the model's signature */
	enum dtype	 type;
	struct shape	 shape;
	uint32_t	 segment;	/* id: ipc/segment.h */
	uint64_t	 offset;	/* in the segment */
	uint64_t	 bytes;
};

struct job_part {
	uint64_t	 request;	/* the parent's number, for the log */
	uint64_t	 first_row;	/* in the request */
	uint64_t	 rows;		/* 0: the model is not batched */
	uint64_t	 want[WANT_WORDS];	/* bit: output wanted */
	uint32_t	 n_in;
	struct job_tensor *in;		/* n_in of them, index ascending */
};

struct job {
	uint64_t	 id;		/* never twice in a worker's life */
	uint32_t	 model;		/* its handle: ipc/ctl.h */
	uint32_t	 n_parts;	/* 1 or more; if more, all have rows */
	struct job_part	*part;
};

/* An output of a part, lying in the worker's output arena. */
struct done_output {
	uint32_t	 index;		/* in the model's signature */
	enum dtype	 type;
	struct shape	 shape;		/* of this part's rows */
	uint64_t	 offset;	/* in the arena */
	uint64_t	 bytes;
};

struct done_part {
	enum err_code	 code;		/* ERR_NONE: outputs are there */
	const char	*text;		/* of the error; "" if none */
	uint32_t	 n_out;		/* 0 after an error */
	struct done_output *out;	/* the wanted ones, index ascending */
};

struct done {
	uint64_t	 job;
	uint64_t	 input_ns;	/* checking and binding the inputs */
	uint64_t	 compute_ns;	/* in the engine */
	uint64_t	 output_ns;	/* placing the outputs; no waiting */
	uint32_t	 n_parts;	/* the job's, in its order */
	struct done_part *part;
};

/* Bytes of the encoded form, a multiple of 8; 0 if over a limit. */
size_t		 job_bytes(const struct job *);
size_t		 done_bytes(const struct done *);

/* Write those bytes. */
void		 job_encode(const struct job *, void *to);
void		 done_encode(const struct done *, void *to);

/*
 * NULL and *err if anything is wrong, ERR_INVALID, or ERR_MEMORY.  Checked:
 * counts, types, ranks, that a tensor has the bytes its shape and type say,
 * that text is text, that outputs lie within an arena of arena_bytes.
 */
struct job	*job_decode(const void *from, size_t n, struct err *);
struct done	*done_decode(const void *from, size_t n, uint64_t arena_bytes,
		    struct err *);

/* Does this completion hold output memory, so that it must be released? */
bool		 done_has_output(const struct done *);

#endif
