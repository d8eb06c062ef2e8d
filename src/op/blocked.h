/*
 * blocked: device forms of light operators for blocked maps on the CPU, so that
 * what lies between convolutions needs no reorder.
 *
 * Each returns 0, 1 for "not this form" (nothing emitted), -1 with *err.
 */
#ifndef OP_BLOCKED_H
#define OP_BLOCKED_H

#include "plan/plan.h"

/*
 * Concat along the channels: inputs become parts of the output where their
 * channels fill blocks, and are copied there where not.
 */
int	 concat_blocked(struct view *, struct plan *, struct err *);

/*
 * Local response normalisation over the channels around each.  Only with bias >
 * 0: the zeros past the last channel must stay zeros.
 */
struct lrn_blocked {
	int64_t	before, behind;
	float	alpha;			/* divided by the size already */
	float	beta, bias;
};

int	 lrn_blocked(struct view *, const struct lrn_blocked *, struct plan *,
	    struct err *);

#endif
