/*
 * cache: the worker's own folder, where program binaries and drivers' files
 * lie.
 *
 * Nobody else writes there, and all of it can be made again.
 */
#ifndef WORKER_CACHE_H
#define WORKER_CACHE_H

#include "base/err.h"

/*
 * Remove everything in it but its own folders, which are emptied, and what
 * PoCL runs from (ocl/tempdir.h).  -1: the message names what would not go.
 */
int	 cache_wipe(int folder, struct err *);

#endif
