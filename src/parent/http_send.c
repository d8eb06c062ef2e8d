/* Answers: their heads, their compression, their way out. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/size.h"
#include "parent/http_conn.h"
#include "parse/json.h"

#define ERROR_MAX	2048			/* bytes of a message */
#define PACK_MIN	1024			/* bytes worth compressing */
#define PACK_SLICE	((size_t)64 << 10)	/* compressed in a turn */
#define PACK_MEMORY	((size_t)80 << 10)	/* what zlib takes, about */
#define WRITE_MAX	((ev_ssize_t)1 << 20)	/* bytes of one writev() */

struct deflate {
	z_stream	 z;
	struct evbuffer	*packed;
};

static const struct {
	int		 status;
	const char	*reason;
} reasons[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 413, "Content Too Large" },
	{ 417, "Expectation Failed" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static const int statuses[] = {
	[ERR_NONE] = 200,
	[ERR_INVALID] = 400,
	[ERR_NOT_FOUND] = 404,
	[ERR_LIMIT] = 413,
	[ERR_UNSUPPORTED] = 501,
	[ERR_UNAVAILABLE] = 503,
	[ERR_MEMORY] = 503,
	[ERR_SYSTEM] = 500,
	[ERR_DEVICE] = 500,
	[ERR_INTERNAL] = 500,
};

int
http_status(enum err_code code)
{
	return (size_t)code < nitems(statuses) ? statuses[code] : 500;
}

static const char *
reason(int status)
{
	for (size_t i = 0; i < nitems(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/*
 * Of a request that is refused, what lies here already is not worth closing
 * for.
 */
static void
take_rest(struct http_conn *c)
{
	if (c->raw_end || c->chunked || !c->begun || c->left > c->have - c->at)
		return;
	c->at += (size_t)c->left;
	c->left = 0;
	c->raw_end = true;
}

static const char *
connection_line(const struct http_conn *c)
{
	if (!c->keep_alive)
		return "Connection: close\r\n";
	return c->minor == 0 ? "Connection: keep-alive\r\n" : "";
}

static const char *
encoding_line(const struct http_conn *c)
{
	if (c->deflate == NULL)
		return "";
	return c->accepts == ENC_GZIP ? "Content-Encoding: gzip\r\n" :
	    "Content-Encoding: deflate\r\n";
}

/*
 * Head and body to out; from here on the connection sends.  False: no memory.
 */
static bool
start_sending(struct http_conn *c)
{
	size_t len = evbuffer_get_length(c->body);
	char head[768];
	int n;

	take_rest(c);
	c->keep_alive = c->keep_alive && c->raw_end && !c->eof &&
	    !c->http->draining && !c->http->paused;
	n = snprintf(head, sizeof(head), "HTTP/1.1 %d %s\r\n%s%s%s"
	    "Content-Length: %zu\r\n%s%s%s\r\n", c->status, reason(c->status),
	    c->type[0] != '\0' ? "Content-Type: " : "", c->type,
	    c->type[0] != '\0' ? "\r\n" : "", len, encoding_line(c),
	    connection_line(c), c->headers);
	if (c->call.method == HTTP_HEAD)
		(void)evbuffer_drain(c->body, len);
	if (n < 0 || (size_t)n >= sizeof(head) ||
	    evbuffer_add(c->out, head, (size_t)n) != 0 ||
	    evbuffer_add_buffer(c->out, c->body) != 0)
		return false;
	c->state = CONN_SENDING;
	c->since_ns = clock_ns();
	c->moved = 0;
	conn_deadline(c, 0);
	if (c->status < 600)
		c->http->stats.answers[c->status / 100]++;
	return true;
}

/*
 * A small window: an answer is numbers, and there may be many at once.  On any
 * failure the answer just goes out as it is.
 */
static void
start_packing(struct http_conn *c)
{
	struct deflate *d;
	int bits = c->accepts == ENC_GZIP ? 13 + 16 : 13;

	if (!http_charge(&c->call, PACK_MEMORY))
		return;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return;
	d->packed = evbuffer_new();
	if (d->packed == NULL || deflateInit2(&d->z, 1, Z_DEFLATED, bits, 6,
	    Z_DEFAULT_STRATEGY) != Z_OK) {
		if (d->packed != NULL)
			evbuffer_free(d->packed);
		free(d);
		return;
	}
	c->deflate = d;
}

void
send_done(struct http_conn *c)
{
	if (c->body != NULL)
		(void)evbuffer_drain(c->body, evbuffer_get_length(c->body));
	if (c->out != NULL)
		(void)evbuffer_drain(c->out, evbuffer_get_length(c->out));
	if (c->deflate == NULL)
		return;
	(void)deflateEnd(&c->deflate->z);
	evbuffer_free(c->deflate->packed);
	free(c->deflate);
	c->deflate = NULL;
}

static bool
pack_slice(struct http_conn *c, int flush)
{
	static char out[32768];
	struct deflate *d = c->deflate;
	struct evbuffer_iovec v;
	size_t n = 0;

	if (flush == Z_NO_FLUSH && evbuffer_peek(c->body, -1, NULL, &v,
	    1) > 0) {
		n = v.iov_len < PACK_SLICE ? v.iov_len : PACK_SLICE;
		d->z.next_in = v.iov_base;
	}
	d->z.avail_in = (uInt)n;
	do {
		d->z.next_out = (Bytef *)out;
		d->z.avail_out = sizeof(out);
		if (deflate(&d->z, flush) == Z_STREAM_ERROR ||
		    evbuffer_add(d->packed, out,
		    sizeof(out) - d->z.avail_out) != 0)
			return false;
	} while (d->z.avail_out == 0);
	return evbuffer_drain(c->body, n) == 0;
}

enum step
pack_step(struct http_conn *c)
{
	bool all = evbuffer_get_length(c->body) == 0;

	if (c->eof || !pack_slice(c, all ? Z_FINISH : Z_NO_FLUSH))
		return STEP_CLOSE;
	if (!all) {
		turn_add(&c->http->turns, &c->turn);
		return STEP_WAIT;
	}
	if (evbuffer_add_buffer(c->body, c->deflate->packed) != 0)
		return STEP_CLOSE;
	return start_sending(c) ? STEP_GO : STEP_CLOSE;
}

enum step
send_step(struct http_conn *c)
{
	size_t left;
	int n;

	while ((left = evbuffer_get_length(c->out)) > 0) {
		n = evbuffer_write_atmost(c->out, c->fd, WRITE_MAX);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return STEP_CLOSE;
		if (n > 0) {
			c->moved += (uint64_t)n;
			c->http->stats.bytes_out += (uint64_t)n;
		}
		if ((size_t)(n > 0 ? n : 0) == left)
			break;
		(void)event_add(c->writable, NULL);
		return STEP_WAIT;
	}
	return STEP_GO;
}

struct evbuffer *
http_body(struct http_call *call)
{
	return call->conn->body;
}

void
http_send(struct http_call *call, int status, const char *type,
    const char *headers)
{
	struct http_conn *c = call->conn;

	if (call->answered || c->state == CONN_CLOSED)
		return;
	call->answered = true;
	c->status = status;
	c->moved = 0;
	(void)snprintf(c->type, sizeof(c->type), "%s", type != NULL ? type :
	    "");
	(void)snprintf(c->headers, sizeof(c->headers), "%s",
	    headers != NULL ? headers : "");
	if (c->accepts != ENC_NONE && status == 200 &&
	    call->method != HTTP_HEAD &&
	    evbuffer_get_length(c->body) >= PACK_MIN)
		start_packing(c);
	if (c->deflate != NULL)
		c->state = CONN_PACKING;
	else if (!start_sending(c)) {
		conn_close(c);
		return;
	}
	conn_run(c);
}

static void
send_error(struct http_call *call, int status, const char *text,
    const char *headers)
{
	static char json[JSON_QUOTE_ROOM(ERROR_MAX)];
	struct evbuffer *b = call->conn->body;
	size_t n = json_quote(text, strlen(text), json);

	if (call->answered)
		return;
	(void)evbuffer_drain(b, evbuffer_get_length(b));
	(void)evbuffer_add(b, "{\"error\":", 9);
	(void)evbuffer_add(b, json, n);
	(void)evbuffer_add(b, "}", 1);
	http_send(call, status, "application/json", headers);
}

void
http_error(struct http_call *call, int status, const char *fmt, ...)
{
	char text[ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	send_error(call, status, text, NULL);
}

void
http_refuse_encoding(struct http_call *call, struct text v)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "Content-Encoding '%.*s' is not "
	    "supported, expected gzip, deflate or identity",
	    v.n < 32 ? (int)v.n : 32, v.at);
	send_error(call, 501, text, "Accept-Encoding: gzip, deflate\r\n");
}

void
http_fail(struct http_call *call, const struct err *e, int retry_after_s)
{
	char line[48];

	(void)snprintf(line, sizeof(line), "Retry-After: %d\r\n",
	    retry_after_s);
	send_error(call, http_status(e->code), e->text,
	    retry_after_s > 0 ? line : NULL);
}

/* The same bytes in memory of our own; -1: none left. */
static int
copy_buffer(struct evbuffer **b)
{
	size_t n = evbuffer_get_length(*b);
	struct evbuffer *copy = evbuffer_new();
	struct evbuffer_iovec v;

	if (copy == NULL || (n > 0 && evbuffer_reserve_space(copy,
	    (ev_ssize_t)n, &v, 1) != 1)) {
		if (copy != NULL)
			evbuffer_free(copy);
		return -1;
	}
	if (n > 0) {
		v.iov_len = (size_t)evbuffer_remove(*b, v.iov_base, n);
		(void)evbuffer_commit_space(copy, &v, 1);
	}
	evbuffer_free(*b);
	*b = copy;
	return 0;
}

size_t
http_copy(struct http_call *call)
{
	struct http_conn *c = call->conn;
	size_t n = evbuffer_get_length(c->out) + evbuffer_get_length(c->body);

	if (http_charge(call, n) && copy_buffer(&c->out) == 0 &&
	    copy_buffer(&c->body) == 0)
		return n;
	conn_close(c);
	return 0;
}
