/*
 * watch: models follow their repositories at run time (models.watch).
 *
 * A scan every 30 seconds is the truth; inotify makes it quick.  Both only say
 * which model to look at; pace.h decides when, models.h does it.
 */
#ifndef PARENT_WATCH_H
#define PARENT_WATCH_H

#include "base/err.h"

struct parent;
struct watch;

struct watch	*watch_new(struct parent *, struct err *);
void		 watch_free(struct watch *);	/* NULL is fine */

/*
 * Bring all models to what the repositories hold, at the start and on SIGHUP;
 * those that are gone have their five seconds.  parent->looking until all have
 * been looked at.  From then on they follow, if so configured.
 */
void		 watch_reload(struct watch *);

#endif
