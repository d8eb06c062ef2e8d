/* facts: what a worker tells of its device. */
#ifndef WORKER_FACTS_H
#define WORKER_FACTS_H

#include "ipc/ctl.h"
#include "ocl/ocl.h"

/* "cpu" "gpu" "accelerator" "other". */
const char	*facts_type_name(enum ocl_type);

/* The message that a worker opens with. */
void		 facts_hello(const struct ocl_facts *, const char *sandbox,
		    struct ctl_hello *);

#endif
