/*
 * region: data movement, all of it one strided copy.
 *
 * A region is a box of elements with strides on both sides.  An operator that
 * only moves data says how its regions lie, once; the definition and the
 * device form are the same for all (cl/move.cl).  A stride may be 0 or
 * negative.
 */
#ifndef OP_REGION_H
#define OP_REGION_H

#include "plan/plan.h"

#define REGION_RANK	(2 * MAX_RANK)

struct region {
	int	in, out;		/* which input goes to which output */
	int	rank;
	int64_t	dim[REGION_RANK];
	int64_t	src[REGION_RANK], dst[REGION_RANK];	/* element strides */
	int64_t	src_off, dst_off;
};

/*
 * The k-th region of the node: 1; 0: there is none; -1 with *err.  Called after
 * infer(): output shapes are set.
 */
typedef int	region_fn(struct view *, int k, struct region *, struct err *);

int	 region_host(struct view *, region_fn *, struct err *);
int	 region_plan(struct view *, region_fn *, struct plan *, struct err *);

/* An axis with both strides behind the others. */
void	 region_axis(struct region *, int64_t dim, int64_t src, int64_t dst);
/* Drop axes of one element, join those that lie together. */
void	 region_merge(struct region *);

/*
 * The definition and device form of a movement whose regions are
 * name##_region.
 */
#define REGION_OP(name)							\
static int								\
name##_host(struct view *v, struct err *e)				\
{									\
	return region_host(v, name##_region, e);			\
}									\
									\
static int								\
name##_plan(struct view *v, struct plan *p, struct err *e)		\
{									\
	return region_plan(v, name##_region, p, e);			\
}

/* Output 0 is input 0's elements in the same order. */
int	 same_host(struct view *, struct err *);
int	 same_plan(struct view *, struct plan *, struct err *);

#endif
