#include "tool/client.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "parse/http.h"
#include "parse/num.h"

#define HEAD_MAX	((size_t)32 << 10)
#define PIECE		((size_t)64 << 10)
#define INTERIM_MAX	8		/* 1xx in front of the answer */

struct talk {
	int		 fd;
	int64_t		 until;		/* clock_ns() */
	double		 timeout_s;
	struct buf	 head;		/* as it came; maybe more behind it */
	struct iovec	 out[CLIENT_BODY_PARTS + 1];
	int		 n_out, at_out;
};

/* Until one of those events; what there is of them, -1 at the deadline. */
static int
wait_for(const struct talk *t, short events, struct err *e)
{
	struct pollfd p = { .fd = t->fd, .events = events };
	int64_t left;
	int n;

	do {
		left = t->until - clock_ns();
		n = poll(&p, 1, left <= 0 ? 0 : (int)(left / NS_PER_MS) + 1);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_sys(e, "poll");
	if (clock_ns() >= t->until)
		return err_set(e, ERR_UNAVAILABLE, "no answer within %g "
		    "seconds (--timeout)", t->timeout_s);
	return n == 0 ? 0 : p.revents;
}

static int
nobody(int error, struct err *e)
{
	return err_set(e, ERR_UNAVAILABLE, "no daemon answers (%s): is it "
	    "running?", strerror(error));
}

static int
connected(struct talk *t, struct err *e)
{
	int error = 0, events;
	socklen_t n = sizeof(error);

	do {
		if ((events = wait_for(t, POLLOUT, e)) == -1)
			return -1;
	} while (events == 0);
	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		return err_sys(e, "getsockopt");
	return error != 0 ? nobody(error, e) : 0;
}

static int
connect_to(struct talk *t, int family, const struct sockaddr *a, socklen_t n,
    struct err *e)
{
	t->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd == -1)
		return err_sys(e, "socket");
	if (connect(t->fd, a, n) == 0)
		return 0;
	if (errno == EINPROGRESS)
		return connected(t, e);
	return nobody(errno, e);
}

static int
connect_local(struct talk *t, const struct url *u, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	/* As url_parse() has checked; the rest of it is zero. */
	memcpy(a.sun_path, u->host, sizeof(a.sun_path) - 1);
	return connect_to(t, AF_UNIX, (struct sockaddr *)&a, sizeof(a), e);
}

/* The first address that answers; the error is the last one's. */
static int
connect_remote(struct talk *t, const struct url *u, struct err *e)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM }, *all, *a;
	int on = 1, r = getaddrinfo(u->host, u->port, &want, &all);

	if (r != 0)
		return err_set(e, ERR_NOT_FOUND, "host \"%s\": %s", u->host,
		    gai_strerror(r));
	r = -1;
	for (a = all; a != NULL && r == -1; a = a->ai_next) {
		r = connect_to(t, a->ai_family, a->ai_addr, a->ai_addrlen, e);
		if (r == -1 && t->fd != -1) {
			(void)close(t->fd);
			t->fd = -1;
		}
	}
	freeaddrinfo(all);
	if (r == 0)
		(void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	return r;
}

/* Our head, and how long what follows is. */
static int
write_head(struct buf *b, const struct url *u, const struct client_request *r,
    struct err *e)
{
	bool v6 = strchr(u->host, ':') != NULL;
	size_t n = 0;

	for (int i = 0; i < r->n_body; i++)
		if (!size_add(n, r->body[i].iov_len, &n))
			return err_set(e, ERR_LIMIT, "the request is too "
			    "long");
	(void)buf_printf(b, "%s %s%s HTTP/1.1\r\nHost: ", r->method, u->prefix,
	    r->path);
	if (u->local)
		(void)buf_str(b, "localhost");
	else
		(void)buf_printf(b, "%s%s%s:%s", v6 ? "[" : "", u->host,
		    v6 ? "]" : "", u->port);
	(void)buf_str(b, "\r\nUser-Agent: clinfer\r\nConnection: close\r\n");
	if (r->n_body > 0 || strcmp(r->method, "GET") != 0)
		(void)buf_printf(b, "Content-Length: %zu\r\nContent-Type: "
		    "application/%s\r\n", n, r->json > 0 ? "octet-stream" :
		    "json");
	if (r->json > 0)
		(void)buf_printf(b, "Inference-Header-Content-Length: "
		    "%zu\r\n", r->json);
	(void)buf_str(b, "\r\n");
	return buf_failed(b) ? err_memory(e, "a request", b->len) : 0;
}

/* What was written is behind us; empty parts, too. */
static void
advance(struct talk *t, size_t n)
{
	while (t->at_out < t->n_out) {
		struct iovec *v = &t->out[t->at_out];
		size_t k = n < v->iov_len ? n : v->iov_len;

		v->iov_base = (char *)v->iov_base + k;
		v->iov_len -= k;
		n -= k;
		if (v->iov_len > 0)
			return;
		t->at_out++;
	}
}

/*
 * All of it, unless an answer comes first: who refuses a body need not read it.
 */
static int
send_all(struct talk *t, struct err *e)
{
	int events;
	ssize_t n;

	advance(t, 0);
	while (t->at_out < t->n_out) {
		struct msghdr m = { .msg_iov = t->out + t->at_out,
		    .msg_iovlen = (size_t)(t->n_out - t->at_out) };

		if ((events = wait_for(t, POLLIN | POLLOUT, e)) == -1)
			return -1;
		if ((events & POLLIN) != 0)
			return 0;
		if (events == 0)
			continue;
		n = sendmsg(t->fd, &m, MSG_NOSIGNAL);
		if (n == -1 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return err_sys(e, "send");
		if (n > 0)
			advance(t, (size_t)n);
	}
	return 0;
}

/* Some bytes; 0 at the end. */
static ssize_t
receive(const struct talk *t, char *to, size_t room, struct err *e)
{
	ssize_t n;
	int events;

	for (;;) {
		if ((events = wait_for(t, POLLIN, e)) == -1)
			return -1;
		if (events == 0)
			continue;
		if ((n = recv(t->fd, to, room, 0)) >= 0)
			return n;
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(e, "receive");
	}
}

static int
not_http(struct err *e)
{
	return err_prefix(e, "the answer is not HTTP");
}

/* A head into t->head; *len bytes of it, what follows is the body's. */
static int
receive_head(struct talk *t, size_t *len, struct err *e)
{
	struct http_find f = { 0 };
	enum http_result r;
	char piece[4096];
	ssize_t n;
	int status;

	while ((r = http_find(&f, t->head.data, t->head.len, HEAD_MAX, len,
	    &status, e)) == HTTP_MORE) {
		if ((n = receive(t, piece, sizeof(piece), e)) == -1)
			return -1;
		if (n == 0)
			return err_set(e, ERR_UNAVAILABLE, t->head.len == 0 ?
			    "it closed the connection without an answer" :
			    "the answer's head is cut");
		if (!buf_add(&t->head, piece, (size_t)n))
			return err_memory(e, "a head", t->head.len);
	}
	return r == HTTP_DONE ? 0 : not_http(e);
}

/* How much of the body is there, and when it ends. */
struct body {
	struct buf	*to;
	struct http_chunks chunks;
	bool		 chunked, has_length, done;
	size_t		 length;
};

static int
store(const struct body *b, const char *in, size_t n, struct err *e)
{
	if (n > b->to->max - b->to->len)
		return err_set(e, ERR_LIMIT, "the answer is over %zu bytes",
		    b->to->max);
	return buf_add(b->to, in, n) ? 0 : err_memory(e, "an answer",
	    b->to->len);
}

static int
take_chunks(struct body *b, const char *in, size_t n, struct err *e)
{
	enum http_result r = HTTP_DATA;
	struct text data;
	size_t used;

	while (r == HTTP_DATA) {
		r = http_chunks_next(&b->chunks, in, n, &used, &data, e);
		if (r == HTTP_BAD)
			return not_http(e);
		if (r == HTTP_DATA && store(b, data.at, data.n, e) == -1)
			return -1;
		in += used;
		n -= used;
	}
	b->done = r == HTTP_DONE;
	return 0;
}

static int
take_body(struct body *b, const char *in, size_t n, struct err *e)
{
	if (b->chunked)
		return take_chunks(b, in, n, e);
	if (b->has_length && n > b->length - b->to->len)
		n = b->length - b->to->len;
	if (n > 0 && store(b, in, n, e) == -1)
		return -1;
	b->done = b->has_length && b->to->len == b->length;
	return 0;
}

/* A body without a length ends with the connection. */
static int
receive_body(struct talk *t, struct body *b, const char *have, size_t n_have,
    struct err *e)
{
	char *piece;
	ssize_t n = 1;
	int r;

	if (b->has_length && b->length > b->to->max)
		return err_set(e, ERR_LIMIT, "the answer is over %zu bytes",
		    b->to->max);
	if ((piece = malloc(PIECE)) == NULL)
		return err_memory(e, "an answer", PIECE);
	r = take_body(b, have, n_have, e);
	while (r == 0 && !b->done && n > 0) {
		if ((n = receive(t, piece, PIECE, e)) == -1)
			r = -1;
		else if (n > 0)
			r = take_body(b, piece, (size_t)n, e);
	}
	free(piece);
	if (r == 0 && !b->done && (b->chunked || b->has_length))
		return err_set(e, ERR_UNAVAILABLE, "the answer is cut after "
		    "%zu bytes", b->to->len);
	return r;
}

/* Where JSON ends and tensors begin. */
static int
read_json_length(const struct http_head *h, struct client_answer *a,
    struct err *e)
{
	struct text v = http_header(h, "inference-header-content-length");
	struct num number;
	uint64_t n;

	a->json = a->body.len;
	if (v.at == NULL)
		return 0;
	if (num_scan(v.at, v.at + v.n, &number) != v.at + v.n ||
	    !num_store(&number, DT_UINT64, &n) || n > a->body.len)
		return err_set(e, ERR_INVALID, "its "
		    "Inference-Header-Content-Length is not within the answer "
		    "of %zu bytes", a->body.len);
	a->json = (size_t)n;
	return 0;
}

static int
receive_answer(struct talk *t, struct http_head *h, struct client_answer *a,
    struct err *e)
{
	struct body b = { .to = &a->body };
	size_t len = 0;

	for (int i = 0; i == 0 || h->code < 200; i++) {
		if (len > 0)
			memmove(t->head.data, t->head.data + len,
			    t->head.len -= len);
		if (receive_head(t, &len, e) == -1)
			return -1;
		if (http_parse_answer(t->head.data, len, h, e) == -1)
			return not_http(e);
		if (i == INTERIM_MAX)
			return err_set(e, ERR_INVALID, "it answers %d and "
			    "nothing else", h->code);
	}
	a->status = h->code;
	b.chunked = h->chunked;
	b.has_length = h->has_length;
	b.length = h->length;
	if (receive_body(t, &b, t->head.data + len, t->head.len - len, e) == -1)
		return -1;
	return read_json_length(h, a, e);
}

static int
talk(struct talk *t, const struct url *u, struct client_answer *a,
    struct err *e)
{
	struct http_head *h;
	int result;

	if ((u->local ? connect_local(t, u, e) : connect_remote(t, u, e)) == -1)
		return -1;
	if (send_all(t, e) == -1)
		return -1;
	if ((h = malloc(sizeof(*h))) == NULL)
		return err_memory(e, "a head", sizeof(*h));
	result = receive_answer(t, h, a, e);
	free(h);
	return result;
}

int
client_ask(const struct url *u, double timeout_s,
    const struct client_request *r, struct client_answer *a, struct err *e)
{
	struct talk t = { .fd = -1, .timeout_s = timeout_s,
	    .until = clock_ns() + (int64_t)(timeout_s * (double)NS_PER_S) };
	struct buf head;
	int result = -1;

	a->status = 0;
	buf_init(&a->body, r->answer_max);
	buf_init(&head, HEAD_MAX);
	buf_init(&t.head, HEAD_MAX + 4096);
	if (write_head(&head, u, r, e) == 0) {
		t.out[t.n_out++] = (struct iovec){ head.data, head.len };
		for (int i = 0; i < r->n_body && i < CLIENT_BODY_PARTS; i++)
			t.out[t.n_out++] = r->body[i];
		result = talk(&t, u, a, e);
	}
	if (t.fd != -1)
		(void)close(t.fd);
	buf_done(&t.head);
	buf_done(&head);
	return result;
}

void
client_done(struct client_answer *a)
{
	buf_done(&a->body);
}
