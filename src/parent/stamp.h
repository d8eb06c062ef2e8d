/*
 * stamp: has something in a repository changed?
 *
 * A stamp is a number made of names, inodes, sizes and times of last change: it
 * differs when any of them does.  Nothing is opened but folders.
 */
#ifndef PARENT_STAMP_H
#define PARENT_STAMP_H

#include <stdint.h>
#include <sys/stat.h>

/* Of both, in this order. */
uint64_t	 stamp_join(uint64_t, uint64_t);

uint64_t	 stamp_text(const char *);
uint64_t	 stamp_file(const struct stat *);

/* Of the regular file of that path, links followed; 0: there is none. */
uint64_t	 stamp_path(const char *path);

/*
 * Of the regular files in a folder and, depth levels deep, in those below it
 * that enter() wants (NULL: all).  Names that begin with a dot do not count.
 * Of very many files only the first ones do.
 */
uint64_t	 stamp_folder(const char *path, int depth,
		    int (*enter)(const char *name));

#endif
