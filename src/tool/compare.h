/* compare: is this what the test case expects? */
#ifndef TOOL_COMPARE_H
#define TOOL_COMPARE_H

#include "model/datum.h"

struct tolerance {
	double	absolute, relative;
};

/*
 * 0, or -1 and where and by how much they differ.  Types and shapes must be
 * equal; of floats |got - want| <= absolute + relative * |want|, NaN equals
 * NaN; everything else must be the same.
 */
int	 compare(const struct datum *want, const struct datum *got,
	    const struct tolerance *, struct err *);

#endif
