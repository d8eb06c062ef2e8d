/*
 * resize: what each output position along an axis takes from the input.
 *
 * Interpolation is separable: a table per axis of input positions and weights,
 * `taps` of them for each output position; a position outside is clamped.  An
 * axis that stays as it is has one tap of weight one.
 */
#ifndef OP_RESIZE_H
#define OP_RESIZE_H

#include "plan/val.h"

struct resize_axis {
	int64_t	 in, out;
	double	 scale;
	double	 roi[2];
	bool	 same;		/* not resized */
	int	 taps;
	int64_t	*at;		/* [out][taps] */
	double	*weight;	/* [out][taps] */
	bool	*outside;	/* [out]: takes the extrapolation value */
};

enum resize_mode { RESIZE_NEAREST, RESIZE_LINEAR, RESIZE_CUBIC };

struct resize {
	int			 rank;
	struct resize_axis	 axis[MAX_RANK];
	enum resize_mode	 mode;
	const char		*coord, *nearest;
	float			 cubic_a, extrapolation;
	int64_t			 exclude, antialias;
};

/* Where along the input axis output position i lies. */
double	 resize_source(const struct resize *, const struct resize_axis *,
	    int64_t i);
/* Fill the tables; memory from the view's scratch. */
int	 resize_tables(struct view *, struct resize *, struct err *);

#endif
