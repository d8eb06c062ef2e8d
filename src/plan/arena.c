/*
 * Places in the arena: the largest storage first, each as low as those that
 * live at the same time leave room.
 */
#include <stdlib.h>

#include "base/size.h"
#include "plan/build.h"

struct storage *
storage_root(struct storage *s)
{
	while (s->place != NULL)
		s = s->place;
	return s;
}

/*
 * A step that reads each element before it writes the one in its place may
 * write over a storage that nobody reads afterwards.
 */
static void
share(struct step *s)
{
	struct storage *in, *out;
	int named = 0;

	if (s->over == NULL || s->out == NULL)
		return;
	in = storage_root(s->over);
	out = storage_root(s->out);
	if (in == out || in->buf != NULL || out->buf != NULL ||
	    in->fill != NULL || in->bytes != out->bytes ||
	    in->last != s->index || out->first != s->index)
		return;
	for (int i = 0; i < s->n_arg; i++)
		named += s->arg[i].kind == ARG_BUF &&
		    storage_root(s->arg[i].store) == in;
	if (named != 1)
		return;
	out->place = in;
	in->last = out->last;
}

static int
by_size(const void *a, const void *b)
{
	const struct storage *x = *(struct storage *const *)a;
	const struct storage *y = *(struct storage *const *)b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return (x->first > y->first) - (x->first < y->first);
}

static int
by_place(const void *a, const void *b)
{
	const struct storage *x = *(struct storage *const *)a;
	const struct storage *y = *(struct storage *const *)b;

	return (x->at > y->at) - (x->at < y->at);
}

static bool
together(const struct storage *a, const struct storage *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* The lowest place for s beside the n that have theirs. */
static void
place_one(struct storage *s, struct storage **done, size_t n,
    struct storage **near)
{
	size_t m = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		if (together(s, done[i]))
			near[m++] = done[i];
	qsort(near, m, sizeof(*near), by_place);
	for (size_t i = 0; i < m; i++) {
		if (near[i]->at >= at && near[i]->at - at >= s->bytes)
			break;
		if (near[i]->at + near[i]->bytes > at)
			at = near[i]->at + near[i]->bytes;
	}
	s->at = at;
}

size_t
arena_place(struct plan *p)
{
	struct storage **v, **near;
	size_t n = 0, top = 0;

	for (int i = 0; i < p->n_step; i++)
		share(p->step[i]);
	for (struct storage *s = p->stores; s != NULL; s = s->next)
		n++;
	v = pool_array(p->pool, n, sizeof(*v));
	near = pool_array(p->pool, n, sizeof(*near));
	if (v == NULL || near == NULL)
		return SIZE_MAX;
	n = 0;
	for (struct storage *s = p->stores; s != NULL; s = s->next)
		if (s->used && s->buf == NULL && s->fill == NULL &&
		    s->place == NULL)
			v[n++] = s;
	qsort(v, n, sizeof(*v), by_size);
	for (size_t i = 0; i < n; i++) {
		place_one(v[i], v, i, near);
		if (!size_add(v[i]->at, v[i]->bytes, &top))
			return SIZE_MAX;
		if (top > p->arena)
			p->arena = top;
	}
	return p->arena;
}
