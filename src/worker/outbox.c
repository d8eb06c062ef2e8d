#include <stdlib.h>

#include "ipc/extent.h"
#include "worker/outbox.h"

struct held {
	struct held	*next;
	uint64_t	 job;
	struct extent	**extent;	/* n of them */
	uint32_t	 n, cap;
};

static void
held_free(struct held *h)
{
	if (h == NULL)
		return;
	while (h->n > 0)
		extent_put(h->extent[--h->n]);
	free(h->extent);
	free(h);
}

int
outbox_open(struct outbox *o, uint64_t bytes, struct err *e)
{
	*o = (struct outbox){ .extents = extents_new(bytes) };
	o->last = &o->first;
	return o->extents != NULL ? 0 : err_memory(e, "output arena", bytes);
}

void
outbox_close(struct outbox *o)
{
	while (o->first != NULL)
		(void)outbox_release(o, o->first->job);
	held_free(o->now);
	extents_free(o->extents);
	*o = (struct outbox){ 0 };
}

int
outbox_begin(struct outbox *o, uint64_t job, struct err *e)
{
	held_free(o->now);
	o->now = calloc(1, sizeof(*o->now));
	if (o->now == NULL)
		return err_memory(e, "job", sizeof(*o->now));
	o->now->job = job;
	return 0;
}

uint64_t
outbox_take(struct outbox *o, uint64_t n)
{
	struct held *h = o->now;
	uint32_t cap = h->cap > 0 ? 2 * h->cap : 8;
	struct extent **more, *x;

	if (h->n == h->cap) {
		more = reallocarray(h->extent, cap, sizeof(*more));
		if (more == NULL)
			return OUTBOX_NONE;
		h->extent = more;
		h->cap = cap;
	}
	x = extent_get(o->extents, n);
	if (x == NULL)
		return OUTBOX_NONE;
	h->extent[h->n++] = x;
	if (extents_used(o->extents) > o->peak)
		o->peak = extents_used(o->extents);
	return x->offset;
}

uint32_t
outbox_mark(const struct outbox *o)
{
	return o->now->n;
}

void
outbox_rewind(struct outbox *o, uint32_t mark)
{
	while (o->now->n > mark)
		extent_put(o->now->extent[--o->now->n]);
}

void
outbox_commit(struct outbox *o, bool keep)
{
	struct held *h = o->now;

	o->now = NULL;
	if (!keep) {
		held_free(h);
		return;
	}
	*o->last = h;
	o->last = &h->next;
	o->n_held++;
}

bool
outbox_release(struct outbox *o, uint64_t job)
{
	struct held **p = &o->first, *h;

	while (*p != NULL && (*p)->job != job)
		p = &(*p)->next;
	h = *p;
	if (h == NULL)
		return false;
	*p = h->next;
	if (h->next == NULL)
		o->last = p;
	o->n_held--;
	held_free(h);
	return true;
}
