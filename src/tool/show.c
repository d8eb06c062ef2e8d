#include "tool/show.h"

#include <stdarg.h>

#include "parse/text.h"

#define COLUMNS_MAX	16
#define REAL_DIGITS	15

/* U+0080 to U+009F drive some terminals as ESC does. */
static bool
is_control(const unsigned char *s, size_t len)
{
	return len == 0 || s[0] < 0x20 || s[0] == 0x7f ||
	    (len == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

size_t
show_text(FILE *f, const char *s, size_t n)
{
	size_t columns = 0, len;

	for (size_t i = 0; i < n; i += len) {
		const unsigned char *c = (const unsigned char *)s + i;

		len = text_utf8(s + i, n - i);
		if (!is_control(c, len)) {
			if (f != NULL)
				(void)fwrite(c, 1, len, f);
			columns++;
			continue;
		}
		len = 1;
		if (f != NULL)
			(void)fprintf(f, "\\x%02x", *c);
		columns += 4;
	}
	return columns;
}

size_t
show_string(FILE *f, const char *s)
{
	return show_text(f, s, strlen(s));
}

void
show_line(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	(void)show_text(stdout, text, (size_t)n);
	(void)putchar('\n');
	free(text);
}

void
show_json_bytes(const char *s, size_t n)
{
	size_t len;

	(void)putchar('"');
	for (size_t i = 0; i < n; i += len > 0 ? len : 1) {
		const unsigned char *c = (const unsigned char *)s + i;

		len = text_utf8(s + i, n - i);
		if (len == 0)
			(void)fputs("\\ufffd", stdout);
		else if (is_control(c, len))
			(void)printf("\\u%04x", c[len - 1]);
		else {
			if (*c == '"' || *c == '\\')
				(void)putchar('\\');
			(void)fwrite(c, 1, len, stdout);
		}
	}
	(void)putchar('"');
}

void
show_json_string(const char *s)
{
	show_json_bytes(s, strlen(s));
}

/* What jansson takes for printable is, but for this. */
#define DEL	"\x7f"

void
show_json(const json_t *j)
{
	char *text = json_dumps(j, JSON_ENSURE_ASCII | JSON_COMPACT |
	    JSON_REAL_PRECISION(REAL_DIGITS));
	const char *at = text;
	size_t n;

	for (; at != NULL && *at != '\0'; at += n) {
		n = strcspn(at, DEL);
		(void)fwrite(at, 1, n, stdout);
		if (at[n] == '\0')
			break;
		(void)fputs("\\u007f", stdout);
		n++;
	}
	(void)putchar('\n');
	free(text);
}

static const char *
cell(const json_t *row, size_t column)
{
	const char *s = json_string_value(json_array_get(row, column));

	return s != NULL ? s : "";
}

static void
widen(size_t *width, const json_t *row)
{
	for (size_t i = 0; i < COLUMNS_MAX; i++) {
		size_t n = show_string(NULL, cell(row, i));

		if (n > width[i])
			width[i] = n;
	}
}

static void
show_row(const json_t *row, const size_t *width)
{
	size_t n = json_array_size(row), used;

	while (n > 0 && *cell(row, n - 1) == '\0')
		n--;
	for (size_t i = 0; i < n; i++) {
		used = show_string(stdout, cell(row, i));
		if (i + 1 < n)
			(void)printf("%*s", (int)(width[i] - used) + 2, "");
	}
	(void)putchar('\n');
}

void
show_table_own(json_t *rows)
{
	size_t width[COLUMNS_MAX] = { 0 }, n = json_array_size(rows);

	for (size_t i = 0; i < n; i++)
		widen(width, json_array_get(rows, i));
	for (size_t i = 0; i < n; i++)
		show_row(json_array_get(rows, i), width);
	json_decref(rows);
}
