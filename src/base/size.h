/*
 * size: arithmetic on numbers that come from outside.
 *
 * Each returns true and stores the exact result, or returns false and leaves
 * *out alone.  Sizes from a request, a model or a peer go through these before
 * they reach an allocation or an index.
 */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool
size_add(size_t a, size_t b, size_t *out)
{
	size_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool
size_mul(size_t a, size_t b, size_t *out)
{
	size_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

/* Does [off, off + len) lie within [0, whole)? */
static inline bool
size_within(size_t off, size_t len, size_t whole)
{
	return len <= whole && off <= whole - len;
}

/*
 * The smallest multiple of to (a power of two) that is >= n; n far from the
 * top.
 */
static inline size_t
size_round(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))

#endif
