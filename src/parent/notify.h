/*
 * notify: tell the service manager how we are, by sd_notify's protocol: a
 * datagram to the socket that NOTIFY_SOCKET names.  Without that variable
 * nothing happens.
 */
#ifndef PARENT_NOTIFY_H
#define PARENT_NOTIFY_H

#include "base/err.h"

struct event_base;

/*
 * Connect to the socket, so that it can be told of things also when we are not
 * root any more.  If the manager asks for it, pings its watchdog from the
 * loop at half its interval, so that a loop that hangs is noticed, and calls
 * on_ping each time.
 */
void	 notify_open(struct event_base *, void (*on_ping)(void *), void *arg);
void	 notify_close(void);

void	 notify_ready(void);
void	 notify_reloading(void);
void	 notify_stopping(void);
/* The start failed: who awaits READY=1 need not any longer. */
void	 notify_failed(void);
void	 notify_status(const char *fmt, ...) PRINTF(1, 2);

#endif
