#include "ipc/space.h"

/*
 * In use are the bytes from the begin of the oldest piece up to head, around the
 * end if head is not above it.
 */

void
space_init(struct space *s, uint32_t bytes)
{
	*s = (struct space){ .bytes = bytes };
}

void
space_reclaim(struct space *s, uint32_t consumed)
{
	if (s->newest - consumed <= s->newest - s->oldest)
		s->oldest = consumed;
}

static uint32_t
place(struct space *s, uint32_t n)
{
	uint32_t tail;

	if (s->oldest == s->newest)
		return n <= s->bytes ? 0 : SPACE_NONE;
	tail = s->begin[s->oldest % SPACE_ENTRIES];
	if (s->head <= tail)
		return n <= tail - s->head ? s->head : SPACE_NONE;
	if (n <= tail)
		return 0;
	return n <= s->bytes - s->head ? s->head : SPACE_NONE;
}

uint32_t
space_get(struct space *s, uint32_t n)
{
	uint32_t at;

	if (s->newest - s->oldest == SPACE_ENTRIES)
		return SPACE_NONE;
	at = place(s, n);
	if (at == SPACE_NONE)
		return SPACE_NONE;
	s->begin[s->newest++ % SPACE_ENTRIES] = at;
	s->head = at + n;
	return at;
}

void
space_unget(struct space *s)
{
	/* The gap that a turn to the beginning left is found again. */
	s->head = s->begin[--s->newest % SPACE_ENTRIES];
}
