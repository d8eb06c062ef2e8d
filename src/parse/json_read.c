#include "parse/json_read.h"

#include <string.h>

#include "base/buf.h"
#include "base/size.h"
#include "parse/num.h"

#define MESSAGE_MAX	512

static void
add_path(struct buf *b, const struct reader *r)
{
	int n = r->parts < PATH_MAX_PARTS ? r->parts : PATH_MAX_PARTS;

	for (int i = 0; i < n; i++) {
		const struct path_part *p = &r->path[i];
		int len = p->key.n < 64 ? (int)p->key.n : 64;

		if (p->key.at != NULL)
			(void)buf_printf(b, i > 0 ? ".%.*s" : "%.*s", len,
			    p->key.at);
		else
			(void)buf_printf(b, "[%zu]", p->index);
	}
	if (n > 0)
		(void)buf_str(b, ": ");
}

int
read_fail(struct reader *r, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, 4 * MESSAGE_MAX);
	add_path(&b, r);
	va_start(ap, fmt);
	(void)buf_vprintf(&b, fmt, ap);
	va_end(ap);
	(void)buf_printf(&b, " at byte %zu", r->at);
	(void)err_set(r->err, ERR_INVALID, "%s", b.data != NULL ? b.data : fmt);
	buf_done(&b);
	return -1;
}

void
read_space(struct reader *r)
{
	while (r->at < r->end && (r->text[r->at] == ' ' ||
	    r->text[r->at] == '\n' || r->text[r->at] == '\r' ||
	    r->text[r->at] == '\t'))
		r->at++;
}

char
read_peek(struct reader *r)
{
	read_space(r);
	return r->at < r->end ? r->text[r->at] : '\0';
}

bool
read_mark(struct reader *r, char c)
{
	if (read_peek(r) != c || r->at == r->end)
		return false;
	r->at++;
	return true;
}

static int
hex4(const char *p, size_t n, uint32_t *v)
{
	*v = 0;
	for (size_t i = 0; i < 4; i++) {
		unsigned c = i < n ? (unsigned char)p[i] : 0;
		unsigned d = c - '0';

		if (d > 9) {
			d = (c | 0x20) - 'a' + 10;
			if (d < 10 || d > 15)
				return -1;
		}
		*v = *v << 4 | d;
	}
	return 0;
}

/*
 * Behind "\u": one character, which may take a second escape; bytes taken or 0.
 */
static size_t
unicode(const char *p, size_t n, uint32_t *c)
{
	uint32_t low;

	if (hex4(p, n, c) != 0)
		return 0;
	if (*c < 0xd800 || *c >= 0xe000)
		return 4;
	if (*c >= 0xdc00 || n < 10 || p[4] != '\\' || p[5] != 'u' ||
	    hex4(p + 6, n - 6, &low) != 0 || low < 0xdc00 || low >= 0xe000)
		return 0;
	*c = 0x10000 + ((*c & 0x3ff) << 10) + (low & 0x3ff);
	return 10;
}

static size_t
put_utf8(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
	out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Behind a backslash: *out gets the character, *w moves; bytes taken or 0. */
static size_t
escape(const char *p, size_t n, char *out, size_t *w)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	uint32_t c;
	size_t used;

	if (n == 0)
		return 0;
	if (*p == 'u') {
		used = unicode(p + 1, n - 1, &c);
		if (used > 0)
			*w += put_utf8(c, out + *w);
		return used > 0 ? used + 1 : 0;
	}
	found = *p != '\0' ? strchr(from, *p) : NULL;
	if (found == NULL)
		return 0;
	out[(*w)++] = to[found - from];
	return 1;
}

/* Bytes at p that stand for themselves: a run of ASCII, or one character. */
static size_t
plain(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (signed char)p[i] >= 0x20 && p[i] != '"' &&
	    p[i] != '\\')
		i++;
	return i > 0 || (unsigned char)*p < 0x80 ? i : text_utf8(p, n);
}

ptrdiff_t
json_unescape(const char *text, size_t *at, size_t end, char *out,
    const char **want)
{
	size_t w = 0, i = *at + 1, n;

	*want = "a string";
	if (*at == end || text[*at] != '"')
		return -1;
	while (i < end && text[i] != '"') {
		unsigned char c = (unsigned char)text[i];

		*at = i;
		if (c == '\\') {
			*want = "an escape of JSON";
			n = escape(text + i + 1, end - i - 1, out, &w);
			if (n == 0)
				return -1;
			i += n + 1;
			continue;
		}
		*want = "UTF-8 without control characters";
		n = plain(text + i, end - i);
		if (n == 0)
			return -1;
		memmove(out + w, text + i, n);
		w += n;
		i += n;
	}
	*at = i;
	*want = "the string's end";
	if (i == end)
		return -1;
	*at = i + 1;
	return (ptrdiff_t)w;
}

int
read_string(struct reader *r, struct text *t)
{
	const char *want;
	char *out;
	ptrdiff_t n;

	read_space(r);
	out = r->text + r->at + (r->at < r->end);
	n = json_unescape(r->text, &r->at, r->end, out, &want);
	if (n < 0)
		return read_fail(r, "expected %s", want);
	*t = (struct text){ out, (size_t)n };
	return 0;
}

static bool
literal(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (r->end - r->at < n || memcmp(r->text + r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

int
read_bool(struct reader *r, bool *v)
{
	read_space(r);
	if (literal(r, "true"))
		*v = true;
	else if (literal(r, "false"))
		*v = false;
	else
		return read_fail(r, "expected true or false");
	return 0;
}

static int
number(struct reader *r, struct num *n)
{
	const char *p;

	read_space(r);
	p = num_scan(r->text + r->at, r->text + r->end, n);
	if (p == NULL)
		return read_fail(r, "expected a number");
	r->at = (size_t)(p - r->text);
	return 0;
}

int
read_u64(struct reader *r, uint64_t *v)
{
	struct num n;
	size_t at;

	read_space(r);
	at = r->at;
	if (number(r, &n) != 0)
		return -1;
	if (!num_store(&n, DT_UINT64, v)) {
		r->at = at;
		return read_fail(r, "expected an integer that is not negative");
	}
	return 0;
}

/* Is the array that begins here one of the scan's?  Then *end is its end. */
static bool
at_span(struct reader *r, size_t *end)
{
	if (r->scan == NULL)
		return false;
	while (r->span < r->scan->n_spans && r->scan->span[r->span].at < r->at)
		r->span++;
	if (r->span == r->scan->n_spans || r->scan->span[r->span].at != r->at)
		return false;
	*end = r->scan->span[r->span].end;
	return true;
}

static int
skip_members(struct reader *r, int depth, char close, bool keys)
{
	struct text key;

	if (read_mark(r, close))
		return 0;
	do {
		if (keys && read_string(r, &key) != 0)
			return -1;
		if (keys && !read_mark(r, ':'))
			return read_fail(r, "expected ':'");
		if (read_skip(r, depth - 1) != 0)
			return -1;
	} while (read_mark(r, ','));
	if (!read_mark(r, close))
		return read_fail(r, "expected ',' or '%c'", close);
	return 0;
}

int
read_skip(struct reader *r, int depth)
{
	struct text s;
	struct num n;
	size_t end;
	char c = read_peek(r);

	if (depth == 0)
		return read_fail(r, "nested deeper than %d", JSON_DEPTH_MAX);
	if (c == '"')
		return read_string(r, &s);
	if (c == '[' && at_span(r, &end))
		return read_fail(r, "a large array where none is known");
	if (c == '[' || c == '{') {
		r->at++;
		return skip_members(r, depth, c == '[' ? ']' : '}', c == '{');
	}
	if (literal(r, "true") || literal(r, "false") || literal(r, "null"))
		return 0;
	if (r->at == r->end || num_scan(r->text + r->at, r->text + r->end,
	    &n) == NULL)
		return read_fail(r, "expected a value");
	return number(r, &n);
}

static const struct field *
find_field(const struct field *fields, size_t n, struct text key)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(key, fields[i].name))
			return &fields[i];
	return NULL;
}

static void
push_path(struct reader *r, struct text key, size_t index)
{
	if (r->parts < PATH_MAX_PARTS)
		r->path[r->parts] = (struct path_part){ key, index };
	r->parts++;
}

/* One value behind its key; null is as good as no key. */
static int
member(struct reader *r, const struct field *f, read_value *other, void *obj)
{
	if (f != NULL)
		return read_peek(r) == 'n' ? read_skip(r, 1) : f->read(r, obj);
	if (other != NULL && other(r, obj) != 0)
		return -1;
	return read_skip(r, JSON_DEPTH_MAX);
}

int
read_object(struct reader *r, const struct field *fields, size_t n,
    read_value *other, void *obj)
{
	uint32_t seen = 0;

	if (!read_mark(r, '{'))
		return read_fail(r, "expected an object");
	if (read_mark(r, '}'))
		return 0;
	do {
		const struct field *f;
		struct text key;

		if (read_string(r, &key) != 0)
			return -1;
		f = find_field(fields, n, key);
		push_path(r, key, 0);
		if (f != NULL && (seen & UINT32_C(1) << (f - fields)) != 0)
			return read_fail(r, "given twice");
		if (f != NULL)
			seen |= UINT32_C(1) << (f - fields);
		if (!read_mark(r, ':'))
			return read_fail(r, "expected ':'");
		if (member(r, f, other, obj) != 0)
			return -1;
		r->parts--;
	} while (read_mark(r, ','));
	if (!read_mark(r, '}'))
		return read_fail(r, "expected ',' or '}'");
	return 0;
}

int
read_array(struct reader *r, read_value *element, void *obj)
{
	struct text none = { NULL, 0 };
	size_t i = 0;

	if (!read_mark(r, '['))
		return read_fail(r, "expected an array");
	if (read_mark(r, ']'))
		return 0;
	do {
		push_path(r, none, i++);
		if (element(r, obj) != 0)
			return -1;
		r->parts--;
	} while (read_mark(r, ','));
	if (!read_mark(r, ']'))
		return read_fail(r, "expected ',' or ']'");
	return 0;
}
