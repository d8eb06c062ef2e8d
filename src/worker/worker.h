/*
 * worker: what the pieces of clinferd-worker share.
 *
 * One thread: it answers control messages and runs jobs in turn, whichever is
 * there, and sleeps when neither is.  A fault of the device, and nonsense from
 * the parent, end the process at once with a status that says which
 * (ipc/ctl.h); the parent replays what was lost.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/channel.h"
#include "ipc/ctl.h"
#include "worker/bind.h"
#include "worker/options.h"
#include "worker/outbox.h"
#include "worker/shelf.h"
#include "worker/views.h"

struct ocl;
struct engine;

struct worker {
	struct options	 opt;
	int		 cache;		/* its folder; -1: none */
	char		 sandbox[SANDBOX_TEXT];
	struct ocl	*ocl;
	struct engine	*engine;
	struct ctl	 ctl;
	struct wire	 wire;
	struct views	 views;
	struct shelf	 shelf;
	struct outbox	 outbox;
	struct binder	 binder;	/* memory used again by every job */
	uint64_t	 job;		/* running now, for the phase */
	bool		 loading;	/* or a model is */
	bool		 draining;	/* end when nothing is left to do */
	bool		 heard;		/* a message may be there */
	bool		 spare;		/* there are cores besides one for us */
	bool		 brisk;		/* the last pause was a short one */
	bool		 single;	/* the last job was one request */
};

/* The end: say why in the log, stop. */
_Noreturn void	 worker_fail(enum worker_exit, const struct err *);

/* Serve until drained. */
void		 worker_loop(struct worker *);

/*
 * One message, if one is there: true.  Called between jobs, and by a job that
 * names a segment that has not come yet.
 */
bool		 worker_hear(struct worker *);

/* One job, if one is there: true. */
bool		 worker_serve(struct worker *);

/*
 * Wait until the parent has released something; false if nothing is held that
 * it could release.
 */
bool		 worker_wait_space(struct worker *);

/* Take note of all that the parent has released. */
void		 worker_collect(struct worker *);

/* "--list-devices": the exit status. */
int		 list_devices(void);

#endif
