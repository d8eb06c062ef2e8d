/*
 * pb: protobuf wire format, read where it lies and written into a buf.
 *
 * A message is a span of bytes that the caller owns and keeps.  pb_read() walks
 * its top level once by a table of the fields the caller knows, stores single
 * values into the caller's struct and makes a struct pb_many of each repeated
 * field, to be walked later.  Nothing is allocated and nothing is copied; what
 * is unknown is skipped; a field twice where one is meant: the last counts.
 *
 * After pb_read() said 0 the walks below cannot fail: it has checked every tag,
 * length and packed number of the message's top level.  Messages inside are
 * spans, checked when they are read in turn.
 */
#ifndef PARSE_PB_H
#define PARSE_PB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct pb_span {
	const uint8_t	*at;		/* NULL: the field is absent */
	size_t		 n;
};

/* What a known field is and what pb_read() stores at its offset. */
enum pb_kind {
	PB_INT,			/* varint: int64_t */
	PB_FLOAT,		/* fixed32: float */
	PB_SPAN,		/* string, bytes, message: struct pb_span */
	PB_SPANS,		/* repeated of those: struct pb_many */
	/* repeated varint, packed or not: struct pb_many */
	PB_INTS,
	/* repeated fixed32, packed or not: struct pb_many */
	PB_FLOATS,
	/* repeated fixed64, packed or not: struct pb_many */
	PB_DOUBLES,
};

struct pb_field {
	uint32_t	num;
	enum pb_kind	kind;
	size_t		offset;		/* in the caller's struct */
};

/* A repeated field: also the place to go on from, so copy it before walking. */
struct pb_many {
	struct pb_span	 rest;		/* of the message */
	uint32_t	 num;
	size_t		 count;		/* elements in all */
};

/*
 * Read message m by n fields into a struct that the caller has zeroed.  -1: not
 * well formed, or a known field has another wire type; *err says at which byte.
 */
int	 pb_read(struct pb_span m, const struct pb_field *, size_t n,
	    void *into, struct err *);

/* The next element; false after the last. */
bool	 pb_next(struct pb_many *, struct pb_span *);

/*
 * All elements of a repeated number, from the first: count of them are written.
 */
void	 pb_ints(struct pb_many, int64_t *);
void	 pb_floats(struct pb_many, float *);
void	 pb_doubles(struct pb_many, double *);

/* Writing.  Failure shows in the buf. */
void	 pb_put_int(struct buf *, uint32_t num, int64_t);
void	 pb_put_bytes(struct buf *, uint32_t num, const void *, size_t);

#endif
