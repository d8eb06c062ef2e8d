/* Listeners: opened, changed while we serve, accepted from. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/size.h"
#include "parent/http_address.h"
#include "parent/http_conn.h"

#define BACKLOG		1024
#define ACCEPT_MAX	64	/* connections taken in one callback */
#define UNIX_UMASK	0117		/* for user and group */

/* One bound socket. */
struct http_listener {
	struct http		*http;
	struct http_listener	*next;
	struct event		*event;
	int			 fd;
	unsigned		 classes;
	char			*address;	/* as configured */
	/* of a unix socket, to remove; points into address */
	const char		*path;
	bool			 leaving;	/* no longer configured ... */
	bool			 closing;	/* ... and takes no new ones */
};

/* How long handshakes that have begun may take when it closes. */
static const struct timeval closing_time = { 0, 200000 };

static void	listener_close(struct http_listener *);

/*
 * Out of descriptors, and the queue would keep us spinning: use the one kept in
 * reserve to take the connection and drop it.
 */
static void
accept_and_drop(struct http *h, int fd)
{
	int one;

	if (h->reserve < 0)
		return;
	(void)close(h->reserve);
	one = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (one >= 0)
		(void)close(one);
	h->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	h->stats.refused++;
}

/* One that is idle, and has not just sent something that we have not seen. */
static struct http_conn *
find_idle(struct http *h)
{
	struct http_conn *c = TAILQ_FIRST(&h->idle);
	char byte;

	for (int i = 0; c != NULL && i < ACCEPT_MAX; i++) {
		if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
			return c;
		c = TAILQ_NEXT(c, idle_link);
	}
	return NULL;
}

/* At the limit an idle connection can make room; if none is, new ones wait. */
static bool
may_accept(struct http *h, struct http_conn **victim)
{
	*victim = NULL;
	if (h->stats.open < h->limits.connections)
		return true;
	*victim = find_idle(h);
	if (*victim != NULL)
		return true;
	h->paused = true;
	listeners_enable(h, false);
	return false;
}

/* True if there may be more. */
static bool
accept_some(struct http_listener *l)
{
	static const int one = 1;
	struct http *h = l->http;
	struct http_conn *victim;

	for (int i = 0; i < ACCEPT_MAX && may_accept(h, &victim); i++) {
		int fd = accept4(l->fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			accept_and_drop(h, l->fd);
			return false;
		}
		if (fd < 0 && errno == ECONNABORTED)
			continue;
		if (fd < 0)
			return false;
		if (victim != NULL)
			conn_close(victim);
		if (l->path == NULL)
			(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
			    sizeof(one));
		conn_new(h, fd, l->classes, l);
	}
	return !h->paused;
}

/* Who waits in the queue when it closes would be reset. */
static void
accept_all(struct http_listener *l)
{
	for (int n = 0; n <= BACKLOG && accept_some(l); n += ACCEPT_MAX)
		;
}

static void
on_connect(evutil_socket_t fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	if (what & EV_READ)
		(void)accept_some(arg);
	else
		listener_close(arg);
	loop_leave(entered);
}

void
listeners_enable(struct http *h, bool on)
{
	for (struct http_listener *l = h->listeners; l != NULL; l = l->next)
		(void)(on ? event_add(l->event, l->closing ? &closing_time :
		    NULL) : event_del(l->event));
}

/* Takes it out of the list as well. */
static void
listener_free(struct http_listener *l)
{
	struct http_listener **at = &l->http->listeners;

	while (*at != NULL && *at != l)
		at = &(*at)->next;
	if (*at == l)
		*at = l->next;
	if (l->event != NULL)
		event_free(l->event);
	(void)close(l->fd);
	if (l->path != NULL)
		(void)unlink(l->path);
	free(l->address);
	free(l);
}

/* Connections that came by it end after their next answer. */
static void
end_conns(const struct http_listener *l)
{
	struct http_conn *c;

	TAILQ_FOREACH(c, &l->http->conns, link)
		if (c->listener == l)
			conn_last(c);
}

static void
listener_close(struct http_listener *l)
{
	char address[LOG_VALUE];

	accept_all(l);
	end_conns(l);
	log_info("http", "closed: address=%s", log_quote(address, l->address));
	listener_free(l);
}

void
listeners_free(struct http *h)
{
	while (h->listeners != NULL)
		listener_free(h->listeners);
}

/* Takes fd, also on failure. */
static int
add_listener(struct http *h, int fd, unsigned classes, const char *address,
    struct err *e)
{
	struct http_listener *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)close(fd);
		return err_memory(e, "listener", sizeof(*l));
	}
	l->http = h;
	l->fd = fd;
	l->classes = classes;
	l->event = event_new(h->base, fd, EV_READ | EV_PERSIST, on_connect, l);
	l->address = strdup(address);
	if (l->event == NULL || l->address == NULL) {
		listener_free(l);
		return err_memory(e, "listener", sizeof(*l));
	}
	if (strncmp(address, "unix:", 5) == 0)
		l->path = l->address + 5;
	l->next = h->listeners;
	h->listeners = l;
	if (h->started && !h->paused)
		(void)event_add(l->event, NULL);
	return 0;
}

/* A socket file that nobody answers at is left over from a crash. */
static void
remove_stale(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) != 0 &&
	    errno == ECONNREFUSED)
		(void)unlink(sun->sun_path);
	(void)close(fd);
}

static int
listen_unix(struct http *h, const char *address, unsigned classes,
    struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = address + 5;
	mode_t before;
	int fd, r;

	memcpy(sun.sun_path, path, strlen(path) + 1);
	remove_stale(&sun);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "%s: socket", address);
	/* Not by chmod(): the name may be another file's by then. */
	before = umask(UNIX_UMASK);
	r = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	(void)umask(before);
	if (r != 0 || listen(fd, BACKLOG) != 0) {
		(void)err_sys(e, "%s: bind", address);
		(void)close(fd);
		return -1;
	}
	return add_listener(h, fd, classes, address, e);
}

static bool
is_loopback(const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 =
	    (const struct sockaddr_in *)(const void *)sa;
	const struct sockaddr_in6 *v6 =
	    (const struct sockaddr_in6 *)(const void *)sa;

	if (sa->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return sa->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static in_port_t
port_of(const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 =
	    (const struct sockaddr_in *)(const void *)sa;
	const struct sockaddr_in6 *v6 =
	    (const struct sockaddr_in6 *)(const void *)sa;

	return sa->sa_family == AF_INET ? v4->sin_port : v6->sin6_port;
}

/* Let another socket have the port of those that leave beside them, or not. */
static bool
share_port(struct http *h, const struct addrinfo *ai, int share)
{
	struct sockaddr_storage ss;
	bool any = false;

	for (struct http_listener *l = h->listeners; l != NULL; l = l->next) {
		struct sockaddr *sa = (struct sockaddr *)&ss;
		socklen_t n = sizeof(ss);

		if (!l->leaving || getsockname(l->fd, sa, &n) != 0 ||
		    sa->sa_family != ai->ai_family ||
		    port_of(sa) != port_of(ai->ai_addr))
			continue;
		any |= setsockopt(l->fd, SOL_SOCKET, SO_REUSEPORT, &share,
		    sizeof(share)) == 0;
	}
	return any;
}

static bool
bind_and_listen(int fd, const struct addrinfo *ai)
{
	return bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0;
}

/*
 * From 127.0.0.1:8000 to *:8000, say: both are open for a moment, and at all
 * other times nobody else can have the port.
 */
static bool
bind_beside(struct http *h, int fd, const struct addrinfo *ai)
{
	static const int on = 1, off = 0;
	bool good;

	if (!share_port(h, ai, on))
		return false;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	good = bind_and_listen(fd, ai);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &off, sizeof(off));
	(void)share_port(h, ai, off);
	return good;
}

static int
listen_one(struct http *h, const char *address, const struct addrinfo *ai,
    unsigned near, unsigned far, struct err *e)
{
	static const int one = 1;
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, ai->ai_protocol);

	if (fd < 0)
		return err_sys(e, "%s: socket", address);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
		    sizeof(one));
	if (!bind_and_listen(fd, ai) && !(errno == EADDRINUSE &&
	    bind_beside(h, fd, ai))) {
		(void)err_sys(e, "%s: bind", address);
		(void)close(fd);
		return -1;
	}
	return add_listener(h, fd, is_loopback(ai->ai_addr) ? near : far,
	    address, e);
}

int
http_listen(struct http *h, const char *address, unsigned near, unsigned far,
    struct err *e)
{
	struct addrinfo *all, *ai;
	struct http_address a;
	char text[LOG_VALUE];
	int rc = 0;

	if (http_address_parse(address, &a, e) == -1)
		return -1;
	if (a.path != NULL)
		rc = listen_unix(h, address, near, e);
	else if (http_address_resolve(address, &a, &all, e) == -1)
		return -1;
	else {
		for (ai = all; ai != NULL && rc == 0; ai = ai->ai_next)
			rc = listen_one(h, address, ai, near, far, e);
		freeaddrinfo(all);
	}
	if (rc == 0)
		log_info("http", "listening: address=%s", log_quote(text,
		    address));
	return rc;
}

/* Changing them while we serve. */

static bool
is_among(const char *address, char *const *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i], address) == 0)
			return true;
	return false;
}

static bool
is_open(const struct http *h, const char *address)
{
	for (const struct http_listener *l = h->listeners; l != NULL;
	    l = l->next)
		if (!l->closing && strcmp(l->address, address) == 0)
			return true;
	return false;
}

/*
 * Drop who begins to connect: it tries again after a second, by which time this
 * socket is gone and another has the port, or none.
 */
static bool
refuse_new(int fd)
{
	/* Of the TCP header: SYN without ACK is dropped, all else taken. */
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = { nitems(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program)) == 0;
}

/*
 * Where only root may filter: a queue that is full has the same effect.  It is
 * with one, who is taken at the end.
 */
static void
hold_back(struct http_listener *l)
{
	struct event *timer = event_new(l->http->base, -1, 0, on_connect, l);

	(void)listen(l->fd, 0);
	accept_all(l);
	if (timer == NULL)
		return;		/* then as long as they come */
	event_free(l->event);
	l->event = timer;
}

/* Closing resets who waits in the queue: first nobody new, then close. */
static void
listener_leave(struct http_listener *l)
{
	l->closing = true;
	if (l->path != NULL)
		(void)unlink(l->path);
	else if (!refuse_new(l->fd))
		hold_back(l);
	l->path = NULL;
	end_conns(l);
	if (l->http->started && !l->http->paused)
		(void)event_add(l->event, &closing_time);
}

int
http_relisten(struct http *h, char *const *address, size_t n, unsigned near,
    unsigned far, void (*report)(void *, const char *), void *arg)
{
	struct http_listener *old = h->listeners, *l;
	struct err e;
	int r = 0;

	for (l = old; l != NULL; l = l->next)
		l->leaving = l->closing || !is_among(l->address, address, n);
	for (size_t i = 0; i < n; i++)
		if (!is_open(h, address[i]) &&
		    http_listen(h, address[i], near, far, &e) == -1) {
			report(arg, e.text);
			r = -1;
		}
	while (r == -1 && h->listeners != old)
		listener_close(h->listeners);
	for (l = old; r == 0 && l != NULL; l = l->next)
		if (l->leaving && !l->closing)
			listener_leave(l);
	return r;
}
