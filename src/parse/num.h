/*
 * num: numbers as JSON writes them, to and from every element type, exactly.
 *
 * Reading rounds to nearest, ties to even, straight into the type asked for (no
 * double rounding on the way to FP16).  Printing gives the shortest text that
 * reads back to the same value.  Neither looks at the locale, and neither takes
 * longer than a few microseconds, however long the digits go on.
 */
#ifndef PARSE_NUM_H
#define PARSE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"

#define NUM_TEXT	32	/* room for any number; no NUL is written */

enum num_kind { NUM_FINITE, NUM_INFINITE, NUM_NAN };

/* One number, read but not yet rounded; text must outlive it. */
struct num {
	uint64_t	 digits;	/* the first 19 significant ones */
	/* value = digits * 10^exp10, if !more */
	int64_t		 exp10;
	enum num_kind	 kind;
	bool		 negative;
	bool		 integer;	/* no point, no exponent */
	bool		 more;		/* digits beyond 19 were left out */
	const char	*text;
	const char	*end;
};

/*
 * The JSON number at p (or NaN, Infinity, -Infinity); returns the byte behind
 * it, or NULL if there is none.  What follows it is the caller's business.
 */
const char	*num_scan(const char *p, const char *end, struct num *);

/*
 * Store as one element of a numeric or BOOL type (unaligned is fine).  False:
 * out of the type's range, or a fraction for an integer type; nothing is
 * stored.
 */
bool		 num_store(const struct num *, enum dtype, void *at);

/* Can num_store() and num_print() do this type? */
bool		 num_has_type(enum dtype);

/*
 * Print one element of such a type as JSON (BOOL: true, false); bytes written.
 */
size_t		 num_print(enum dtype, const void *at, char *text);

/* These too write at most NUM_TEXT bytes. */
size_t		 num_print_u64(uint64_t, char *text);
size_t		 num_print_i64(int64_t, char *text);
size_t		 num_print_float(float, char *text);
size_t		 num_print_double(double, char *text);

#endif
