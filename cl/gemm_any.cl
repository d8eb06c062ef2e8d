/*
 * gemm_any: any matrix product, by strides, one result after the other.  What
 * the faster forms are checked against, and the fallback.
 */
#ifdef ADD_C
#define C_ARG	, IN(float, c)
#else
#define C_ARG
#endif

KERNEL void
gemm_any(IN(float, a), IN(float, b) C_ARG, OUT(float, y), int total, int m,
    int n, int k, long a_next, long b_next, int a_row, int a_col, int b_row,
    int b_col, int c_row, int c_col, float alpha, float beta EPI_ARGS WORK)
{
	AT(a);
	AT(b);
#ifdef ADD_C
	AT(c);
#endif
	AT(y);
	FOR_ITEMS(o, total) {
		int j = o % n, i = o / n % m;
		long batch = o / n / m;
		const __global float *p = a + batch * a_next + (long)i * a_row;
		const __global float *q = b + batch * b_next + (long)j * b_col;
		float v = 0.0f;

		for (int l = 0; l < k; l++)
			v += p[(long)l * a_col] * q[(long)l * b_row];
		v *= alpha;
#ifdef ADD_C
		if (beta != 0.0f)
			v += beta * c[(long)i * c_row + (long)j * c_col];
#endif
		y[o] = EPI(v, o, j);
	}
}
