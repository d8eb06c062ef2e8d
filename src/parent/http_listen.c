/* Addresses, and accepting from them. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
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
	/* of a unix socket, to remove */
	char			*path;
};

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

static void
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
			return;
		}
		if (fd < 0 && errno == ECONNABORTED)
			continue;
		if (fd < 0)
			return;
		if (victim != NULL)
			conn_close(victim);
		if (l->path == NULL)
			(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
			    sizeof(one));
		conn_new(h, fd, l->classes);
	}
}

static void
on_connect(evutil_socket_t fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	accept_some(arg);
	loop_leave(entered);
}

void
listeners_enable(struct http *h, bool on)
{
	for (struct http_listener *l = h->listeners; l != NULL; l = l->next)
		(void)(on ? event_add(l->event, NULL) : event_del(l->event));
}

void
listeners_free(struct http *h)
{
	for (struct http_listener *l = h->listeners, *next; l != NULL;
	    l = next) {
		next = l->next;
		event_free(l->event);
		(void)close(l->fd);
		if (l->path != NULL)
			(void)unlink(l->path);
		free(l->path);
		free(l);
	}
	h->listeners = NULL;
}

/* Takes fd, also on failure. */
static int
add_listener(struct http *h, int fd, unsigned classes, const char *path,
    struct err *e)
{
	struct http_listener *l = calloc(1, sizeof(*l));

	if (l != NULL) {
		l->event = event_new(h->base, fd, EV_READ | EV_PERSIST,
		    on_connect, l);
		l->path = path != NULL ? strdup(path) : NULL;
	}
	if (l == NULL || l->event == NULL || (path != NULL &&
	    l->path == NULL)) {
		(void)close(fd);
		if (l != NULL && l->event != NULL)
			event_free(l->event);
		free(l);
		return err_memory(e, "listener", sizeof(*l));
	}
	l->http = h;
	l->fd = fd;
	l->classes = classes;
	l->next = h->listeners;
	h->listeners = l;
	if (h->started)
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
listen_unix(struct http *h, const char *path, unsigned classes, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t before;
	int fd, r;

	if (*path != '/' || strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, ERR_INVALID, "unix:%s: expected an absolute "
		    "path of less than %zu bytes", path, sizeof(sun.sun_path));
	memcpy(sun.sun_path, path, strlen(path) + 1);
	remove_stale(&sun);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "unix:%s: socket", path);
	/* Not by chmod(): the name may be another file's by then. */
	before = umask(UNIX_UMASK);
	r = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	(void)umask(before);
	if (r != 0 || listen(fd, BACKLOG) != 0) {
		(void)err_sys(e, "unix:%s: bind", path);
		(void)close(fd);
		return -1;
	}
	return add_listener(h, fd, classes, path, e);
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
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd,
	    BACKLOG) != 0) {
		(void)err_sys(e, "%s: bind", address);
		(void)close(fd);
		return -1;
	}
	return add_listener(h, fd, is_loopback(ai->ai_addr) ? near : far, NULL,
	    e);
}

/*
 * "host:port" or "[host]:port" into host, which has n bytes; NULL: not of that
 * form.
 */
static const char *
split_address(const char *address, char *host, size_t n)
{
	const char *colon = strrchr(address, ':');
	char *end;
	size_t len;

	if (colon == NULL || strspn(colon + 1, "0123456789") == 0 ||
	    strtol(colon + 1, &end, 10) > 65535 || *end != '\0')
		return NULL;
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	} else if (memchr(address, ':', len) != NULL) {
		return NULL;
	}
	if (len >= n)
		return NULL;
	memcpy(host, address, len);
	host[len] = '\0';
	return colon + 1;
}

int
http_listen(struct http *h, const char *address, unsigned near, unsigned far,
    struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *all, *ai;
	char host[256];
	const char *port;
	bool any;
	int rc;

	if (strncmp(address, "unix:", 5) == 0)
		return listen_unix(h, address + 5, near, e);
	port = split_address(address, host, sizeof(host));
	if (port == NULL)
		return err_set(e, ERR_INVALID, "%s: expected host:port, "
		    "[v6]:port or unix:/path", address);
	any = host[0] == '\0' || strcmp(host, "*") == 0;
	rc = getaddrinfo(any ? NULL : host, port, &hints, &all);
	if (rc != 0)
		return err_set(e, ERR_INVALID, "%s: %s", address,
		    gai_strerror(rc));
	for (ai = all, rc = 0; ai != NULL && rc == 0; ai = ai->ai_next)
		rc = listen_one(h, address, ai, near, far, e);
	freeaddrinfo(all);
	return rc;
}
