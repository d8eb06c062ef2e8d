/*
 * Depthwise convolution of blocked maps, CPU profile: each channel by a kernel
 * of its own.
 *
 *	w [block][KH][KW][VEC]
 *
 * A piece of work is some output rows of one block of channels.  Tiles of TW
 * pixels where no column of the kernel leaves the map, single pixels at the
 * edges.
 *
 * -D: KH, KW, TW, SW, DW, TAIL
 */
#ifndef KH
#define KH	3
#define KW	3
#define TW	4
#define SW	1
#define DW	1
#endif

/* Rows [h0, h1) of the kernel, for a tile inside of the map. */
INLINE void
tile(VFLOAT acc[TW], const __global VFLOAT *p, const __global VFLOAT *f,
    int h0, int h1, int step)
{
	for (int h = h0; h < h1; h++, p += step)
		UNROLL for (int k = 0; k < KW; k++)
			UNROLL for (int m = 0; m < TW; m++)
				acc[m] += p[m * SW + k * DW] * f[h * KW + k];
}

/* The same for one pixel whose first tap is in column x0. */
INLINE VFLOAT
pixel(VFLOAT v, const __global VFLOAT *p, const __global VFLOAT *f, int h0,
    int h1, int step, int x0, int W)
{
	for (int h = h0; h < h1; h++, p += step)
		for (int k = 0; k < KW; k++)
			if (x0 + k * DW >= 0 && x0 + k * DW < W)
				v += p[k * DW] * f[h * KW + k];
	return v;
}

#define STORE(v, at)							\
	((__global VFLOAT *)y)[at] = KEEP(VEPI(v, (at) * VEC, chan), C - chan)

KERNEL void
dw(IN(float, x), IN(float, w), IN(float, bias), OUT(float, y), int C, int H,
    int W, int OH, int OW, int SH, int DH, int PH, int PW, int x_lo, int x_hi,
    int rows EPI_ARGS WORK)
{
	AT(x);
	AT(w);
	AT(bias);
	AT(y);
	const int CB = (C + VEC - 1) / VEC, YB = (OH + rows - 1) / rows;

	FOR_WORK(g) {
		int nb = g / YB, chan = nb % CB * VEC;
		const __global VFLOAT *map = (const __global VFLOAT *)x +
		    (long)nb * H * W;
		const __global VFLOAT *f = (const __global VFLOAT *)w +
		    nb % CB * KH * KW;
		VFLOAT bv = VLOAD(nb % CB, bias);

		for (int oy = g % YB * rows; oy < min(OH, g % YB * rows + rows);
		    oy++) {
			int y0 = oy * SH - PH, at = (nb * OH + oy) * OW;
			int h0 = y0 < 0 ? min(KH, (DH - 1 - y0) / DH) : 0;
			int h1 = max(h0, min(KH, (H - y0 + DH - 1) / DH));
			int ox = 0;

			while (ox < OW) {
				const __global VFLOAT *p = map +
				    (y0 + h0 * DH) * W + ox * SW - PW;

				if (ox >= x_lo && ox + TW <= x_hi) {
					VFLOAT acc[TW];

					UNROLL for (int m = 0; m < TW; m++)
						acc[m] = bv;
					tile(acc, p, f, h0, h1, DH * W);
					UNROLL for (int m = 0; m < TW; m++)
						STORE(acc[m], at + ox + m);
					ox += TW;
					continue;
				}
				VFLOAT v = pixel(bv, p, f, h0, h1, DH * W,
				    ox * SW - PW, W);

				STORE(v, at + ox);
				ox++;
			}
		}
	}
}
