#include <stdbool.h>
#include <stdint.h>

#include "ipc/text.h"

/* Well-formed sequences (Unicode, table 3-7), by their first two bytes. */
static const struct form {
	uint8_t	first_lo, first_hi, second_lo, second_hi, bytes;
} forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static bool
fits(const struct form *f, const unsigned char *p, size_t n)
{
	if (p[0] < f->first_lo || p[0] > f->first_hi || n < f->bytes ||
	    p[1] < f->second_lo || p[1] > f->second_hi)
		return false;
	for (unsigned i = 2; i < f->bytes; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Bytes of the character at p, 0 if there is none. */
static size_t
character(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (fits(&forms[i], p, n))
			return forms[i].bytes;
	return 0;
}

size_t
text_clean(char *text, size_t n)
{
	size_t bad = 0, step;

	for (size_t i = 0; i < n; i += step) {
		step = character((const unsigned char *)text + i, n - i);
		if (step == 0) {
			text[i] = '?';
			bad++;
			step = 1;
		}
	}
	return bad;
}
