/*
 * tree: removing folders.
 *
 * Names are resolved below a descriptor; links are removed, not followed.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/err.h"

/* Remove a file, or a folder and all in it; what is not there is removed. */
int	 tree_remove(int in, const char *name, struct err *);

/* Remove all in a folder, but not the folder. */
int	 tree_empty(int in, const char *name, struct err *);

#endif
