/* Writing: elements and strings. */
#include <string.h>

#include "parse/json.h"
#include "parse/num.h"

size_t
json_print(enum dtype type, const void *data, size_t n, char *text, size_t room,
    size_t *bytes)
{
	const unsigned char *p = data;
	size_t size = dtype_info(type)->bits / 8, w = 0, i;

	for (i = 0; i < n && room - w > NUM_TEXT; i++) {
		if (i > 0)
			text[w++] = ',';
		w += num_print(type, p, text + w);
		p += size;
	}
	*bytes = w;
	return i;
}

static size_t
put_control(unsigned char c, char *out)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	static const char digits[] = "0123456789abcdef";
	const char *found = c != '\0' ? strchr(from, c) : NULL;

	out[0] = '\\';
	if (found != NULL) {
		out[1] = to[found - from];
		return 2;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = digits[c >> 4];
	out[5] = digits[c & 15];
	return 6;
}

size_t
json_quote(const char *s, size_t n, char *text)
{
	size_t w = 0, len;

	text[w++] = '"';
	for (size_t i = 0; i < n; i += len > 0 ? len : 1) {
		unsigned char c = (unsigned char)s[i];

		len = text_utf8(s + i, n - i);
		if (len == 0) {
			memcpy(text + w, "\\ufffd", 6);
			w += 6;
		} else if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
			w += put_control(c, text + w);
		} else {
			memcpy(text + w, s + i, len);
			w += len;
		}
	}
	text[w++] = '"';
	return w;
}
