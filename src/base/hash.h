/*
 * hash: FNV-1a, to find or to compare quickly.  Who chooses the data can make
 * two of them equal: it is a hint, never a proof (sha256.h is one).
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START	UINT64_C(0xcbf29ce484222325)

static inline uint64_t
hash_word(uint64_t h, uint64_t word)
{
	return (h ^ word) * UINT64_C(0x100000001b3);
}

/* Over n more bytes. */
static inline uint64_t
hash_add(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++)
		h = hash_word(h, p[i]);
	return h;
}

#endif
