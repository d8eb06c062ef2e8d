/*
 * Elements of any numeric type, one at a time.
 *
 * Small floats are rows of a table: all are sign, exponent, mantissa, and
 * differ in widths, bias and what the topmost codes mean (IEEE 754; OCP 8-bit
 * and MX formats; the FNUZ forms of ONNX's float8 page).
 */
#include <math.h>

#include "plan/val.h"

enum top { TOP_INF, TOP_NAN, TOP_FINITE, TOP_UZ };

struct small {
	int		 bits, exp, man, bias;
	enum top	 top;		/* what the highest codes are */
	double		 max;		/* largest finite */
	/* beyond max: max, else infinity or NaN */
	bool		 saturate;
};

static const struct small small_float[DT_COUNT] = {
	[DT_FLOAT16] = { 16, 5, 10, 15, TOP_INF, 65504, false },
	[DT_BFLOAT16] = { 16, 8, 7, 127, TOP_INF, 0x1.fep127, false },
	[DT_FLOAT8E4M3FN] = { 8, 4, 3, 7, TOP_NAN, 448, true },
	[DT_FLOAT8E4M3FNUZ] = { 8, 4, 3, 8, TOP_UZ, 240, true },
	[DT_FLOAT8E5M2] = { 8, 5, 2, 15, TOP_INF, 57344, true },
	[DT_FLOAT8E5M2FNUZ] = { 8, 5, 2, 16, TOP_UZ, 57344, true },
	[DT_FLOAT4E2M1] = { 4, 2, 1, 1, TOP_FINITE, 6, true },
};

static double
small_decode(const struct small *f, unsigned code)
{
	unsigned sign = code >> (f->bits - 1) & 1;
	unsigned e = code >> f->man & ((1u << f->exp) - 1);
	unsigned m = code & ((1u << f->man) - 1);
	unsigned all = (1u << f->exp) - 1;
	double v;

	if (f->top == TOP_UZ && sign && e == 0 && m == 0)
		return NAN;
	if (f->top == TOP_NAN && e == all && m == (1u << f->man) - 1)
		return NAN;
	if (f->top == TOP_INF && e == all)
		v = m == 0 ? INFINITY : NAN;
	else if (e == 0)
		v = ldexp(m, 1 - f->bias - f->man);
	else
		v = ldexp(m + (1u << f->man), (int)e - f->bias - f->man);
	return sign ? -v : v;
}

/* The codes, without sign, of infinity and of a NaN. */
static unsigned
small_inf(const struct small *f)
{
	return ((1u << f->exp) - 1) << f->man;
}

static unsigned
small_nan(const struct small *f)
{
	switch (f->top) {
	case TOP_INF:
		return small_inf(f) | 1u << (f->man - 1);
	case TOP_NAN:
		return (1u << (f->exp + f->man)) - 1;
	case TOP_UZ:
		return 1u << (f->bits - 1);
	case TOP_FINITE:
		break;
	}
	return 0;
}

static unsigned
small_encode(const struct small *f, double v)
{
	unsigned sign = signbit(v) ? 1u << (f->bits - 1) : 0;
	unsigned code;
	double a = fabs(v), q;
	int e;

	if (isnan(v))
		return small_nan(f);
	if (a > f->max && f->saturate)
		a = f->max;
	if (isinf(a))
		return sign | (f->top == TOP_INF ? small_inf(f) : small_nan(f));
	(void)frexp(a, &e);
	e = a == 0 || e - 1 < 1 - f->bias ? 1 - f->bias : e - 1;
	q = nearbyint(ldexp(a, f->man - e));
	if (ldexp(q, e - f->man) > f->max)
		return sign | small_inf(f);
	code = ((unsigned)(e + f->bias - 1) << f->man) + (unsigned)q;
	return f->top == TOP_UZ && code == 0 ? 0 : sign | code;
}

static unsigned
load_bits(const struct small *f, const void *data, size_t i)
{
	const uint8_t *b = data;

	if (f->bits == 16)
		return ((const uint16_t *)data)[i];
	return f->bits == 8 ? b[i] : b[i / 2] >> 4 * (i % 2) & 15;
}

/* n bits (2 or 4) number i of data: low bits first. */
static void
set_sub(void *data, size_t i, int n, unsigned v)
{
	uint8_t *b = (uint8_t *)data + i * (size_t)n / 8;
	int at = (int)(i * (size_t)n % 8);

	*b = (uint8_t)((*b & ~(((1u << n) - 1) << at)) |
	    (v & ((1u << n) - 1)) << at);
}

static unsigned
get_sub(const void *data, size_t i, int n)
{
	const uint8_t *b = (const uint8_t *)data + i * (size_t)n / 8;

	return *b >> (int)(i * (size_t)n % 8) & ((1u << n) - 1);
}

static void
store_bits(const struct small *f, void *data, size_t i, unsigned code)
{
	if (f->bits == 16)
		((uint16_t *)data)[i] = (uint16_t)code;
	else if (f->bits == 8)
		((uint8_t *)data)[i] = (uint8_t)code;
	else
		set_sub(data, i, f->bits, code);
}

/* E8M0: a power of two, nothing else. */
static double
e8m0_decode(unsigned code)
{
	return code == 255 ? NAN : ldexp(1, (int)code - 127);
}

static unsigned
e8m0_encode(double v)
{
	int e;
	double m;

	if (isnan(v) || v < 0)
		return 255;
	if (v == 0)
		return 0;
	if (isinf(v))
		return 254;
	m = frexp(v, &e);
	e += 126 + (m >= 0.75);
	return e < 0 ? 0 : e > 254 ? 254 : (unsigned)e;
}

double
elem_f(enum dtype t, const void *data, size_t i)
{
	switch (t) {
	case DT_FLOAT:
		return ((const float *)data)[i];
	case DT_DOUBLE:
		return ((const double *)data)[i];
	case DT_UINT64:
		return (double)((const uint64_t *)data)[i];
	case DT_FLOAT8E8M0:
		return e8m0_decode(((const uint8_t *)data)[i]);
	default:
		break;
	}
	if (t > 0 && t < DT_COUNT && small_float[t].bits != 0)
		return small_decode(&small_float[t],
		    load_bits(&small_float[t], data, i));
	return (double)elem_i(t, data, i);
}

/*
 * As C does where C says what; the nearest bound where it does not; NaN is 0.
 */
static int64_t
to_int(double v)
{
	if (isnan(v))
		return 0;
	if (v >= 0x1p63)
		return v >= 0x1p64 ? -1 : (int64_t)(uint64_t)v;
	return v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

int64_t
elem_i(enum dtype t, const void *data, size_t i)
{
	switch (t) {
	case DT_BOOL:
		return ((const uint8_t *)data)[i] != 0;
	case DT_UINT8:
		return ((const uint8_t *)data)[i];
	case DT_INT8:
		return ((const int8_t *)data)[i];
	case DT_UINT16:
		return ((const uint16_t *)data)[i];
	case DT_INT16:
		return ((const int16_t *)data)[i];
	case DT_UINT32:
		return ((const uint32_t *)data)[i];
	case DT_INT32:
		return ((const int32_t *)data)[i];
	case DT_INT64:
	case DT_UINT64:
		return ((const int64_t *)data)[i];
	case DT_UINT4:
		return get_sub(data, i, 4);
	case DT_UINT2:
		return get_sub(data, i, 2);
	case DT_INT4:
		return (int64_t)(get_sub(data, i, 4) ^ 8) - 8;
	case DT_INT2:
		return (int64_t)(get_sub(data, i, 2) ^ 2) - 2;
	case DT_STRING:
	case DT_NONE:
	case DT_COMPLEX64:
	case DT_COMPLEX128:
		return 0;
	default:
		return to_int(elem_f(t, data, i));
	}
}

void
elem_set_f(enum dtype t, void *data, size_t i, double v)
{
	switch (t) {
	case DT_FLOAT:
		((float *)data)[i] = (float)v;
		return;
	case DT_DOUBLE:
		((double *)data)[i] = v;
		return;
	case DT_BOOL:
		((uint8_t *)data)[i] = v != 0;
		return;
	case DT_FLOAT8E8M0:
		((uint8_t *)data)[i] = (uint8_t)e8m0_encode(v);
		return;
	default:
		break;
	}
	if (t > 0 && t < DT_COUNT && small_float[t].bits != 0)
		store_bits(&small_float[t], data, i,
		    small_encode(&small_float[t], v));
	else
		elem_set_i(t, data, i, to_int(v));
}

void
elem_set_i(enum dtype t, void *data, size_t i, int64_t v)
{
	switch (t) {
	case DT_BOOL:
		((uint8_t *)data)[i] = v != 0;
		return;
	case DT_UINT8:
	case DT_INT8:
		((uint8_t *)data)[i] = (uint8_t)v;
		return;
	case DT_UINT16:
	case DT_INT16:
		((uint16_t *)data)[i] = (uint16_t)v;
		return;
	case DT_UINT32:
	case DT_INT32:
		((uint32_t *)data)[i] = (uint32_t)v;
		return;
	case DT_INT64:
	case DT_UINT64:
		((int64_t *)data)[i] = v;
		return;
	case DT_UINT4:
	case DT_INT4:
		set_sub(data, i, 4, (unsigned)v);
		return;
	case DT_UINT2:
	case DT_INT2:
		set_sub(data, i, 2, (unsigned)v);
		return;
	case DT_STRING:
	case DT_NONE:
	case DT_COMPLEX64:
	case DT_COMPLEX128:
		return;
	default:
		elem_set_f(t, data, i, (double)v);
	}
}
