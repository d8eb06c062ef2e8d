/*
 * The states of a connection.  conn_run() is the only place where they follow
 * one another; whatever happens (bytes, a turn, an answer, the clock) changes
 * the connection and calls it.
 */
#include "parent/http_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#define LINGER_NS	(2 * NS_PER_S)
#define LINGER_MAX	((size_t)64 << 20)	/* bytes thrown away at most */
#define PIPELINED_MAX	16		/* calls in one callback */
/* The slowest that we wait for. */
#define BYTES_PER_NS	(64 * 1024 / (double)NS_PER_S)

static void	on_timer(evutil_socket_t, short, void *);

static void
arm_timer(struct http_conn *c, int64_t now)
{
	int64_t ns = c->deadline_ns > now ? c->deadline_ns - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(ns / NS_PER_S),
	    .tv_usec = (suseconds_t)(ns % NS_PER_S / NS_PER_US + 1) };

	c->timer_ns = c->deadline_ns;
	(void)event_add(c->timer, &tv);
}

/*
 * The timer stays where it is unless it would be late: most deadlines never
 * come.
 */
void
conn_deadline(struct http_conn *c, int64_t at_ns)
{
	c->deadline_ns = at_ns;
	if (at_ns != 0 && (c->timer_ns == 0 || at_ns < c->timer_ns))
		arm_timer(c, clock_ns());
}

/*
 * Something has moved: the limit begins anew, but all together may take no more
 * than the limit and what the bytes take at the slowest rate.
 */
static void
extend(struct http_conn *c, int64_t limit_ns)
{
	int64_t now = clock_ns();
	int64_t most = c->since_ns + (int64_t)((double)c->moved / BYTES_PER_NS);

	conn_deadline(c, (now < most ? now : most) + limit_ns);
}

static void
set_idle(struct http_conn *c, bool idle)
{
	if (idle == c->idle)
		return;
	if (idle)
		TAILQ_INSERT_TAIL(&c->http->idle, c, idle_link);
	else
		TAILQ_REMOVE(&c->http->idle, c, idle_link);
	c->idle = idle;
}

static void
set_reading(struct http_conn *c, bool on)
{
	if (on == c->reading)
		return;
	(void)(on ? event_add(c->readable, NULL) : event_del(c->readable));
	c->reading = on;
}

static void
end_call(struct http_conn *c, bool gone)
{
	if (!c->in_call)
		return;
	c->in_call = false;
	c->http->stats.gone += gone;
	turn_remove(&c->http->turns, &c->turn);
	record_end(c, gone);
	if (c->begun)
		c->http->protocol->end(&c->call, gone);
	budget_give(&c->http->budget, c->call.charged);
	c->call.charged = 0;
	body_done(c);
	send_done(c);
}

static void
conn_free(struct http_conn *c)
{
	struct http *h = c->http;

	TAILQ_REMOVE(&h->conns, c, link);
	turn_remove(&h->turns, &c->turn);
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->body != NULL)
		evbuffer_free(c->body);
	if (c->out != NULL)
		evbuffer_free(c->out);
	(void)close(c->fd);
	free(c->in);
	free(c->record);
	free(c);
	h->stats.open--;
	http_conn_closed(h);
}

void
conn_close(struct http_conn *c)
{
	if (c->state != CONN_CLOSED) {
		c->state = CONN_CLOSED;
		set_idle(c, false);
		end_call(c, true);
	}
	if (!c->running)
		conn_free(c);
}

static void
begin_call(struct http_conn *c)
{
	c->call = (struct http_call){ .conn = c, .classes = c->call.classes };
	c->in_call = true;
	c->begun = c->raw_end = false;
	c->accepts = ENC_NONE;
	c->since_ns = 0;
	set_idle(c, false);
	conn_deadline(c, 0);
	c->http->stats.requests++;
	record_begin(c);
}

/* The protocol never hears of these. */
static enum step
refuse_head(struct http_conn *c, int status, const struct err *e)
{
	begin_call(c);
	c->keep_alive = false;
	http_error(&c->call, status, "%s", e->text);
	return STEP_GO;
}

static void
go_on(struct http_conn *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (c->have == c->at && !c->raw_end)
		(void)send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
}

static enum step
take_head(struct http_conn *c, size_t len)
{
	struct http *h = c->http;
	struct http_head *head = &h->head;
	struct err e;
	int status;

	if (http_parse(c->in + c->at, len, head, &status, &e) != 0)
		return refuse_head(c, status, &e);
	begin_call(c);
	c->call.method = head->method;
	c->minor = head->minor;
	c->keep_alive = head->keep_alive && !h->draining && !c->last;
	record_head(c, head);
	if (http_lists(head, "accept-encoding", "gzip"))
		c->accepts = ENC_GZIP;
	else if (http_lists(head, "accept-encoding", "deflate"))
		c->accepts = ENC_DEFLATE;
	c->state = CONN_BODY;
	/* the head's bytes stay where they are for now */
	c->at += len;
	c->begun = body_start(c, head) == 0;
	if (c->begun)
		h->protocol->begin(&c->call, head);
	if (c->state == CONN_BODY) {
		c->since_ns = clock_ns();
		c->moved = 0;
		if (!c->raw_end)
			extend(c, h->limits.body_ns);
		if (head->expect_continue)
			go_on(c);
	}
	return STEP_GO;
}

static enum step
head_step(struct http_conn *c)
{
	const struct http_limits *l = &c->http->limits;
	enum http_result r;
	struct err e;
	size_t len;
	int status;

	if (c->at == c->have) {
		if (c->eof || c->http->draining)
			return STEP_CLOSE;
		set_idle(c, true);
		conn_deadline(c, clock_ns() + l->idle_ns);
		free(c->in);
		c->in = NULL;
		c->at = c->have = c->cap = 0;
		return STEP_WAIT;
	}
	set_idle(c, false);
	if (c->since_ns == 0) {
		c->since_ns = clock_ns();
		conn_deadline(c, c->since_ns + l->head_ns);
	}
	r = http_find(&c->find, c->in + c->at, c->have - c->at, l->head, &len,
	    &status, &e);
	if (r == HTTP_MORE)
		return c->eof ? STEP_CLOSE : STEP_WAIT;
	c->find = (struct http_find){ 0 };
	if (r == HTTP_BAD)
		return refuse_head(c, status, &e);
	return take_head(c, len);
}

/* Only watching for the client to leave. */
static enum step
wait_step(struct http_conn *c)
{
	return c->eof ? STEP_CLOSE : STEP_WAIT;
}

/* The answer has left. */
static enum step
sent(struct http_conn *c)
{
	bool on = c->keep_alive && !c->eof && !c->http->draining;

	end_call(c, false);
	c->since_ns = 0;
	if (on) {
		c->state = CONN_HEAD;
		return STEP_GO;
	}
	if (c->eof || (c->raw_end && c->at == c->have))
		return STEP_CLOSE;
	/*
	 * Closing with bytes unread resets the connection, and the answer with
	 * it: say that we are done and read on for a while.
	 */
	(void)shutdown(c->fd, SHUT_WR);
	c->state = CONN_LINGER;
	c->at = c->have = 0;
	conn_deadline(c, clock_ns() + LINGER_NS);
	return STEP_WAIT;
}

static enum step
sending_step(struct http_conn *c)
{
	uint64_t before = c->moved;
	enum step s = send_step(c);

	if (s == STEP_GO)
		return sent(c);
	if (s == STEP_WAIT && (c->moved > before || c->deadline_ns == 0))
		extend(c, c->http->limits.send_ns);
	return s;
}

static enum step
linger_step(struct http_conn *c)
{
	c->lingered += c->have;
	c->at = c->have = 0;
	return c->eof || c->lingered > LINGER_MAX ? STEP_CLOSE : STEP_WAIT;
}

static enum step (*const steps[CONN_STATES])(struct http_conn *) = {
	[CONN_HEAD] = head_step,
	[CONN_BODY] = body_step,
	[CONN_PENDING] = wait_step,
	[CONN_PACKING] = pack_step,
	[CONN_SENDING] = sending_step,
	[CONN_LINGER] = linger_step,
};

/* Is there any sense in reading now? */
static bool
wants_bytes(const struct http_conn *c)
{
	size_t most = c->http->limits.head > IN_SMALL ? c->http->limits.head :
	    IN_SMALL;

	if (c->eof)
		return false;
	if (c->state == CONN_BODY)
		return !c->raw_end && c->raw.n == 0;
	return c->state == CONN_LINGER || c->have - c->at < most;
}

void
conn_run(struct http_conn *c)
{
	enum step s = STEP_GO;
	int heads = 0;

	if (c->running)
		return;
	c->running = true;
	while (c->state != CONN_CLOSED && s == STEP_GO) {
		if (c->state == CONN_HEAD && ++heads > PIPELINED_MAX) {
			turn_add(&c->http->turns, &c->turn);
			break;
		}
		s = steps[c->state](c);
		if (s == STEP_CLOSE)
			conn_close(c);
	}
	c->running = false;
	if (c->state == CONN_CLOSED)
		conn_free(c);
	else
		set_reading(c, wants_bytes(c));
}

/* Room in in[have, cap), at least a byte; bytes in use move to the front. */
static bool
make_room(struct http_conn *c, size_t want)
{
	size_t cap = want;
	char *in;

	if (c->at > 0 && c->raw.n == 0) {
		memmove(c->in, c->in + c->at, c->have - c->at);
		c->have -= c->at;
		c->at = 0;
	}
	if (c->cap > c->have)
		return true;
	if (cap < 2 * c->cap)
		cap = 2 * c->cap;
	in = realloc(c->in, cap);
	if (in == NULL)
		return false;
	c->in = in;
	c->cap = cap;
	return true;
}

static ssize_t
recv_buffer(struct http_conn *c)
{
	bool coded = c->state == CONN_BODY || c->state == CONN_LINGER;
	ssize_t n;

	if (!make_room(c, coded ? 16 * IN_SMALL : IN_SMALL)) {
		conn_close(c);
		return -2;
	}
	n = recv(c->fd, c->in + c->have, c->cap - c->have, 0);
	if (n > 0)
		c->have += (size_t)n;
	return n;
}

/* Bytes, or the end of them. */
static void
receive(struct http_conn *c)
{
	ssize_t n = body_direct(c) ? body_recv(c) : recv_buffer(c);

	if (n < 0 && (errno == EAGAIN || errno == EINTR) && n != -2)
		return;
	if (n > 0) {
		c->http->stats.bytes_in += (size_t)n;
		if (c->state == CONN_BODY) {
			c->moved += (size_t)n;
			extend(c, c->http->limits.body_ns);
		}
	} else if (n == 0) {
		c->eof = true;
	} else if (n == -1) {
		conn_close(c);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	c->running = true;		/* nobody frees it in between */
	receive(c);
	c->running = false;
	conn_run(c);
	loop_leave(entered);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	conn_run(arg);
	loop_leave(entered);
}

static void
on_turn(struct turn *t)
{
	conn_run((struct http_conn *)(void *)((char *)t -
	    offsetof(struct http_conn, turn)));
}

static void
late(struct http_conn *c)
{
	c->http->stats.timeouts += !c->idle;
	c->deadline_ns = 0;
	if (c->state == CONN_HEAD && c->have > c->at)
		begin_call(c);
	if (!c->in_call || c->call.answered) {
		conn_close(c);
		return;
	}
	c->keep_alive = false;
	http_error(&c->call, 408, "the request did not arrive in time");
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;
	int64_t entered = loop_enter(), now = clock_ns();

	(void)fd;
	(void)what;
	c->timer_ns = 0;
	if (c->deadline_ns != 0 && c->deadline_ns <= now)
		late(c);
	else if (c->deadline_ns != 0)
		arm_timer(c, now);
	loop_leave(entered);
}

void
conn_last(struct http_conn *c)
{
	c->last = true;
	c->keep_alive = false;
}

void
conn_new(struct http *h, int fd, unsigned classes,
    const struct http_listener *listener)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->http = h;
	c->fd = fd;
	c->call.classes = classes;
	c->listener = listener;
	c->turn.run = on_turn;
	c->readable = event_new(h->base, fd, EV_READ | EV_PERSIST, on_readable,
	    c);
	c->writable = event_new(h->base, fd, EV_WRITE, on_writable, c);
	c->timer = event_new(h->base, -1, 0, on_timer, c);
	c->body = evbuffer_new();
	c->out = evbuffer_new();
	TAILQ_INSERT_TAIL(&h->conns, c, link);
	h->stats.accepted++;
	h->stats.open++;
	if (c->readable == NULL || c->writable == NULL || c->timer == NULL ||
	    c->body == NULL || c->out == NULL) {
		conn_close(c);
		return;
	}
	conn_run(c);
}
