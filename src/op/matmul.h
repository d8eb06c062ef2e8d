/* matmul: numpy's matrix product, for MatMul and its integer relatives. */
#ifndef OP_MATMUL_H
#define OP_MATMUL_H

#include "op/shape.h"

struct matmul {
	int64_t		m, n, k;
	struct shape	batch;			/* leading axes of the result */
	struct shape	a_batch, b_batch;	/* and of the operands */
	struct shape	out;
};

/* Inputs ia and ib of the view. */
int	 matmul_read(const struct view *, int ia, int ib, struct matmul *,
	    struct err *);
int	 matmul_row(const struct view *, int ia, int ib, const struct matmul *);

/*
 * Over all results: off[0] and off[1] are where a's row and b's column begin.
 */
void	 matmul_walk(const struct matmul *, struct walk *);
/* The sum of (a - az) * (b - bz) from there. */
double	 matmul_at(const struct val *a, const struct val *b,
	    const struct matmul *, size_t ao, size_t bo, double az, double bz);

#endif
