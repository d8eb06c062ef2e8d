#include "base/utf8.h"

#include <stdint.h>

/*
 * Bytes of the sequence that starts with c, and its least code point; 0: none.
 */
static size_t
length(uint8_t c, uint32_t *least)
{
	if (c < 0x80)
		return *least = 0, 1;
	if (c >= 0xc2 && c < 0xe0)
		return *least = 0x80, 2;
	if (c >= 0xe0 && c < 0xf0)
		return *least = 0x800, 3;
	if (c >= 0xf0 && c < 0xf5)
		return *least = 0x10000, 4;
	return 0;
}

static bool
one(const uint8_t *s, size_t len, uint32_t least)
{
	uint32_t code = s[0] & (0xff >> (len + 1));

	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return false;
		code = code << 6 | (s[i] & 0x3f);
	}
	return code >= least && code <= 0x10ffff &&
	    (code < 0xd800 || code > 0xdfff);
}

bool
utf8_valid(const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text;
	uint32_t least = 0;
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		len = length(s[i], &least);
		if (len == 0 || len > n - i)
			return false;
		if (len > 1 && !one(s + i, len, least))
			return false;
	}
	return true;
}
