/*
 * http: HTTP/1.1 and 1.0 requests, and answers, from bytes, strictly.
 *
 * Whatever two readers could understand differently is refused: bare LF, folded
 * lines, spaces around names, two lengths, a length beside chunks, codings
 * other than "chunked", more or less than one Host.  Pure functions: a head is
 * found, then parsed, in a buffer that the caller owns; chunks are decoded
 * where they lie.
 */
#ifndef PARSE_HTTP_H
#define PARSE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "parse/text.h"

#define HTTP_HEADERS_MAX	64
#define HTTP_CHUNKS_MAX		65536	/* chunks that are not empty */
#define HTTP_CHUNK_LINE_MAX	256	/* bytes of extensions */
#define HTTP_TRAILERS_MAX	8192	/* bytes of all trailer fields */

enum http_result {
	HTTP_MORE,		/* not enough bytes yet */
	HTTP_DONE,
	HTTP_DATA,		/* chunks only: here is some payload */
	HTTP_BAD,		/* *err and the status say why */
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_OTHER,		/* a token, but nothing we do */
};

struct http_header {
	struct text	name, value;	/* value without spaces around it */
};

/* A parsed head; its texts point into the buffer. */
struct http_head {
	enum http_method method;
	struct text	 path;		/* as sent: still percent-encoded */
	struct text	 query;		/* behind '?', may be empty */
	int		 code;		/* of an answer: 100 to 999 */
	int		 minor;		/* HTTP/1.minor: 0 or 1 */
	bool		 keep_alive;	/* the client wishes to go on */
	bool		 chunked;
	bool		 has_length;
	uint64_t	 length;	/* if has_length */
	bool		 expect_continue;
	struct http_header header[HTTP_HEADERS_MAX];
	size_t		 n_headers;
};

/* Where the search for a head's end stands; zero at the start. */
struct http_find {
	size_t		at;		/* bytes looked at */
	bool		cr;		/* the last of them was CR */
	bool		line;		/* the current line is not empty */
	bool		begun;		/* a line that is not empty was seen */
	unsigned	blank;		/* empty lines in front */
};

/*
 * Look at the bytes of buf that are new since the last call.  HTTP_DONE: the
 * head is buf[0, *len).  HTTP_BAD: a bare LF or CR, a NUL, or no end within max
 * bytes.
 */
enum http_result http_find(struct http_find *, const char *buf, size_t have,
		    size_t max, size_t *len, int *status, struct err *);

/*
 * A whole head as found by http_find().  -1: *status and *err say what to
 * answer.
 */
int		 http_parse(const char *buf, size_t len, struct http_head *,
		    int *status, struct err *);

/*
 * The head of an answer, found in the same way.  Of the fields above, path,
 * query and expect_continue are none of its.  -1: *err says what is wrong.
 */
int		 http_parse_answer(const char *buf, size_t len,
		    struct http_head *, struct err *);

/*
 * The value of the only header of that name (lower case); at NULL: none or
 * many.
 */
struct text	 http_header(const struct http_head *, const char *name);

/*
 * Does a header that is a comma-separated list hold this token, whatever its
 * case and not with ";q=0" behind it?
 */
bool		 http_lists(const struct http_head *, const char *name,
		    const char *token);

/*
 * Percent-decode into out (at least in.n bytes); *n is what was written.
 * False: broken escapes, or a byte below 0x20 or 0x7f.
 */
bool		 http_unescape(struct text in, char *out, size_t *n);

/* The decoder of chunked bodies; zero at the start. */
struct http_chunks {
	int		state;
	uint64_t	left;		/* payload bytes of the current chunk */
	uint32_t	digits;		/* of the current size */
	uint32_t	chunks;
	uint32_t	line;		/* bytes of the current size line */
	uint32_t	trailers;	/* bytes of trailer fields */
};

/*
 * Take bytes from in[0, n): *used of them.  HTTP_DATA: *data lies in in, call
 * again.  HTTP_MORE: all used.  HTTP_DONE: what is left belongs to the next
 * request.
 */
enum http_result http_chunks_next(struct http_chunks *, const char *in,
    size_t n,
		    size_t *used, struct text *data, struct err *);

#endif
