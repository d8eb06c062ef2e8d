/*
 * shape: the dimensions of a tensor, by value.
 *
 * Row-major, outermost first.  A dimension is >= 0; in a signature (what a
 * model says about its inputs before a request is seen) -1 means "any".
 */
#ifndef BASE_SHAPE_H
#define BASE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"

#define MAX_RANK	8
#define SHAPE_TEXT	(MAX_RANK * 21 + 3)

struct shape {
	int	rank;			/* 0: a scalar */
	int64_t	dim[MAX_RANK];
};

/* Elements; false on overflow, a negative dimension or a rank out of range. */
bool		 shape_count(const struct shape *, size_t *n);

/* Bytes of a tensor of that type; false as shape_count() and dtype_bytes(). */
bool		 shape_bytes(const struct shape *, enum dtype, size_t *bytes);

bool		 shape_equal(const struct shape *, const struct shape *);

/* Is the second (concrete) allowed by the first, whose -1 allow anything? */
bool		 shape_allows(const struct shape *pattern,
		    const struct shape *);

/* "[1,3,224,224]" into text of SHAPE_TEXT bytes; returns text. */
const char	*shape_text(const struct shape *, char *text);

/*
 * The shape that a and b broadcast to (ONNX Broadcasting.md); false if a
 * dimension differs and neither is 1.  out may be a or b.
 */
bool		 shape_broadcast(const struct shape *a, const struct shape *b,
		    struct shape *out);

/* Element strides of a contiguous tensor of this shape. */
void		 shape_strides(const struct shape *, int64_t stride[MAX_RANK]);

#endif
