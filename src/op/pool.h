/*
 * pool: the geometry of a pooling operator, and its device forms.
 *
 * As op/conv.h: the row reads attributes and shapes once and offers them to the
 * forms of a table; 1 means "not this form".  Global pooling is a kernel as
 * large as the input.
 */
#ifndef OP_POOL_H
#define OP_POOL_H

#include "plan/plan.h"
#include "plan/val.h"

#define POOL_RANK	3

enum pool_kind { POOL_MAX, POOL_AVERAGE };

struct pool {
	enum pool_kind	 kind;
	bool		 count_pad;	/* AVERAGE counts padding, too */
	int		 rank;		/* spatial axes */
	int64_t		 n, c;
	int64_t		 in[POOL_RANK], out[POOL_RANK];
	int64_t		 k[POOL_RANK], stride[POOL_RANK], dilation[POOL_RANK];
	int64_t		 pad[POOL_RANK];	/* at the beginning */
	int64_t		 pad_end[POOL_RANK];	/* as count_pad counts it */
	struct val	*x;
};

typedef int	 pool_form(struct view *, const struct pool *, struct plan *,
		    struct err *);

pool_form	 pool_blocked;

/* Only for float tensors and output 0 alone (no indices). */
extern pool_form *const pool_forms[];		/* ends with NULL */

#endif
