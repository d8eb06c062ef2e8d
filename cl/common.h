/*
 * common.h: what every kernel is written in.
 *
 * The text before every kernel file (no #include).  One source serves all
 * devices: the host defines one of
 *
 *	LANES		PoCL on a CPU: an instance per core, one counter
 *	PROFILE_CPU	that, or another CPU driver: one work-item in a group
 *	PROFILE_GPU	groups of many work-items
 *
 * and VEC, the floats of a native vector (4, 8, 16).
 *
 * A kernel:
 *
 *	KERNEL void
 *	relu(IN(float, x), OUT(float, y), int n EPI_ARGS WORK)
 *	{
 *		AT(x);
 *		AT(y);
 *		FOR_ITEMS(i, n)
 *			y[i] = EPI(fmax(x[i], 0.0f), i, 0);
 *	}
 *
 * Outside FOR_WORK and FOR_ITEMS a kernel touches no memory: it is run once
 * with no work when it is built.  No return inside of them; continue is fine.
 */

/* Parameters.  A tensor is a buffer and an element offset in it. */
#define IN(T, x)	__global const T *restrict x, long x##_at
#define OUT(T, x)	__global T *restrict x, long x##_at
#define AT(x)		x += x##_at

/*
 * Memory of this instance alone: no other one writes there.  One in a kernel at
 * most.  On the GPU profile such a kernel compiles, but is never launched.
 */
#define SCRATCH(T, x)	__global T *restrict x
#if defined(PROFILE_CPU) && !defined(LANES)
#define AT_SCRATCH(x)	x += get_group_id(0) * work_scratch / sizeof(*x)
#else
#define AT_SCRATCH(x)	((void)0)
#endif

/* Where to say that an index from data was out of range: FAIL(), and go on. */
#define ERR_WORD	__global int *err, int err_code
#define FAIL()		(*err = err_code)

/*
 * Work.  FOR_WORK(g): g runs over the pieces 0 <= g < total that this instance
 * (GPU: group) takes.  FOR_ITEMS(i, n): i runs over 0 <= i < n, each i once, by
 * any instance in any order, so that no i may depend on what another one wrote.
 */
#ifdef LANES
#define WORK		, __global int *work_next, int work_total
#define FOR_WORK(g)	for (int g = atomic_inc(work_next); g < work_total; \
			    g = atomic_inc(work_next))
#else
#ifdef PROFILE_CPU
#define WORK		, long work_scratch, int work_total
#else
#define WORK		, int work_total
#endif
#define FOR_WORK(g)	for (int g = get_group_id(0); g < work_total; \
			    g += get_num_groups(0))
#endif

#ifdef PROFILE_CPU
#if VEC == 16
#define KERNEL		__kernel __attribute__((reqd_work_group_size(1, 1, 1), \
			    min_vector_width(512)))
#else
#define KERNEL		__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
#endif
#define FOR_ITEMS(i, n)	FOR_WORK(i##_piece) \
			_Pragma("clang loop vectorize(assume_safety)") \
			for (int i = items_from(i##_piece, n, work_total), \
			    i##_end = \
				items_from(i##_piece + 1, n, work_total); \
			    i < i##_end; i++)
#else
#define KERNEL		__kernel
#define FOR_ITEMS(i, n)	for (int i = get_global_id(0); i < (n); \
			    i += get_global_size(0))
#endif

/*
 * The other kernels of the file: the host writes this for their KERNEL, as only
 * the one that is asked for is worth compiling.  Not for GPUs: local memory may
 * only be declared in kernels.
 */
#ifdef PROFILE_CPU
#define SPARE		static __attribute__((unused))
#else
#define SPARE		__kernel
#endif

#define UNROLL		_Pragma("unroll")
#define INLINE		static inline __attribute__((always_inline))
#define OVERLOAD	static inline \
			__attribute__((always_inline, overloadable))

/*
 * The first item of a piece: pieces are equal, and whole cache lines of floats.
 */
INLINE int
items_from(int piece, int n, int total)
{
	long each = (n / total + 16) & ~15;

	return (int)min(piece * each, (long)n);
}

/*
 * The language of expressions, shared with the host (op/expr.h).  Every one
 * works for scalars and for vectors; a test of vectors is a vector of 0 and -1,
 * so tests are only good for SEL, AND, OR, NOT.
 */
#define SEL(c, a, b)	((c) ? (a) : (b))
#define LT(a, b)	((a) < (b))
#define LE(a, b)	((a) <= (b))
#define GT(a, b)	((a) > (b))
#define GE(a, b)	((a) >= (b))
#define EQ(a, b)	((a) == (b))
#define NE(a, b)	((a) != (b))
#define AND(a, b)	((a) && (b))
#define OR(a, b)	((a) || (b))
#define NOT(a)		(!(a))
#define ADD(a, b)	((a) + (b))
#define SUB(a, b)	((a) - (b))
#define MUL(a, b)	((a) * (b))
#define NEG(a)		(-(a))
#define MIN(a, b)	SEL(OR(LT(a, b), NE(a, a)), a, b)	/* a NaN wins */
#define MAX(a, b)	SEL(OR(GT(a, b), NE(a, a)), a, b)
#define LOG(a)		log(a)
#define BAND(a, b)	((a) & (b))
#define BOR(a, b)	((a) | (b))
#define BXOR(a, b)	((a) ^ (b))
#define BNOT(a)		(~(a))

/*
 * Words that differ between floats and integers.  Those for integers and
 * doubles only where the preamble asks (EXPR_INT, EXPR_DOUBLE): no kernel of
 * floats should pay for them when it is compiled.
 */
#define WORDS_F(F)							\
OVERLOAD F ABS(F a) { return fabs(a); }					\
OVERLOAD F SIGN(F a) { return SEL(EQ(a, a), sign(a), a); }		\
OVERLOAD F DIV(F a, F b) { return a / b; }				\
OVERLOAD F POW(F a, F b) { return pow(a, b); }				\
OVERLOAD F FMOD(F a, F b) { return fmod(a, b); }			\
OVERLOAD F								\
MOD(F a, F b)								\
{									\
	F r = fmod(a, b);						\
	return SEL(AND(NE(r, (F)(0)), NE(LT(r, (F)(0)), LT(b, (F)(0)))), \
	    r + b, r);							\
}
WORDS_F(float)
WORDS_F(float4)
WORDS_F(float8)
WORDS_F(float16)

#ifdef EXPR_INT
/* A divisor that cannot trap; the quotient by 0 is 0, by -1 the negative. */
#define WORDS_I(I, BITS)						\
OVERLOAD I ABS(I a) { return SEL(LT(a, (I)(0)), -a, a); }		\
OVERLOAD I SIGN(I a) { return SEL(LT(a, (I)(0)), (I)(-1),		\
    SEL(GT(a, (I)(0)), (I)(1), (I)(0))); }				\
OVERLOAD I safe(I b) { return SEL(OR(EQ(b, (I)(0)), EQ(b, (I)(-1))),	\
    (I)(1), b); }							\
OVERLOAD I DIV(I a, I b) { return SEL(EQ(b, (I)(0)), (I)(0),		\
    SEL(EQ(b, (I)(-1)), -a, a / safe(b))); }				\
OVERLOAD I FMOD(I a, I b) { return a % safe(b); }			\
OVERLOAD I								\
MOD(I a, I b)								\
{									\
	I r = a % safe(b);						\
	return SEL(AND(NE(r, (I)(0)), LT(r ^ b, (I)(0))), r + b, r);	\
}									\
OVERLOAD I								\
POW(I a, I b)								\
{									\
	I r = 1, n = b;							\
	I odd = SEL(EQ(b & 1, (I)(0)), (I)(1), a);			\
	I unit = SEL(OR(EQ(a, (I)(1)), EQ(a, (I)(-1))), odd, (I)(0));	\
	for (int i = 0; i < BITS; i++, n >>= 1, a *= a)			\
		r *= SEL(EQ(n & 1, (I)(0)), (I)(1), a);			\
	return SEL(LT(b, (I)(0)), unit, r);				\
}									\
OVERLOAD I SHL(I a, I b) { return SEL(OR(LT(b, (I)(0)),			\
    GT(b, (I)(BITS - 1))), (I)(0), a << (b & (BITS - 1))); }		\
OVERLOAD I SHR(I a, I b) { return SEL(OR(LT(b, (I)(0)),			\
    GT(b, (I)(BITS - 1))), (I)(0), a >> (b & (BITS - 1))); }
#define WORDS_U(U, BITS)						\
OVERLOAD U ABS(U a) { return a; }					\
OVERLOAD U SIGN(U a) { return SEL(EQ(a, (U)(0)), (U)(0), (U)(1)); }	\
OVERLOAD U safe(U b) { return SEL(EQ(b, (U)(0)), (U)(1), b); }		\
OVERLOAD U DIV(U a, U b) { return SEL(EQ(b, (U)(0)), (U)(0),		\
    a / safe(b)); }							\
OVERLOAD U FMOD(U a, U b) { return SEL(EQ(b, (U)(0)), (U)(0),		\
    a % safe(b)); }							\
OVERLOAD U MOD(U a, U b) { return FMOD(a, b); }				\
OVERLOAD U								\
POW(U a, U b)								\
{									\
	U r = 1, n = b;							\
	for (int i = 0; i < BITS; i++, n >>= 1, a *= a)			\
		r *= SEL(EQ(n & 1, (U)(0)), (U)(1), a);			\
	return r;							\
}									\
OVERLOAD U SHL(U a, U b) { return SEL(GT(b, (U)(BITS - 1)), (U)(0),	\
    a << (b & (BITS - 1))); }						\
OVERLOAD U SHR(U a, U b) { return SEL(GT(b, (U)(BITS - 1)), (U)(0),	\
    a >> (b & (BITS - 1))); }
WORDS_I(int, 32)
WORDS_I(int4, 32)
WORDS_I(int8, 32)
WORDS_I(int16, 32)
WORDS_I(long, 64)
WORDS_U(uint, 32)
WORDS_U(uint4, 32)
WORDS_U(uint8, 32)
WORDS_U(uint16, 32)
WORDS_U(ulong, 64)
#endif

/* An exponent may be of another type than its base. */
#define POW_MIXED(F, TO_F, I)						\
OVERLOAD F POW(F a, I b) { return pow(a, TO_F(b)); }			\
OVERLOAD F POW(I a, F b) { return pow(TO_F(a), b); }
#ifdef EXPR_INT
POW_MIXED(float, convert_float, int)
POW_MIXED(float, convert_float, uint)
POW_MIXED(float, convert_float, long)
POW_MIXED(float, convert_float, ulong)
POW_MIXED(float4, convert_float4, int4)
POW_MIXED(float4, convert_float4, uint4)
POW_MIXED(float8, convert_float8, int8)
POW_MIXED(float8, convert_float8, uint8)
POW_MIXED(float16, convert_float16, int16)
POW_MIXED(float16, convert_float16, uint16)
#endif

#ifdef EXPR_DOUBLE
WORDS_F(double)
POW_MIXED(double, convert_double, float)
POW_MIXED(double, convert_double, int)
POW_MIXED(double, convert_double, uint)
POW_MIXED(double, convert_double, long)
POW_MIXED(double, convert_double, ulong)
OVERLOAD double fast_exp(double x) { return exp(x); }
OVERLOAD double fast_sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }
OVERLOAD double fast_tanh(double x) { return tanh(x); }
OVERLOAD double fast_erf(double x) { return erf(x); }
#endif

/*
 * exp, tanh, sigmoid and erf as short polynomials that vectorise: those of the
 * drivers are called one element at a time, or are many times slower.  Errors
 * below 4 units in the last place; infinities and NaN as in C.
 */
#define MATH(F, I, C)							\
OVERLOAD F								\
fast_exp(F x)								\
{									\
	F c = SEL(GT(x, 89.0f), (F)(89.0f), x);				\
	c = SEL(LT(c, -105.0f), (F)(-105.0f), c);			\
	F k = rint(c * 1.44269504f);					\
	F r = c - k * 0.693359375f;					\
	r -= k * -2.12194440e-4f;					\
	F p = 1.99193799e-4f;						\
	p = p * r + 1.394722492e-3f;					\
	p = p * r + 8.333262638e-3f;					\
	p = p * r + 4.166625376e-2f;					\
	p = p * r + 1.666666687e-1f;					\
	p = p * r + 5.000000083e-1f;					\
	p = p * r * r + r + 1.0f;					\
	I n = C(SEL(EQ(k, k), k, (F)(0.0f)));				\
	I h = n >> 1;							\
	p *= as_##F((h + 127) << 23);					\
	return p * as_##F((n - h + 127) << 23);				\
}									\
OVERLOAD F								\
fast_sigmoid(F x)							\
{									\
	return 1.0f / (1.0f + fast_exp(-x));				\
}									\
OVERLOAD F								\
fast_tanh(F x)								\
{									\
	F a = fabs(x), z = x * x;					\
	F p = 2.13716274e-3f;						\
	p = p * z - 8.171704951e-3f;					\
	p = p * z + 2.169869120e-2f;					\
	p = p * z - 5.394645589e-2f;					\
	p = p * z + 1.333320413e-1f;					\
	p = p * z - 3.333333077e-1f;					\
	F big = 1.0f - 2.0f / (fast_exp(a + a) + 1.0f);			\
	return SEL(LT(a, 0.625f), p * z * x + x, copysign(big, x));	\
}									\
OVERLOAD F								\
fast_erf(F x)								\
{									\
	F a = fabs(x), z = x * x;					\
	F p = 8.454661573e-5f;						\
	p = p * z - 8.162371914e-4f;					\
	p = p * z + 5.202736887e-3f;					\
	p = p * z - 2.686007418e-2f;					\
	p = p * z + 1.128370750e-1f;					\
	p = p * z - 3.761263451e-1f;					\
	p = p * z + 1.128379167f;					\
	F b = SEL(GT(a, 3.95f), (F)(3.95f), a);				\
	F q = 2.004492876e-4f;						\
	q = q * b - 3.087037698e-3f;					\
	q = q * b + 2.239973821e-2f;					\
	q = q * b - 1.042860351e-1f;					\
	q = q * b - 6.367832737e-1f;					\
	q = q * b - 1.127909528f;					\
	q = q * b - 1.398272104e-4f;					\
	F big = 1.0f - fast_exp(q);					\
	return SEL(LT(a, 0.9f), p * x, copysign(big, x));		\
}
MATH(float, int, convert_int)
MATH(float4, int4, convert_int4)
MATH(float8, int8, convert_int8)
MATH(float16, int16, convert_int16)

#define EXP(x)		fast_exp(x)
#define TANH(x)		fast_tanh(x)
#define SIGMOID(x)	fast_sigmoid(x)
#define ERF(x)		fast_erf(x)

/* A native vector of floats. */
#define VCAT2(a, b)	a##b
#define VCAT(a, b)	VCAT2(a, b)
#define VFLOAT		VCAT(float, VEC)
#define VLOAD(i, p)	VCAT(vload, VEC)(i, p)
#define VSTORE(v, i, p)	VCAT(vstore, VEC)(v, i, p)

/*
 * Blocked maps: lanes past the last channel stay zeros, whatever bias and
 * epilogue make of them.  KEEP(v, n) is v with lanes from n on cleared; it
 * costs nothing unless TAIL says that there are such lanes.
 */
#ifdef TAIL
#define KEEP(v, n)	keep_lanes(v, n)
INLINE VFLOAT
keep_lanes(VFLOAT v, int n)
{
	float a[VEC];

	VSTORE(v, 0, a);
	for (int i = n; i < VEC; i++)
		a[i] = 0.0f;
	return VLOAD(0, a);
}
#else
#define KEEP(v, n)	(v)
#endif

/*
 * Ask for n vectors from p on, to be read soon.  (OpenCL's own prefetch() does
 * nothing in PoCL.)
 */
#ifdef LANES
#define FETCH(p, n)							\
	for (int fetch = 0; fetch < (n); fetch += 64 / (VEC * 4))	\
		__builtin_prefetch((const void *)(ulong)((p) + fetch), 0, 2)
#else
#define FETCH(p, n)	((void)0)
#endif

/*
 * Elements that are not numbers here: half through the built-ins, bfloat16 as
 * ushort.
 */
#define LOAD_HALF(p, i)		vload_half(i, p)
#define STORE_HALF(v, p, i)	vstore_half_rte(v, i, p)

INLINE float
load_bf16(ushort h)
{
	return as_float((uint)h << 16);
}

INLINE ushort
store_bf16(float v)
{
	uint u = as_uint(v);

	if (v != v)
		return (u >> 16) | 0x40;
	return (u + 0x7fff + ((u >> 16) & 1)) >> 16;
}

/*
 * Epilogues: a fused expression on the way to memory (plan/plan.h).  The
 * preamble before this file defines what it has; the rest stays empty.
 */
#ifdef EPI_TEXT
EPI_TEXT
#endif
#ifdef EPI
#define VEPI(v, same, chan)	VCAT(EPI, VEC)(v, same, chan)
#else
#define EPI(v, same, chan)	(v)
#define VEPI(v, same, chan)	(v)
#endif
#ifndef EPI_ARGS
#define EPI_ARGS
#endif
