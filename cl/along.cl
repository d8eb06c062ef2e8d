/* along: where along an axis the largest or smallest element is. */
#ifndef T
#define T	float
#define BEATS	GT
#endif
/* GT, LT: the first of equals; GE, LE: the last. */

KERNEL void
arg(IN(T, x), OUT(long, y), int lines, int n, int inner WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, lines) {
		const __global T *p = x + (long)(i / inner) * n * inner
		    + i % inner;
		T top = p[0];
		int best = 0;

		for (int k = 1; k < n; k++) {
			T v = p[(long)k * inner];

			if (BEATS(v, top)) {
				top = v;
				best = k;
			}
		}
		y[i] = best;
	}
}
