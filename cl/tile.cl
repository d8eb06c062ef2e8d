/*
 * Matrix products and convolutions on the GPU profile: a group computes a tile
 * of the result, SIDE x SIDE work-items with RES x RES elements each, and
 * shares what it reads through local memory.
 *
 * A convolution is the product of its weights, mg x (cg * kernel), and the
 * matrix of all patches, (cg * kernel) x pixels, which is never stored: the
 * loader finds an element's place in the map.  Plain layout.
 *
 * -D: SIDE, RES, CONV, WITH_C (alpha, beta * c; CONV: a bias), TRANS_A, TRANS_B
 */
#ifndef SIDE
#define SIDE	16
#define RES	4
#endif
#define TILE	(SIDE * RES)
#define DEPTH	16

/* Elements [at, at + TILE) x [k0, k0 + DEPTH) of a side into local memory. */
#define LOAD(to, ALONG_K, ELEMENT, at, limit)				\
	for (int e = lid; e < TILE * DEPTH; e += SIDE * SIDE) {		\
		int kk = ALONG_K ? e % DEPTH : e / TILE;		\
		int t = ALONG_K ? e / DEPTH : e % TILE;			\
		int k = k0 + kk, i = (at) + t;				\
									\
		to[kk][t] = k < K && i < (limit) ? ELEMENT : 0.0f;	\
	}

#ifdef CONV
#define A_ALONG_K	1
#define A_ELEMENT	a[(long)i * K + k]
#define B_ALONG_K	0
#define B_ELEMENT	patch(b, k, i, H, W, OW, KH, KW, SH, SW, DH, DW, PH, PW)
#define MORE_ARGS	int H, int W, int OW, int KH, int KW, int SH, int SW, \
			int DH, int DW, int PH, int PW, int groups

INLINE float
patch(const __global float *x, int k, int pixel, int H, int W, int OW, int KH,
    int KW, int SH, int SW, int DH, int DW, int PH, int PW)
{
	int c = k / (KH * KW), r = k / KW % KH, s = k % KW;
	int y = pixel / OW * SH - PH + r * DH, z = pixel % OW * SW - PW + s *
	    DW;

	if (y < 0 || y >= H || z < 0 || z >= W)
		return 0.0f;
	return x[((long)c * H + y) * W + z];
}
#else
#ifdef TRANS_A
#define A_ALONG_K	0
#define A_ELEMENT	a[(long)k * M + i]
#else
#define A_ALONG_K	1
#define A_ELEMENT	a[(long)i * K + k]
#endif
#ifdef TRANS_B
#define B_ALONG_K	1
#define B_ELEMENT	b[(long)i * K + k]
#else
#define B_ALONG_K	0
#define B_ELEMENT	b[(long)k * N + i]
#endif
#define MORE_ARGS	int c_row, int c_col, float alpha, float beta
#endif

/*
 * Product p of the batch begins at a + p * a_step and b + p * b_step (CONV:
 * weights of group p % groups).
 */
KERNEL void
tile(IN(float, a_), IN(float, b_), IN(float, c), OUT(float, y), int M, int N,
    int K, long a_step, long b_step, MORE_ARGS EPI_ARGS WORK)
{
	AT(a_);
	AT(b_);
	AT(c);
	AT(y);
	__local float as[DEPTH][TILE + 1], bs[DEPTH][TILE + 1];
	const int across = (N + TILE - 1) / TILE, down = (M + TILE - 1) / TILE;
	const int lx = get_local_id(0), ly = get_local_id(1);
	const int lid = ly * SIDE + lx;

	FOR_WORK(g) {
		int n0 = g % across * TILE, m0 = g / across % down * TILE;
		int p = g / across / down;
		float acc[RES][RES];
#ifdef CONV
		const __global float *a = a_ + p % groups * a_step;
#else
		const __global float *a = a_ + p * a_step;
#endif
		const __global float *b = b_ + p * b_step;

		UNROLL for (int i = 0; i < RES; i++)
			UNROLL for (int j = 0; j < RES; j++)
				acc[i][j] = 0.0f;
		for (int k0 = 0; k0 < K; k0 += DEPTH) {
			LOAD(as, A_ALONG_K, A_ELEMENT, m0, M)
			LOAD(bs, B_ALONG_K, B_ELEMENT, n0, N)
			barrier(CLK_LOCAL_MEM_FENCE);
			for (int k = 0; k < DEPTH; k++) {
				float u[RES], v[RES];

				UNROLL for (int i = 0; i < RES; i++) {
					u[i] = as[k][ly + i * SIDE];
					v[i] = bs[k][lx + i * SIDE];
				}
				UNROLL for (int i = 0; i < RES; i++)
					UNROLL for (int j = 0; j < RES; j++)
						acc[i][j] += u[i] * v[j];
			}
			barrier(CLK_LOCAL_MEM_FENCE);
		}
		UNROLL for (int i = 0; i < RES; i++)
			UNROLL for (int j = 0; j < RES; j++) {
				int m = m0 + ly + i * SIDE;
				int n = n0 + lx + j * SIDE;
				int at = (p * M + m) * N + n;
				float v = acc[i][j];
#ifdef CONV
				int chan = p % groups * M + m;
#else
				int chan = n;
#endif

				if (m >= M || n >= N)
					continue;
#if defined(WITH_C) && defined(CONV)
				v += c[chan];
#elif defined(WITH_C)
				v *= alpha;
				if (beta != 0.0f)
					v += beta * c[(long)m * c_row +
					    (long)n * c_col];
#endif
				y[at] = EPI(v, at, chan);
			}
	}
}
