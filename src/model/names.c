#include <stdlib.h>
#include <string.h>

#include "model/build.h"

/*
 * Multiply and fold, with a secret key, so that a file cannot be made whose
 * names all meet in one slot.
 */
static uint64_t
hash(uint64_t key, struct pb_span s)
{
	uint64_t h = key ^ s.n, w;
	unsigned __int128 m;

	for (size_t i = 0; i < s.n; i += 8) {
		w = 0;
		memcpy(&w, s.at + i, s.n - i < 8 ? s.n - i : 8);
		m = (unsigned __int128)(h ^ w ^ key) *
		    UINT64_C(0x9e3779b97f4a7c15);
		h = (uint64_t)m ^ (uint64_t)(m >> 64) ^ key << 1;
	}
	return h ^ h >> 32;
}

/* The slot of a name: its own, or the free one where it would go. */
static struct name *
probe(const struct names *t, struct pb_span name)
{
	size_t i = hash(t->key, name) & (t->cap - 1);

	while (t->slot[i].name.at != NULL && (t->slot[i].name.n != name.n ||
	    memcmp(t->slot[i].name.at, name.at, name.n) != 0))
		i = (i + 1) & (t->cap - 1);
	return &t->slot[i];
}

struct name *
names_find(const struct names *t, struct pb_span name)
{
	struct name *s = t->cap > 0 ? probe(t, name) : NULL;

	return s != NULL && s->name.at != NULL ? s : NULL;
}

static int
grow(struct names *t, struct err *e)
{
	struct names big = { .cap = t->cap > 0 ? 2 * t->cap : 16,
	    .key = t->key, .n = t->n };

	if ((big.slot = calloc(big.cap, sizeof(*big.slot))) == NULL)
		return err_memory(e, "names", big.cap * sizeof(*big.slot));
	for (size_t i = 0; i < t->cap; i++)
		if (t->slot[i].name.at != NULL)
			*probe(&big, t->slot[i].name) = t->slot[i];
	free(t->slot);
	*t = big;
	return 0;
}

struct name *
names_add(struct names *t, struct pb_span name, int value, bool defined,
    struct err *e)
{
	struct name *s;

	if (2 * t->n >= t->cap && grow(t, e) == -1)
		return NULL;
	s = probe(t, name);
	*s = (struct name){ name, value, defined };
	t->n++;
	return s;
}

void
names_done(struct names *t)
{
	free(t->slot);
	t->slot = NULL;
}
