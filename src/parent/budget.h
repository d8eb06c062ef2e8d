/*
 * budget: what all bodies, answers and the request arena may take together.
 *
 * Whoever keeps bytes for a client takes them here first and gives them back;
 * who gets none answers 503.
 */
#ifndef PARENT_BUDGET_H
#define PARENT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/segment.h"

struct budget {
	size_t			 used;		/* outside of the arena */
	size_t			 max;
	const struct arena	*arena;		/* counts too; may be NULL */
};

static inline bool
budget_take(struct budget *b, size_t n)
{
	size_t used = b->used + (b->arena != NULL ? arena_bytes(b->arena) : 0);

	if (used > b->max || n > b->max - used)
		return false;
	b->used += n;
	return true;
}

/* Would n bytes more in the arena be within the limit? */
static inline bool
budget_allows(const struct budget *b, size_t n)
{
	size_t used = b->used + (b->arena != NULL ? arena_used(b->arena) : 0);

	return used <= b->max && n <= b->max - used;
}

static inline void
budget_give(struct budget *b, size_t n)
{
	b->used -= n;
}

#endif
