/* reduce: shapes and rows of what loses axes. */
#ifndef OP_REDUCE_H
#define OP_REDUCE_H

#include "op/kernel.h"

/* x without the axes of the mask, or with 1 in their place. */
void	 reduced_shape(const struct shape *x, unsigned mask, bool keep,
	    struct shape *o);
int	 reduced_row(const struct val *x, unsigned mask, bool keep);
/* The axes of the mask as one, if they are neighbours. */
bool	 mask_line(const struct shape *x, unsigned mask, struct line *);

#endif
