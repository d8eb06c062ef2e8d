/*
 * gemm: a matrix product's geometry, and its device forms.
 *
 * MatMul and Gemm, read once by their rows and offered to the forms of a table,
 * fastest first; a form that does not do it returns 1 having emitted nothing.
 *
 *	y[i] = alpha * op(a[i]) * op(b[i]) + beta * c	for i in [0, batch)
 *
 * with c not read where beta is 0 (as in BLAS).
 *
 * a[i] is m x k (transposed: k x m) row-major, from element
 * i * stride_a of a; b and y alike.  A stride of 0: all i share it.  Rows may
 * have folded leading axes into m (b shared) or batch (both change).
 */
#ifndef OP_GEMM_H
#define OP_GEMM_H

#include "plan/plan.h"
#include "plan/val.h"

struct gemm {
	int64_t		 batch, m, n, k;
	int64_t		 stride_a, stride_b;	/* y's is m * n */
	bool		 trans_a, trans_b;
	float		 alpha, beta;
	struct val	*a, *b;
	struct val	*c;		/* NULL, or Gemm's third input */
	int64_t		 c_row, c_col;		/* its strides; 0 broadcasts */
};

/* As conv_form.  The epilogue's channel is the column j. */
typedef int	 gemm_form(struct view *, const struct gemm *, struct plan *,
		    struct err *);

gemm_form	 gemm_packed, gemm_tile;

extern gemm_form *const gemm_forms[];		/* ends with NULL */

#endif
