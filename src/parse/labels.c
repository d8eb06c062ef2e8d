#include "parse/labels.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

struct labels {
	char		*text;	/* of the file, a NUL at each line's end */
	uint32_t	*line;	/* where each begins */
	size_t		 n;
};

/* A label ends up in answers and terminals: it is text, and no more of it. */
static int
check(const char *s, size_t len, struct err *e)
{
	if (len > LABEL_MAX)
		return err_set(e, ERR_LIMIT, "%zu bytes, want at most %d", len,
		    LABEL_MAX);
	if (!utf8_valid(s, len))
		return err_set(e, ERR_INVALID, "want UTF-8");
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') ||
		    s[i] == 0x7f)
			return err_set(e, ERR_INVALID,
			    "want no control characters");
	return 0;
}

/* Cut the text into lines; what is behind the last newline is one, too. */
static int
cut(struct labels *l, size_t bytes, struct err *e)
{
	for (size_t at = 0; at < bytes; l->n++) {
		char *s = l->text + at, *end = memchr(s, '\n', bytes - at);
		size_t len = end != NULL ? (size_t)(end - s) : bytes - at;

		l->line[l->n] = (uint32_t)at;
		at += len + 1;
		len -= len > 0 && s[len - 1] == '\r';
		s[len] = '\0';
		if (check(s, len, e) == -1)
			return err_prefix(e, "line %zu", l->n + 1);
	}
	return 0;
}

static int
copy(struct labels *l, const char *text, size_t n, struct err *e)
{
	size_t lines = 1;

	if (n > LABELS_FILE_MAX)
		return err_set(e, ERR_LIMIT, "%zu bytes, want at most %zu", n,
		    LABELS_FILE_MAX);
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	l->text = malloc(n + 1);
	l->line = calloc(lines, sizeof(*l->line));
	if (l->text == NULL || l->line == NULL)
		return err_memory(e, "labels", n);
	memcpy(l->text, text, n);
	return cut(l, n, e);
}

struct labels *
labels_parse(const char *text, size_t n, struct err *e)
{
	struct labels *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)err_memory(e, "labels", sizeof(*l));
		return NULL;
	}
	if (copy(l, text, n, e) == 0)
		return l;
	labels_free(l);
	return NULL;
}

void
labels_free(struct labels *l)
{
	if (l == NULL)
		return;
	free(l->text);
	free(l->line);
	free(l);
}

const char *
labels_of(const struct labels *l, size_t index)
{
	return l != NULL && index < l->n ? l->text + l->line[index] : "";
}
