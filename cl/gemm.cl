/*
 * Matrix products on the CPU profile: rows of a plain matrix times packed
 * panels.
 *
 *	w [batch or 1][panel][K][NB][VEC]	columns past N are zeros
 *
 * A register tile is MR rows by NB vectors of columns; a piece of work is a
 * panel and some rows of one product of the batch, panels outermost, so that a
 * panel stays in one core's cache.  The last rows' tile is shifted back and
 * keeps what it overlaps.
 *
 * gemm_pack makes the panels of a matrix that is only known at run time.
 *
 * -D: NB, MR, TRANS_A (a is K x M), WITH_C (alpha, beta * c by strides)
 */
#ifndef NB
#define NB	2
#endif
#ifndef MR
#define MR	8
#endif
#define NR	(NB * VEC)

INLINE void
mac(VFLOAT acc[NB], float a, const VFLOAT b[NB])
{
	UNROLL for (int j = 0; j < NB; j++)
		acc[j] += a * b[j];
}

#ifdef TRANS_A
#define A(m, k)	a[(long)(k) * M + (m)]
#else
#define A(m, k)	a[(long)(m) * K + (k)]
#endif
#define DEPTH	4

INLINE void
product(VFLOAT acc[MR][NB], const __global float *a,
    const __global VFLOAT *w, int M, int K)
{
	int k = 0;

	UNROLL for (int m = 0; m < MR; m++)
		UNROLL for (int j = 0; j < NB; j++)
			acc[m][j] = 0.0f;
	for (; k + DEPTH <= K; k += DEPTH, w += DEPTH * NB)
		UNROLL for (int d = 0; d < DEPTH; d++) {
			VFLOAT b[NB];

			UNROLL for (int j = 0; j < NB; j++)
				b[j] = w[d * NB + j];
			UNROLL for (int m = 0; m < MR; m++)
				mac(acc[m], A(m, k + d), b);
		}
	for (; k < K; k++, w += NB) {
		VFLOAT b[NB];

		UNROLL for (int j = 0; j < NB; j++)
			b[j] = w[j];
		UNROLL for (int m = 0; m < MR; m++)
			mac(acc[m], A(m, k), b);
	}
}

#ifdef WITH_C
/*
 * alpha * v + beta * c; beta is 0 where there is no c.  Columns of c lie one
 * apart or, 0, are the same.  (Not through an array: LLVM 19 makes wrong code
 * of a loop that fills one of four.)
 */
INLINE VFLOAT
with_c(VFLOAT v, const __global float *c, int c_col, float alpha, float beta)
{
	v *= alpha;
	if (beta != 0.0f && c_col == 0)
		v += beta * c[0];
	else if (beta != 0.0f)
		v += beta * VLOAD(0, c);
	return v;
}
#endif

KERNEL void
gemm(IN(float, a), IN(float, w), IN(float, c), OUT(float, y), int batch,
    int M, int N, int K, long stride_a, long stride_w, int c_row, int c_col,
    float alpha, float beta, int rows EPI_ARGS WORK)
{
	AT(a);
	AT(w);
	AT(c);
	AT(y);
	const int P = (N + NR - 1) / NR, R = (M + rows - 1) / rows;

	FOR_WORK(g) {
		int r = g % R, i = g / R % batch, p = g / R / batch;
		int end = min(M, r * rows + rows);
		const __global VFLOAT *wp = (const __global VFLOAT *)
		    (w + i * stride_w) + (long)p * K * NB;

		for (int row = r * rows; row < end; row += MR) {
			int from = min(row, M - MR), skip = row - from;
			VFLOAT acc[MR][NB];

#ifdef TRANS_A
			product(acc, a + i * stride_a + from, wp, M, K);
#else
			product(acc, a + i * stride_a + (long)from * K, wp,
			    M, K);
#endif
			UNROLL for (int j = 0; j < NB; j++) {
				int col = p * NR + j * VEC;

				if (col >= N)
					break;
				UNROLL for (int m = 0; m < MR; m++) {
					int at = (i * M + from + m) * N + col;
					VFLOAT v = acc[m][j];
					float s[VEC];

					if (m < skip)
						continue;
#ifdef WITH_C
					const __global float *cp = c +
					    (from + m) * c_row + col * c_col;
#endif
					if (col + VEC <= N) {
#ifdef WITH_C
						v = with_c(v, cp, c_col, alpha,
						    beta);
#endif
						v = VEPI(v, at, col);
						VSTORE(v, 0, y + at);
						continue;
					}
					VSTORE(v, 0, s);
					for (int l = 0; l < N - col; l++) {
#ifdef WITH_C
						s[l] *= alpha;
						if (beta != 0.0f)
							s[l] += beta *
							    cp[l * c_col];
#endif
						y[at + l] = EPI(s[l], at + l,
						    col + l);
					}
				}
			}
		}
	}
}

/* Rows row_step apart and columns col_step apart become panels. */
KERNEL void
gemm_pack(IN(float, b), OUT(float, w), int N, int K, long stride_b,
    int row_step, int col_step WORK)
{
	AT(b);
	AT(w);
	const int P = (N + NR - 1) / NR;

	FOR_WORK(g) {
		int n0 = g % P * NR, n = min(NR, N - n0);
		const __global float *from = b + g / P * stride_b +
		    (long)n0 * col_step;
		__global float *to = w + (long)g * K * NR;

		if (n == NR && col_step == 1) {
			for (int k = 0; k < K; k++)
				UNROLL for (int j = 0; j < NB; j++)
					VSTORE(VLOAD(j, from + (long)k *
					    row_step), k * NB + j, to);
			continue;
		}
		for (int k = 0; k < K; k++)
			for (int j = 0; j < NR; j++)
				to[k * NR + j] = j < n ? from[(long)k *
				    row_step + (long)j * col_step] : 0.0f;
	}
}
