/*
 * Pooling of blocked maps, CPU profile.  A piece of work is some output rows of
 * one block of channels.
 *
 * Windows are cut to the map, so that padding is never read.  Away from the
 * left and right edge a window has KW columns, known to the compiler.
 *
 * -D: KW, SW, DW (columns of a window, their stride and dilation), AVERAGE,
 * COUNT_PAD, TAIL, GLOBAL (windows are whole maps)
 */
#ifndef KW
#define KW	3
#define SW	2
#define DW	1
#endif

#ifdef AVERAGE
#define FIRST		0.0f
#define JOIN(a, b)	((a) + (b))
#define SCALE(v, n)	((v) * (1.0f / (n)))
#else
#define FIRST		-INFINITY
#define JOIN(a, b)	SEL(GT(a, b), a, b)	/* a NaN in b stays */
#define SCALE(v, n)	(v)
#endif

/* Taps k of [0, n) with 0 <= at + k * step < size: from *lo to *hi. */
INLINE void
taps(int at, int n, int step, int size, int *lo, int *hi)
{
	*lo = at < 0 ? min(n, (step - 1 - at) / step) : 0;
	*hi = max(*lo, min(n, (size - at + step - 1) / step));
}

#ifndef GLOBAL
KERNEL void
pool(IN(float, x), OUT(float, y), int C, int H, int W, int OH, int OW, int KH,
    int SH, int DH, int PH, int PW, int EH, int EW, int rows EPI_ARGS WORK)
{
	AT(x);
	AT(y);
	const int CB = (C + VEC - 1) / VEC, YB = (OH + rows - 1) / rows;

	FOR_WORK(g) {
		int nb = g / YB, chan = nb % CB * VEC;
		const __global VFLOAT *map = (const __global VFLOAT *)x +
		    (long)nb * H * W;

		for (int oy = g % YB * rows; oy < min(OH, g % YB * rows + rows);
		    oy++) {
			int y0 = oy * SH - PH, h0, h1, height;

			taps(y0, KH, DH, H, &h0, &h1);
			height = h1 - h0;
#ifdef COUNT_PAD
			{
				int lo, hi;

				taps(y0 + PH, KH, DH, H + PH + EH, &lo, &hi);
				height = hi - lo;
			}
#endif
			for (int ox = 0; ox < OW; ox++) {
				int x0 = ox * SW - PW, at = (nb * OH + oy) *
				    OW + ox, w0 = 0, w1 = KW, width = KW;
				const __global VFLOAT *p = map +
				    (y0 + h0 * DH) * W + x0;
				VFLOAT v = FIRST;

				if (x0 >= 0 && x0 + (KW - 1) * DW < W) {
					for (int h = h0; h < h1; h++, p += DH *
					    W)
						UNROLL for (int w = 0; w < KW;
						    w++)
							v = JOIN(v, p[w * DW]);
				} else {
					taps(x0, KW, DW, W, &w0, &w1);
					for (int h = h0; h < h1; h++, p += DH *
					    W)
						for (int w = w0; w < w1; w++)
							v = JOIN(v, p[w * DW]);
					width = w1 - w0;
#ifdef COUNT_PAD
					taps(x0 + PW, KW, DW, W + PW + EW, &w0,
					    &w1);
					width = w1 - w0;
#endif
				}
				v = SCALE(v, height * width);
				v = VEPI(v, at * VEC, chan);
				((__global VFLOAT *)y)[at] = KEEP(v, C - chan);
			}
		}
	}
}
#endif

#ifdef GLOBAL
/* All of a map, for each block of channels. */
KERNEL void
pool_global(IN(float, x), OUT(float, y), int C, int HW EPI_ARGS WORK)
{
	AT(x);
	AT(y);
	const int CB = (C + VEC - 1) / VEC;

	FOR_WORK(g) {
		const __global VFLOAT *p = (const __global VFLOAT *)x +
		    (long)g * HW;
		VFLOAT a = FIRST, b = FIRST, c = FIRST, d = FIRST;
		int i = 0, chan = g % CB * VEC;

		for (; i + 4 <= HW; i += 4) {
			a = JOIN(a, p[i]);
			b = JOIN(b, p[i + 1]);
			c = JOIN(c, p[i + 2]);
			d = JOIN(d, p[i + 3]);
		}
		for (; i < HW; i++)
			a = JOIN(a, p[i]);
		a = JOIN(JOIN(a, b), JOIN(c, d));
		a = SCALE(a, HW);
		a = VEPI(a, g * VEC, chan);
		((__global VFLOAT *)y)[g] = KEEP(a, C - chan);
	}
}
#endif
