#include "base/shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/size.h"

bool
shape_count(const struct shape *s, size_t *n)
{
	size_t all = 1;
	bool empty = false;

	if (s->rank < 0 || s->rank > MAX_RANK)
		return false;
	/* A zero does not excuse dimensions that overflow without it. */
	for (int i = 0; i < s->rank; i++) {
		if (s->dim[i] < 0)
			return false;
		if (s->dim[i] == 0)
			empty = true;
		else if (!size_mul(all, (size_t)s->dim[i], &all) ||
		    all > INT64_MAX)
			return false;
	}
	*n = empty ? 0 : all;
	return true;
}

bool
shape_bytes(const struct shape *s, enum dtype t, size_t *bytes)
{
	size_t n;

	return shape_count(s, &n) && dtype_bytes(t, n, bytes);
}

bool
shape_equal(const struct shape *a, const struct shape *b)
{
	if (a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return true;
}

bool
shape_allows(const struct shape *pattern, const struct shape *s)
{
	if (pattern->rank != s->rank)
		return false;
	for (int i = 0; i < s->rank; i++)
		if (pattern->dim[i] != -1 && pattern->dim[i] != s->dim[i])
			return false;
	return true;
}

const char *
shape_text(const struct shape *s, char *text)
{
	size_t n = 0;

	text[n++] = '[';
	for (int i = 0; i < s->rank && i < MAX_RANK; i++)
		n += (size_t)snprintf(text + n, SHAPE_TEXT - n, "%s%" PRId64,
		    i > 0 ? "," : "", s->dim[i]);
	text[n++] = ']';
	text[n] = '\0';
	return text;
}

bool
shape_broadcast(const struct shape *a, const struct shape *b,
    struct shape *out)
{
	struct shape r = { .rank = a->rank > b->rank ? a->rank : b->rank };

	for (int i = 1; i <= r.rank; i++) {
		int64_t x = i <= a->rank ? a->dim[a->rank - i] : 1;
		int64_t y = i <= b->rank ? b->dim[b->rank - i] : 1;

		if (x != y && x != 1 && y != 1)
			return false;
		r.dim[r.rank - i] = x == 1 ? y : x;
	}
	*out = r;
	return true;
}

void
shape_strides(const struct shape *s, int64_t stride[MAX_RANK])
{
	int64_t n = 1;

	for (int i = s->rank - 1; i >= 0; i--) {
		stride[i] = n;
		n *= s->dim[i];
	}
}
