/*
 * window: how a kernel slides over spatial axes, for convolution and pooling.
 *
 * Read from a node's attributes once, every number checked: extents, strides
 * and pads are below 2^31, products of them do not overflow 64 bits.
 */
#ifndef OP_WINDOW_H
#define OP_WINDOW_H

#include "plan/val.h"

#define WINDOW_RANK	(MAX_RANK - 2)

struct window {
	int	rank;
	int64_t	in[WINDOW_RANK], out[WINDOW_RANK], k[WINDOW_RANK];
	int64_t	stride[WINDOW_RANK], dilation[WINDOW_RANK];
	int64_t	pad[WINDOW_RANK], pad_end[WINDOW_RANK];
};

/*
 * Over the axes of x from 2 on.  k: the kernel's extents, or NULL for the
 * attribute kernel_shape.
 */
int	 window_read(const struct view *, const struct shape *x,
	    const int64_t *k, struct window *, struct err *);
/* The same for a transposed convolution, whose `out` grows from `in`. */
int	 window_read_transposed(const struct view *, const struct shape *x,
	    const int64_t *k, struct window *, struct err *);
/* As large as x. */
void	 window_global(const struct shape *x, struct window *);

/*
 * Which taps of the kernel, [*lo, *hi), fall on [from, to) along an axis for
 * output position o.
 */
void	 window_taps(const struct window *, int axis, int64_t o, int64_t from,
	    int64_t to, int64_t *lo, int64_t *hi);

/* Output shape: n, c, then the window's extents. */
void	 window_shape(const struct window *, int64_t n, int64_t c,
	    struct shape *);

#endif
