/*
 * conv: the geometry of a convolution, and its device forms.
 *
 * The row's plan() (conv.c) reads attributes and shapes once into a struct conv
 * and offers it to the forms of a table, fastest first.  A form that does not
 * do this geometry or this profile returns 1 having emitted nothing; the last
 * resort is the generic kernel, which does everything.
 *
 * Spatial axes: one to CONV_RANK, outermost first.  Padding at the end is not
 * stored: it is whatever `out` needs, and reads beyond the input are zeros.
 */
#ifndef OP_CONV_H
#define OP_CONV_H

#include "plan/plan.h"
#include "plan/val.h"

#define CONV_RANK	3

struct conv {
	int		 rank;			/* spatial axes */
	int64_t		 n;			/* batch */
	int64_t		 c, m;			/* channels in, out */
	int64_t		 group;
	int64_t		 in[CONV_RANK];		/* input extents */
	int64_t		 out[CONV_RANK];	/* output extents */
	int64_t		 k[CONV_RANK];		/* kernel */
	int64_t		 stride[CONV_RANK];
	int64_t		 dilation[CONV_RANK];
	int64_t		 pad[CONV_RANK];	/* at the beginning */
	struct val	*x, *w, *b;		/* b: NULL, or [m] */
};

/*
 * Emit the steps of one convolution: 0; 1: not this form, nothing emitted; -1
 * with *err.  x may have either layout; w is [m, c / group, k...] (transposed:
 * [c, m / group, k...]).  Forms apply c->b and the view's epilogue, too.
 */
typedef int	 conv_form(struct view *, const struct conv *, struct plan *,
		    struct err *);

conv_form	 conv_stem, conv_dw, conv_wino, conv_direct, conv_tile;

/* Ends with NULL; tried in order. */
extern conv_form *const conv_forms[];
extern conv_form *const conv_transpose_forms[];

#endif
