/*
 * reorder: float tensors [n][channels][space] to blocks of VEC channels
 * [n][blocks][space][VEC] and back.  Lanes past the last channel are zero.
 */

#ifdef PROFILE_GPU
#define LOCAL_FROM	get_local_id(0)
#define LOCAL_STEP	get_local_size(0)
#else
#define LOCAL_FROM	0
#define LOCAL_STEP	1
#endif

KERNEL void
reorder_block(IN(float, x), OUT(float, y), int channels, int blocks, int space
    WORK)
{
	AT(x);
	AT(y);
	FOR_WORK(g) {
		int n = g / blocks, c = g % blocks * VEC;
		__global const float *from = x +
		    ((long)n * channels + c) * space;
		__global float *to = y + (long)g * space * VEC;
		int some = min(VEC, channels - c);

		for (int i = LOCAL_FROM; i < space; i += LOCAL_STEP)
			for (int k = 0; k < VEC; k++)
				to[(long)i * VEC + k] = k < some ?
				    from[(long)k * space + i] : 0.0f;
	}
}

KERNEL void
reorder_plain(IN(float, x), OUT(float, y), int channels, int blocks, int space
    WORK)
{
	AT(x);
	AT(y);
	FOR_WORK(g) {
		int n = g / blocks, c = g % blocks * VEC;
		__global const float *from = x + (long)g * space * VEC;
		__global float *to = y + ((long)n * channels + c) * space;
		int some = min(VEC, channels - c);

		for (int k = 0; k < some; k++)
			for (int i = LOCAL_FROM; i < space; i += LOCAL_STEP)
				to[(long)k * space + i] =
				    from[(long)i * VEC + k];
	}
}
