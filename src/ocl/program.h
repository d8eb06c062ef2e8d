/*
 * program: from a step's source to something kernels can be made of.
 *
 * One program per (file, kernel, defines, preamble), found again by the hash of
 * all that goes into it.
 */
#ifndef OCL_PROGRAM_H
#define OCL_PROGRAM_H

#include "ocl/impl.h"

struct programs	*programs_new(const struct ocl_options *, struct err *);
void		 programs_free(struct programs *);	/* NULL is fine */

/*
 * The program of a step, perhaps not built yet, until program_release().  It
 * stays for the next who wants it, but of those that nobody has only so many
 * are kept.
 */
struct program	*program_of(struct ocl *, const struct ocl_step *,
		    struct err *);
void		 program_release(struct programs *, struct program *);
void		 programs_limit(struct programs *, size_t unused);

/* Whether to read the disk cache from now on; it is written in any case. */
void		 programs_skip(struct programs *, bool skip);

/* Build those of n programs that are not: from disk, or in parallel. */
int		 programs_build(struct ocl *, struct program *const *, size_t n,
		    struct err *);

/* See ocl.h: read from the disk cache when the program is found. */
enum ocl_trust	 program_trust(const struct program *);
void		 program_judge(struct ocl *, struct program *, enum ocl_trust);

cl_program	 program_cl(const struct program *, int lane);

#endif
