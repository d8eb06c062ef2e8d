#include "tool/url.h"

#include <strings.h>
#include <sys/un.h>

#define PORT_DEFAULT	"80"
#define PORT_BARE	"8000"	/* without "http://": as the daemon's -l */

static int
take(char *to, size_t room, const char *from, size_t n, const char *what,
    struct err *e)
{
	if (n >= room)
		return err_set(e, ERR_LIMIT, "its %s is longer than %zu bytes",
		    what, room - 1);
	memcpy(to, from, n);
	to[n] = '\0';
	return 0;
}

static int
parse_local(struct url *u, const char *path, struct err *e)
{
	struct sockaddr_un a;

	if (*path != '/')
		return err_set(e, ERR_INVALID, "a unix socket is written as "
		    "unix:/path");
	u->local = true;
	(void)memcpy(u->port, PORT_DEFAULT, sizeof(PORT_DEFAULT));
	return take(u->host, sizeof(a.sun_path), path, strlen(path), "path",
	    e);
}

static int
parse_port(struct url *u, const char *text, size_t n, struct err *e)
{
	long port = strtol(text, NULL, 10);

	if (n == 0 || strspn(text, "0123456789") != n || n > 5 || port < 1 ||
	    port > 65535)
		return err_set(e, ERR_INVALID, "its port is \"%.*s\", want 1 "
		    "to 65535", (int)n, text);
	return take(u->port, sizeof(u->port), text, n, "port", e);
}

/* "host", "host:port", "[v6]" or "[v6]:port", n bytes. */
static int
parse_authority(struct url *u, const char *text, size_t n, struct err *e)
{
	const char *end = text + n, *stop;

	if (*text == '[') {
		stop = memchr(text, ']', n);
		if (stop == NULL)
			return err_set(e, ERR_INVALID, "a \"]\" is missing");
		text++;
	} else if ((stop = memchr(text, ':', n)) == NULL)
		stop = end;
	if (stop == text || memchr(text, '@', n) != NULL)
		return err_set(e, ERR_INVALID, stop == text ?
		    "it names no host" : "it holds a user: the daemon knows "
		    "none");
	if (take(u->host, sizeof(u->host), text, (size_t)(stop - text),
	    "host", e) == -1)
		return -1;
	stop += *stop == ']';
	if (stop == end)
		return 0;
	if (*stop != ':')
		return err_set(e, ERR_INVALID, "a \":\" is missing before its "
		    "port");
	return parse_port(u, stop + 1, (size_t)(end - stop) - 1, e);
}

static int
parse_remote(struct url *u, const char *text, const char *port, struct err *e)
{
	size_t n = strcspn(text, "/"), rest = strlen(text + n);

	while (rest > 0 && text[n + rest - 1] == '/')
		rest--;
	(void)take(u->port, sizeof(u->port), port, strlen(port), "port", e);
	if (parse_authority(u, text, n, e) == -1)
		return -1;
	return take(u->prefix, sizeof(u->prefix), text + n, rest, "path", e);
}

int
url_parse(struct url *u, const char *text, struct err *e)
{
	static const char http[] = "http://", https[] = "https://";

	memset(u, 0, sizeof(*u));
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f ||
		    strchr("\"<>?#\\", *c) != NULL)
			return err_set(e, ERR_INVALID, "byte %zu cannot stand "
			    "there", (size_t)(c - text));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_local(u, text + 5, e);
	if (strncasecmp(text, https, sizeof(https) - 1) == 0)
		return err_set(e, ERR_UNSUPPORTED, "https is not spoken: have "
		    "a TLS proxy (stunnel, say) connect, and give its http:// "
		    "address");
	if (strncasecmp(text, http, sizeof(http) - 1) == 0)
		return parse_remote(u, text + sizeof(http) - 1, PORT_DEFAULT,
		    e);
	if (strstr(text, "://") != NULL)
		return err_set(e, ERR_UNSUPPORTED, "want http://HOST:PORT or "
		    "unix:/path");
	return parse_remote(u, text, PORT_BARE, e);
}
