#include "parent/notify.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

static int			 fd = -1;
static struct sockaddr_un	 to;
static socklen_t		 to_len;
static struct event		*watchdog;
static void			(*ping)(void *);

/* A manager that was started anew has another socket of the same name. */
static void
tell(const char *text)
{
	static const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

	if (fd == -1 || send(fd, text, strlen(text), flags) != -1)
		return;
	if (errno != EAGAIN &&
	    connect(fd, (struct sockaddr *)&to, to_len) == 0)
		(void)send(fd, text, strlen(text), flags);
}

static void
on_watchdog(int none, short what, void *arg)
{
	(void)none;
	(void)what;
	tell("WATCHDOG=1");
	ping(arg);
}

static void
watchdog_open(struct event_base *base, void *arg)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid;
	struct timeval tv;
	long long half;

	pid = getenv("WATCHDOG_PID");
	if (usec == NULL || (pid != NULL && strtoll(pid, NULL, 10) != getpid()))
		return;
	if ((half = strtoll(usec, NULL, 10) / 2) <= 0)
		return;
	tv.tv_sec = half / 1000000;
	tv.tv_usec = half % 1000000;
	watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, arg);
	if (watchdog != NULL)
		(void)event_add(watchdog, &tv);
}

void
notify_open(struct event_base *base, void (*on_ping)(void *), void *arg)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path != NULL ? strlen(path) : 0;

	if (n < 2 || n >= sizeof(to.sun_path) ||
	    (*path != '/' && *path != '@'))
		return;
	to.sun_family = AF_UNIX;
	memcpy(to.sun_path, path, n);
	to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (*path == '@')
		to.sun_path[0] = '\0';	/* the abstract namespace */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* Now: start-stop-daemon's lies where only root can reach it. */
	if (fd != -1)
		(void)connect(fd, (struct sockaddr *)&to, to_len);
	ping = on_ping;
	watchdog_open(base, arg);
}

void
notify_close(void)
{
	if (watchdog != NULL)
		event_free(watchdog);
	watchdog = NULL;
	if (fd != -1)
		(void)close(fd);
	fd = -1;
}

void
notify_ready(void)
{
	tell("READY=1");
}

void
notify_reloading(void)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)(clock_ns() / NS_PER_US));
	tell(text);
}

void
notify_stopping(void)
{
	tell("STOPPING=1");
}

void
notify_failed(void)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "ERRNO=%d", ECANCELED);
	tell(text);
}

void
notify_status(const char *fmt, ...)
{
	char text[512] = "STATUS=";
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	tell(text);
}
