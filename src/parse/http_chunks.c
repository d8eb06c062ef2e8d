/*
 * Chunked bodies: a machine of one byte at a time around runs of payload.
 *
 *	size *( ext ) CRLF  payload CRLF  ...  0 CRLF  *( trailer CRLF )  CRLF
 *
 * Extensions and trailers are read within limits and dropped.
 */
#include <string.h>

#include "parse/http.h"

enum state {
	SIZE,			/* hexadecimal digits */
	EXTENSION,		/* anything up to CR */
	SIZE_LF,
	PAYLOAD,
	PAYLOAD_CR,
	PAYLOAD_LF,
	TRAILER_START,		/* at the start of a line */
	TRAILER,		/* within one */
	TRAILER_LF,
	LAST_LF,
	FINISHED,
	STATES
};

/* Takes a byte and says where it leads; -1: *err says what was expected. */
typedef int step(struct http_chunks *, unsigned char, struct err *);

static int
size(struct http_chunks *c, unsigned char b, struct err *e)
{
	unsigned v = (unsigned)b - '0';

	if (v > 9) {
		v = (b | 0x20u) - 'a' + 10;
		if (v < 10 || v > 15)
			v = 16;
	}
	if (v < 16) {
		if (++c->digits > 15)
			return err_set(e, ERR_INVALID, "chunk size is too "
			    "long");
		c->left = c->left << 4 | v;
		return SIZE;
	}
	if (c->digits == 0)
		return err_set(e, ERR_INVALID,
		    "chunk %u: size begins with 0x%02x", c->chunks + 1, b);
	if (b == '\r')
		return SIZE_LF;
	if (b == ';' || b == ' ' || b == '\t')
		return EXTENSION;
	return err_set(e, ERR_INVALID, "chunk %u: 0x%02x in its size",
	    c->chunks + 1, b);
}

static int
extension(struct http_chunks *c, unsigned char b, struct err *e)
{
	if (b == '\r')
		return SIZE_LF;
	if (++c->line > HTTP_CHUNK_LINE_MAX)
		return err_set(e, ERR_INVALID, "chunk extensions are over %d "
		    "bytes", HTTP_CHUNK_LINE_MAX);
	if (b == 0x7f || (b < 0x20 && b != '\t'))
		return err_set(e, ERR_INVALID, "chunk %u: 0x%02x in an "
		    "extension", c->chunks + 1, b);
	return EXTENSION;
}

static int
size_lf(struct http_chunks *c, unsigned char b, struct err *e)
{
	if (b != '\n')
		return err_set(e, ERR_INVALID, "chunk %u: CR without LF",
		    c->chunks + 1);
	c->digits = c->line = 0;
	if (c->left == 0)
		return TRAILER_START;
	if (++c->chunks > HTTP_CHUNKS_MAX)
		return err_set(e, ERR_INVALID, "more than %d chunks",
		    HTTP_CHUNKS_MAX);
	return PAYLOAD;
}

static int
payload_cr(struct http_chunks *c, unsigned char b, struct err *e)
{
	if (b != '\r')
		return err_set(e, ERR_INVALID,
		    "chunk %u: longer than its size says", c->chunks);
	return PAYLOAD_LF;
}

static int
payload_lf(struct http_chunks *c, unsigned char b, struct err *e)
{
	if (b != '\n')
		return err_set(e, ERR_INVALID, "chunk %u: CR without LF",
		    c->chunks);
	return SIZE;
}

static int
trailer(struct http_chunks *c, unsigned char b, struct err *e)
{
	if (b == '\r')
		return TRAILER_LF;
	if (++c->trailers > HTTP_TRAILERS_MAX)
		return err_set(e, ERR_INVALID, "trailers are over %d bytes",
		    HTTP_TRAILERS_MAX);
	if (b == 0x7f || (b < 0x20 && b != '\t'))
		return err_set(e, ERR_INVALID, "0x%02x in a trailer", b);
	return TRAILER;
}

static int
trailer_start(struct http_chunks *c, unsigned char b, struct err *e)
{
	if (b == '\r')
		return LAST_LF;
	if (b == ' ' || b == '\t' || b == ':')
		return err_set(e, ERR_INVALID, "a trailer without a name");
	return trailer(c, b, e);
}

static int
trailer_lf(struct http_chunks *c, unsigned char b, struct err *e)
{
	(void)c;
	if (b != '\n')
		return err_set(e, ERR_INVALID, "trailers: CR without LF");
	return TRAILER_START;
}

static int
last_lf(struct http_chunks *c, unsigned char b, struct err *e)
{
	(void)c;
	if (b != '\n')
		return err_set(e, ERR_INVALID, "body's end: CR without LF");
	return FINISHED;
}

static step *const steps[STATES] = {
	[SIZE] = size,
	[EXTENSION] = extension,
	[SIZE_LF] = size_lf,
	[PAYLOAD_CR] = payload_cr,
	[PAYLOAD_LF] = payload_lf,
	[TRAILER_START] = trailer_start,
	[TRAILER] = trailer,
	[TRAILER_LF] = trailer_lf,
	[LAST_LF] = last_lf,
};

static enum http_result
payload(struct http_chunks *c, const char *in, size_t n, size_t *used,
    struct text *data)
{
	if (c->left < n)
		n = (size_t)c->left;
	*data = (struct text){ in, n };
	c->left -= n;
	if (c->left == 0)
		c->state = PAYLOAD_CR;
	*used += n;
	return HTTP_DATA;
}

enum http_result
http_chunks_next(struct http_chunks *c, const char *in, size_t n, size_t *used,
    struct text *data, struct err *e)
{
	int next;

	*used = 0;
	while (*used < n && c->state != FINISHED) {
		if (c->state == PAYLOAD)
			return payload(c, in + *used, n - *used, used, data);
		next = steps[c->state](c, (unsigned char)in[*used], e);
		if (next < 0)
			return HTTP_BAD;
		c->state = next;
		++*used;
	}
	return c->state == FINISHED ? HTTP_DONE : HTTP_MORE;
}
