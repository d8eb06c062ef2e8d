/*
 * places: the table of models x workers, where each version is loaded.
 *
 * A version is ready when one worker has it.  The first signature reported
 * rules; a worker that reports another is failed for that version.  A worker
 * that dies while loading is charged to (version, device): the second try does
 * without the program cache, the third wipes it, then the version is
 * unavailable there.
 */
#ifndef PARENT_PLACES_H
#define PARENT_PLACES_H

#include "base/err.h"
#include "ipc/ctl.h"
#include "parent/sup.h"

struct models;
struct version;

/* PLACE_ABSENT everywhere; NULL: no memory. */
struct placement *places_new(void);
void		 places_free(struct placement *);	/* NULL is fine */

/* What a ready worker should load next, those with requests first; or NULL. */
struct version	*places_next(struct models *, const struct slot *);

/* Has the worker any version ready? */
bool		 places_any(const struct slot *);

/* With what cache a load there should be tried. */
enum ctl_cache	 places_cache(const struct version *, const struct slot *);

void		 places_loading(struct version *, const struct slot *);

/* Takes the signature out of the message if the version has none yet. */
void		 places_loaded(struct version *, const struct slot *,
		    struct ctl_loaded *);
void		 places_failed(struct version *, const struct slot *,
		    const char *reason);

/* Should it be tried in a new worker?  Once, then it has failed. */
bool		 places_renew(struct version *, const struct slot *);

/* The worker is gone, and what it had; charged: it died of loading this. */
void		 places_lost(struct models *, const struct slot *,
		    struct version *charged, const char *reason);

/* The slot is out of use: what was tried there says nothing any more. */
void		 places_left(struct models *, const struct slot *);

/* Slots changed (a new one, or one that is given up): states may follow. */
void		 places_changed(struct models *);

/*
 * Forget the failures of one, so that it is tried again; deadly: also where it
 * killed the workers that loaded it.
 */
void		 places_again(struct version *, bool deadly);

/* All failures of all: SIGHUP. */
void		 places_retry(struct models *);

/* Has it been given up somewhere for killing those that loaded it? */
bool		 places_deadly(const struct version *);

#endif
