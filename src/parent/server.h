/*
 * server: the protocol side as main.c sees it.  Written by http*.c and api*.c.
 */
#ifndef PARENT_SERVER_H
#define PARENT_SERVER_H

#include <stdbool.h>

#include "base/err.h"
#include "parent/conf.h"

struct parent;
struct server;

/* Reads its limits from parent->conf.  NULL: *err says why. */
struct server	*server_new(struct parent *, struct err *);

/*
 * Bind and listen on "host:port", "[v6]:port" or "unix:/path", but accept
 * nothing yet (called as root, before the user changes).  -1: the message names
 * the address.
 */
int		 server_listen(struct server *, const char *address,
		    struct err *);

/*
 * Listen at these addresses and no others.  -1: those before stay; every reason
 * was reported.
 */
int		 server_relisten(struct server *, const struct conf_list *,
		    conf_report *, void *arg);

/* Begin to accept on all listeners. */
void		 server_start(struct server *);

/*
 * Close the listeners and idle connections; a request of which something has
 * arrived is taken and answered, as the last one of its connection.
 */
void		 server_drain(struct server *);

/* That took too long: what has not arrived whole gets 503 "Server exiting". */
void		 server_drain_late(struct server *);

/* True when draining and the last accepted answer has left. */
bool		 server_idle(const struct server *);

/* The configuration changed: apply limits that can change live. */
void		 server_reload(struct server *);

/* Closes everything; NULL is fine. */
void		 server_free(struct server *);

#endif
