/* kernel: what device forms share. */
#ifndef OP_KERNEL_H
#define OP_KERNEL_H

#include "plan/plan.h"

/*
 * The OpenCL C name of an element type that the device computes with directly;
 * NULL for all others (half, bfloat16, strings, double without fp64, ...).
 */
const char *cl_type(const struct plan *, enum dtype);

/* Is every one of the view's inputs a float tensor that is not too large? */
bool	 all_float(const struct view *);

/*
 * A tensor seen from one axis, or from neighbouring ones: outer x n x inner.
 */
struct line {
	int64_t	outer, n, inner;
};

struct line line_of(const struct shape *, int from, int to);

/* cl/row.cl: rows of n that a piece takes; items of a group. */
#define ROW_LOCAL	64
int64_t	 rows_per_piece(const struct plan *, int64_t n);

/*
 * The last arguments and the work of a kernel over lines: rows, n, rows per
 * piece if they lie together; outer, n, inner, by items, if not.
 */
void	 step_line(struct step *, const struct plan *, const struct line *);

/* Do all of them fit the kernels' 32-bit indices? */
bool	 fits_int(const struct val *);

#endif
