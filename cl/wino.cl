/*
 * Winograd's minimal filtering F(M x M, 3 x 3), M = 2 or 4, for 3x3
 * convolutions of stride 1 on blocked maps, CPU profile.
 *
 * Vectors are channels everywhere, so that both transforms are plain vector
 * arithmetic.  With N = M + 2 and the tiles of all images counted in rows:
 *
 *	U [panel][N * N][input channels][NR]		packed weights
 *	V [tile block][N * N][input block][MR][VEC]	transformed input
 *	S [N * N][tiles][NR]				products, in scratch
 *
 * Interpolation points of F(4, 3): 0, +-3/4, +-3/2 and infinity, whose error is
 * that of the direct kernel (0, +-1, +-2 have five times that).
 *
 * Large maps: wino_fused does everything for a few tile blocks in one piece of
 * work, V and S staying in cache.  Small maps: wino_in splits tile blocks and
 * channels, then wino_out panels and tile blocks.
 *
 * -D: M, MR (tiles of a block), NB, TAIL, ONLY_FUSED, ONLY_IN, ONLY_OUT (a
 * program of one kernel compiles in a third of the time)
 */
#if !defined(ONLY_FUSED) && !defined(ONLY_IN) && !defined(ONLY_OUT)
#define ONLY_FUSED
#define ONLY_IN
#define ONLY_OUT
#endif
#ifndef M
#define M	4
#define MR	7
#define NB	2
#endif
#define N	(M + 2)
#define NN	(N * N)
#define NR	(NB * VEC)

#if M == 2
INLINE void
bt(const VFLOAT *d, VFLOAT *t)
{
	t[0] = d[0] - d[2];
	t[1] = d[1] + d[2];
	t[2] = d[2] - d[1];
	t[3] = d[3] - d[1];
}

INLINE void
at(const VFLOAT *m, VFLOAT *o)
{
	o[0] = m[0] + m[1] + m[2];
	o[1] = m[1] - m[2] + m[3];
}
#else
#define PA	0.75f
#define PB	1.5f
#define A2	(PA * PA)
#define B2	(PB * PB)

INLINE void
bt(const VFLOAT *d, VFLOAT *t)
{
	VFLOAT e1 = d[4] - B2 * d[2], o1 = d[3] - B2 * d[1];
	VFLOAT e2 = d[4] - A2 * d[2], o2 = d[3] - A2 * d[1];

	t[0] = (A2 * B2) * d[0] + (d[4] - (A2 + B2) * d[2]);
	t[1] = e1 + PA * o1;
	t[2] = e1 - PA * o1;
	t[3] = e2 + PB * o2;
	t[4] = e2 - PB * o2;
	t[5] = (A2 * B2) * d[1] + (d[5] - (A2 + B2) * d[3]);
}

INLINE void
at(const VFLOAT *m, VFLOAT *o)
{
	VFLOAT s1 = m[1] + m[2], d1 = m[1] - m[2];
	VFLOAT s2 = m[3] + m[4], d2 = m[3] - m[4];

	o[0] = m[0] + s1 + s2;
	o[1] = PA * d1 + PB * d2;
	o[2] = A2 * s1 + B2 * s2;
	o[3] = (A2 * PA) * d1 + ((B2 * PB) * d2 + m[5]);
}
#endif

/* What a launch knows of the maps.  T: tiles of all images. */
struct geo {
	int CB, MB, H, W, OH, OW, PH, PW, TX, TY, T;
};

/* B' d B of one tile and channel block; element i goes to v[i * vs]. */
#define XFORM(LOAD)							\
	{								\
		VFLOAT w[NN];						\
		UNROLL for (int x = 0; x < N; x++) {			\
			VFLOAT d[N], t[N];				\
			UNROLL for (int y = 0; y < N; y++)		\
				d[y] = LOAD(y, x);			\
			bt(d, t);					\
			UNROLL for (int y = 0; y < N; y++)		\
				w[y * N + x] = t[y];			\
		}							\
		UNROLL for (int y = 0; y < N; y++) {			\
			VFLOAT t[N];					\
			bt(w + y * N, t);				\
			UNROLL for (int x = 0; x < N; x++)		\
				v[(y * N + x) * vs] = t[x];		\
		}							\
	}
#define INSIDE(y, x)	p[(y) * g->W + (x)]
#define BORDER(y, x)	(((ys >> (y)) & (xs >> (x)) & 1) ?		\
			    p[(y) * g->W + (x)] : (VFLOAT)(0.0f))

/* Bit i: is position at + i in [0, n)? */
INLINE uint
inside(int at, int n)
{
	uint bits = 0;

	for (int i = 0; i < N; i++)
		bits |= (uint)(at + i >= 0 && at + i < n) << i;
	return bits;
}

/* Transform tiles [t0, t0 + n), channel blocks [c0, c1), into V. */
INLINE void
input(const __global VFLOAT *x, __global VFLOAT *V, const struct geo *g,
    int t0, int n, int c0, int c1)
{
	const int vs = g->CB * MR, hw = g->H * g->W;

	for (int i = 0; i < n && t0 + i < g->T; i++) {
		int t = t0 + i, tx = t % g->TX, ty = t / g->TX % g->TY;
		int y0 = ty * M - g->PH, x0 = tx * M - g->PW;
		const __global VFLOAT *p = x + ((long)(t / g->TX / g->TY) *
		    g->CB + c0) * hw + y0 * g->W + x0;
		__global VFLOAT *v = V + ((i / MR * NN) * g->CB + c0) * MR +
		    i % MR;
		uint ys = inside(y0, g->H), xs = inside(x0, g->W);

		if ((ys & xs) == (1u << N) - 1)
			for (int c = c0; c < c1; c++, p += hw, v += MR)
				XFORM(INSIDE)
		else
			for (int c = c0; c < c1; c++, p += hw, v += MR)
				XFORM(BORDER)
	}
}

INLINE void
mac(VFLOAT acc[NB], float a, const VFLOAT b[NB])
{
	UNROLL for (int j = 0; j < NB; j++)
		acc[j] += a * b[j];
}

/*
 * S [MR][NB] = A [blocks][MR][VEC] * B [blocks][VEC][NB], and meanwhile ask for
 * far vectors at next for each block of B.
 */
INLINE void
product(const __global float *a, const __global VFLOAT *b,
    __global VFLOAT *S, int blocks, const __global VFLOAT *next, int far)
{
	VFLOAT acc[MR][NB];

	UNROLL for (int m = 0; m < MR; m++)
		UNROLL for (int j = 0; j < NB; j++)
			acc[m][j] = 0.0f;
	for (int i = 0; i < blocks; i++, a += MR * VEC, b += VEC * NB) {
		FETCH(next, far);
		next += far;
		UNROLL for (int c = 0; c < VEC; c++) {
			VFLOAT w[NB];

			UNROLL for (int j = 0; j < NB; j++)
				w[j] = b[c * NB + j];
			UNROLL for (int m = 0; m < MR; m++)
				mac(acc[m], a[m * VEC + c], w);
		}
	}
	UNROLL for (int m = 0; m < MR; m++)
		UNROLL for (int j = 0; j < NB; j++)
			S[m * NB + j] = acc[m][j];
}

/*
 * All products of n tile blocks with one panel, input blocks [lo, lo + blocks).
 */
INLINE void
products(const __global VFLOAT *V, const __global VFLOAT *U,
    __global VFLOAT *S, int CB, int lo, int blocks, int n, int nt)
{
	const int size = blocks * VEC * NB, far = (VEC * NB + n - 1) / n;

	for (int xi = 0; xi < NN; xi++, U += size)
		for (int b = 0; b < n; b++)
			product((const __global float *)(V +
			    ((b * NN + xi) * CB + lo) * MR), U,
			    S + (xi * nt + b) * MR * NB, blocks,
			    U + size + b * far * blocks, far);
}

/* A' s A of one tile and vector of channels. */
INLINE void
transform(const __global VFLOAT *s, int ts, VFLOAT r[M * M])
{
	VFLOAT w[M * N];

	UNROLL for (int x = 0; x < N; x++) {
		VFLOAT d[N], o[M];

		UNROLL for (int y = 0; y < N; y++)
			d[y] = s[(y * N + x) * ts];
		at(d, o);
		UNROLL for (int y = 0; y < M; y++)
			w[y * N + x] = o[y];
	}
	UNROLL for (int y = 0; y < M; y++)
		at(w + y * N, r + y * M);
}

/* Output transform, bias, epilogue and store of tiles [t0, t0 + n), panel p. */
#define OUTPUT(S, nt, t0, n, p)						\
	for (int i = 0; i < (n) && (t0) + i < g.T; i++) {		\
		int t = (t0) + i, ty = t / g.TX % g.TY;			\
		int oy = ty * M, ox = t % g.TX * M;			\
		int ye = min(M, g.OH - oy), xe = min(M, g.OW - ox);	\
		for (int j = 0; j < NB && (p) * NB + j < g.MB; j++) {	\
			int mb = (p) * NB + j, chan = mb * VEC;		\
			int o = ((t / g.TX / g.TY * g.MB + mb) * g.OH	\
			    + oy) * g.OW + ox;				\
			VFLOAT r[M * M], bv = VLOAD(mb, bias);		\
			transform((S) + i * NB + j, (nt) * MR * NB, r);	\
			UNROLL for (int y = 0; y < M; y++)		\
				UNROLL for (int x = 0; x < M; x++) {	\
					int at = (o + y * g.OW + x) * VEC; \
					VFLOAT v = r[y * M + x] + bv;	\
					if (y >= ye || x >= xe)		\
						continue;		\
					v = VEPI(v, at, chan);		\
					*(__global VFLOAT *)(y_ + at) =	\
					    KEEP(v, channels - chan);	\
				}					\
		}							\
	}

#define GEOMETRY	int CB, int channels, int H, int W, int OH, int OW, \
			int PH, int PW, int TX, int TY, int T
#define GEO		{ CB, (channels + VEC - 1) / VEC, H, W, OH, OW, \
			    PH, PW, TX, TY, T }

#ifdef ONLY_FUSED
KERNEL void
wino_fused(IN(float, x), IN(float, u), IN(float, bias), OUT(float, y_),
    SCRATCH(float, scratch), GEOMETRY, int NT EPI_ARGS WORK)
{
	AT(x);
	AT(u);
	AT(bias);
	AT(y_);
	AT_SCRATCH(scratch);
	const struct geo g = GEO;
	const int panels = (g.MB + NB - 1) / NB;
	__global VFLOAT *V = (__global VFLOAT *)scratch;
	__global VFLOAT *S = V + NT * NN * CB * MR;

	FOR_WORK(w) {
		int t0 = w * NT * MR, n = min(NT, (T - t0 + MR - 1) / MR);

		input((const __global VFLOAT *)x, V, &g, t0, NT * MR, 0, CB);
		for (int p = 0; p < panels; p++) {
			products(V, (const __global VFLOAT *)u +
			    (long)p * NN * CB * VEC * NB, S, CB, 0, CB, n, NT);
			OUTPUT(S, NT, t0, NT * MR, p)
		}
	}
}
#endif

#ifdef ONLY_IN
KERNEL void
wino_in(IN(float, x), OUT(float, v), GEOMETRY, int slice WORK)
{
	AT(x);
	AT(v);
	const struct geo g = GEO;
	const int blocks = (T + MR - 1) / MR;

	FOR_WORK(w) {
		int b = w % blocks, c0 = w / blocks * slice;

		input((const __global VFLOAT *)x, (__global VFLOAT *)v +
		    (long)b * NN * CB * MR, &g, b * MR, MR, c0,
		    min(c0 + slice, CB));
	}
}
#endif

#ifdef ONLY_OUT
/* GB: input blocks of a group, GP: its panels (both of all, if there is one) */
KERNEL void
wino_out(IN(float, v), IN(float, u), IN(float, bias), OUT(float, y_),
    SCRATCH(float, scratch), GEOMETRY, int NT, int GB, int GP EPI_ARGS WORK)
{
	AT(v);
	AT(u);
	AT(bias);
	AT(y_);
	AT_SCRATCH(scratch);
	const struct geo g = GEO;
	const int chunks = (T + NT * MR - 1) / (NT * MR);
	__global VFLOAT *S = (__global VFLOAT *)scratch;

	FOR_WORK(w) {
		int p = w / chunks, c = w % chunks, t0 = c * NT * MR;
		int n = min(NT, (T - t0 + MR - 1) / MR);

		products((const __global VFLOAT *)v + (long)c * NT * NN * CB *
		    MR, (const __global VFLOAT *)u + (long)p * NN * GB * VEC *
		    NB, S, CB, p / GP * GB, GB, n, NT);
		OUTPUT(S, NT, t0, NT * MR, p)
	}
}
#endif
