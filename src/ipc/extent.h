/*
 * extent: which parts of a memory are in use, kept outside that memory.
 *
 * The allocator of the request arena's segments and of a worker's output arena.
 * All its state is private to the process, so that a peer that writes into the
 * shared bytes cannot lead it astray.  Two-level size classes, good fit, freed
 * neighbours join at once; every call takes constant time.
 */
#ifndef IPC_EXTENT_H
#define IPC_EXTENT_H

#include <stdint.h>

#define EXTENT_ALIGN	64	/* of every offset; sizes are rounded up */

struct extents;

struct extent {
	uint64_t	 offset;
	uint64_t	 bytes;		/* rounded */

	/* The allocator's own. */
	struct extents	*of;
	struct extent	*low, *high;	/* neighbours in memory */
	struct extent	*next, **prev;	/* in the list of its class, if free */
};

/* NULL if out of memory. */
struct extents	*extents_new(uint64_t bytes);
void		 extents_free(struct extents *);	/* and all in it */

/* bytes > 0.  NULL: no room, or out of private memory. */
struct extent	*extent_get(struct extents *, uint64_t bytes);
void		 extent_put(struct extent *);

/* Give back what lies behind the first bytes (> 0) of it. */
void		 extent_trim(struct extent *, uint64_t bytes);

/* Bytes in use, rounded. */
uint64_t	 extents_used(const struct extents *);

#endif
