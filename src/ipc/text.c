#include <stdbool.h>

#include "base/utf8.h"
#include "ipc/text.h"

size_t
text_clean(char *text, size_t n)
{
	bool utf8 = utf8_valid(text, n);
	unsigned char c;
	size_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		c = (unsigned char)text[i];
		if (c >= 0x20 && c != 0x7f && (utf8 || c < 0x80))
			continue;
		text[i] = '?';
		bad++;
	}
	return bad;
}
