/*
 * What lies between convolutions, on blocked maps, CPU profile: concatenation
 * of channels, and normalisation over neighbouring ones.
 */

/*
 * x to y's channels from c0 on; a piece is one of the blocks of y that x
 * reaches. Where c0 is not the first lane of a block, a vector is made of two
 * of x; lanes of y before c0 stay, those behind the end come as x's zeros.
 */
KERNEL void
concat(IN(float, x), OUT(float, y), int x_blocks, int y_blocks, int c0,
    int blocks, int space WORK)
{
	AT(x);
	AT(y);
	const int shift = c0 % VEC;

	FOR_WORK(g) {
		int n = g / blocks, b = g % blocks;
		const __global float *from = x + ((long)n * x_blocks + b) *
		    space * VEC;
		__global float *to = y + ((long)n * y_blocks + c0 / VEC + b) *
		    space * VEC;

		if (shift == 0) {
			for (int i = 0; i < space; i++)
				VSTORE(VLOAD(i, from), i, to);
			continue;
		}
		for (int i = 0; i < space; i++) {
			float two[2 * VEC];
			VFLOAT zero = 0.0f;

			if (b > 0)
				VSTORE(VLOAD(i, from - (long)space * VEC), 0,
				    two);
			else
				for (int l = 0; l < shift; l++)
					two[VEC - shift + l] = to[i * VEC + l];
			VSTORE(b < x_blocks ? VLOAD(i, from) : zero, 1, two);
			VSTORE(VLOAD(0, two + VEC - shift), i, to);
		}
	}
}

#ifndef BEFORE
#define BEFORE	2
#define BEHIND	2
#endif

/*
 * x / (bias + alpha * sum of squares of channels c - BEFORE .. c + BEHIND)^beta
 */
KERNEL void
lrn(IN(float, x), OUT(float, y), int C, int space, int rows, float alpha,
    float beta, float bias WORK)
{
	AT(x);
	AT(y);
	const int CB = (C + VEC - 1) / VEC, parts = (space + rows - 1) / rows;

	FOR_WORK(g) {
		int nb = g / parts, b = nb % CB, end;
		long plane = (long)space * VEC;
		const __global float *p = x + nb * plane;

		end = min(space, g % parts * rows + rows);
		for (int i = g % parts * rows; i < end; i++) {
			float sq[3 * VEC];
			VFLOAT v = VLOAD(i, p), a = 0.0f, c = 0.0f, sum = 0.0f;

			if (b > 0)
				a = VLOAD(i, p - plane);
			if (b + 1 < CB)
				c = VLOAD(i, p + plane);
			VSTORE(a * a, 0, sq);
			VSTORE(v * v, 1, sq);
			VSTORE(c * c, 2, sq);
			UNROLL for (int k = -BEFORE; k <= BEHIND; k++)
				sum += VLOAD(0, sq + VEC + k);
			sum = bias + alpha * sum;
#ifdef THREE_QUARTERS
			sum = sqrt(sum);
			sum *= sqrt(sum);
			v /= sum;
#else
			v *= exp2(-beta * log2(sum));
#endif
			VSTORE(v, i, y + nb * plane);
		}
	}
}
