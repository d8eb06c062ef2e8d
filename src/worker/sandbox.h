/*
 * sandbox: what a worker takes from itself before it touches a driver or a
 * model.
 *
 * All of it before the first OpenCL call: Landlock and no_new_privs bind only
 * the calling thread and what it starts, and drivers start threads as soon as
 * they are asked for their devices.  Order: die with the parent, limits,
 * no_new_privs, Landlock (files, TCP, signals), seccomp (calls that no driver
 * needs).
 *
 * What a hijacked worker can still do: read what its device's driver needs, the
 * model repositories and its own cache, write its own cache, and talk to its
 * parent through memory and messages that the parent does not trust.
 */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum sandbox {
	SANDBOX_OFF,		/* limits and no_new_privs only */
	SANDBOX_AUTO,		/* what the kernel has; the rest is told */
	SANDBOX_REQUIRED,	/* all, or the worker does not start */
};

#define SANDBOX_TEXT	256

/* "off" "auto" "required"; false if it is none of them. */
bool	 sandbox_by_name(const char *, enum sandbox *);

/*
 * Die with the process at the other end of that socket, which must be our
 * parent; limits; close what was not given to us.  -1: the parent is gone
 * already.
 */
int	 sandbox_leash(int socket, struct err *);

struct sandbox_paths {
	int			 cache;		/* folder to write; -1: none */
	const char		*cl_dir;	/* folder to read; or NULL */
	const char *const	*read;		/* n_read folders to read */
	uint32_t		 n_read;
};

/*
 * Enter it; text gets what holds, for the log ("landlock 6, seccomp").  Fails
 * only if SANDBOX_REQUIRED and something is not there.
 */
int	 sandbox_enter(enum sandbox, const struct sandbox_paths *,
	    char text[SANDBOX_TEXT], struct err *);

/* The two parts; -1 with *err if the kernel does not have it or refuses. */
int	 landlock_enter(const struct sandbox_paths *, int *abi, struct err *);
int	 seccomp_enter(struct err *);

#endif
