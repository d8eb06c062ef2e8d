/*
 * parent: what the pieces of the daemon's main process share.
 *
 * One struct parent per process, one thread, one event loop.  main.c makes it
 * and hands it to everybody; a piece touches only its own member and calls the
 * others through their headers:
 *
 *	conf	what was configured		conf.h
 *	models	repository, versions, states	models.h
 *	sup	devices and worker processes	workers.h, sup.h
 *	queue	requests waiting and running	request.h, queue.h
 *	server	listeners, HTTP, protocol	server.h
 *	stats	counters of the whole daemon	stats.h
 */
#ifndef PARENT_PARENT_H
#define PARENT_PARENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/stats.h"

struct event_base;
struct conf;
struct models;
struct sup;
struct queue;
struct server;
struct arena;
struct budget;

struct parent {
	struct event_base	*base;
	struct conf		*conf;
	struct arena		*arena;		/* of requests: ipc/segment.h */
	struct models		*models;
	struct sup		*sup;
	struct queue		*queue;
	struct server		*server;
	struct budget		*budget;	/* of memory; NULL: no limit */
	struct stats		 stats;
	int64_t			 started_ns;
	bool			 draining; /* SIGTERM came: no new clients */
	bool			 late;	/* and no new requests any more */
	bool			 looking; /* through all models, on SIGHUP */
};

/*
 * Is the server ready: a worker is (or was within the last two seconds), and
 * every model is ready somewhere or failed with a reason.  When it is not and
 * why is not NULL, *why is a static text that says what is missing.
 */
bool		 parent_ready(struct parent *, const char **why);

#endif
