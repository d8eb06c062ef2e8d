/*
 * text: the OpenCL C of the kernels, built in or from a folder.
 */
#ifndef OCL_TEXT_H
#define OCL_TEXT_H

#include "base/buf.h"
#include "base/err.h"

struct text {
	const char	*name;		/* of the file in cl/, without ".cl" */
	const char	*text;
};

/* Made from cl/ by scripts/embed.sh; ends with a NULL name. */
extern const struct text text_builtin[];

/*
 * The whole source of a program for one kernel: preamble (NULL: none),
 * common.h, cl/<file>.cl, in which only that kernel is one (cl/common.h:
 * SPARE). dir: where to look for the files first; NULL: only built-in ones.
 * Added to *out.
 */
int	 text_source(struct buf *out, const char *dir, const char *file,
	    const char *kernel, const char *preamble, struct err *);

#endif
