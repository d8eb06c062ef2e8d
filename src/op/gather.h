/* gather: the device form of choosing slices by indices that are data. */
#ifndef OP_GATHER_H
#define OP_GATHER_H

#include "op/kernel.h"

/*
 * Output 0 = input 0 along that line at the indices of input 1, for each
 * `outer`; negative: such indices count from the end.  Returns as op.plan()
 * does.
 */
int	 gather_step(struct view *, const struct line *, bool negative,
	    struct plan *, struct err *);

#endif
