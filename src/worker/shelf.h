/*
 * shelf: the models that this worker has loaded, by the parent's handle.
 *
 * Files are read beneath the directory that came with the message (beneath.h),
 * external tensor data beneath the model's own folder.
 */
#ifndef WORKER_SHELF_H
#define WORKER_SHELF_H

#include <stdint.h>

#include "base/err.h"
#include "ipc/ctl.h"

struct engine;
struct net;

#define MODEL_FILE_MAX	((size_t)2 << 30)	/* protobuf's own limit */

struct shelf {
	struct shelved	*first;
};

/* The net stays the shelf's.  Errors name file and place. */
struct net	*shelf_load(struct shelf *, struct engine *,
		    const struct ctl_load *, int dir, struct err *);

/* NULL: not there. */
struct net	*shelf_find(const struct shelf *, uint32_t handle);

/* -1: not there. */
int		 shelf_unload(struct shelf *, uint32_t handle, struct err *);
void		 shelf_done(struct shelf *);

#endif
