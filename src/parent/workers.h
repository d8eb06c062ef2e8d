/*
 * workers: the list of worker processes as others see it.
 */
#ifndef PARENT_WORKERS_H
#define PARENT_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sup;

#define DEVICE_NAME_MAX	256	/* "platform/device#k", the NUL included */
#define DEATH_TEXT	512

enum worker_state {
	WORKER_STARTING,
	WORKER_READY,
	WORKER_DRAINING,
	WORKER_DEAD,		/* will be tried again soon */
	WORKER_BROKEN,		/* breaker open, or cannot be reaped */
};

struct worker_info {
	uint32_t	 id;
	char		 device[DEVICE_NAME_MAX];
	char		 kind[16];	/* "cpu", "gpu", "accelerator" */
	pid_t		 pid;			/* 0: none */
	enum worker_state state;
	const char	*phase;	/* "idle" "load" "compile" "run" */
	int64_t		 phase_ns;		/* since that long */
	uint32_t	 restarts;
	uint32_t	 inflight;		/* batches at it now */
	uint64_t	 requests;	/* answered, over all its lives */
	uint64_t	 batches;
	int64_t		 busy_ns; /* spent in batches, over all its lives */
	int64_t		 ready_ns;	/* of this life, since when; 0: not */
	uint32_t	 models;		/* versions ready there */
	uint32_t	 holds;	/* batches whose outputs are still in use */
	uint32_t	 demoted;	/* kernels found wrong in this life */
	const char	*death;	/* how the last one died; or "" */
};

/* "starting", "ready", "draining", "dead", "broken". */
const char	*worker_state_name(enum worker_state);

/* Ids count from 0; not every one below this is in use. */
uint32_t	 workers_count(const struct sup *);

/* False if there is no such worker. */
bool		 workers_info(const struct sup *, uint32_t id,
		    struct worker_info *);

#endif
