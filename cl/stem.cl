/*
 * Convolution of plain maps with few channels (images) to blocked maps, CPU
 * profile.
 *
 *	w [panel][C][KH][KW][NB][VEC]
 *
 * A piece of work is some output rows.  The input rows under one output row are
 * copied to the instance's scratch first, with zeros around them, so that tiles
 * never see an edge; the copy serves all panels.
 *
 * -D: NB, TW, SW, TAIL
 */
#ifndef NB
#define NB	2
#define TW	8
#define SW	2
#endif

#define NR	(NB * VEC)

/* Columns [from, from + n) of a row of W into s, zeros outside. */
INLINE void
copy_row(__global float *s, const __global float *row, bool inside, int from,
    int n, int W)
{
	int lo = inside ? clamp(-from, 0, n) : n;
	int hi = inside ? clamp(W - from, lo, n) : n, i = lo;

	for (int k = 0; k < lo; k++)
		s[k] = 0.0f;
	for (; i + VEC <= hi; i += VEC)
		VSTORE(VLOAD(0, row + from + i), 0, s + i);
	for (; i < hi; i++)
		s[i] = row[from + i];
	for (; i < n; i++)
		s[i] = 0.0f;
}

INLINE void
mac(VFLOAT acc[NB], float a, const VFLOAT b[NB])
{
	UNROLL for (int j = 0; j < NB; j++)
		acc[j] += a * b[j];
}

INLINE void
start(VFLOAT acc[TW][NB], const __global float *bias)
{
	UNROLL for (int m = 0; m < TW; m++)
		UNROLL for (int j = 0; j < NB; j++)
			acc[m][j] = VLOAD(j, bias);
}

/* All taps of a tile: rows of s are span apart. */
INLINE void
tile(VFLOAT acc[TW][NB], const __global float *s, int lines, int span, int KW,
    int DW, const __global VFLOAT *w)
{
	for (int i = 0; i < lines; i++, s += span) {
		const __global float *q = s;

		/*
		 * Not unrolled: taps shared by neighbouring pixels would be
		 * kept as vectors, and the accumulators lose their registers.
		 */
		_Pragma("nounroll")
		for (int k = 0; k < KW; k++, q += DW, w += NB) {
			VFLOAT b[NB];

			UNROLL for (int j = 0; j < NB; j++)
				b[j] = w[j];
			UNROLL for (int m = 0; m < TW; m++)
				mac(acc[m], q[m * SW], b);
		}
	}
}

KERNEL void
stem(IN(float, x), IN(float, w), IN(float, bias), OUT(float, y),
    SCRATCH(float, scratch), int C, int H, int W, int M, int OH, int OW, int KH,
    int KW, int SH, int DH, int DW, int PH, int PW, int rows EPI_ARGS WORK)
{
	AT(x);
	AT(w);
	AT(bias);
	AT(y);
	AT_SCRATCH(scratch);
	const int MB = (M + VEC - 1) / VEC, P = (MB + NB - 1) / NB;
	const int YB = (OH + rows - 1) / rows, XT = (OW + TW - 1) / TW;
	const int span = (OW - 1) * SW + (KW - 1) * DW + 1;

	FOR_WORK(g) {
		int n = g / YB;

		for (int oy = g % YB * rows; oy < min(OH, g % YB * rows + rows);
		    oy++) {
			for (int i = 0; i < C * KH; i++) {
				int iy = oy * SH - PH + i % KH * DH;

				copy_row(scratch + i * span, x +
				    ((long)(n * C + i / KH) * H + iy) * W,
				    iy >= 0 && iy < H, -PW, span, W);
			}
			for (int i = 0; i < P * XT; i++) {
				int p = i / XT, xt = i % XT * TW;
				int ox = min(xt, OW - TW), skip = xt - ox;
				VFLOAT acc[TW][NB];

				start(acc, bias + p * NR);
				tile(acc, scratch + ox * SW, C * KH, span, KW,
				    DW, (const __global VFLOAT *)w +
				    p * C * KH * KW * NB);
				UNROLL for (int k = 0; k < NB * TW; k++) {
					int mb = p * NB + k / TW, m = k % TW;
					int at = ((n * MB + mb) * OH + oy) * OW;
					VFLOAT v = acc[m][k / TW];

					if (mb >= MB || m < skip)
						continue;
					at = (at + ox + m) * VEC;
					v = VEPI(v, at, mb * VEC);
					v = KEEP(v, M - mb * VEC);
					VSTORE(v, 0, y + at);
				}
			}
		}
	}
}
