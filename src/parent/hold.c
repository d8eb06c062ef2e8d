/*
 * hold: what keeps outputs readable until the last reader is done.
 *
 * A hold on a job keeps the worker's output memory, and the channel it belongs
 * to, also after the worker's death; the last put releases it to the worker.  A
 * hold on the heap is simply memory.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "parent/budget.h"
#include "parent/conf.h"
#include "parent/loop.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/queue.h"
#include "parent/sup.h"

struct hold {
	uint32_t	 refs;
	struct budget	*budget;	/* on the heap: the bytes are of this */
	size_t		 bytes;
	struct slot	*slot;		/* NULL: on the heap, behind this */
	uint32_t	 life;
	struct channel	*channel;
	uint64_t	 job;
};

struct hold *
hold_new_job(struct slot *s, uint64_t job)
{
	struct hold *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->refs = 1;
	h->slot = s;
	h->life = s->life;
	h->channel = s->channel;
	channel_get(h->channel);
	h->job = job;
	s->holds++;
	return h;
}

struct hold *
hold_new_heap(struct parent *p, size_t bytes, unsigned char **data)
{
	struct hold *h;

	if (p->budget != NULL && !budget_take(p->budget, bytes))
		return NULL;
	if ((h = malloc(sizeof(*h) + bytes)) == NULL) {
		if (p->budget != NULL)
			budget_give(p->budget, bytes);
		return NULL;
	}
	memset(h, 0, sizeof(*h));
	h->refs = 1;
	h->budget = p->budget;
	h->bytes = bytes;
	*data = (unsigned char *)(h + 1);
	return h;
}

void
hold_get(struct hold *h)
{
	h->refs++;
}

void
hold_put(struct hold *h)
{
	struct slot *s;

	if (h == NULL || --h->refs > 0)
		return;
	s = h->slot;
	if (s != NULL) {
		if (channel_release(h->channel, h->job) == RING_BAD &&
		    s->life == h->life)
			slot_kill(s, KILL_BAD, "ring of releases");
		if (s->life == h->life)
			s->holds--;
		channel_put(h->channel);
	} else if (h->budget != NULL)
		budget_give(h->budget, h->bytes);
	free(h);
}

static struct queue *
queue_of(const struct hold *h)
{
	return h->slot->sup->parent->queue;
}

static void
arm(struct queue *q)
{
	int64_t left = q->holders->since_ns +
	    q->parent->conf->worker_hold_ns - clock_ns();
	struct timeval tv = { 0, 1000 };

	if (left > NS_PER_MS) {
		tv.tv_sec = left / NS_PER_S;
		tv.tv_usec = left % NS_PER_S / NS_PER_US;
	}
	(void)event_add(q->hold, &tv);
}

void
holder_add(struct holder *w, struct hold *h)
{
	struct queue *q;

	hold_get(h);
	w->hold = h;
	w->prev = NULL;
	if (h->slot == NULL)
		return;
	q = queue_of(h);
	w->since_ns = clock_ns();
	w->next = NULL;
	w->prev = q->holders_last;
	*q->holders_last = w;
	q->holders_last = &w->next;
	if (q->holders == w)
		arm(q);
}

void
holder_remove(struct holder *w)
{
	struct queue *q;

	if (w->hold == NULL)
		return;
	if (w->prev != NULL) {
		q = queue_of(w->hold);
		if (w->next != NULL)
			w->next->prev = w->prev;
		else
			q->holders_last = w->prev;
		*w->prev = w->next;
		w->prev = NULL;
	}
	hold_put(w->hold);
	w->hold = NULL;
}

/* Ask once; the holder leaves the list now and lets go at its leisure. */
static void
ask(struct queue *q, struct holder *w)
{
	if (w->next != NULL)
		w->next->prev = w->prev;
	else
		q->holders_last = w->prev;
	*w->prev = w->next;
	w->prev = NULL;
	q->parent->stats.copies++;
	w->copy(w);
}

static void
ask_late(struct queue *q)
{
	int64_t before = clock_ns() - q->parent->conf->worker_hold_ns;

	while (q->holders != NULL && q->holders->since_ns <= before)
		ask(q, q->holders);
	if (q->holders != NULL)
		arm(q);
}

void
hold_timer(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	ask_late(arg);
	loop_leave(entered);
}

void
hold_copy_all(struct queue *q, const struct slot *s)
{
	struct holder *w = q->holders;

	/* One that copies may let go of others too: begin again after each. */
	while (w != NULL) {
		if (w->hold->slot == s && w->hold->life == s->life) {
			ask(q, w);
			w = q->holders;
		} else {
			w = w->next;
		}
	}
}
