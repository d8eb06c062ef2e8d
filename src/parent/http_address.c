/* Addresses to listen at: what they say. */
#include "parent/http_address.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "parent/http.h"

static const char expects[] = "want host:port, [v6]:port, :port or unix:/path";

static int
parse_unix(const char *path, struct http_address *a, struct err *e)
{
	struct sockaddr_un sun;

	if (*path != '/' || strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, ERR_INVALID, "unix:%s: want an absolute path "
		    "of less than %zu bytes", path, sizeof(sun.sun_path));
	a->path = path;
	return 0;
}

int
http_address_parse(const char *text, struct http_address *a, struct err *e)
{
	const char *colon = strrchr(text, ':'), *host = text;
	char *end;
	size_t len;

	memset(a, 0, sizeof(*a));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, a, e);
	if (colon == NULL || strspn(colon + 1, "0123456789") == 0 ||
	    strtol(colon + 1, &end, 10) > 65535 || *end != '\0')
		return err_set(e, ERR_INVALID, "\"%s\": %s", text, expects);
	len = (size_t)(colon - text);
	if (len >= 2 && *host == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	} else if (memchr(host, ':', len) != NULL)
		return err_set(e, ERR_INVALID, "\"%s\": %s", text, expects);
	if (len >= sizeof(a->host))
		return err_set(e, ERR_INVALID, "\"%s\": %s", text, expects);
	memcpy(a->host, host, len);
	a->any = len == 0 || strcmp(a->host, "*") == 0;
	a->port = colon + 1;
	return 0;
}

int
http_address_check(const char *text, struct err *e)
{
	struct http_address a;

	return http_address_parse(text, &a, e);
}

int
http_address_resolve(const char *text, const struct http_address *a,
    struct addrinfo **all, struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	int rc = getaddrinfo(a->any ? NULL : a->host, a->port, &hints, all);

	return rc == 0 ? 0 : err_set(e, ERR_INVALID, "%s: %s", text,
	    gai_strerror(rc));
}

static int
try_unix(const char *path, struct err *e)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(e, ERR_INVALID, "unix:%s: something else is "
		    "there", path);
	memcpy(copy, path, strlen(path) + 1);
	if (access(dirname(copy), W_OK | X_OK) == 0)
		return 0;
	return err_sys(e, "unix:%s: its folder", path);
}

static int
try_bind(const char *text, const struct addrinfo *ai, struct err *e)
{
	static const int one = 1;
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC,
	    ai->ai_protocol), r = 0;

	if (fd == -1)
		return err_sys(e, "%s: socket", text);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 && errno != EADDRINUSE)
		r = err_sys(e, "%s: bind", text);
	(void)close(fd);
	return r;
}

int
http_address_try(const char *text, struct err *e)
{
	struct addrinfo *all, *ai;
	struct http_address a;
	int r = 0;

	if (http_address_parse(text, &a, e) == -1)
		return -1;
	if (a.path != NULL)
		return try_unix(a.path, e);
	if (http_address_resolve(text, &a, &all, e) == -1)
		return -1;
	for (ai = all; ai != NULL && r == 0; ai = ai->ai_next)
		r = try_bind(text, ai, e);
	freeaddrinfo(all);
	return r;
}
