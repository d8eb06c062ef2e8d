#include "base/log_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define ESCAPE	4		/* bytes of \xNN */

/*
 * Bytes of the character at s if it is one that changes nothing but the place
 * of the next; 0: escape this byte.  C1 controls drive terminals as C0 do.
 */
static size_t
printable(const char *s)
{
	unsigned char c = (unsigned char)*s;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (c < 0x20 || c == 0x7f)
		return 0;
	if (n == 1)
		return 1;
	if (strnlen(s, n) < n || !utf8_valid(s, n) ||
	    (c == 0xc2 && (unsigned char)s[1] < 0xa0))
		return 0;
	return n;
}

/* One character, or a byte as \xNN; the bytes of s that it took. */
static size_t
put_one(char *out, size_t *at, const char *s)
{
	size_t n = printable(s);

	if (n == 0) {
		*at += (size_t)snprintf(out + *at, ESCAPE + 1, "\\x%02x",
		    (unsigned)(unsigned char)*s);
		return 1;
	}
	memcpy(out + *at, s, n);
	*at += n;
	return n;
}

size_t
log_text_escape(char *out, size_t size, const char *s)
{
	size_t at = 0;

	while (*s != '\0' && at + ESCAPE < size)
		s += put_one(out, &at, s);
	out[at] = '\0';
	return at;
}

static bool
is_plain(const char *s)
{
	size_t n;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s += n)
		if ((n = printable(s)) == 0 || strchr(" \"\\=", *s) != NULL)
			return false;
	return true;
}

size_t
log_text_quote(char *out, size_t size, const char *s)
{
	static const char dots[] = "...";
	bool quoted = !is_plain(s);
	size_t at = 0;

	if (quoted)
		out[at++] = '"';
	while (*s != '\0' && at + ESCAPE + sizeof(dots) + 1 < size) {
		if (*s == '"' || *s == '\\')
			out[at++] = '\\';
		s += put_one(out, &at, s);
	}
	if (*s != '\0') {
		memcpy(out + at, dots, sizeof(dots) - 1);
		at += sizeof(dots) - 1;
	}
	if (quoted)
		out[at++] = '"';
	out[at] = '\0';
	return at;
}
