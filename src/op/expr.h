/*
 * expr: the words of pointwise expressions, for C.
 *
 * cl/common.h has the same names for OpenCL C, scalars and vectors.  Here an
 * expression is compiled three times: x is a double, an int64_t, a uint64_t.
 *
 *	SEL(c, a, b)			a where c, else b
 *	LT LE GT GE EQ NE (a, b)	tests
 *	ADD SUB MUL DIV NEG		integers wrap; DIV by 0 gives 0
 *	MOD FMOD			sign of the divisor; of the dividend
 *	ABS SIGN MIN MAX POW SHL SHR BAND BOR BXOR BNOT
 *	EXP LOG TANH SIGMOID ERF	float only; may have fast device forms
 *	and, float only, as in C and OpenCL: acos acosh asin asinh atan atanh
 *	ceil cos cosh floor log1p rint sin sinh sqrt tan isnan isinf
 */
#ifndef OP_EXPR_H
#define OP_EXPR_H

#include <math.h>
#include <stdint.h>

#define SEL(c, a, b)	((c) ? (a) : (b))
#define LT(a, b)	((a) < (b))
#define LE(a, b)	((a) <= (b))
#define GT(a, b)	((a) > (b))
#define GE(a, b)	((a) >= (b))
#define EQ(a, b)	((a) == (b))
#define NE(a, b)	((a) != (b))

#define EXPR_KIND(x, name) _Generic((x), double: expr_##name##_f, \
	float: expr_##name##_f, int64_t: expr_##name##_i, \
	uint64_t: expr_##name##_u)

#define EXPR_2(name, of_f, of_i, of_u)					\
static inline double expr_##name##_f(double a, double b) { return of_f; } \
static inline int64_t expr_##name##_i(int64_t a, int64_t b) { return of_i; } \
static inline uint64_t expr_##name##_u(uint64_t a, uint64_t b) { return of_u; }

#define EXPR_1(name, of_f, of_i, of_u)					\
static inline double expr_##name##_f(double a) { return of_f; }		\
static inline int64_t expr_##name##_i(int64_t a) { return of_i; }	\
static inline uint64_t expr_##name##_u(uint64_t a) { return of_u; }

static inline int64_t
expr_ipow(int64_t a, int64_t b)
{
	uint64_t r = 1, x = (uint64_t)a;

	if (b < 0)
		return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0;
	for (; b > 0; b >>= 1, x *= x)
		if (b & 1)
			r *= x;
	return (int64_t)r;
}

static inline double
expr_fmodulo(double a, double b)
{
	double r = fmod(a, b);

	return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static inline int64_t
expr_imodulo(int64_t a, int64_t b)
{
	int64_t r = b == 0 || b == -1 ? 0 : a % b;

	return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

EXPR_2(add, a + b, (int64_t)((uint64_t)a + (uint64_t)b), a + b)
EXPR_2(sub, a - b, (int64_t)((uint64_t)a - (uint64_t)b), a - b)
EXPR_2(mul, a * b, (int64_t)((uint64_t)a * (uint64_t)b), a * b)
EXPR_2(div, a / b,
    b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b,
    b == 0 ? 0 : a / b)
EXPR_2(mod, expr_fmodulo(a, b), expr_imodulo(a, b), b == 0 ? 0 : a % b)
EXPR_2(fmod, fmod(a, b), b == 0 || b == -1 ? 0 : a % b, b == 0 ? 0 : a % b)
/* As numpy: a NaN wins. */
EXPR_2(min, a < b || isnan(a) ? a : b, a < b ? a : b, a < b ? a : b)
EXPR_2(max, a > b || isnan(a) ? a : b, a > b ? a : b, a > b ? a : b)
EXPR_2(pow, pow(a, b), expr_ipow(a, b),
    (uint64_t)expr_ipow((int64_t)a, (int64_t)b))
EXPR_2(shl, (a + b) * 0, b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a << b),
    b > 63 ? 0 : a << b)
EXPR_2(shr, (a + b) * 0, b < 0 || b > 63 ? 0 :
    a < 0 ? (int64_t)~(~(uint64_t)a >> b) : (int64_t)((uint64_t)a >> b),
    b > 63 ? 0 : a >> b)
EXPR_1(neg, -a, (int64_t)(0 - (uint64_t)a), 0 - a)
EXPR_1(abs, fabs(a), a < 0 ? (int64_t)(0 - (uint64_t)a) : a, a)
EXPR_1(sign, isnan(a) ? a : (a > 0) - (a < 0), (a > 0) - (a < 0), a > 0)

#define ADD(a, b)	EXPR_KIND(a, add)(a, b)
#define SUB(a, b)	EXPR_KIND(a, sub)(a, b)
#define MUL(a, b)	EXPR_KIND(a, mul)(a, b)
#define DIV(a, b)	EXPR_KIND(a, div)(a, b)
#define MOD(a, b)	EXPR_KIND(a, mod)(a, b)
#define FMOD(a, b)	EXPR_KIND(a, fmod)(a, b)
#define MIN(a, b)	EXPR_KIND(a, min)(a, b)
#define MAX(a, b)	EXPR_KIND(a, max)(a, b)
#define POW(a, b)	EXPR_KIND(a, pow)(a, b)
#define SHL(a, b)	EXPR_KIND(a, shl)(a, b)
#define SHR(a, b)	EXPR_KIND(a, shr)(a, b)
#define NEG(a)		EXPR_KIND(a, neg)(a)
#define ABS(a)		EXPR_KIND(a, abs)(a)
#define SIGN(a)		EXPR_KIND(a, sign)(a)
#define BAND(a, b)	((a) & (b))
#define BOR(a, b)	((a) | (b))
#define BXOR(a, b)	((a) ^ (b))
#define BNOT(a)		(~(a))

#define EXP(a)		exp(a)
#define LOG(a)		log(a)
#define TANH(a)		tanh(a)
#define SIGMOID(a)	(1.0 / (1.0 + exp(-(a))))
#define ERF(a)		erf(a)

#endif
