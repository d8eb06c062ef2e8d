#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

#define FIRST	256

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_done(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

char *
buf_room(struct buf *b, size_t n)
{
	size_t want, cap = b->cap > 0 ? b->cap : FIRST;
	char *p;

	if (b->failed || !size_add(b->len, n, &want) || want > b->max ||
	    !size_add(want, 1, &want)) {
		b->failed = true;
		return NULL;
	}
	if (want <= b->cap)
		return b->data + b->len;
	while (cap < want)
		if (!size_mul(cap, 2, &cap))
			cap = want;
	if ((p = realloc(b->data, cap)) == NULL) {
		b->failed = true;
		return NULL;
	}
	b->data = p;
	b->cap = cap;
	return p + b->len;
}

bool
buf_add(struct buf *b, const void *p, size_t n)
{
	char *room = buf_room(b, n);

	if (room == NULL)
		return false;
	if (n > 0)
		memcpy(room, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return true;
}

bool
buf_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

bool
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;
	char *room;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || (room = buf_room(b, (size_t)n)) == NULL) {
		b->failed = true;
		return false;
	}
	(void)vsnprintf(room, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return true;
}

bool
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	ok = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return ok;
}
