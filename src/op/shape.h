/*
 * shape: what operators share: axes, rows, and walks over several tensors.
 *
 * Everything here is total over hostile attributes: an axis is checked,
 * products do not overflow.
 */
#ifndef OP_SHAPE_H
#define OP_SHAPE_H

#include <stdbool.h>

#include "plan/val.h"

/* axis in [-rank, rank) to [0, rank). */
int	 op_axis(int64_t axis, int rank, int *out, struct err *);
/* The same from an attribute. */
int	 op_axis_attr(const struct view *, const char *name, int64_t dflt,
	    int rank, int *out, struct err *);

/*
 * A list of axes, from the attribute or, where the opset has it so, KNOWN input
 * `input` (else -1): *n of them, normalised, in the given order, without
 * duplicates.  *n is -1 if there is none.  Returns -1 for view_need() too.
 */
int	 op_axes(struct view *, const char *attr, int input, int rank,
	    int axes[MAX_RANK], int *n, struct err *);

/*
 * Integers from the attribute or KNOWN input, at most MAX_RANK * 2; *n -1 if
 * neither is there.
 */
#define OP_INTS		(MAX_RANK * 2)
int	 op_ints(struct view *v, const char *attr, int input,
	    int64_t out[OP_INTS], int *n, struct err *e);

/* Input i must be KNOWN now: asks for it if not.  NULL (left out) is fine. */
int	 op_known(struct view *, int i);

/* All of them: for outputs whose shape depends on values. */
int	 op_need_all(struct view *);

/* An index into n elements, negative ones from the end. */
int	 op_index(int64_t i, int64_t n, int64_t *out, struct err *);

/* Elements in dimensions [from, to) of a shape that is not empty elsewhere. */
int64_t	 shape_span(const struct shape *, int from, int to);

bool	 dim_add(int64_t a, int64_t b, int64_t *out);
bool	 dim_mul(int64_t a, int64_t b, int64_t *out);
int	 op_overflow(struct err *);
/* Is this shape's element count and size within what can be addressed? */
int	 op_shape_check(const struct shape *, enum dtype, struct err *);

/* Has the view's input i, at least that rank? */
int	 op_want(const struct view *, int n_in, struct err *);
int	 op_want_rank(const struct val *, int min, int max, const char *what,
	    struct err *);

/*
 * Rows.  row_broadcast: of an output that inputs [first, last) broadcast to.
 * row_others: MIXED if any input but `but` depends on rows, else the row given.
 */
int	 row_broadcast(const struct view *, const struct shape *out, int first,
	    int last);
int	 row_others(const struct view *, int but, int row);
/* MIXED if any input depends on rows, else FREE. */
int	 row_any(const struct view *);
/* x's row unless it is one of the axes that are reduced (a bit mask). */
int	 row_unless(const struct val *x, unsigned axes);

/*
 * A walk over the elements of a shape in row-major order, with the offsets of
 * up to WALK_MAX operands.
 *
 *	for (walk_init(&w, &shape); walk_more(&w); walk_next(&w))
 *		... w.i, w.at[axis], w.off[k] ...
 */
#define WALK_MAX	4

struct walk {
	struct shape	 shape;
	size_t		 i, count;
	int64_t		 at[MAX_RANK];
	int64_t		 off[WALK_MAX];
	int64_t		 step[WALK_MAX][MAX_RANK];
	int		 n;
};

void	 walk_init(struct walk *, const struct shape *);
/* An operand of this shape, broadcast to the walk's. */
void	 walk_add(struct walk *, const struct shape *);
/* An operand with these strides, beginning at off. */
void	 walk_add_strides(struct walk *, const int64_t *stride, int64_t off);
void	 walk_next(struct walk *);

static inline bool
walk_more(const struct walk *w)
{
	return w->i < w->count;
}

/* Copy element i of src to element j of dst, same type; strings too. */
void	 elem_copy(enum dtype, void *dst, size_t j, const void *src, size_t i);

#endif
