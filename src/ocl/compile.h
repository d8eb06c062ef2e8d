/*
 * compile: a program from source or from a binary.
 */
#ifndef OCL_COMPILE_H
#define OCL_COMPILE_H

#include "ocl/impl.h"

/* A larger binary is none. */
#define COMPILE_BINARY_MAX	((size_t)256 << 20)

struct compile {
	const char	*name;		/* for messages: "a.cl: kernel" */
	const char	*kernel;
	const char	*source;
	const char	*options;
};

/*
 * Compile.  *binary is malloc'ed, or NULL if the driver has none to give.
 * Lanes: the kernel has run once, so that the binary holds everything, and
 * *program stays NULL: take it from the binary.
 */
int		 compile_source(struct ocl *, const struct compile *,
		    cl_program *program, void **binary, size_t *n,
		    struct err *);

/* Forget what compile_source() keeps for the next time. */
void		 compile_forget(struct ocl *);

/* For one lane; NULL if the driver does not take it. */
cl_program	 compile_binary(struct ocl *, int lane, const void *binary,
		    size_t n, struct err *);

#endif
