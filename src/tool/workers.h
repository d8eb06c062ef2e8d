/* workers: what a daemon says of its workers, for two commands. */
#ifndef TOOL_WORKERS_H
#define TOOL_WORKERS_H

#include "tool/remote.h"

/* The array of workers, or NULL; the caller's. */
json_t	*workers_get(struct remote *, struct err *);

#endif
