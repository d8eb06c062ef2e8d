/*
 * Direct convolution of blocked maps, CPU profile.
 *
 * A register tile is TW neighbouring pixels of an output row times NB vectors
 * of channels; its weights lie in the order of their use:
 *
 *	w [panel][input block][kh][kw][VEC][NB][VEC]
 *
 * A piece of work is a panel of NR output channels and some tiles of one image,
 * panels outermost, so that a panel's weights stay in one core's cache.
 *
 * Borders cost nothing in the middle: kernel rows outside the map are not
 * walked, and a tile that reaches over the left or right edge works on a copy
 * of its patch, with zeros around, in the instance's scratch.  A row's last
 * tile that would reach over the end is shifted back and keeps what it
 * overlaps.
 *
 * 1x1 stride 1 comes as one row of H * W pixels.  Groups: a panel reads the
 * input blocks [lo, lo + nb) that hold its groups' channels, and weights of
 * channels outside of them are zeros.
 *
 * -D: NB, TW, SW (stride along the row), TAIL (channels are no multiple of
 * VEC), GROUPS (input blocks of a panel)
 */
#ifndef TW
#define TW	8
#define SW	1
#define NB	2
#endif
#define NR	(NB * VEC)

struct geo {
	int H, W, KH, KW, DH, DW, nb;
	int y0, x0;		/* input position of the tile's first tap */
	int kh0, kh1;		/* kernel rows inside the map */
};

INLINE void
mac(VFLOAT acc[NB], float a, const VFLOAT b[NB])
{
	UNROLL for (int j = 0; j < NB; j++)
		acc[j] += a * b[j];
}

INLINE void
tile(VFLOAT acc[TW][NB], const __global float *q, int cs, int rs, int ks,
    const struct geo *g, const __global VFLOAT *w)
{
	int skip = g->kh0 * g->KW * VEC * NB;
	int rest = (g->KH - g->kh1) * g->KW * VEC * NB;

	for (int cb = 0; cb < g->nb; cb++, q += cs) {
		w += skip;
		for (int kh = g->kh0; kh < g->kh1; kh++) {
			const __global float *a = q + (kh - g->kh0) * rs;

			for (int kw = 0; kw < g->KW; kw++, a += ks, w += VEC *
			    NB) {
				UNROLL for (int c = 0; c < VEC; c++) {
					VFLOAT b[NB];

					UNROLL for (int j = 0; j < NB; j++)
						b[j] = w[c * NB + j];
					UNROLL for (int m = 0; m < TW; m++)
						mac(acc[m], a[m * SW * VEC + c],
						    b);
				}
			}
		}
		w += rest;
	}
}

/* Copy the patch under a tile that reaches over the sides; zeros outside. */
INLINE void
patch(__global VFLOAT *s, const __global VFLOAT *x, int span,
    const struct geo *g)
{
	for (int cb = 0; cb < g->nb; cb++, x += g->H * g->W)
		for (int kh = g->kh0; kh < g->kh1; kh++, s += span) {
			const __global VFLOAT *r = x + (g->y0 + kh * g->DH) *
			    g->W;

			for (int i = 0; i < span; i++) {
				int c = g->x0 + i;

				s[i] = c >= 0 && c < g->W ? r[c] :
				    (VFLOAT)(0.0f);
			}
		}
}

KERNEL void
conv(IN(float, x), IN(float, w), IN(float, bias), OUT(float, y),
    SCRATCH(float, scratch), int N, int CB, int H, int W, int M, int OH, int OW,
    int KH, int KW, int SH, int DH, int DW, int PH, int PW, int CG, int MG,
    int rows, int cols EPI_ARGS WORK)
{
	const int MB = (M + VEC - 1) / VEC, P = (MB + NB - 1) / NB;
	const int YB = (OH + rows - 1) / rows, XB = (OW + cols - 1) / cols;
	const int span = (TW - 1) * SW + (KW - 1) * DW + 1;

	AT(x);
	AT(w);
	AT(bias);
	AT(y);
	AT_SCRATCH(scratch);
	FOR_WORK(g) {
		int xb = g % XB, yb = g / XB % YB, n = g / XB / YB % N;
		int p = g / XB / YB / N, wb = CB, lo = 0;
		struct geo t = { H, W, KH, KW, DH, DW, CB };
#ifdef GROUPS
		/*
		 * CG, MG: channels of a group; wb: blocks a panel's weights
		 * have
		 */
		lo = p * NR / MG * CG / VEC;
		t.nb = min(CB, ((min(p * NR + NR, M) - 1) / MG * CG + CG
		    + VEC - 1) / VEC) - lo;
		wb = GROUPS;
#endif
		const __global VFLOAT *wp = (const __global VFLOAT *)w
		    + (long)p * wb * KH * KW * VEC * NB;
		const __global VFLOAT *xp = (const __global VFLOAT *)x
		    + ((long)n * CB + lo) * H * W;
		const __global VFLOAT *bp = (const __global VFLOAT *)bias + p *
		    NB;

		for (int oy = yb * rows; oy < min(OH, yb * rows + rows); oy++) {
			t.y0 = oy * SH - PH;
			t.kh0 = t.y0 < 0 ? min(KH, (DH - 1 - t.y0) / DH) : 0;
			t.kh1 = max(t.kh0, min(KH, (H - t.y0 + DH - 1) / DH));
			for (int xt = xb * cols; xt < min(OW, xb * cols + cols);
			    xt += TW) {
				int ox = min(xt, OW - TW), done = xt - ox;
				VFLOAT acc[TW][NB];

				UNROLL for (int m = 0; m < TW; m++)
					UNROLL for (int j = 0; j < NB; j++)
						acc[m][j] = bp[j];
				t.x0 = ox * SW - PW;
				const __global float *q =
				    (const __global float *)
				    (xp + (t.y0 + t.kh0 * DH) * W + t.x0);
				int cs = H * W * VEC, rs = DH * W * VEC;

				if (t.x0 < 0 || t.x0 + span > W) {
					patch((__global VFLOAT *)scratch, xp,
					    span, &t);
					q = scratch;
					rs = span * VEC;
					cs = (t.kh1 - t.kh0) * rs;
				}
				tile(acc, q, cs, rs, DW * VEC, &t, wp);
				UNROLL for (int j = 0; j < NB; j++) {
					int mb = p * NB + j;
					int at = ((n * MB + mb) * OH + oy) *
					    OW + ox;

					if (mb >= MB)
						break;
					UNROLL for (int m = 0; m < TW; m++) {
						int same = (at + m) * VEC;
						int chan = mb * VEC;
						VFLOAT v = acc[m][j];

						if (m < done)
							continue;
						v = VEPI(v, same, chan);
						((__global VFLOAT *)y)[at + m] =
						    KEEP(v, M - chan);
					}
				}
			}
		}
	}
}
