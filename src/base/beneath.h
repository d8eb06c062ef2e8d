/*
 * beneath: reading files below a directory descriptor, and nowhere else.
 *
 * Names come from messages, configurations and model files.  They are resolved
 * by the kernel so that no "..", absolute path or symbolic link leads outside;
 * files are read, never mapped, since a file that somebody cuts while it is
 * mapped kills us.
 */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

#include <stddef.h>

#include "base/err.h"

/*
 * A descriptor, or -1: ERR_NOT_FOUND, ERR_UNAVAILABLE (we may not), ERR_INVALID
 * (it leads outside).  flags: as open(2)'s.
 */
int	 beneath_open(int dir, const char *name, int flags, struct err *);

/* The folder that name lies in, as a descriptor; *base its last component. */
int	 beneath_parent(int dir, const char *name, const char **base,
	    struct err *);

/* All of a regular file of at most max bytes, malloc'ed; or NULL. */
void	*beneath_read(int dir, const char *name, size_t max, size_t *n,
	    struct err *);

/* Bytes [off, off + len) of a regular file. */
int	 beneath_read_at(int dir, const char *name, size_t off, size_t len,
	    void *into, struct err *);

#endif
