/* sha256: FIPS 180-4, for names of cached things.  Any number of pieces. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES	32

struct sha256 {
	uint32_t	state[8];
	uint64_t	bytes;
	uint8_t		block[64];
};

void	 sha256_init(struct sha256 *);
void	 sha256_add(struct sha256 *, const void *, size_t);
void	 sha256_end(struct sha256 *, uint8_t out[SHA256_BYTES]);

#endif
