/* Reading; num_print.c is the other half. */
#include "parse/num.h"

#include <fenv.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "parse/pow10.h"

#define DIGITS		19	/* decimal digits that surely fit 64 bits */
#define DIGITS_EXACT	800	/* more than any tie of doubles has (767) */
#define EXP_MAX		INT64_C(1000000000000000)

/* A binary interchange format: precision with the hidden bit, exponents. */
struct format {
	int	 bits;
	int	 emin, emax;
};

static const struct format formats[DT_COUNT] = {
	[DT_FLOAT] = { 24, -126, 127 },
	[DT_DOUBLE] = { 53, -1022, 1023 },
	[DT_FLOAT16] = { 11, -14, 15 },
	[DT_BFLOAT16] = { 8, -126, 127 },
};

static bool
is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* Are these eight bytes (first one lowest) all digits? */
static bool
eight_digits(uint64_t w)
{
	return ((w & UINT64_C(0xf0f0f0f0f0f0f0f0)) |
	    (((w + UINT64_C(0x0606060606060606)) &
	    UINT64_C(0xf0f0f0f0f0f0f0f0)) >> 4)) ==
	    UINT64_C(0x3333333333333333);
}

/* Their value: pairs, then fours, then all, each by one multiplication. */
static uint64_t
eight_value(uint64_t w)
{
	w -= UINT64_C(0x3030303030303030);
	w = w * 10 + (w >> 8);
	w = ((w & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
	    ((w >> 16) & UINT64_C(0x000000ff000000ff)) *
	    UINT64_C(0x0000271000000001)) >> 32;
	return w;
}

static uint64_t
load_le(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/* The rest of digits(): what is left of eight, and what is over DIGITS. */
static const char *
digits_slow(const char *p, const char *end, uint64_t *v, int *n,
    int64_t *skipped, bool *more)
{
	for (; p < end && is_digit(*p); p++) {
		if (*n < DIGITS) {
			*v = *v * 10 + (uint64_t)(*p - '0');
			*n += *v != 0;
		} else {
			++*skipped;
			*more |= *p != '0';
		}
	}
	return p;
}

/*
 * A run of digits behind those already in *v (*n significant ones).  Digits
 * beyond the DIGITSth are counted in *skipped and left out.
 */
static const char *
digits(const char *p, const char *end, uint64_t *v, int *n, int64_t *skipped,
    bool *more)
{
	while (*n == 0 && p < end && *p == '0')
		p++;
	while (end - p >= 8 && *n + 8 <= DIGITS) {
		uint64_t w = load_le(p);

		if (!eight_digits(w))
			break;
		*v = *v * 100000000 + eight_value(w);
		*n += 8;
		p += 8;
	}
	return digits_slow(p, end, v, n, skipped, more);
}

static const char *
word(const char *p, const char *end, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(end - p) < n || memcmp(p, w, n) != 0)
		return NULL;
	return p + n;
}

static const char *
exponent(const char *p, const char *end, int64_t *e)
{
	bool negative = false;
	int64_t v = 0;

	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	if (p == end || !is_digit(*p))
		return NULL;
	for (; p < end && is_digit(*p); p++)
		if (v < EXP_MAX)
			v = v * 10 + (*p - '0');
	*e += negative ? -v : v;
	return p;
}

static const char *
scan_word(const char *p, const char *end, struct num *n)
{
	const char *q = word(p, end, "Infinity");

	n->kind = NUM_INFINITE;
	if (q == NULL && !n->negative) {
		n->kind = NUM_NAN;
		q = word(p, end, "NaN");
	}
	n->end = q;
	return q;
}

const char *
num_scan(const char *p, const char *end, struct num *n)
{
	int64_t skipped = 0, beyond = 0;
	const char *point;
	int count = 0;

	*n = (struct num){ .text = p, .integer = true };
	if (p < end && *p == '-') {
		n->negative = true;
		p++;
	}
	if (p == end)
		return NULL;
	if (!is_digit(*p))
		return scan_word(p, end, n);
	if (*p == '0')
		p++;
	else
		p = digits(p, end, &n->digits, &count, &skipped, &n->more);
	n->exp10 = skipped;
	if (p < end && *p == '.') {
		point = ++p;
		n->integer = false;
		p = digits(p, end, &n->digits, &count, &beyond, &n->more);
		if (p == point)
			return NULL;
		n->exp10 -= p - point - beyond;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		n->integer = false;
		p = exponent(p + 1, end, &n->exp10);
	}
	n->end = p;
	return p;
}

/*
 * The bits of top * 2^e2 in the format, rounded to nearest; "sticky" says that
 * the value is a little more than that.  top is not 0.  Overflow gives
 * infinity's bits.
 */
static uint64_t
round_bits(uint64_t top, int e2, bool sticky, const struct format *f)
{
	int lz = __builtin_clzll(top), e = e2 - lz + 63, keep = f->bits, shift;
	uint64_t m, rest, half, inf;

	top <<= lz;
	inf = (uint64_t)(f->emax - f->emin + 2) << (f->bits - 1);
	if (e > f->emax)
		return inf;
	if (e < f->emin)
		keep -= f->emin - e;
	if (keep < 0)
		return 0;
	shift = 64 - keep;
	m = shift == 64 ? 0 : top >> shift;
	rest = shift == 64 ? top : top & ((UINT64_C(1) << shift) - 1);
	half = UINT64_C(1) << (shift - 1);
	m += rest > half || (rest == half && (sticky || (m & 1) != 0));
	if (e < f->emin)
		return m;
	/* A carry out of m lands in the exponent, where it belongs. */
	return ((uint64_t)(e - f->emin) << (f->bits - 1)) + m;
}

/*
 * The significant digits of n as "ddd...", at most DIGITS_EXACT and a last '1'
 * if anything was left out, then the exponent: what strtod() can be given.
 */
static void
exact_text(const struct num *n, char text[DIGITS_EXACT + 32])
{
	const char *p = n->text + n->negative;
	int64_t exp10 = 0;
	size_t len = 0;
	bool more = false, point = false;

	for (; p < n->end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		exp10 -= point;
		if (len == 0 && *p == '0')
			continue;
		if (len < DIGITS_EXACT) {
			text[len++] = *p;
		} else {
			more |= *p != '0';
			exp10++;
		}
	}
	if (more) {
		text[len++] = '1';
		exp10--;
	}
	if (p < n->end)
		(void)exponent(p + 1, n->end, &exp10);
	(void)snprintf(text + len, 32, "e%lld", (long long)exp10);
}

/*
 * The slow and certain way, for values next to a tie: the two doubles around
 * the value; if they differ, the odd one stands for "between", so that rounding
 * it again to fewer bits cannot be wrong.
 */
static uint64_t
exact_bits(const struct num *n, const struct format *f)
{
	char text[DIGITS_EXACT + 32];
	double down, up, d;
	uint64_t bits, m;
	int mode = fegetround(), e;

	exact_text(n, text);
	if (f->bits == 53) {
		d = strtod(text, NULL);
		memcpy(&bits, &d, sizeof(bits));
		return bits;
	}
	(void)fesetround(FE_DOWNWARD);
	down = strtod(text, NULL);
	(void)fesetround(FE_UPWARD);
	up = strtod(text, NULL);
	(void)fesetround(mode);

	memcpy(&bits, &down, sizeof(bits));
	if (down < up && (bits & 1) == 0)
		memcpy(&bits, &up, sizeof(bits));
	e = (int)(bits >> 52);
	m = (bits & ((UINT64_C(1) << 52) - 1)) | (UINT64_C(1) << 52);
	return e == 0 ? 0 : round_bits(m, e - 1075, false, f);
}

/* digits * 10^exp10 (neither out of the table nor 0) in the format. */
static uint64_t
finite_bits(const struct num *n, const struct format *f)
{
	int lz = __builtin_clzll(n->digits), e10 = (int)n->exp10, e2;
	uint64_t low, high, err;
	struct u128 p;

	if (e10 == 0 && !n->more)
		return round_bits(n->digits, 0, false, f);
	p = mul128(n->digits << lz, pow10_at(e10)[0]);
	e2 = pow10_log2(e10) + 1 - lz;
	if (e10 >= 0 && e10 <= 27 && !n->more)	/* 5^27 < 2^64: exact */
		return round_bits(p.hi, e2, p.lo != 0, f);
	/*
	 * The power is off by less than 1 in its last place, and so is the
	 * product's cut; digits left out count for less than 2^lz <= 16 more.
	 */
	err = n->more ? 20 : 2;
	if (p.hi > UINT64_MAX - err)
		return exact_bits(n, f);
	low = round_bits(p.hi - err, e2, true, f);
	high = round_bits(p.hi + err, e2, true, f);
	return low == high ? low : exact_bits(n, f);
}

/* Also false for a value that is finite as text but not in the format. */
static bool
float_bits(const struct num *n, const struct format *f, uint64_t *bits)
{
	uint64_t inf = (uint64_t)(f->emax - f->emin + 2) << (f->bits - 1);
	uint64_t v = 0;

	if (n->kind != NUM_FINITE)
		v = n->kind == NUM_NAN ? inf | inf >> 1 : inf;
	else if (n->digits == 0 || n->exp10 < POW10_MIN)
		v = 0;
	else if (n->exp10 > 310)
		return false;
	else
		v = finite_bits(n, f);
	if (v == inf && n->kind == NUM_FINITE)
		return false;
	if (n->negative)
		v |= (inf << 1) & ~inf;	/* the bit above the exponent's */
	*bits = v;
	return true;
}

/* The integer, if it is one and lies within [min, max] of a type that wide. */
static bool
int_bits(const struct num *n, const struct dtype_info *t, uint64_t *bits)
{
	uint64_t max = UINT64_MAX >> (64 - t->bits), v = n->digits;

	if (!n->integer || n->exp10 > 1)
		return false;
	if (n->exp10 == 1) {		/* the 20th digit */
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(n->end[-1] - '0'), &v))
			return false;
	}
	if (t->kind == 'i')
		max = (max >> 1) + n->negative;
	else if (n->negative)
		max = 0;
	if (v > max)
		return false;
	*bits = n->negative ? 0 - v : v;
	return true;
}

static void
store(uint64_t v, size_t bytes, void *at)
{
	uint8_t b1 = (uint8_t)v;
	uint16_t b2 = (uint16_t)v;
	uint32_t b4 = (uint32_t)v;

	if (bytes == 4)
		memcpy(at, &b4, 4);
	else if (bytes == 8)
		memcpy(at, &v, 8);
	else if (bytes == 2)
		memcpy(at, &b2, 2);
	else
		memcpy(at, &b1, 1);
}

bool
num_has_type(enum dtype t)
{
	const struct dtype_info *i = dtype_info(t);

	if (i->bits < 8)
		return false;
	return i->kind == 'f' ? formats[t].bits != 0 :
	    i->kind == 'i' || i->kind == 'u' || i->kind == 'b';
}

bool
num_store(const struct num *n, enum dtype t, void *at)
{
	const struct dtype_info *i = dtype_info(t);
	uint64_t v;

	if (i->kind == 'f') {
		if (!float_bits(n, &formats[t], &v))
			return false;
	} else if (n->kind != NUM_FINITE || !int_bits(n, i, &v) ||
	    (i->kind == 'b' && v > 1)) {
		return false;
	}
	store(v, i->bits / 8, at);
	return true;
}
