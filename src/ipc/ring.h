/*
 * ring: a queue of 64-bit entries from one process to another, neither of which
 * trusts the other.
 *
 * One producer, one consumer, no locks.  Each side owns a piece of shared
 * memory that only it can write (the other side maps it read-only), so a field
 * has one writer by the MMU, not by discipline:
 *
 *	producer's	struct ring_tx, the count pushed, and the entries
 *	consumer's	struct ring_rx, the count popped, and "asleep"
 *
 * Counts run freely modulo 2^32 and are masked at use.  Each side keeps its own
 * count privately, reads the peer's once per call, and believes it only if
 * 0 <= pushed - popped <= size and it never goes back.  Anything else is
 * RING_BAD: the peer is broken or hostile, and the caller should be rid of it.
 *
 * Sleeping: a consumer that finds the ring empty calls ring_sleep(); if that
 * says true it may block on its doorbell.  A producer whose ring_push() returns
 * RING_WAKE must ring it.  No wake-up is lost; a lying peer can cause spurious
 * ones only.
 */
#ifndef IPC_RING_H
#define IPC_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE	64

struct ring_tx {
	alignas(CACHE_LINE) _Atomic uint32_t	pushed;
};

struct ring_rx {
	alignas(CACHE_LINE) _Atomic uint32_t	popped;
	_Atomic uint32_t			asleep;		/* 0 or 1 */
};

_Static_assert(sizeof(struct ring_tx) == CACHE_LINE, "shared layout");
_Static_assert(sizeof(struct ring_rx) == CACHE_LINE, "shared layout");
_Static_assert(offsetof(struct ring_rx, asleep) == 4, "shared layout");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
    "atomics in shared memory must not need a lock");

enum ring_result {
	RING_OK,
	RING_WAKE,		/* pushed, and the consumer sleeps: wake it */
	RING_FULL,		/* nothing pushed */
	RING_EMPTY,		/* nothing there */
	RING_BAD,		/* the peer's count is impossible */
};

/* One side's private view.  Never in shared memory. */
struct ring {
	struct ring_tx		*tx;
	struct ring_rx		*rx;
	_Atomic uint64_t	*entry;
	uint32_t		 size;	/* entries; a power of two */
	uint32_t		 own;	/* pushed, or popped: ours to advance */
	uint32_t		 peer;	/* peer's count when last believed */
};

/* Either side; the memory is zero-filled and size a power of two. */
void		 ring_init(struct ring *, struct ring_tx *, struct ring_rx *,
		    _Atomic uint64_t *entry, uint32_t size);

/* Producer.  RING_OK, RING_WAKE, RING_FULL or RING_BAD. */
enum ring_result ring_push(struct ring *, uint64_t entry);

/*
 * Producer.  Look how far the consumer is: RING_OK, with r->peer, or RING_BAD.
 */
enum ring_result ring_popped(struct ring *);

/*
 * Consumer.  The oldest entry, which stays, and with it what it refers to,
 * until ring_drop().  RING_OK, RING_EMPTY or RING_BAD.
 */
enum ring_result ring_peek(struct ring *, uint64_t *entry);
void		 ring_drop(struct ring *);

/* Consumer.  ring_peek() and, if there was one, ring_drop(). */
enum ring_result ring_pop(struct ring *, uint64_t *entry);

/* Consumer.  True if it may block now; call ring_awake() after waking up. */
bool		 ring_sleep(struct ring *);
void		 ring_awake(struct ring *);

#endif
