/*
 * quant: floats to 8-bit integers and back; a scale (and zero point) for each
 * of `channels`, `inner` elements apart.  -DQ, -DLOW, -DHIGH; -DZERO if there
 * are zero points.
 */
#ifndef Q
#define Q	uchar
#define LOW	0
#define HIGH	255
#endif

#ifdef ZERO
#define ZERO_ARG	, IN(Q, zero)
#define ZERO_AT		AT(zero);
#define ZERO_OF(c)	zero[c]
#else
#define ZERO_ARG
#define ZERO_AT
#define ZERO_OF(c)	0
#endif

KERNEL void
quantize(IN(float, x), IN(float, scale) ZERO_ARG, OUT(Q, y), int n,
    int channels, int inner WORK)
{
	AT(x);
	AT(scale);
	ZERO_AT
	AT(y);
	FOR_ITEMS(i, n) {
		int c = i / inner % channels;
		float v = rint(x[i] / scale[c]) + (float)ZERO_OF(c);

		y[i] = (Q)(int)clamp(v == v ? v : 0.0f, (float)LOW,
		    (float)HIGH);
	}
}

KERNEL void
dequantize(IN(Q, x), IN(float, scale) ZERO_ARG, OUT(float, y), int n,
    int channels, int inner WORK)
{
	AT(x);
	AT(scale);
	ZERO_AT
	AT(y);
	FOR_ITEMS(i, n) {
		int c = i / inner % channels;

		y[i] = ((float)x[i] - (float)ZERO_OF(c)) * scale[c];
	}
}
