/* features: rows of features, each with an offset and a scale of its own. */

KERNEL void
scaler(IN(float, x), IN(float, offset), IN(float, scale), OUT(float, y), int n,
    int features WORK)
{
	AT(x);
	AT(offset);
	AT(scale);
	AT(y);
	FOR_ITEMS(i, n)
		y[i] = (x[i] - offset[i % features]) * scale[i % features];
}
