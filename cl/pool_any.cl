/*
 * pool_any: maximum and average over windows of any geometry, plain layout.
 * -DAVERAGE, -DCOUNT_PAD: 0 or 1.
 */
#ifndef AVERAGE
#define AVERAGE		0
#define COUNT_PAD	0
#endif

/* Taps lo <= k < hi of an axis that fall on [from, to). */
#define TAPS(lo, hi, at, d, size, from, to)				\
	int lo = at < (from) ? ((from) - at + d - 1) / d : 0;		\
	int hi = at < (to) ? min(((to) - at + d - 1) / d, size) : 0;

KERNEL void
pool_any(IN(float, x), OUT(float, y), int n, int i0, int i1, int i2, int o0,
    int o1, int o2, int k0, int k1, int k2, int s0, int s1, int s2, int d0,
    int d1, int d2, int p0, int p1, int p2, int e0, int e1, int e2,
    int channels EPI_ARGS WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, n) {
		int c2 = i % o2 * s2 - p2, c1 = i / o2 % o1 * s1 - p1;
		int c0 = i / o2 / o1 % o0 * s0 - p0;
		int plane = i / o2 / o1 / o0, count = 0;
		const __global float *q = x + (long)plane * i0 * i1 * i2;
		float v = AVERAGE ? 0.0f : -INFINITY;

		TAPS(a0, b0, c0, d0, k0, 0, i0)
		TAPS(a1, b1, c1, d1, k1, 0, i1)
		TAPS(a2, b2, c2, d2, k2, 0, i2)
		for (int a = a0; a < b0; a++)
			for (int b = a1; b < b1; b++)
				for (int c = a2; c < b2; c++) {
			float u = q[((long)(c0 + a * d0) * i1 + c1 + b * d1)
			    * i2 + c2 + c * d2];

			v = AVERAGE ? v + u : u > v || u != u ? u : v;
			count++;
		}
#if COUNT_PAD
		TAPS(f0, g0, c0, d0, k0, -p0, i0 + e0)
		TAPS(f1, g1, c1, d1, k1, -p1, i1 + e1)
		TAPS(f2, g2, c2, d2, k2, -p2, i2 + e2)
		count = (g0 - f0) * (g1 - f1) * (g2 - f2);
#endif
		if (AVERAGE)
			v = count > 0 ? v / count : 0.0f;
		y[i] = EPI(v, i, plane % channels);
	}
}
