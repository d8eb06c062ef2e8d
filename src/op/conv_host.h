/* conv_host: the definition of convolution, for all its relatives. */
#ifndef OP_CONV_HOST_H
#define OP_CONV_HOST_H

#include "op/window.h"

struct conv_def {
	const struct val	*x, *w, *b;	/* b NULL: no bias */
	const struct val	*x_zero, *w_zero;
						/* NULL: 0; w's per channel */
	int64_t			 group;
	struct window		 win;
};

/* Shapes of x, w (inputs ix, iw of the view) checked; the window read. */
int	 conv_def_read(const struct view *, int ix, int iw, struct conv_def *,
	    struct err *);
/* Output 0 as that type; rows are x's images. */
void	 conv_def_set(struct view *, const struct conv_def *, enum dtype);
/* Output element i before rounding; *m is its channel. */
double	 conv_def_at(const struct conv_def *, size_t i, int64_t *m);

#endif
