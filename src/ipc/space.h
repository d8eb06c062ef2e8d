/*
 * space: the writer's view of a descriptor space: a piece of bytes for each
 * ring entry, taken back when the ring says that the entry is consumed.
 *
 * What is in use is private to the writer (ipc/extent.h), so that few pages are
 * ever touched and a peer can spoil the bytes, but not the bookkeeping.
 */
#ifndef IPC_SPACE_H
#define IPC_SPACE_H

#include <stdint.h>

#include "base/err.h"

#define SPACE_ENTRIES	128		/* at least the ring's size */
#define SPACE_NONE	UINT32_MAX

struct space {
	struct extents	*extents;
	struct extent	*of[SPACE_ENTRIES];	/* by ring count, masked */
	uint32_t	 oldest;	/* ring counts: [oldest, newest) */
	uint32_t	 newest;
};

int		 space_open(struct space *, uint32_t bytes, struct err *);
void		 space_close(struct space *);	/* fine on a zeroed one */

/* All entries before the ring count consumed are done with. */
void		 space_reclaim(struct space *, uint32_t consumed);

/* Offset of n > 0 bytes (aligned) for the next entry, or SPACE_NONE. */
uint32_t	 space_get(struct space *, uint32_t n);

/* Take back the newest, which was not pushed after all. */
void		 space_unget(struct space *);

#endif
