/*
 * Bodies: bytes off the wire, out of their chunks, out of gzip, to where the
 * protocol wants them.  A plain body of known length is received straight
 * there.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zlib.h>

#include "parent/http_conn.h"

#define SLICE		((size_t)256 << 10)	/* bytes unpacked in one turn */
#define UNPACK_MEMORY	((size_t)48 << 10)	/* what zlib takes, about */

struct inflate {
	z_stream	 z;
	bool		 begun, ended;
	bool		 gzip;
};

static int
refuse(struct http_conn *c, int status, const char *why)
{
	http_error(&c->call, status, "%s", why);
	return -1;
}

static int
start_inflate(struct http_conn *c, bool gzip)
{
	if (!http_charge(&c->call, UNPACK_MEMORY))
		return refuse(c, 503, "out of memory for request bodies");
	c->inflate = calloc(1, sizeof(*c->inflate));
	if (c->inflate == NULL)
		return refuse(c, 503, "out of memory");
	c->inflate->gzip = gzip;
	c->call.encoded = true;
	return 0;
}

static int
start_encoding(struct http_conn *c, const struct http_head *head)
{
	struct text v = { NULL, 0 };
	size_t fields = 0;

	for (size_t i = 0; i < head->n_headers; i++) {
		if (text_is_nocase(head->header[i].name, "content-encoding")) {
			v = head->header[i].value;
			fields++;
		}
	}
	if (fields == 0 || (fields == 1 && text_is_nocase(v, "identity")))
		return 0;
	if (fields == 1 && (text_is_nocase(v, "gzip") ||
	    text_is_nocase(v, "x-gzip")))
		return start_inflate(c, true);
	if (fields == 1 && text_is_nocase(v, "deflate"))
		return start_inflate(c, false);
	c->keep_alive = false;
	http_refuse_encoding(&c->call, v);
	return -1;
}

int
body_start(struct http_conn *c, const struct http_head *head)
{
	size_t max = c->http->limits.body;

	c->chunked = head->chunked;
	c->left = head->length;
	c->raw_end = !c->chunked && c->left == 0;
	c->chunks = (struct http_chunks){ 0 };
	c->raw.n = 0;
	c->decoded = 0;
	c->call.has_body = head->chunked || head->has_length;
	c->call.length = head->length;
	if (c->left > max) {
		c->keep_alive = false;
		http_error(&c->call, 413, "request body of %llu bytes is over "
		    "the limit of %zu", (unsigned long long)c->left, max);
		return -1;
	}
	return c->raw_end ? 0 : start_encoding(c, head);
}

void
body_done(struct http_conn *c)
{
	c->raw.n = 0;
	if (c->inflate == NULL)
		return;
	if (c->inflate->begun)
		(void)inflateEnd(&c->inflate->z);
	free(c->inflate);
	c->inflate = NULL;
}

/* Bytes of the body itself; false: refused. */
static bool
deliver(struct http_conn *c, const char *data, size_t n)
{
	const struct http_protocol *p = c->http->protocol;

	if (n > c->http->limits.body - c->decoded) {
		c->keep_alive = false;
		http_error(&c->call, 413, "request body is over the limit of "
		    "%zu bytes", c->http->limits.body);
		return false;
	}
	c->decoded += n;
	while (n > 0) {
		size_t room = n;
		char *at;

		if (!p->room(&c->call, &at, &room))
			return false;
		if (room > n)
			room = n;
		memcpy(at, data, room);
		if (!p->filled(&c->call, room))
			return false;
		data += room;
		n -= room;
	}
	return true;
}

/* What is called deflate comes with zlib's frame (as it should) or without. */
static bool
begin_unpacking(struct inflate *f, const struct text *in)
{
	int bits = f->gzip ? 15 + 16 :
	    ((unsigned char)*in->at & 15) == Z_DEFLATED ? 15 : -15;

	f->begun = inflateInit2(&f->z, bits) == Z_OK;
	return f->begun;
}

/* Some bytes of the compressed body, at most a slice of what is in them. */
static enum step
unpack(struct http_conn *c)
{
	static char out[32768];
	struct inflate *f = c->inflate;
	size_t done = 0;
	int rc = Z_OK;

	if (!f->begun && !begin_unpacking(f, &c->raw))
		return refuse(c, 503, "out of memory"), STEP_GO;
	while (c->raw.n > 0 && !f->ended && done < SLICE) {
		f->z.next_in = (Bytef *)(uintptr_t)c->raw.at;
		f->z.avail_in = (uInt)c->raw.n;
		f->z.next_out = (Bytef *)out;
		f->z.avail_out = sizeof(out);
		rc = inflate(&f->z, Z_NO_FLUSH);
		c->raw.at += c->raw.n - f->z.avail_in;
		c->raw.n = f->z.avail_in;
		f->ended = rc == Z_STREAM_END;
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return refuse(c, 400, "compressed body is damaged"),
			    STEP_GO;
		if (!deliver(c, out, sizeof(out) - f->z.avail_out))
			return STEP_GO;
		done += sizeof(out) - f->z.avail_out;
		/*
		 * All in, but more to come out: only an empty buffer says so.
		 */
		if (c->raw.n == 0 && f->z.avail_out > 0)
			break;
	}
	if (f->ended && c->raw.n > 0)
		return refuse(c, 400, "bytes behind the end of the compressed "
		    "body"), STEP_GO;
	if (c->raw.n == 0)
		return STEP_GO;
	turn_add(&c->http->turns, &c->turn);
	return STEP_WAIT;
}

/* The next bytes that are framed as body, or the end of them. */
static enum step
next_raw(struct http_conn *c)
{
	size_t n = c->have - c->at, used;
	struct err e;

	if (n == 0)
		return c->eof ? STEP_CLOSE : STEP_WAIT;
	if (!c->chunked) {
		if (n > c->left)
			n = (size_t)c->left;
		c->raw = (struct text){ c->in + c->at, n };
		c->at += n;
		c->left -= n;
		c->raw_end = c->left == 0;
		return STEP_GO;
	}
	switch (http_chunks_next(&c->chunks, c->in + c->at, n, &used, &c->raw,
	    &e)) {
	case HTTP_BAD:
		c->keep_alive = false;
		http_error(&c->call, 400, "%s", e.text);
		break;
	case HTTP_DONE:
		c->raw_end = true;
		break;
	default:
		break;
	}
	c->at += used;
	return STEP_GO;
}

static enum step
complete(struct http_conn *c)
{
	if (c->inflate != NULL && !c->inflate->ended)
		return refuse(c, 400, "compressed body is cut short"), STEP_GO;
	body_done(c);
	conn_deadline(c, 0);
	c->state = CONN_PENDING;
	c->call.arrived_ns = clock_ns();
	c->http->protocol->ready(&c->call);
	return STEP_GO;
}

enum step
body_step(struct http_conn *c)
{
	if (c->raw.n == 0 && c->raw_end)
		return complete(c);
	if (c->raw.n == 0)
		return next_raw(c);
	if (c->inflate != NULL)
		return unpack(c);
	if (deliver(c, c->raw.at, c->raw.n))
		c->raw.n = 0;
	return STEP_GO;
}

bool
body_direct(const struct http_conn *c)
{
	return c->state == CONN_BODY && !c->chunked && c->inflate == NULL &&
	    c->at == c->have && c->left > 0;
}

ssize_t
body_recv(struct http_conn *c)
{
	size_t n = c->left < RECV_MAX ? (size_t)c->left : RECV_MAX;
	ssize_t got;
	char *at;

	if (!c->http->protocol->room(&c->call, &at, &n))
		return -2;
	if (n > c->left)
		n = (size_t)c->left;
	got = recv(c->fd, at, n, 0);
	if (got <= 0)
		return got;
	c->left -= (size_t)got;
	c->raw_end = c->left == 0;
	c->decoded += (size_t)got;
	return c->http->protocol->filled(&c->call, (size_t)got) ? got : -2;
}
