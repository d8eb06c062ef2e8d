/*
 * pbtxt: protobuf's text format, as a stream of events.
 *
 *	max_batch_size: 8		VALUE	name, number
 *	input { name: "x" }		OPEN, VALUE, CLOSE
 *	dims: [ 3, 224 ]		VALUE, VALUE with the same name
 *	input [ { } , { } ]		OPEN, CLOSE, OPEN, CLOSE
 *
 * It knows the syntax and no schema.  The text is hostile: depth, names and
 * strings have limits, nothing is allocated, and every error names its line.
 */
#ifndef PARSE_PBTXT_H
#define PARSE_PBTXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PBTXT_DEPTH	32
#define PBTXT_NAME	128	/* bytes of a name, its NUL included */
#define PBTXT_TEXT	4096	/* bytes of a string, its NUL included */

enum pbtxt_event { PBTXT_VALUE, PBTXT_OPEN, PBTXT_CLOSE, PBTXT_END };

enum pbtxt_kind {
	PBTXT_STRING,		/* text, unescaped; may hold NULs */
	PBTXT_WORD,		/* true, false, the name of an enum's value */
	PBTXT_NUMBER,		/* text as written: see pbtxt_int() */
};

struct pbtxt_level {
	char	closer;		/* of the message: '}' or '>'; 0: the whole */
	bool	list;		/* inside [ ] of name */
	bool	comma;		/* a value of the list was read */
	char	name[PBTXT_NAME];
};

/* Fill with pbtxt_start(); name to len are what the last event says. */
struct pbtxt {
	char		 name[PBTXT_NAME];
	enum pbtxt_kind	 kind;
	char		 text[PBTXT_TEXT];
	size_t		 len;
	unsigned	 line;

	const char	*at, *end;
	unsigned	 depth;
	struct pbtxt_level level[PBTXT_DEPTH];
};

void		 pbtxt_start(struct pbtxt *, const char *, size_t);

/* The next event in *event; -1: *err names line and expectation. */
int		 pbtxt_next(struct pbtxt *, enum pbtxt_event *event,
		    struct err *);

/* Read over the message that was just opened, up to its CLOSE. */
int		 pbtxt_skip(struct pbtxt *, struct err *);

/* The value as a whole number (any base), or a bool; false: it is none. */
bool		 pbtxt_int(const struct pbtxt *, int64_t *);
bool		 pbtxt_bool(const struct pbtxt *, bool *);

#endif
