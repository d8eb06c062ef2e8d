#include "parse/http.h"

#include <string.h>
#include <strings.h>

#include "base/size.h"

/* Bytes that may stand in a name or method (RFC 9110, 5.6.2). */
static bool
is_token(unsigned char c)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' &&
	    (c | 0x20) <= 'z') || (c != '\0' && strchr(others, c) != NULL);
}

/* Bytes that may stand in a field's value: no control character but tab. */
static bool
is_value(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

PRINTF(4, 5) static int
refuse(int *status, struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	*status = code;
	va_start(ap, fmt);
	(void)err_vset(e, ERR_INVALID, fmt, ap);
	va_end(ap);
	return -1;
}

static enum http_result
found_bad(const struct http_find *f, int *status, struct err *e,
    const char *what)
{
	(void)refuse(status, e, 400, "request head: %s at byte %zu", what,
	    f->at);
	return HTTP_BAD;
}

/* One LF behind its CR: ends a line, and the head if the line was empty. */
static bool
line_ends(struct http_find *f)
{
	bool end = !f->line && f->begun;

	if (!f->line)
		f->blank++;
	f->line = false;
	return end;
}

enum http_result
http_find(struct http_find *f, const char *buf, size_t have, size_t max,
    size_t *len, int *status, struct err *e)
{
	for (; f->at < have && f->at < max; f->at++) {
		char c = buf[f->at];

		if ((c == '\n') != f->cr)
			return found_bad(f, status, e, "CR and LF are no pair");
		f->cr = c == '\r';
		if (c == '\n') {
			if (line_ends(f)) {
				*len = ++f->at;
				return HTTP_DONE;
			}
			/* RFC 9112, 2.2: be lenient about one empty line. */
			if (!f->begun && f->blank > 1)
				return found_bad(f, status, e, "empty line");
		} else if (c == '\0') {
			return found_bad(f, status, e, "NUL");
		} else if (c != '\r') {
			f->line = f->begun = true;
		}
	}
	if (f->at < max)
		return HTTP_MORE;
	(void)refuse(status, e, 431, "request head is over %zu bytes", max);
	return HTTP_BAD;
}

static const struct {
	const char		*name;
	enum http_method	 method;
} methods[] = {
	{ "GET", HTTP_GET },
	{ "HEAD", HTTP_HEAD },
	{ "POST", HTTP_POST },
};

static int
parse_method(struct text t, struct http_head *h, int *status, struct err *e)
{
	h->method = HTTP_OTHER;
	for (size_t i = 0; i < nitems(methods); i++)
		if (text_is(t, methods[i].name))
			h->method = methods[i].method;
	for (size_t i = 0; i < t.n; i++)
		if (!is_token((unsigned char)t.at[i]))
			return refuse(status, e, 400,
			    "request line: byte %zu of the method is 0x%02x", i,
			    (unsigned char)t.at[i]);
	if (t.n == 0 || t.n > 32)
		return refuse(status, e, 400, "request line: no method");
	return 0;
}

/* "http://host" in front of a path is for proxies, but must be understood. */
static struct text
drop_authority(struct text t)
{
	static const char scheme[] = "http://";
	size_t n = sizeof(scheme) - 1;

	if (t.n < n || strncasecmp(t.at, scheme, n) != 0)
		return t;
	t.at += n;
	t.n -= n;
	while (t.n > 0 && *t.at != '/') {
		t.at++;
		t.n--;
	}
	return t;
}

static int
parse_target(struct text t, struct http_head *h, int *status, struct err *e)
{
	const char *q;

	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return refuse(status, e, 400,
			    "request line: byte %zu of the target is 0x%02x", i,
			    c);
	}
	t = drop_authority(t);
	if (t.n == 0 || *t.at != '/')
		return refuse(status, e, 400, "request line: target is no "
		    "path");
	h->path = t;
	q = memchr(t.at, '?', t.n);
	if (q != NULL) {
		h->path.n = (size_t)(q - t.at);
		h->query = (struct text){ q + 1, t.n - h->path.n - 1 };
	}
	return 0;
}

static int
parse_version(struct text t, struct http_head *h, int *status, struct err *e)
{
	if (t.n != 8 || memcmp(t.at, "HTTP/", 5) != 0 || t.at[6] != '.')
		return refuse(status, e, 400, "request line: no HTTP version");
	if (t.at[5] != '1' || (t.at[7] != '0' && t.at[7] != '1'))
		return refuse(status, e, 505,
		    "request line: version is not HTTP/1.0 or 1.1");
	h->minor = t.at[7] - '0';
	return 0;
}

/* Up to the next single space; at NULL if there is none. */
static struct text
take_word(struct text *line)
{
	const char *sp = memchr(line->at, ' ', line->n);
	struct text word = { NULL, 0 };

	if (sp == NULL)
		return word;
	word = (struct text){ line->at, (size_t)(sp - line->at) };
	line->n -= word.n + 1;
	line->at = sp + 1;
	return word;
}

static int
parse_request_line(struct text line, struct http_head *h, int *status,
    struct err *e)
{
	struct text method = take_word(&line), target;

	if (method.at == NULL)
		return refuse(status, e, 400, "request line: no target");
	target = take_word(&line);
	if (target.at == NULL)
		return refuse(status, e, 400, "request line: no HTTP version");
	if (parse_version(line, h, status, e) != 0 ||
	    parse_method(method, h, status, e) != 0)
		return -1;
	return parse_target(target, h, status, e);
}

static int
parse_field(struct text line, struct http_head *h, int *status, struct err *e)
{
	const char *colon = memchr(line.at, ':', line.n);
	struct http_header *f;

	if (h->n_headers == HTTP_HEADERS_MAX)
		return refuse(status, e, 431, "more than %d header fields",
		    HTTP_HEADERS_MAX);
	if (*line.at == ' ' || *line.at == '\t')
		return refuse(status, e, 400, "header %zu is a folded line",
		    h->n_headers + 1);
	if (colon == NULL || colon == line.at)
		return refuse(status, e, 400, "header %zu has no name",
		    h->n_headers + 1);
	f = &h->header[h->n_headers++];
	f->name = (struct text){ line.at, (size_t)(colon - line.at) };
	f->value = text_trim((struct text){ colon + 1,
	    line.n - f->name.n - 1 });
	for (size_t i = 0; i < f->name.n; i++)
		if (!is_token((unsigned char)f->name.at[i]))
			return refuse(status, e, 400, "header %zu: 0x%02x in "
			    "its name", h->n_headers,
			    (unsigned char)f->name.at[i]);
	for (size_t i = 0; i < f->value.n; i++)
		if (!is_value((unsigned char)f->value.at[i]))
			return refuse(status, e, 400, "header %zu: 0x%02x in "
			    "its value", h->n_headers,
			    (unsigned char)f->value.at[i]);
	return 0;
}

/* The fields of that name; *last is the last of them. */
static size_t
count_fields(const struct http_head *h, const char *name, struct text *last)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_headers; i++) {
		if (text_is_nocase(h->header[i].name, name)) {
			*last = h->header[i].value;
			n++;
		}
	}
	return n;
}

struct text
http_header(const struct http_head *h, const char *name)
{
	struct text v = { NULL, 0 };

	return count_fields(h, name, &v) == 1 ? v : (struct text){ NULL, 0 };
}

/* One element of a list, maybe with parameters, is the token and not ";q=0"? */
static bool
element_is(struct text t, const char *token)
{
	const char *semi = memchr(t.at, ';', t.n);
	struct text name = t, q = { NULL, 0 };

	if (semi != NULL) {
		name.n = (size_t)(semi - t.at);
		q = text_trim((struct text){ semi + 1, t.n - name.n - 1 });
	}
	if (!text_is_nocase(text_trim(name), token))
		return false;
	if (q.n < 3 || strncasecmp(q.at, "q=0", 3) != 0)
		return true;
	for (size_t i = 3; i < q.n; i++)
		if (q.at[i] != '.' && q.at[i] != '0')
			return true;
	return false;
}

bool
http_lists(const struct http_head *h, const char *name, const char *token)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		struct text rest = h->header[i].value;

		if (!text_is_nocase(h->header[i].name, name))
			continue;
		while (rest.n > 0) {
			const char *comma = memchr(rest.at, ',', rest.n);
			size_t n = comma != NULL ? (size_t)(comma - rest.at) :
			    rest.n;

			if (element_is(text_trim((struct text){ rest.at, n }),
			    token))
				return true;
			n += comma != NULL;
			rest.at += n;
			rest.n -= n;
		}
	}
	return false;
}

static int
check_length(struct http_head *h, int *status, struct err *e)
{
	struct text v = { NULL, 0 };
	size_t n = count_fields(h, "content-length", &v);

	if (n == 0)
		return 0;
	if (n > 1 || v.n == 0 || v.n > 19)
		return refuse(status, e, 400, n > 1 ? "%s is given twice" :
		    "%s is not 1 to 19 digits", "Content-Length");
	for (size_t i = 0; i < v.n; i++) {
		if (v.at[i] < '0' || v.at[i] > '9')
			return refuse(status, e, 400,
			    "Content-Length is not a number");
		h->length = h->length * 10 + (uint64_t)(v.at[i] - '0');
	}
	h->has_length = true;
	return 0;
}

static int
check_coding(struct http_head *h, int *status, struct err *e)
{
	struct text v = { NULL, 0 };
	size_t n = count_fields(h, "transfer-encoding", &v);

	if (n == 0)
		return 0;
	if (n > 1 || !text_is_nocase(v, "chunked"))
		return refuse(status, e, 400,
		    "Transfer-Encoding is not exactly \"chunked\"");
	if (h->minor == 0)
		return refuse(status, e, 400, "Transfer-Encoding in HTTP/1.0");
	if (h->has_length)
		return refuse(status, e, 400,
		    "both Transfer-Encoding and Content-Length");
	h->chunked = true;
	return 0;
}

static int
check_host(struct http_head *h, int *status, struct err *e)
{
	static const char others[] = "-._~%!$&'()*+,;=:[]";
	struct text v = { NULL, 0 };
	size_t n = count_fields(h, "host", &v);

	if (n > 1 || (n == 0 && h->minor > 0))
		return refuse(status, e, 400, "%zu Host headers, want one", n);
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.at[i];

		if (!(c >= '0' && c <= '9') &&
		    !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
		    strchr(others, c) == NULL)
			return refuse(status, e, 400, "Host: 0x%02x in it", c);
	}
	return 0;
}

static int
check_expect(struct http_head *h, int *status, struct err *e)
{
	struct text v = { NULL, 0 };

	if (count_fields(h, "expect", &v) == 0 || v.n == 0)
		return 0;
	if (!text_is_nocase(v, "100-continue"))
		return refuse(status, e, 417, "Expect is not \"100-continue\"");
	h->expect_continue = h->minor > 0;
	return 0;
}

static int
check_body(const struct http_head *h, int *status, struct err *e)
{
	if ((h->method == HTTP_GET || h->method == HTTP_HEAD) &&
	    (h->chunked || (h->has_length && h->length > 0)))
		return refuse(status, e, 400, "a body where the method has "
		    "none");
	return 0;
}

static int
check_head(struct http_head *h, int *status, struct err *e)
{
	if (check_host(h, status, e) != 0 || check_length(h, status, e) != 0 ||
	    check_coding(h, status, e) != 0 || check_expect(h, status, e) != 0)
		return -1;
	h->keep_alive = !http_lists(h, "connection", "close") &&
	    (h->minor > 0 || http_lists(h, "connection", "keep-alive"));
	return check_body(h, status, e);
}

typedef int (*line_parser)(struct text, struct http_head *, int *,
    struct err *);

/* The first line by one parser, the others as fields. */
static int
parse_lines(const char *buf, size_t len, line_parser parse,
    struct http_head *h, int *status, struct err *e)
{
	const char *p = buf, *end = buf + len, *cr;

	h->path = h->query = (struct text){ NULL, 0 };
	h->keep_alive = h->chunked = h->has_length = h->expect_continue = false;
	h->length = 0;
	h->n_headers = 0;
	for (; (cr = memchr(p, '\r', (size_t)(end - p))) != NULL; p = cr + 2) {
		struct text line = { p, (size_t)(cr - p) };

		if (line.n == 0)
			continue;
		if (parse(line, h, status, e) != 0)
			return -1;
		parse = parse_field;
	}
	return 0;
}

int
http_parse(const char *buf, size_t len, struct http_head *h, int *status,
    struct err *e)
{
	if (parse_lines(buf, len, parse_request_line, h, status, e) != 0)
		return -1;
	return check_head(h, status, e);
}

/* "HTTP/1.1 200 OK"; what the words say does not matter. */
static int
parse_status_line(struct text line, struct http_head *h, int *status,
    struct err *e)
{
	struct text version = take_word(&line);
	int code = 0;

	if (version.at == NULL || parse_version(version, h, status, e) != 0)
		return refuse(status, e, 502, "status line: no HTTP/1 version");
	for (size_t i = 0; i < 3; i++) {
		if (i >= line.n || line.at[i] < '0' || line.at[i] > '9')
			return refuse(status, e, 502,
			    "status line: no status of three digits");
		code = code * 10 + (line.at[i] - '0');
	}
	if (code < 100 || (line.n > 3 && line.at[3] != ' '))
		return refuse(status, e, 502,
		    "status line: no status of three digits");
	h->code = code;
	return 0;
}

int
http_parse_answer(const char *buf, size_t len, struct http_head *h,
    struct err *e)
{
	int status;

	h->code = 0;
	if (parse_lines(buf, len, parse_status_line, h, &status, e) != 0 ||
	    check_length(h, &status, e) != 0 ||
	    check_coding(h, &status, e) != 0)
		return -1;
	h->keep_alive = false;
	return 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
http_unescape(struct text in, char *out, size_t *n)
{
	size_t w = 0;

	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.at[i];

		if (c == '%') {
			if (in.n - i < 3 || hex(in.at[i + 1]) < 0 ||
			    hex(in.at[i + 2]) < 0)
				return false;
			c = (unsigned char)(hex(in.at[i + 1]) << 4 |
			    hex(in.at[i + 2]));
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		out[w++] = (char)c;
	}
	*n = w;
	return true;
}
