/*
 * segment: the request arena, where the inputs of all requests lie.
 *
 * Sealed segments that the parent writes and every worker maps read-only.
 * Bodies are received and parsed straight into blocks of it; any worker can run
 * any request from there, and running it again costs nothing.  Which bytes are
 * in use is known to the parent alone (ipc/extent.h).
 *
 * A block is counted: the request that made it is one holder, every job at a
 * worker that reads it another.  The bytes are used again when the last is
 * gone, that is when the request is answered and no live worker can still read
 * them.
 *
 * A segment that was empty for a while is dropped.  Ids are never used twice,
 * so a late reader finds nothing instead of somebody else's bytes.
 */
#ifndef IPC_SEGMENT_H
#define IPC_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SEGMENT_BYTES	((size_t)16 << 20)	/* larger for a larger block */
#define SEGMENT_MAX	((size_t)1 << 40)	/* what a worker will map */

struct arena;

struct segment {
	uint32_t	 id;		/* never 0 */
	int		 fd;		/* pass it on, do not close it */
	size_t		 bytes;
};

/*
 * A piece of a segment.  Read the fields, change them through the calls only.
 */
struct block {
	uint32_t	 segment;	/* id */
	uint32_t	 holds;
	uint64_t	 offset;	/* in the segment; 64-byte aligned */
	size_t		 bytes;		/* as asked for */
	unsigned char	*data;

	struct arena	*arena;		/* the arena's own, as all below */
	struct arena_segment *in;
	struct extent	*extent;
};

/* Told of segments as they come and go; NULLs are not called. */
struct arena_events {
	/* Before the first block of it is handed out. */
	void	(*added)(void *arg, const struct segment *);
	/* Nothing in it is held; unmapped and closed here right after. */
	void	(*dropped)(void *arg, uint32_t id);
	void	 *arg;
};

/* limit: bytes of all segments together, at most. */
struct arena	*arena_new(size_t limit, const struct arena_events *);

/* Every block must have been put. */
void		 arena_free(struct arena *);
void		 arena_set_limit(struct arena *, size_t limit);

/* n > 0 bytes, uninitialised, held once.  ERR_UNAVAILABLE: over the limit. */
struct block	*block_new(struct arena *, size_t n, struct err *);
void		 block_get(struct block *);
void		 block_put(struct block *);		/* NULL is fine */

/* Keep only the first n > 0 bytes; by the only holder. */
void		 block_trim(struct block *, size_t n);

/*
 * Drop the segments that were empty at now_ns - keep_ns already.  Returns when
 * to call again (clock_ns() time), 0 if no segment is empty.
 */
int64_t		 arena_sweep(struct arena *, int64_t now_ns, int64_t keep_ns);

/*
 * The i-th segment, in order of id, for a worker that starts; false at the end.
 */
bool		 arena_segment(const struct arena *, uint32_t i,
		    struct segment *);

size_t		 arena_bytes(const struct arena *);	/* of all segments */
size_t		 arena_used(const struct arena *);	/* of all blocks */

#endif
