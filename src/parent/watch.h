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
 * Begin, go on or end as configured now: at the start and after a reload, when
 * the models are what the repositories held a moment ago.
 */
void		 watch_apply(struct watch *);

#endif
