#include "parse/text.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

bool
text_is(struct text t, const char *s)
{
	return t.n == strlen(s) && memcmp(t.at, s, t.n) == 0;
}

bool
text_is_nocase(struct text t, const char *s)
{
	return t.n == strlen(s) && strncasecmp(t.at, s, t.n) == 0;
}

struct text
text_trim(struct text t)
{
	while (t.n > 0 && (*t.at == ' ' || *t.at == '\t')) {
		t.at++;
		t.n--;
	}
	while (t.n > 0 && (t.at[t.n - 1] == ' ' || t.at[t.n - 1] == '\t'))
		t.n--;
	return t;
}

size_t
text_utf8(const char *p, size_t n)
{
	/* By the number of bytes: the smallest character that may need them. */
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)*p;
	size_t len = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ?
	    3 : first >> 3 == 30 ? 4 : 0;
	uint32_t c;

	if (len <= 1 || len > n)
		return len == 1;
	c = first & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}
