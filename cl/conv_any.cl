/*
 * conv_any: convolution and transposed convolution of any geometry, plain
 * layout, one output element after the other.  What the faster forms are
 * checked against, and the fallback.  Axes missing before the last have one
 * element.
 */
#ifdef BIAS
#define BIAS_ARG	, IN(float, b)
#define BIAS_AT		AT(b);
#define BIAS_OF(m)	b[m]
#else
#define BIAS_ARG
#define BIAS_AT
#define BIAS_OF(m)	0.0f
#endif

#define GEOMETRY int n, int C, int M, int group, int i0, int i1, int i2, \
    int o0, int o1, int o2, int k0, int k1, int k2, int s0, int s1, int s2, \
    int d0, int d1, int d2, int p0, int p1, int p2

KERNEL void
conv_any(IN(float, x), IN(float, w) BIAS_ARG, OUT(float, y), GEOMETRY EPI_ARGS
    WORK)
{
	AT(x);
	AT(w);
	BIAS_AT
	AT(y);
	FOR_ITEMS(i, n) {
		int c2 = i % o2 * s2 - p2, c1 = i / o2 % o1 * s1 - p1;
		int c0 = i / o2 / o1 % o0 * s0 - p0;
		int m = i / o2 / o1 / o0 % M, image = i / o2 / o1 / o0 / M;
		int each = C / group, first = m / (M / group) * each;
		const __global float *q = w + (long)m * each * k0 * k1 * k2;
		float sum = BIAS_OF(m);

		for (int c = 0; c < each; c++)
			for (int a = 0; a < k0; a++)
				for (int b1 = 0; b1 < k1; b1++)
					for (int e = 0; e < k2; e++, q++) {
			int z = c0 + a * d0, r = c1 + b1 * d1, t = c2 + e * d2;

			if (z >= 0 && z < i0 && r >= 0 && r < i1 &&
			    t >= 0 && t < i2)
				sum += *q * x[((((long)image * C + first + c)
				    * i0 + z) * i1 + r) * i2 + t];
		}
		y[i] = EPI(sum, i, m);
	}
}

/* Each output gathers the inputs that reach it. */
KERNEL void
conv_transpose_any(IN(float, x), IN(float, w) BIAS_ARG, OUT(float, y),
    GEOMETRY EPI_ARGS WORK)
{
	AT(x);
	AT(w);
	BIAS_AT
	AT(y);
	FOR_ITEMS(i, n) {
		int c2 = i % o2 + p2, c1 = i / o2 % o1 + p1;
		int c0 = i / o2 / o1 % o0 + p0;
		int m = i / o2 / o1 / o0 % M, image = i / o2 / o1 / o0 / M;
		int each = C / group, mg = M / group, first = m / mg * each;
		float sum = BIAS_OF(m);

		for (int c = 0; c < each; c++) {
			const __global float *q = w + ((long)(first + c) * mg
			    + m % mg) * k0 * k1 * k2;
			const __global float *in = x + ((long)image * C + first
			    + c) * i0 * i1 * i2;

			for (int a = 0; a < k0; a++)
				for (int b1 = 0; b1 < k1; b1++)
					for (int e = 0; e < k2; e++, q++) {
				int z = c0 - a * d0, r = c1 - b1 * d1;
				int t = c2 - e * d2;

				if (z < 0 || r < 0 || t < 0 || z % s0 != 0 ||
				    r % s1 != 0 || t % s2 != 0)
					continue;
				z /= s0;
				r /= s1;
				t /= s2;
				if (z < i0 && r < i1 && t < i2)
					sum += *q * in[((long)z * i1 + r) * i2
					    + t];
			}
		}
		y[i] = EPI(sum, i, m);
	}
}
