#include "ipc/ring.h"

void
ring_init(struct ring *r, struct ring_tx *tx, struct ring_rx *rx,
    _Atomic uint64_t *entry, uint32_t size)
{
	*r = (struct ring){ .tx = tx, .rx = rx, .entry = entry, .size = size };
}

static _Atomic uint64_t *
slot(struct ring *r)
{
	return &r->entry[r->own & (r->size - 1)];
}

enum ring_result
ring_popped(struct ring *r)
{
	uint32_t popped = atomic_load_explicit(&r->rx->popped,
	    memory_order_acquire);

	/* What is unread can only have become less. */
	if (r->own - popped > r->own - r->peer)
		return RING_BAD;
	r->peer = popped;
	return RING_OK;
}

enum ring_result
ring_push(struct ring *r, uint64_t entry)
{
	if (r->own - r->peer == r->size) {
		if (ring_popped(r) == RING_BAD)
			return RING_BAD;
		if (r->own - r->peer == r->size)
			return RING_FULL;
	}
	atomic_store_explicit(slot(r), entry, memory_order_relaxed);
	/*
	 * Publish, then look whether the consumer sleeps.  Both sequentially
	 * consistent, as in ring_sleep(): with less, each side could miss the
	 * other's store, and both would wait for ever.
	 */
	atomic_store(&r->tx->pushed, ++r->own);
	return atomic_load(&r->rx->asleep) != 0 ? RING_WAKE : RING_OK;
}

enum ring_result
ring_peek(struct ring *r, uint64_t *entry)
{
	uint32_t pushed;

	if (r->peer == r->own) {
		pushed = atomic_load_explicit(&r->tx->pushed,
		    memory_order_acquire);
		if (pushed - r->own > r->size)
			return RING_BAD;
		r->peer = pushed;
		if (pushed == r->own)
			return RING_EMPTY;
	}
	*entry = atomic_load_explicit(slot(r), memory_order_relaxed);
	return RING_OK;
}

void
ring_drop(struct ring *r)
{
	atomic_store_explicit(&r->rx->popped, ++r->own, memory_order_release);
}

enum ring_result
ring_pop(struct ring *r, uint64_t *entry)
{
	enum ring_result res = ring_peek(r, entry);

	if (res == RING_OK)
		ring_drop(r);
	return res;
}

bool
ring_sleep(struct ring *r)
{
	/*
	 * Not only after a wake-up by the peer: whoever slept and was woken by
	 * something else finds the flag still set, and that is fine.
	 */
	atomic_store(&r->rx->asleep, 1);
	if (atomic_load(&r->tx->pushed) == r->own)
		return true;
	ring_awake(r);
	return false;
}

void
ring_awake(struct ring *r)
{
	atomic_store_explicit(&r->rx->asleep, 0, memory_order_relaxed);
}
