/*
 * pace: when to act on a model whose folder changes.
 *
 * Whoever copies a model takes his time: we act when it has been quiet for two
 * seconds.  What inotify reports is an event, and quiet is no event.  What only
 * a look at the repository shows (network file systems, lost events) is quiet
 * when two looks two seconds apart see the same.  A model that is gone may come
 * back, since that is how one is replaced by renaming: it has five seconds.
 *
 * No clock is read and nothing is done here: times are given, nanoseconds.
 */
#ifndef PARENT_PACE_H
#define PARENT_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "parent/models.h"

#define PACE_QUIET_NS	(2 * NS_PER_S)
#define PACE_GONE_NS	(5 * NS_PER_S)
/* Where it is never quiet we act all the same. */
#define PACE_NOISE_NS	(600 * NS_PER_S)

/* A model that something has happened to. */
struct change {
	char		 name[MODEL_NAME_MAX];
	/* events, or looks that differ */
	int64_t		 first_ns, last_ns;
	int64_t		 due_ns;		/* when to judge it */
	uint64_t	 stamp;	/* what the last look saw; 0: there was none */
	int64_t		 stamp_ns;	/* ... first */
	bool		 heard;		/* there was an event */
	struct change	*next;
};

struct pace {
	struct change	*first;
	uint32_t	 n;
};

enum verdict {
	VERDICT_WAIT,		/* until its new due time */
	VERDICT_ACT,		/* bring it to what the repository holds */
	VERDICT_RETIRE,		/* it is gone for good */
};

/* NULL: nothing happens to it. */
struct change	*pace_find(const struct pace *, const char *name);

/* Something happened to the model.  -1: too many already, or no memory. */
int		 pace_event(struct pace *, const char *name, int64_t now);

/* A look at it sees what nobody told us of: another stamp, or 0: it is gone. */
int		 pace_look(struct pace *, const char *name, uint64_t stamp,
		    int64_t now);

/* The time that the first one is due; 0: none. */
int64_t		 pace_next(const struct pace *);

/* One that is due; or NULL. */
struct change	*pace_due(const struct pace *, int64_t now);

/*
 * What to do with one that is due, if the repository now shows that stamp (0:
 * gone).  Unless the answer is to wait, pace_drop() it.
 */
enum verdict	 pace_judge(struct change *, uint64_t stamp, int64_t now);
void		 pace_drop(struct pace *, struct change *);
void		 pace_drop_all(struct pace *);

#endif
