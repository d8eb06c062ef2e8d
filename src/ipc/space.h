/*
 * space: the writer's view of a descriptor space: pieces of bytes, given out in
 * order and taken back in the same order as ring entries are consumed.
 *
 * The writer knows what is consumed from the ring alone.  It turns back to the
 * beginning as soon as there is room before the oldest piece, so that few pages
 * are ever touched.
 */
#ifndef IPC_SPACE_H
#define IPC_SPACE_H

#include <stdint.h>

#define SPACE_ENTRIES	128		/* at least the ring's size */

struct space {
	uint32_t	 bytes;
	uint32_t	 head;		/* first free byte behind the newest */
	uint32_t	 begin[SPACE_ENTRIES];	/* by ring count, masked */
	uint32_t	 oldest;	/* ring counts: [oldest, newest) are in use */
	uint32_t	 newest;
};

#define SPACE_NONE	UINT32_MAX

void		 space_init(struct space *, uint32_t bytes);

/* All entries before the ring count consumed are done with. */
void		 space_reclaim(struct space *, uint32_t consumed);

/* Offset of n > 0 bytes (8-byte aligned) for the next entry, or SPACE_NONE. */
uint32_t	 space_get(struct space *, uint32_t n);

/* Take back the newest, which was not pushed after all. */
void		 space_unget(struct space *);

#endif
