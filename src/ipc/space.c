#include "ipc/extent.h"
#include "ipc/space.h"

int
space_open(struct space *s, uint32_t bytes, struct err *e)
{
	*s = (struct space){ .extents = extents_new(bytes) };
	return s->extents != NULL ? 0 : err_memory(e, "descriptors", bytes);
}

void
space_close(struct space *s)
{
	extents_free(s->extents);
	*s = (struct space){ 0 };
}

void
space_reclaim(struct space *s, uint32_t consumed)
{
	/* A count from before oldest or after newest is no news. */
	if (s->newest - consumed > s->newest - s->oldest)
		return;
	for (; s->oldest != consumed; s->oldest++)
		extent_put(s->of[s->oldest % SPACE_ENTRIES]);
}

uint32_t
space_get(struct space *s, uint32_t n)
{
	struct extent *x = NULL;

	if (s->newest - s->oldest < SPACE_ENTRIES)
		x = extent_get(s->extents, n);
	if (x == NULL)
		return SPACE_NONE;
	s->of[s->newest++ % SPACE_ENTRIES] = x;
	return (uint32_t)x->offset;
}

void
space_unget(struct space *s)
{
	extent_put(s->of[--s->newest % SPACE_ENTRIES]);
}
