#include <stdlib.h>

#include "base/size.h"
#include "ipc/extent.h"
#include "ipc/segment.h"
#include "ipc/shm.h"

#define PAGE	((size_t)4096)

struct arena_segment {
	struct arena_segment	*next, **prev;	/* by id */
	uint32_t		 id;
	struct shm		 shm;
	struct extents		*extents;
	int64_t			 empty_ns;	/* seen empty since; or 0 */
};

struct arena {
	size_t			 limit;
	size_t			 bytes;		/* of all segments */
	size_t			 used;		/* of all blocks */
	uint32_t		 last_id;
	struct arena_events	 events;
	struct arena_segment	*first, **last;
};

struct arena *
arena_new(size_t limit, const struct arena_events *events)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->limit = limit;
	if (events != NULL)
		a->events = *events;
	a->last = &a->first;
	return a;
}

/* Unlink, tell, unmap. */
static void
segment_drop(struct arena *a, struct arena_segment *s)
{
	*s->prev = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	else
		a->last = s->prev;
	a->bytes -= s->shm.bytes;
	if (a->events.dropped != NULL)
		a->events.dropped(a->events.arg, s->id);
	extents_free(s->extents);
	shm_close(&s->shm);
	free(s);
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	while (a->first != NULL)
		segment_drop(a, a->first);
	free(a);
}

void
arena_set_limit(struct arena *a, size_t limit)
{
	a->limit = limit;
}

size_t
arena_bytes(const struct arena *a)
{
	return a->bytes;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

static void
segment_describe(const struct arena_segment *s, struct segment *to)
{
	*to = (struct segment){ s->id, s->shm.fd, s->shm.bytes };
}

bool
arena_segment(const struct arena *a, uint32_t i, struct segment *to)
{
	const struct arena_segment *s = a->first;

	while (s != NULL && i-- > 0)
		s = s->next;
	if (s == NULL)
		return false;
	segment_describe(s, to);
	return true;
}

static struct arena_segment *
segment_new(struct arena *a, size_t bytes, struct err *e)
{
	struct arena_segment *s = calloc(1, sizeof(*s));
	struct segment told;

	if (s == NULL) {
		(void)err_memory(e, "request segment", sizeof(*s));
		return NULL;
	}
	if (shm_create(&s->shm, "clinferd-requests", bytes, SHM_PEER_READS,
	    e) == -1)
		goto fail;
	s->extents = extents_new(bytes);
	if (s->extents == NULL) {
		(void)err_memory(e, "request segment", bytes);
		goto fail;
	}
	s->id = ++a->last_id;
	s->prev = a->last;
	*a->last = s;
	a->last = &s->next;
	a->bytes += bytes;
	segment_describe(s, &told);
	if (a->events.added != NULL)
		a->events.added(a->events.arg, &told);
	return s;
fail:
	shm_close(&s->shm);
	free(s);
	return NULL;
}

static void
drop_empty(struct arena *a)
{
	struct arena_segment *s, *next;

	for (s = a->first; s != NULL; s = next) {
		next = s->next;
		if (extents_used(s->extents) == 0)
			segment_drop(a, s);
	}
}

/*
 * A new segment for a block of n bytes: of the usual size if the limit allows.
 */
static struct arena_segment *
grow(struct arena *a, size_t n, struct err *e)
{
	size_t need, bytes, left;

	if (n > SEGMENT_MAX) {
		(void)err_set(e, ERR_LIMIT,
		    "request of %zu bytes, limit %zu", n, SEGMENT_MAX);
		return NULL;
	}
	need = size_round(n, PAGE);
	if (!size_within(a->bytes, need, a->limit))
		drop_empty(a);
	if (!size_within(a->bytes, need, a->limit)) {
		(void)err_set(e, ERR_UNAVAILABLE,
		    "request memory is full: %zu of %zu bytes used, want %zu",
		    a->bytes, a->limit, need);
		return NULL;
	}
	left = (a->limit - a->bytes) & ~(PAGE - 1);
	bytes = left < SEGMENT_BYTES ? left : SEGMENT_BYTES;
	if (bytes < need)
		bytes = need;
	return segment_new(a, bytes, e);
}

/* Old segments first, so that young ones run empty. */
static struct extent *
find_room(struct arena *a, size_t n, struct arena_segment **in)
{
	struct extent *x;

	for (struct arena_segment *s = a->first; s != NULL; s = s->next) {
		x = extent_get(s->extents, n);
		if (x != NULL) {
			*in = s;
			return x;
		}
	}
	return NULL;
}

struct block *
block_new(struct arena *a, size_t n, struct err *e)
{
	struct block *b = calloc(1, sizeof(*b));
	struct arena_segment *s = NULL;
	struct extent *x = NULL;

	if (b != NULL)
		x = find_room(a, n, &s);
	if (b != NULL && x == NULL) {
		s = grow(a, n, e);
		if (s == NULL)
			goto fail;
		x = extent_get(s->extents, n);
	}
	if (x == NULL) {
		(void)err_memory(e, "request block", n);
		goto fail;
	}
	s->empty_ns = 0;
	a->used += x->bytes;
	*b = (struct block){ .segment = s->id, .holds = 1,
	    .offset = x->offset, .bytes = n, .data = s->shm.data + x->offset,
	    .arena = a, .in = s, .extent = x };
	return b;
fail:
	free(b);
	return NULL;
}

void
block_get(struct block *b)
{
	b->holds++;
}

void
block_put(struct block *b)
{
	if (b == NULL || --b->holds > 0)
		return;
	b->arena->used -= b->extent->bytes;
	extent_put(b->extent);
	free(b);
}

void
block_trim(struct block *b, size_t n)
{
	uint64_t before = b->extent->bytes;

	extent_trim(b->extent, n);
	b->arena->used -= before - b->extent->bytes;
	b->bytes = n;
}

int64_t
arena_sweep(struct arena *a, int64_t now_ns, int64_t keep_ns)
{
	struct arena_segment *s, *next;
	int64_t again = 0;

	for (s = a->first; s != NULL; s = next) {
		next = s->next;
		if (extents_used(s->extents) > 0)
			continue;
		if (s->empty_ns == 0)
			s->empty_ns = now_ns;
		if (now_ns - s->empty_ns >= keep_ns)
			segment_drop(a, s);
		else if (again == 0 || s->empty_ns + keep_ns < again)
			again = s->empty_ns + keep_ns;
	}
	return again;
}
