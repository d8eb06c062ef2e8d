/*
 * pow10: the powers of ten from 10^-342 to 10^324 to 128 bits, and the products
 * that reading and printing of numbers are made of.
 *
 * Entry k is two words, high first: the smallest integer g with
 * g >= 10^k * 2^(127 - floor(log2(10^k))), so its top bit is set and it is
 * exact for 0 <= k <= 55.  tests/t_parse_num.c computes all of them again with
 * long numbers.
 */
#ifndef PARSE_POW10_H
#define PARSE_POW10_H

#include <stdint.h>

#define POW10_MIN	(-342)
#define POW10_MAX	324

extern const uint64_t pow10_table[(POW10_MAX - POW10_MIN + 1) * 2];

static inline const uint64_t *
pow10_at(int k)
{
	return &pow10_table[2 * (k - POW10_MIN)];
}

/* floor(log2(10^k)), exact for |k| <= 1233. */
static inline int
pow10_log2(int k)
{
	return (k * 1741647) >> 19;
}

struct u128 {
	uint64_t hi, lo;
};

#ifdef __SIZEOF_INT128__
static inline struct u128
mul128(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (struct u128){ (uint64_t)(p >> 64), (uint64_t)p };
}
#else
static inline struct u128
mul128(uint64_t a, uint64_t b)
{
	uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
	uint64_t low = al * bl, m1 = ah * bl, m2 = al * bh;
	uint64_t mid = (low >> 32) + (uint32_t)m1 + (uint32_t)m2;

	return (struct u128){ ah * bh + (m1 >> 32) + (m2 >> 32) + (mid >> 32),
	    mid << 32 | (uint32_t)low };
}
#endif

#endif
