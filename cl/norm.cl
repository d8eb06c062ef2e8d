/* norm: scaling by given statistics, or by neighbouring channels. */

#ifdef PROFILE_GPU
#define LID		((int)get_local_id(0))
#define LSIZE		((int)get_local_size(0))
#else
#define LID		0
#define LSIZE		1
#endif

/* A piece is the plane of one channel of one image. */
KERNEL void
norm_batch(IN(float, x), IN(float, scale), IN(float, shift), IN(float, mean),
    IN(float, var), OUT(float, y), int outer, int channels, int plane,
    float eps EPI_ARGS WORK)
{
	AT(x);
	AT(scale);
	AT(shift);
	AT(mean);
	AT(var);
	AT(y);
	FOR_WORK(g) {
		int c = g % channels, at = g * plane;
		float a = scale[c] / sqrt(var[c] + eps);
		float b = shift[c] - mean[c] * a;

		for (int i = at + LID; i < at + plane; i += LSIZE) {
			float v = x[i] * a + b;

			y[i] = EPI(v, i, c);
		}
	}
}

/* Over channels [c - before, c + after]. */
KERNEL void
norm_lrn(IN(float, x), OUT(float, y), int n, int channels, int plane,
    int before, int after, float alpha, float beta, float bias WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, n) {
		int c = i / plane % channels;
		int lo = max(c - before, 0);
		int hi = min(c + min(after, channels), channels - 1);
		float sum = 0.0f;

		for (int k = lo; k <= hi; k++) {
			float v = x[i + (long)(k - c) * plane];

			sum += v * v;
		}
		y[i] = x[i] * pow(bias + alpha * sum, -beta);
	}
}
