/*
 * row: kernels that fold a row of neighbouring floats to a number and perhaps
 * write the row again: reductions, softmax, normalisation.
 *
 * A piece is `per` rows.  On a CPU one instance walks the row in vectors; on a
 * GPU a group does, and folds what its items found in a tree (a power of two
 * of them, at most ROW_LOCAL).
 */
#define ROW_LOCAL	64

#ifdef PROFILE_GPU
#define LID		((int)get_local_id(0))
#define LSIZE		((int)get_local_size(0))
#define ROW_TEMP	__local float temp[ROW_LOCAL];
#define FOLD(r, n, init, JOIN, F, p)					\
	do {								\
		r = init;						\
		for (int k = LID; k < (n); k += LSIZE)			\
			r = JOIN(r, F((p)[k]));				\
		temp[LID] = r;						\
		barrier(CLK_LOCAL_MEM_FENCE);				\
		for (int s = LSIZE / 2; s > 0; s >>= 1) {		\
			if (LID < s)					\
				temp[LID] = JOIN(temp[LID], temp[LID + s]); \
			barrier(CLK_LOCAL_MEM_FENCE);			\
		}							\
		r = temp[0];						\
		barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);	\
	} while (0)
#else
#define LID		0
#define LSIZE		1
#define ROW_TEMP
#define FOLD(r, n, init, JOIN, F, p)					\
	do {								\
		VFLOAT acc = (VFLOAT)(init);				\
		float part[VEC];					\
		int k = 0;						\
		for (; k + VEC <= (n); k += VEC)			\
			acc = JOIN(acc, F(VLOAD(0, (p) + k)));		\
		VSTORE(acc, 0, part);					\
		r = init;						\
		for (int j = 0; j < VEC; j++)				\
			r = JOIN(r, part[j]);				\
		for (; k < (n); k++)					\
			r = JOIN(r, F((p)[k]));				\
	} while (0)
#endif

#define PLUS(a, b)	((a) + (b))
#define TIMES(a, b)	((a) * (b))
#define LARGER(a, b)	SEL(LE(b, a), a, SEL(EQ(a, a), b, a))
#define SMALLER(a, b)	SEL(GE(b, a), a, SEL(EQ(a, a), b, a))
#define SELF(x)		(x)
#define SQUARE(x)	((x) * (x))

#if defined(R_MEAN)
#define R_JOIN	PLUS
#define R_DONE(a, n)	((a) / (n))
#elif defined(R_L1)
#define R_OF	fabs
#elif defined(R_L2)
#define R_OF	SQUARE
#define R_DONE(a, n)	sqrt(a)
#elif defined(R_SQUARE)
#define R_OF	SQUARE
#elif defined(R_LOGSUM)
#define R_DONE(a, n)	log(a)
#elif defined(R_PROD)
#define R_JOIN	TIMES
#define R_INIT	1.0f
#elif defined(R_MAX)
#define R_JOIN	LARGER
#define R_INIT	(-INFINITY)
#elif defined(R_MIN)
#define R_JOIN	SMALLER
#define R_INIT	INFINITY
#endif
#ifndef R_JOIN
#define R_JOIN	PLUS
#endif
#ifndef R_INIT
#define R_INIT	0.0f
#endif
#ifndef R_OF
#define R_OF	SELF
#endif
#ifndef R_DONE
#define R_DONE(a, n)	(a)
#endif

#define FOR_ROWS(r, rows)						\
	FOR_WORK(piece)							\
		for (int r = piece * per; r < min(piece * per + per, rows); r++)

KERNEL void
reduce_row(IN(float, x), OUT(float, y), int rows, int n, int per WORK)
{
	ROW_TEMP
	AT(x);
	AT(y);
	FOR_ROWS(r, rows) {
		const __global float *p = x + (long)r * n;
		float a;

		FOLD(a, n, R_INIT, R_JOIN, R_OF, p);
		if (LID == 0)
			y[r] = R_DONE(a, (float)n);
	}
}

/* [outer][n][inner] over n. */
KERNEL void
reduce_col(IN(float, x), OUT(float, y), int outer, int n, int inner WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, outer * inner) {
		const __global float *p = x + (long)(i / inner) * n * inner
		    + i % inner;
		float a = R_INIT;

		for (int k = 0; k < n; k++)
			a = R_JOIN(a, R_OF(p[(long)k * inner]));
		y[i] = R_DONE(a, (float)n);
	}
}

#define EXP_FROM(x)	EXP((x) - top)

KERNEL void
softmax_row(IN(float, x), OUT(float, y), int rows, int n, int per WORK)
{
	ROW_TEMP
	AT(x);
	AT(y);
	FOR_ROWS(r, rows) {
		const __global float *p = x + (long)r * n;
		__global float *q = y + (long)r * n;
		float top, sum;

		FOLD(top, n, -INFINITY, LARGER, SELF, p);
		FOLD(sum, n, 0.0f, PLUS, EXP_FROM, p);
#ifdef LOG_OF
		sum = log(sum) + top;
		for (int k = LID; k < n; k += LSIZE)
			q[k] = p[k] - sum;
#else
		sum = 1.0f / sum;
		for (int k = LID; k < n; k += LSIZE)
			q[k] = EXP(p[k] - top) * sum;
#endif
	}
}

KERNEL void
softmax_col(IN(float, x), OUT(float, y), int outer, int n, int inner WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, outer * inner) {
		long at = (long)(i / inner) * n * inner + i % inner;
		float top = -INFINITY, sum = 0.0f;

		for (int k = 0; k < n; k++)
			top = LARGER(top, x[at + (long)k * inner]);
		for (int k = 0; k < n; k++)
			sum += EXP(x[at + (long)k * inner] - top);
#ifdef LOG_OF
		sum = log(sum) + top;
		for (int k = 0; k < n; k++)
			y[at + (long)k * inner] = x[at + (long)k * inner] - sum;
#else
		for (int k = 0; k < n; k++)
			y[at + (long)k * inner] =
			    EXP(x[at + (long)k * inner] - top) / sum;
#endif
	}
}

#ifdef SCALE
#define SCALE_ARG	, IN(float, scale)
#else
#define SCALE_ARG
#endif
#ifdef SHIFT
#define SHIFT_ARG	, IN(float, shift)
#else
#define SHIFT_ARG
#endif
#define FROM_MEAN(x)	(((x) - mean) * ((x) - mean))

/*
 * Each row minus its mean, over its deviation; element k of row r belongs to
 * channel (r % groups) * (n / plane) + k / plane.
 */
KERNEL void
norm_row(IN(float, x) SCALE_ARG SHIFT_ARG, OUT(float, y), int rows, int n,
    int per, int groups, int plane, float eps WORK)
{
	ROW_TEMP
	AT(x);
	AT(y);
#ifdef SCALE
	AT(scale);
#endif
#ifdef SHIFT
	AT(shift);
#endif
	FOR_ROWS(r, rows) {
		const __global float *p = x + (long)r * n;
		__global float *q = y + (long)r * n;
		int first = r % groups * (n / plane);
		float mean, inv;

		FOLD(mean, n, 0.0f, PLUS, SELF, p);
		mean /= n;
		FOLD(inv, n, 0.0f, PLUS, FROM_MEAN, p);
		inv = 1.0f / sqrt(inv / n + eps);
		for (int k = LID; k < n; k += LSIZE) {
			float v = (p[k] - mean) * inv;
#ifdef SCALE
			v *= scale[first + k / plane];
#endif
#ifdef SHIFT
			v += shift[first + k / plane];
#endif
			q[k] = v;
		}
	}
}
