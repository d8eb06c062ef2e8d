#include "parent/loop.h"

#include <event2/event.h>

static int64_t longest_ns;

void
loop_leave(int64_t entered)
{
	int64_t ns = clock_of(CLOCK_THREAD_CPUTIME_ID) - entered;

	if (ns > longest_ns)
		longest_ns = ns;
}

int64_t
loop_longest_ns(void)
{
	return longest_ns;
}

/*
 * A timer of no time, not an active event: the loop polls the sockets before.
 */
static void
again(struct turns *t)
{
	static const struct timeval now = { 0, 0 };

	(void)event_add(t->timer, &now);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct turns *t = arg;
	struct turn *first = TAILQ_FIRST(&t->queue);
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	if (first != NULL) {
		turn_remove(t, first);
		first->run(first);
	}
	if (!TAILQ_EMPTY(&t->queue))
		again(t);
	loop_leave(entered);
}

int
turns_init(struct turns *t, struct event_base *base)
{
	TAILQ_INIT(&t->queue);
	t->timer = event_new(base, -1, 0, on_timer, t);
	return t->timer != NULL ? 0 : -1;
}

void
turns_done(struct turns *t)
{
	if (t->timer != NULL)
		event_free(t->timer);
	t->timer = NULL;
}

void
turn_add(struct turns *t, struct turn *turn)
{
	if (turn->queued)
		return;
	if (TAILQ_EMPTY(&t->queue))
		again(t);
	TAILQ_INSERT_TAIL(&t->queue, turn, link);
	turn->queued = true;
}

void
turn_remove(struct turns *t, struct turn *turn)
{
	if (!turn->queued)
		return;
	TAILQ_REMOVE(&t->queue, turn, link);
	turn->queued = false;
}
