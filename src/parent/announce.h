/*
 * announce: when clients are let in, and when the service manager is told what;
 * notify.h says how.
 *
 * READY=1 means that requests are answered, not only taken: a worker is ready
 * and every model is ready or has failed.  Where that will not be, it is told
 * all the same: as soon as it is known that no worker can be had (a machine
 * without a device is no error), and after half a minute.
 */
#ifndef PARENT_ANNOUNCE_H
#define PARENT_ANNOUNCE_H

#include "base/err.h"

struct announce;
struct parent;

/* Before we cease to be root.  NULL: no memory. */
struct announce	*announce_new(struct parent *, struct err *);
void		 announce_free(struct announce *);	/* NULL is fine */

/*
 * At the start: clients are let in, and READY=1 follows.  Until then, ten
 * seconds at most, their connections wait in the listeners' queues.
 */
void		 announce_start(struct announce *);

/* SIGHUP came: RELOADING=1 now, READY=1 when what is new is ready, too. */
void		 announce_reload(struct announce *);

/* It ends: STOPPING=1, and nothing after it. */
void		 announce_stop(struct announce *);

#endif
