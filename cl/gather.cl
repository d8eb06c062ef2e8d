/*
 * gather: slices chosen by indices that are data; an index out of range is
 * reported and reads nothing.
 */
#ifndef T
#define T	uint
#define TI	long
#define NEGATIVE 1
#endif

KERNEL void
gather(IN(T, x), IN(TI, index), OUT(T, y), int total, int n, int axis,
    int inner, ERR_WORD WORK)
{
	AT(x);
	AT(index);
	AT(y);
	FOR_ITEMS(i, total) {
		long k = index[i / inner % n];

		if (NEGATIVE && k < 0)
			k += axis;
		if (k < 0 || k >= axis) {
			FAIL();
			y[i] = 0;
		} else
			y[i] = x[((long)(i / inner / n) * axis + k) * inner
			    + i % inner];
	}
}
