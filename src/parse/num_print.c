/*
 * Printing: the shortest decimal that reads back to the same number, by
 * Raffaello Giulietti's method ("The Schubfach way to render doubles", 2020):
 * scale the number and the ends of its rounding interval by one power of ten,
 * keep only whether anything was cut off (round to odd), and look which of at
 * most four neighbouring decimals lies inside.
 */
#include <string.h>

#include "base/size.h"
#include "parse/num.h"
#include "parse/pow10.h"

struct decimal {
	uint64_t	 digits;
	int		 exp10;
};

/* c * 2^q, as a binary format holds it. */
struct binary {
	uint64_t	 c;
	int		 q;
	bool		 lower_closer;	/* the neighbour below is half as far */
};

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";

/*
 * floor(x * y / 2^128) for y of 128 bits, its last bit set if anything is cut.
 */
static uint64_t
scale(const uint64_t *g, uint64_t x)
{
	struct u128 low = mul128(g[1], x), high = mul128(g[0], x);

	high.lo += low.hi;
	high.hi += high.lo < low.hi;
	return high.hi | (high.lo > 1);
}

/* The same with 64 bits of the power: enough for formats of up to 24 bits. */
static uint64_t
scale_short(const uint64_t *g, uint64_t x)
{
	struct u128 p = mul128(g[0] + (g[1] != 0), x);

	/* x has 32 bits, so that the product's upper 32 count. */
	return p.hi | (p.lo >> 32 > 1);
}

static bool
is_whole(const struct binary *b)
{
	return b->q <= 0 && b->q > -53 &&
	    (b->c & ((UINT64_C(1) << -b->q) - 1)) == 0;
}

static struct decimal
shortest(const struct binary *b, uint64_t (*scaled)(const uint64_t *, uint64_t))
{
	bool odd = b->c & 1;
	/* floor(log10(2^q)), or of 3/4 * 2^q where the lower end is closer. */
	int k = (b->q * 1262611 - (b->lower_closer ? 524031 : 0)) >> 22;
	int h = b->q + pow10_log2(-k) + 1;
	const uint64_t *g = pow10_at(-k);
	uint64_t low, mid, high, s, t;
	bool down, up;

	low = scaled(g, (4 * b->c - 2 + b->lower_closer) << h) + odd;
	mid = scaled(g, (4 * b->c) << h);
	high = scaled(g, (4 * b->c + 2) << h) - odd;
	s = mid / 4;
	if (s >= 10) {
		t = s / 10;
		down = low <= 40 * t;
		up = 40 * t + 40 <= high;
		if (down != up)
			return (struct decimal){ t + up, k + 1 };
	}
	down = low <= 4 * s;
	up = 4 * s + 4 <= high;
	if (down == up)
		up = mid > 4 * s + 2 || (mid == 4 * s + 2 && (s & 1) != 0);
	return (struct decimal){ s + up, k };
}

static int
count_digits(uint64_t v)
{
	int n = 1;

	for (; v >= 10000; v /= 10000)
		n += 4;
	return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

/* Exactly n digits, with leading zeros. */
static void
put_digits(uint64_t v, int n, char *text)
{
	for (; n >= 2; v /= 100) {
		n -= 2;
		memcpy(text + n, &pairs[2 * (v % 100)], 2);
	}
	if (n == 1)
		*text = (char)('0' + v % 10);
}

static size_t
put_exponent(int e, char *text)
{
	char *p = text;

	*p++ = 'e';
	if (e < 0) {
		*p++ = '-';
		e = -e;
	}
	return (size_t)(p - text) + num_print_u64((uint64_t)e, p);
}

/*
 * 1.25, 0.00125, 1250.0 or 1.25e-7, whichever of JavaScript's and Python's
 * habit.
 */
static size_t
put_decimal(struct decimal d, char *text)
{
	int n, point;

	while (d.digits % 10 == 0) {
		d.digits /= 10;
		d.exp10++;
	}
	n = count_digits(d.digits);
	point = n + d.exp10;
	if (point > 16 || point < -3) {
		put_digits(d.digits, n, text + 1);
		text[0] = text[1];
		text[1] = '.';
		n += n > 1;
		return (size_t)n + put_exponent(point - 1, text + n);
	}
	if (point >= n) {
		put_digits(d.digits, n, text);
		memset(text + n, '0', (size_t)(point - n));
		memcpy(text + point, ".0", 2);
		return (size_t)point + 2;
	}
	if (point <= 0) {
		memcpy(text, "0.000", 5);
		put_digits(d.digits, n, text + 2 - point);
		return (size_t)(2 - point + n);
	}
	put_digits(d.digits, n, text + 1);
	memmove(text, text + 1, (size_t)point);
	text[point] = '.';
	return (size_t)n + 1;
}

/*
 * bits: the value without its sign; p bits of precision, exponents from emin.
 */
static size_t
print_bits(uint64_t bits, bool negative, int p, int emin, char *text)
{
	struct binary b;
	struct decimal d;
	size_t n = negative;
	int e = (int)(bits >> (p - 1));

	if (negative)
		text[0] = '-';
	if (bits == 0) {
		memcpy(text + n, "0.0", 3);
		return n + 3;
	}
	b.c = bits & ((UINT64_C(1) << (p - 1)) - 1);
	b.lower_closer = b.c == 0 && e > 1;
	b.q = emin - (p - 1) + (e > 0 ? e - 1 : 0);
	if (e > 0)
		b.c |= UINT64_C(1) << (p - 1);
	if (is_whole(&b))
		d = (struct decimal){ b.c >> -b.q, 0 };
	else
		d = shortest(&b, p > 24 ? scale : scale_short);
	return n + put_decimal(d, text + n);
}

static size_t
print_special(bool nan, bool negative, char *text)
{
	const char *w = nan ? "NaN" : negative ? "-Infinity" : "Infinity";
	size_t n = strlen(w);

	memcpy(text, w, n);
	return n;
}

size_t
num_print_float(float v, char *text)
{
	uint32_t bits, abs;

	memcpy(&bits, &v, sizeof(bits));
	abs = bits & 0x7fffffff;
	if (abs >= 0x7f800000)
		return print_special(abs > 0x7f800000, bits != abs, text);
	return print_bits(abs, bits != abs, 24, -126, text);
}

size_t
num_print_double(double v, char *text)
{
	uint64_t bits, abs, inf = UINT64_C(0x7ff) << 52;

	memcpy(&bits, &v, sizeof(bits));
	abs = bits & ~(UINT64_C(1) << 63);
	if (abs >= inf)
		return print_special(abs > inf, bits != abs, text);
	return print_bits(abs, bits != abs, 53, -1022, text);
}

/* FP16 and BF16. */
static size_t
print_short(const void *at, int p, int emin, uint16_t inf, char *text)
{
	uint16_t bits, abs;

	memcpy(&bits, at, sizeof(bits));
	abs = bits & 0x7fff;
	if (abs >= inf)
		return print_special(abs > inf, bits != abs, text);
	return print_bits(abs, bits != abs, p, emin, text);
}

size_t
num_print_u64(uint64_t v, char *text)
{
	int n = count_digits(v);

	put_digits(v, n, text);
	return (size_t)n;
}

size_t
num_print_i64(int64_t v, char *text)
{
	if (v >= 0)
		return num_print_u64((uint64_t)v, text);
	text[0] = '-';
	return 1 + num_print_u64(0 - (uint64_t)v, text + 1);
}

static size_t
print_int(enum dtype t, const void *at, char *text)
{
	size_t bytes = dtype_info(t)->bits / 8;
	uint64_t v = 0;
	uint16_t b2;
	uint32_t b4;

	if (bytes == 8) {
		memcpy(&v, at, 8);
	} else if (bytes == 4) {
		memcpy(&b4, at, 4);
		v = b4;
	} else if (bytes == 2) {
		memcpy(&b2, at, 2);
		v = b2;
	} else {
		v = *(const uint8_t *)at;
	}
	if (dtype_info(t)->kind == 'u')
		return num_print_u64(v, text);
	/* Extend the sign. */
	return num_print_i64((int64_t)(v << (64 - 8 * bytes)) >>
	    (64 - 8 * bytes), text);
}

static size_t
print_float(enum dtype t, const void *at, char *text)
{
	float f;
	double d;

	if (t == DT_DOUBLE) {
		memcpy(&d, at, sizeof(d));
		return num_print_double(d, text);
	}
	if (t == DT_FLOAT16)
		return print_short(at, 11, -14, 0x7c00, text);
	if (t == DT_BFLOAT16)
		return print_short(at, 8, -126, 0x7f80, text);
	memcpy(&f, at, sizeof(f));
	return num_print_float(f, text);
}

size_t
num_print(enum dtype t, const void *at, char *text)
{
	bool yes;

	if (dtype_info(t)->kind == 'f')
		return print_float(t, at, text);
	if (dtype_info(t)->kind != 'b')
		return print_int(t, at, text);
	yes = *(const uint8_t *)at != 0;
	memcpy(text, yes ? "true" : "false", yes ? 4 : 5);
	return yes ? 4 : 5;
}
