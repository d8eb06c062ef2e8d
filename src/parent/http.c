#include "parent/http.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "parent/http_conn.h"

#define OTHER_DESCRIPTORS	128	/* workers, segments, pipes, models */

static const struct http_limits defaults = {
	.connections = 1024,
	.head = 16384,
	.body = (size_t)64 << 20,
	.head_ns = 15 * NS_PER_S,
	.body_ns = 30 * NS_PER_S,
	.idle_ns = 60 * NS_PER_S,
	.send_ns = 30 * NS_PER_S,
};

struct http *
http_new(struct event_base *base, const struct http_protocol *protocol,
    void *arg)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->base = base;
	h->protocol = protocol;
	h->arg = arg;
	h->limits = defaults;
	h->budget.max = SIZE_MAX;
	h->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	TAILQ_INIT(&h->conns);
	TAILQ_INIT(&h->idle);
	/*
	 * Writing to a client that left is an error to return, not to die of.
	 */
	(void)signal(SIGPIPE, SIG_IGN);
	if (turns_init(&h->turns, base) != 0) {
		http_free(h);
		return NULL;
	}
	return h;
}

void
http_free(struct http *h)
{
	struct http_conn *c, *next;

	if (h == NULL)
		return;
	listeners_free(h);
	for (c = TAILQ_FIRST(&h->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		conn_close(c);
	}
	turns_done(&h->turns);
	if (h->reserve >= 0)
		(void)close(h->reserve);
	free(h);
}

/* Of the descriptors that we may have, connections leave some to all else. */
static uint32_t
connections_max(uint32_t wanted)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur == RLIM_INFINITY ||
	    l.rlim_cur >= (rlim_t)wanted + OTHER_DESCRIPTORS)
		return wanted;
	return l.rlim_cur > 2 * OTHER_DESCRIPTORS ?
	    (uint32_t)l.rlim_cur - OTHER_DESCRIPTORS :
	    (uint32_t)l.rlim_cur / 2;
}

void
http_set_limits(struct http *h, const struct http_limits *limits)
{
	h->limits = *limits;
	h->limits.connections = connections_max(limits->connections);
	http_conn_closed(h);
}

const struct http_stats *
http_stats(const struct http *h)
{
	return &h->stats;
}

struct turns *
http_turns(struct http *h)
{
	return &h->turns;
}

struct budget *
http_budget(struct http *h)
{
	return &h->budget;
}

void *
http_arg(const struct http_call *call)
{
	return call->conn->http->arg;
}

void
http_start(struct http *h)
{
	h->started = true;
	listeners_enable(h, true);
}

void
http_conn_closed(struct http *h)
{
	if (!h->paused || h->draining || h->stats.open >= h->limits.connections)
		return;
	h->paused = false;
	listeners_enable(h, true);
}

/* Nothing of a request is there, in our memory or in the kernel's. */
static bool
is_idle(const struct http_conn *c)
{
	char byte;

	return c->state == CONN_HEAD && c->at == c->have &&
	    recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

void
http_drain(struct http *h)
{
	struct http_conn *c, *next;

	h->draining = true;
	listeners_free(h);
	for (c = TAILQ_FIRST(&h->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == CONN_LINGER || is_idle(c))
			conn_close(c);
	}
}

void
http_drain_late(struct http *h)
{
	struct http_conn *c, *next;

	for (c = TAILQ_FIRST(&h->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == CONN_HEAD || c->state == CONN_LINGER)
			conn_close(c);
		else if (c->state == CONN_BODY)
			http_error(&c->call, 503, "Server exiting");
	}
}

bool
http_draining(const struct http *h)
{
	return h->draining;
}

bool
http_charge(struct http_call *call, size_t n)
{
	if (!budget_take(&call->conn->http->budget, n))
		return false;
	call->charged += n;
	return true;
}
