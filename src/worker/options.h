/* options: the command line of clinferd-worker, as ipc/launch.h has it. */
#ifndef WORKER_OPTIONS_H
#define WORKER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/sandbox.h"

#define READ_DIRS_MAX	64

struct options {
	bool		 list;			/* --list-devices */
	const char	*device;
	uint32_t	 id;
	const char	*cl_dir;		/* NULL: the built-in kernels */
	size_t		 memory;		/* 0: the engine's default */
	enum sandbox	 sandbox;
	const char	*read[READ_DIRS_MAX];	/* model repositories */
	uint32_t	 n_read;
};

/* Texts stay argv's.  -1: *err says what is wrong. */
int	 options_parse(struct options *, int argc, char **argv, struct err *);

#endif
