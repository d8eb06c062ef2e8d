/*
 * channel: what one worker, in one life, shares with its parent.
 *
 *	to-worker memory	written by the parent, read-only in the worker:
 *				jobs, releases of outputs
 *	from-worker memory	written by the worker, read-only in the parent:
 *				completions, phase, output arena
 *	doorbell		a byte on a socketpair wakes a side that sleeps
 *
 * All of it is thrown away when the worker dies: there is no half-written state
 * to repair.  The parent never waits for a worker here, and believes nothing it
 * reads: RING_BAD from any call means that the worker must be killed.
 *
 *	struct channel	the parent's side
 *	struct wire	the worker's side
 *
 * An output stays in the worker's arena until the parent releases its job; each
 * completion for which done_has_output() is true is released once, when nobody
 * needs any of its outputs any more.  The arena's mapping outlives the worker
 * for as long as somebody holds the channel.
 */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/desc.h"
#include "ipc/ring.h"
#include "ipc/shm.h"
#include "ipc/space.h"

#define CHANNEL_JOBS	64		/* submitted and not yet completed */
#define CHANNEL_HELD	1024		/* completed and not yet released */
#define CHANNEL_DESC	((size_t)4 << 20)	/* descriptor space, each way */
#define CHANNEL_ARENA	((size_t)64 << 20)	/* output arena, by default */
#define CHANNEL_ARENA_MAX ((size_t)1 << 40)

/* Descriptor numbers in a worker, from its first instruction on. */
enum worker_fd {
	WORKER_FD_CTL = 3,		/* ipc/ctl.h */
	WORKER_FD_BELL = 4,
	WORKER_FD_TO = 5,		/* to-worker memory */
	WORKER_FD_FROM = 6,		/* from-worker memory */
	WORKER_FD_CACHE = 7,		/* its cache folder */
	WORKER_FD_END,			/* every one from here on is closed */
};

/*
 * What a worker is doing.  Each has its own time limit in the parent; WAIT has
 * none, since it waits for the parent.  A job that was submitted and is in
 * nobody's phase counts from its submission (a stopped worker stays IDLE).
 */
enum phase {
	PHASE_START,			/* opening its device */
	PHASE_IDLE,
	PHASE_LOAD,			/* a model; job is the model's handle */
	PHASE_COMPILE,			/* planning and building for that job */
	PHASE_RUN,			/* that job is on the device */
	PHASE_WAIT,			/* for the release of outputs */
	PHASE_COUNT,
};

struct phase_now {
	enum phase	 phase;
	int64_t		 since_ns;	/* clock_ns() */
	uint64_t	 job;
};

/* "start" "idle" "load" "compile" "run" "wait". */
const char	*phase_name(enum phase);

struct to_memory;
struct from_memory;

/* The parent's side. */
struct channel {
	struct shm		 to, from;
	struct to_memory	*out;
	const struct from_memory *in;
	const unsigned char	*arena;
	uint64_t		 arena_bytes;
	struct ring		 submit, complete, release;
	struct space		 space;		/* of job descriptors */
	int			 bell;		/* ours; -1: detached */
	int			 peer_bell;	/* worker's, until started */
	uint32_t		 open;		/* submitted, not completed */
	uint32_t		 holds;
};

/* Memory and sockets for a worker that is about to start; held once. */
struct channel	*channel_new(size_t arena_bytes, struct err *);
void		 channel_get(struct channel *);
void		 channel_put(struct channel *);		/* NULL is fine */

/* After fork(): close the worker's end of the doorbell and the memory's fds. */
void		 channel_started(struct channel *);

/* The worker is dead: close the doorbell; outputs stay readable. */
void		 channel_detach(struct channel *);

/*
 * Hand a job over.  RING_FULL: not now (CHANNEL_JOBS, or the descriptor space);
 * RING_BAD: kill the worker.  The job must be within desc.h's limits.
 */
enum ring_result channel_submit(struct channel *, const struct job *);

/*
 * The next completion, to be freed with free(): RING_OK, RING_EMPTY or RING_BAD
 * (then *err says what is wrong with it).  That its job is one that was
 * submitted and that its parts fit that job is for the caller to check.
 */
enum ring_result channel_complete(struct channel *, struct done **,
		    struct err *);

/* Where an output of a completion lies; valid while the channel is held. */
const void	*channel_output(const struct channel *,
		    const struct done_output *);

/*
 * Nothing of that job's outputs is needed any more.  RING_OK, also when
 * detached, or RING_BAD.
 */
enum ring_result channel_release(struct channel *, uint64_t job);

/*
 * Before blocking: true if nothing is there; then poll channel->bell for
 * reading and, when it is readable, call channel_wake(): 0, or -1 if the worker
 * closed its end or rings without measure: kill it.  Never blocks.
 */
bool		 channel_sleep(struct channel *);
int		 channel_wake(struct channel *);

/*
 * What the worker says it does, times in the future cut to now; false if that
 * is no phase: kill it.  A liar can say that it began just now, again and
 * again, so a job also has a limit from its submission.
 */
bool		 channel_phase(const struct channel *, int64_t now_ns,
		    struct phase_now *);

/* Kernels that it found wrong in this life and does without; its word. */
uint32_t	 channel_demoted(const struct channel *);

/* Let the kernel take back this mapping's page tables of the arena. */
void		 channel_trim(struct channel *);

/* The worker's side. */
struct wire {
	struct shm		 to, from;
	const struct to_memory	*in;
	struct from_memory	*out;
	unsigned char		*arena;
	uint64_t		 arena_bytes;
	struct ring		 submit, complete, release;
	struct space		 space;		/* of completions */
	int			 bell;
};

/* Takes the descriptors over, also on failure. */
int		 wire_open(struct wire *, int to, int from, int bell,
		    struct err *);
void		 wire_close(struct wire *);

/* The next job, to be freed with free(): RING_OK, RING_EMPTY or RING_BAD. */
enum ring_result wire_next(struct wire *, struct job **, struct err *);

/* Is there anything for wire_next() to say?  For who looks again and again. */
bool		 wire_waiting(struct wire *);

/* RING_OK, RING_FULL (the parent is behind: wait) or RING_BAD. */
enum ring_result wire_done(struct wire *, const struct done *);

/* The next job whose outputs are free: RING_OK, RING_EMPTY or RING_BAD. */
enum ring_result wire_released(struct wire *, uint64_t *job);

/*
 * Before blocking: true if there is no job, or (wire_sleep_space) no release;
 * then poll wire->bell.  Releases do not wake a worker that waits for jobs.
 * wire_wake(): 0, or -1 if the parent is gone.
 */
bool		 wire_sleep(struct wire *);
bool		 wire_sleep_space(struct wire *);
int		 wire_wake(struct wire *);

/* Publish what follows from now on. */
void		 wire_phase(struct wire *, enum phase, uint64_t job);

/* One kernel more computes wrong, and is not used. */
void		 wire_demoted(struct wire *);

/* Give the arena's memory back to the system; nothing in it is in use. */
void		 wire_trim(struct wire *);

#endif
