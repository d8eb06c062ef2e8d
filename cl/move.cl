/*
 * move: a box of elements from one tensor to another, with strides on both
 * sides. -DT: an unsigned type of the elements' size.
 */
#ifndef T
#define T	uint
#endif

#define AXIS(k)		int d##k, long s##k, long t##k

/* Offsets of line l: all axes but the last. */
#define LINE(l)								\
	int rest = l;							\
	long from = src_off, to = dst_off;				\
	from += rest % d4 * s4; to += rest % d4 * t4; rest /= d4;	\
	from += rest % d3 * s3; to += rest % d3 * t3; rest /= d3;	\
	from += rest % d2 * s2; to += rest % d2 * t2; rest /= d2;	\
	from += rest % d1 * s1; to += rest % d1 * t1; rest /= d1;	\
	from += rest * s0; to += rest * t0;

/* A piece: `per` lines, or `chunk` elements of one line. */
KERNEL void
move_lines(IN(T, x), OUT(T, y), long src_off, long dst_off, AXIS(0), AXIS(1),
    AXIS(2), AXIS(3), AXIS(4), AXIS(5), int lines, int per, int chunk WORK)
{
	AT(x);
	AT(y);
	FOR_WORK(g) {
		int chunks = (d5 + chunk - 1) / chunk;
		int k0 = g % chunks * chunk, l0 = g / chunks * per;
		int k1 = min(k0 + chunk, d5);

		for (int l = l0; l < min(l0 + per, lines); l++) {
			LINE(l)

			if (s5 == 1 && t5 == 1)
				for (int k = k0; k < k1; k++)
					y[to + k] = x[from + k];
			else
				for (int k = k0; k < k1; k++)
					y[to + k * t5] = x[from + k * s5];
		}
	}
}

KERNEL void
move_items(IN(T, x), OUT(T, y), long src_off, long dst_off, AXIS(0), AXIS(1),
    AXIS(2), AXIS(3), AXIS(4), AXIS(5), int n WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, n) {
		LINE(i / d5)

		y[to + i % d5 * t5] = x[from + i % d5 * s5];
	}
}

/* The same value everywhere: what movement leaves out of its output. */
KERNEL void
move_fill(OUT(T, y), long value, int n WORK)
{
	AT(y);
	FOR_ITEMS(i, n)
		y[i] = (T)value;
}
