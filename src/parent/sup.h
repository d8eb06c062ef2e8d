/*
 * sup: the supervisor of worker processes.
 *
 * A slot is a place for one worker on one device.  Its process comes and goes:
 *
 *	START -> READY -> DRAIN -> DEAD -> START ...
 *	                             \-> OFF: its device is chosen no more
 *
 * one function per transition in slot.c; a crash, a kill, a hang and a reload
 * all come through slot_dead().  Each life has its own channel, thrown away at
 * death; outputs that are still being sent keep its memory.  Slots are never
 * freed before the daemon ends, so a pointer to one stays good.
 *
 *	devices.c	lists devices, one exec per driver
 *	spawn.c		fork and exec, environment, shares of the cores
 *	say.c		what a worker prints: to the log, and into its obituary
 *	link.c		control messages, completions, loads
 *	slot.c		the states of one, limits, respawn
 *	fleet.c		which of them there are; replacing them in turn
 *	sup.c		all of them
 */
#ifndef PARENT_SUP_H
#define PARENT_SUP_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ipc/channel.h"
#include "ipc/ctl.h"
#include "ipc/segment.h"
#include "parent/dispatch.h"
#include "parent/workers.h"

#define SLOTS_MAX	64
#define SAY_LINES	8	/* the last ones, for the report of a death */
#define SAY_LINE	256

struct batch;
struct conf;
struct event;
struct parent;
struct version;

/* A device as --list-devices told of it. */
struct device {
	char		 name[DEVICE_NAME_MAX];
	char		 type[16];	/* cpu gpu accelerator other */
	char		*icd;		/* path of its driver's .icd file */
	uint32_t	 units;
	uint64_t	 memory;
};

/* What a worker prints, line by line. */
struct say {
	int		 fd;		/* our end of its pipe; -1: closed */
	struct event	*event;
	char		 name[32];	/* "worker/0": area in the log */
	char		 line[SAY_LINE];
	size_t		 len;
	char		 last[SAY_LINES][SAY_LINE];
	uint32_t	 lines;		/* all so far; last[] is a ring */
	double		 tokens;	/* log lines it may still write */
	int64_t		 tokens_ns;
	uint64_t	 dropped;
};

enum slot_state {
	SLOT_NEW,		/* never started */
	SLOT_START,
	SLOT_READY,
	SLOT_DRAIN,		/* told to finish; gets nothing new */
	SLOT_DEAD,		/* waits for its next start */
	SLOT_OFF,		/* its device is not chosen: no next start */
};

/*
 * Why we killed it.  A stall or the end of service speaks against no request.
 */
enum kill_reason {
	KILL_NONE,
	KILL_HUNG,			/* over a limit, by its own fault */
	KILL_STALLED,			/* over a limit, by somebody else's */
	KILL_BAD,			/* nonsense about its batches */
	KILL_SAID,			/* nonsense on the control socket */
	KILL_ENDED
};

struct slot {
	struct sup	*sup;
	uint32_t	 id;
	uint32_t	 twin;		/* the first slot of the same device */
	struct device	 device;

	enum slot_state	 state;
	uint32_t	 life;		/* counts starts */
	pid_t		 pid;		/* 0: none */
	int		 pidfd;		/* -1: none */
	struct channel	*channel;
	struct ctl	 ctl;
	struct say	 say;
	struct event	*on_exit, *on_bell, *on_more, *on_ctl, *on_ctl_out;
	struct event	*timer;		/* deadline, limit or next start */

	enum kill_reason killed;
	bool		 deaf;		/* its doorbell is closed or abused */
	bool		 stuck;		/* killed, and it does not go */
	bool		 left;		/* ended as it was told to */
	bool		 retired;	/* no next start */
	/* to be replaced: it cannot see a model, or its outfit is old */
	bool		 stale;
	uint64_t	 outfit;	/* what it was started with */
	int64_t		 killed_ns, stopped_ns;
	char		 why[DEATH_TEXT];	/* of the kill */
	int64_t		 started_ns, ready_ns;
	bool		 worked;	/* finished something since READY */

	uint32_t	 failures;	/* deaths in a row before any work */
	uint32_t	 trips;		/* times the breaker opened in a row */
	bool		 open;		/* breaker */
	int64_t		 next_start_ns;
	char		 death[DEATH_TEXT];

	uint32_t	 owed[CTL_TYPES];	/* answers it may still give */
	struct version	*loading;	/* being loaded there now; or NULL */
	int64_t		 loading_ns;

	struct batch	*inflight;	/* in order of submission */
	uint32_t	 n_inflight;
	int64_t		 busy_since_ns;	/* the first of them is at work since */
	uint32_t	 holds;		/* outputs of this life still in use */
	uint64_t	 used;	/* dispatch's clock when it last got one */

	uint32_t	 restarts;
	uint64_t	 requests, batches;
	int64_t		 busy_ns;
};

/* Of a version in a slot: models x workers is a table of these. */
enum place_state { PLACE_ABSENT, PLACE_LOADING, PLACE_READY, PLACE_FAILED };

struct placement {
	enum place_state state;
	uint32_t	 deaths; /* of the worker while loading it there */
	bool		 wipe;		/* it loaded only without the cache */
	bool		 renewed; /* the worker, to see this version's files */
	char		*reason;	/* of PLACE_FAILED */
	/* of all workers of the device: its twin's */
	struct estimate	 estimate;
};

struct sup {
	struct parent	*parent;
	struct slot	*slot[SLOTS_MAX];
	uint32_t	 n;
	int		 program; /* the worker's executable, opened once */
	struct listing	*listing;	/* a running enumeration; or NULL */
	struct event	*relist;
	bool		 listed;	/* at least once to its end */
	bool		 stopping;
	int64_t		 lost_ns; /* when the last READY slot went; 0: never */
	bool		 told;		/* that no device is usable */
};

/* Opens the executable; starts nothing. */
struct sup	*sup_new(struct parent *, struct err *);

/* List devices and start workers on those that are chosen. */
void		 sup_start(struct sup *);

/* SIGHUP: close breakers, list devices again, start and end workers. */
void		 sup_reload(struct sup *);

/* Tell all workers to finish; sup_stopped() is true when all are gone. */
void		 sup_stop(struct sup *);
bool		 sup_stopped(const struct sup *);

/* Kills and reaps what is left; NULL is fine. */
void		 sup_free(struct sup *);

/* How many workers are READY. */
uint32_t	 sup_ready(const struct sup *);

/* May any slot become ready again soon?  False: requests need not wait. */
bool		 sup_hopeful(const struct sup *);

/* The request arena's events: passed on to every live worker. */
void		 sup_segment_added(void *sup, const struct segment *);
void		 sup_segment_dropped(void *sup, uint32_t id);

/* A version may need loading somewhere: look at all slots. */
void		 sup_load(struct sup *);

/* Nobody needs the version any more: unload it everywhere. */
void		 sup_unload(struct sup *, struct version *);

void		 sup_check(struct sup *);	/* is there any hope left? */

/* slot.c */
void		 slot_start(struct slot *);
void		 slot_drain(struct slot *);
void		 slot_dead(struct slot *, const char *how);
void		 slot_timer(struct slot *, int64_t ns);
void		 slot_on_timer(int fd, short what, void *slot);
void		 slot_ready(struct slot *);
void		 slot_kill(struct slot *, enum kill_reason,
		    const char *fmt, ...) PRINTF(3, 4);
void		 slot_retire(struct slot *);	/* drain it, and no more */
void		 slot_return(struct slot *);	/* ... after all */
bool		 slot_stays(const struct slot *);	/* not retired */
void		 slot_watch(struct slot *);	/* work began: arm the limits */
void		 slot_worked(struct slot *);	/* work ended well */

/* link.c */
int		 link_open(struct slot *, struct err *); /* worker's end */
void		 link_started(struct slot *);	/* after fork */
void		 link_drain(struct slot *); /* what the dead one still said */
void		 link_close(struct slot *);
void		 link_load_next(struct slot *);
void		 link_send_segment(struct slot *, const struct segment *);
void		 link_send_drop(struct slot *, uint32_t id);
void		 link_send_unload(struct slot *, uint32_t handle);
void		 link_send_drain(struct slot *);

/* spawn.c */
void		 spawn_share(const cpu_set_t *all, int limit, uint32_t i,
		    uint32_t n, cpu_set_t *share);
int		 spawn_worker(struct slot *, int ctl, struct err *);
pid_t		 spawn_listing(struct sup *, const char *icd, int out,
		    struct err *);
int		 spawn_open_program(const struct conf *, struct err *);
int		 spawn_check_cache(const struct conf *, struct err *);

/* A number for what it would be started with: folders, cores. */
uint64_t	 spawn_outfit(const struct slot *);

/* fleet.c */
/* Devices were listed, and what is configured may have changed. */
void		 fleet_fit(struct sup *, const struct device *, uint32_t n);
/* What workers are started with may have changed. */
void		 fleet_check(struct sup *);
/*
 * Of those that are stale the next one is replaced, if all others work and have
 * all models.
 */
void		 fleet_roll(struct sup *);
uint32_t	 fleet_size(const struct sup *);	/* slots that stay */

/* say.c */
void		 say_open(struct say *, struct parent *, int fd, uint32_t id);
void		 say_drain(struct say *);	/* read what is left */
void		 say_close(struct say *);
size_t		 say_tail(const struct say *, char *text, size_t size);

/* devices.c */
struct listing	*devices_list(struct sup *, void (*done)(struct sup *,
		    struct device *, uint32_t n), struct err *);
void		 devices_cancel(struct listing *);	/* NULL is fine */
bool		 devices_chosen(const struct device *all, uint32_t n,
		    uint32_t i, const char *wanted);

#endif
