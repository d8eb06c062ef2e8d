/* Numbers to try a kernel with, and how far its answers may be off. */
#include "engine/check.h"

#include <math.h>

void
numbers_fill(enum dtype t, void *p, size_t n, const struct mix *m,
    uint32_t *seed)
{
	bool real = dtype_info(t)->kind == 'f';
	uint32_t x;

	for (size_t i = 0; i < n; i++) {
		*seed = *seed * 1664525 + 1013904223;
		x = *seed >> 8;
		if (real)
			elem_set_f(t, p, i, m->lo + m->range * x / 0x1p24);
		else
			elem_set_i(t, p, i, m->from + (x >> 8) % m->many);
	}
}

/* Of what a float may be off, relative to it and to the rest. */
static double
tolerance(enum dtype t)
{
	if (t == DT_FLOAT || t == DT_DOUBLE)
		return 1e-3;
	return t == DT_FLOAT16 ? 1e-2 : 5e-2;
}

#define BIG	16.0	/* what the largest element excuses at most */

/* How far a is off, 1 being the limit. */
static double
differ_floats(enum dtype t, const void *a, const void *b, size_t n)
{
	double big = 0, x, y, d, worst = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(y = elem_f(t, b, i)))
			big = fmax(big, fabs(y));
	big = fmin(big, BIG);
	for (size_t i = 0; i < n; i++) {
		x = elem_f(t, a, i);
		y = elem_f(t, b, i);
		if (x == y || (isnan(x) && isnan(y)))
			continue;
		d = fabs(x - y) / (tolerance(t) * (fabs(y) + big));
		worst = isnan(d) ? (double)INFINITY : fmax(worst, d);
	}
	return worst;
}

double
numbers_differ(enum dtype t, const void *a, const void *b, size_t n,
    bool rounded)
{
	double limit, d, worst = 0;

	if (dtype_info(t)->kind == 'f')
		return differ_floats(t, a, b, n);
	limit = rounded && t != DT_BOOL && dtype_info(t)->bits == 8 ? 1 : 0;
	for (size_t i = 0; i < n; i++) {
		d = fabs((double)elem_i(t, a, i) - (double)elem_i(t, b, i));
		if (d > limit)
			worst = fmax(worst, d + 1);
	}
	return worst;
}
