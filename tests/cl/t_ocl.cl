/* Kernels of tests/t_ocl.c. */
#ifndef PLUS
#define PLUS 1.0f
#endif

/* y = x + PLUS */
KERNEL void
t_add(IN(float, x), OUT(float, y), int n EPI_ARGS WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, n)
		y[i] = EPI(x[i] + PLUS, i, 0);
}

/* y[i] = the sum of x[i - 1], x[i] and x[i + 1], as of a ring */
KERNEL void
t_blur(IN(int, x), OUT(int, y), int n WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, n)
		y[i] = x[i == 0 ? n - 1 : i - 1] + x[i] +
		    x[i == n - 1 ? 0 : i + 1];
}

/* Each piece once: y[g] += g */
KERNEL void
t_pieces(OUT(int, y) WORK)
{
	AT(y);
	FOR_WORK(g)
		if (get_local_id(0) == 0 && get_local_id(1) == 0)
			y[g] += g + 1;
}

#ifdef PROFILE_CPU
/* Each piece through memory of its instance's own. */
KERNEL void
t_scratch(OUT(int, y), SCRATCH(int, s), int each WORK)
{
	AT(y);
	AT_SCRATCH(s);
	FOR_WORK(g) {
		for (int i = 0; i < each; i++)
			s[i] = g + i;
		int sum = 0;
		for (int i = 0; i < each; i++)
			sum += s[i];
		y[g] = sum;
	}
}
#endif

/* The fast functions, for comparison with the host's. */
KERNEL void
t_math(IN(float, x), OUT(float, e), OUT(float, t), OUT(float, s), OUT(float, r),
    int n WORK)
{
	AT(x);
	AT(e);
	AT(t);
	AT(s);
	AT(r);
	FOR_ITEMS(i, n) {
		e[i] = EXP(x[i]);
		t[i] = TANH(x[i]);
		s[i] = SIGMOID(x[i]);
		r[i] = ERF(x[i]);
	}
}

/* The same, in vectors; n is a multiple of VEC. */
KERNEL void
t_math_vec(IN(float, x), OUT(float, e), OUT(float, t), OUT(float, s),
    OUT(float, r), int n WORK)
{
	AT(x);
	AT(e);
	AT(t);
	AT(s);
	AT(r);
	FOR_ITEMS(i, n / VEC) {
		VFLOAT v = VLOAD(i, x);

		VSTORE(EXP(v), i, e);
		VSTORE(TANH(v), i, t);
		VSTORE(SIGMOID(v), i, s);
		VSTORE(ERF(v), i, r);
	}
}
