/*
 * clerr: OpenCL's error numbers as names, and which of them are survivable.
 */
#ifndef OCL_CLERR_H
#define OCL_CLERR_H

#include <CL/cl.h>

#include "base/err.h"

const char	*clerr_name(cl_int);	/* "CL_OUT_OF_RESOURCES"; never NULL */

/*
 * Fill *err with "what: CL_NAME" and return -1.  Everything that may mean that
 * the context is in doubt is ERR_DEVICE.
 */
int		 clerr_set(struct err *, cl_int, const char *fmt, ...)
		    PRINTF(3, 4);

/*
 * The same for calls that allocate: the device's memory running out is the
 * request's own error (ERR_MEMORY) there, and nothing else is wrong.
 */
int		 clerr_alloc(struct err *, cl_int, const char *fmt, ...)
		    PRINTF(3, 4);

#endif
