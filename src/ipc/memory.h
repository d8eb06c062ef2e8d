/*
 * memory: the layout of what a parent and a worker share; for channel.c, wire.c
 * and the tests that play a hostile peer.
 *
 * Every field has one writer: all of to_memory the parent, all of from_memory
 * the worker.  Both ends are from one build, which CTL_HELLO proves.
 */
#ifndef IPC_MEMORY_H
#define IPC_MEMORY_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "ipc/ring.h"

#define MEMORY_PAGE	4096
#define MEMORY_DONES	(2 * CHANNEL_JOBS)	/* full: the worker lies */

struct to_memory {
	struct ring_tx		submit;
	struct ring_tx		release;
	struct ring_rx		complete;
	_Atomic uint64_t	submit_entry[CHANNEL_JOBS];
	_Atomic uint64_t	release_entry[CHANNEL_HELD];
	alignas(MEMORY_PAGE) unsigned char desc[CHANNEL_DESC];
};

struct from_memory {
	struct ring_rx		submit;
	struct ring_rx		release;
	struct ring_tx		complete;
	_Atomic uint64_t	complete_entry[MEMORY_DONES];
	/* The phase in the upper 4 bits, since when in ns below: one word. */
	alignas(CACHE_LINE) _Atomic uint64_t phase;
	_Atomic uint64_t	phase_job;	/* written before its phase */
	_Atomic uint32_t	demoted;	/* kernels it does without */
	alignas(MEMORY_PAGE) unsigned char desc[CHANNEL_DESC];
	alignas(MEMORY_PAGE) unsigned char arena[];
};

#define MEMORY_RINGS	512	/* no honest worker rings as often unheard */
#define MEMORY_PHASE_SHIFT	60
#define MEMORY_PHASE_NS	(((uint64_t)1 << MEMORY_PHASE_SHIFT) - 1)

_Static_assert(sizeof(_Atomic uint64_t) == 8, "shared layout");
_Static_assert(offsetof(struct to_memory, submit_entry) == 192,
    "shared layout");
_Static_assert(offsetof(struct to_memory, release_entry) == 704,
    "shared layout");
_Static_assert(offsetof(struct to_memory, desc) == 12288, "shared layout");
_Static_assert(offsetof(struct from_memory, complete_entry) == 192,
    "shared layout");
_Static_assert(offsetof(struct from_memory, phase) == 1216, "shared layout");
_Static_assert(offsetof(struct from_memory, desc) == 4096, "shared layout");
_Static_assert(offsetof(struct from_memory, arena) == 4096 + CHANNEL_DESC,
    "shared layout");
_Static_assert(MEMORY_DONES <= SPACE_ENTRIES, "a space holds a ring");

/* A ring entry: where a descriptor lies. */
static inline uint64_t
memory_entry(uint32_t offset, uint32_t bytes)
{
	return (uint64_t)offset << 32 | bytes;
}

/* The parts of one; false if there can be no such descriptor. */
static inline bool
memory_entry_split(uint64_t entry, uint32_t *offset, uint32_t *bytes)
{
	*offset = (uint32_t)(entry >> 32);
	*bytes = (uint32_t)entry;
	return *offset % 8 == 0 && *bytes % 8 == 0 &&
	    *bytes <= DESC_BYTES_MAX && *bytes <= CHANNEL_DESC &&
	    *offset <= CHANNEL_DESC - *bytes;
}

/* Ring a doorbell: what cannot be sent is there already. */
void	 memory_ring(int bell);

/*
 * Take bytes off it, MEMORY_RINGS at most, never blocking: how many, or -1 if
 * its other end is closed.
 */
int	 memory_hush(int bell);

#endif
