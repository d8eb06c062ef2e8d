/*
 * builders: several programs compiled at the same time.
 *
 * PoCL makes code under one lock for the whole process, so what its lanes run
 * is compiled by processes; other drivers get threads.
 */
#ifndef OCL_BUILDERS_H
#define OCL_BUILDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "ocl/compile.h"

/* One program to compile, and what came of it. */
struct built {
	struct compile	 what;		/* borrowed */
	bool		 ok;		/* else err says why not */
	cl_program	 program;	/* NULL with lanes */
	void		*binary;	/* the caller's to free; may be NULL */
	size_t		 bytes;
	struct err	 err;
};

/*
 * Compile all n of a list, on the cores that the device may use.  A process
 * that does not come to its end leaves its share to the caller's.
 */
void		 builders_run(struct ocl *, struct built *list, size_t n);

#endif
