/* cast: from one number type to another; -DTX, -DTY, -DTRUTH=1 for bool. */
#ifndef TX
#define TX	float
#define TY	int
#define TRUTH	0
#endif

KERNEL void
cast(IN(TX, x), OUT(TY, y), int n WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, n)
#if TRUTH
		y[i] = x[i] != 0;
#else
		y[i] = (TY)x[i];
#endif
}
