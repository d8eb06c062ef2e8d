/* What an access log is told: gathered only while there is one. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "parent/http_conn.h"

struct record {
	char		 peer[INET6_ADDRSTRLEN + 16];
	char		 path[HTTP_RECORD_PATH];
	const char	*method;
	int64_t		 began_ns;
};

static void
name_peer(int fd, char *out, size_t size)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	const struct sockaddr_in *v4 = (const void *)&ss;
	const struct sockaddr_in6 *v6 = (const void *)&ss;
	char host[INET6_ADDRSTRLEN] = "?";
	socklen_t n = sizeof(ss);

	if (getpeername(fd, (struct sockaddr *)&ss, &n) != 0)
		(void)snprintf(out, size, "?");
	else if (ss.ss_family == AF_INET)
		(void)snprintf(out, size, "%s:%u", inet_ntop(AF_INET,
		    &v4->sin_addr, host, sizeof(host)),
		    (unsigned)ntohs(v4->sin_port));
	else if (ss.ss_family == AF_INET6)
		(void)snprintf(out, size, "[%s]:%u", inet_ntop(AF_INET6,
		    &v6->sin6_addr, host, sizeof(host)),
		    (unsigned)ntohs(v6->sin6_port));
	else
		(void)snprintf(out, size, "unix");
}

void
record_begin(struct http_conn *c)
{
	if (!c->http->recording || (c->record == NULL &&
	    (c->record = malloc(sizeof(*c->record))) == NULL))
		return;
	name_peer(c->fd, c->record->peer, sizeof(c->record->peer));
	c->record->path[0] = '\0';
	c->record->method = "?";
	c->record->began_ns = clock_ns();
	c->decoded = 0;
}

void
record_head(struct http_conn *c, const struct http_head *head)
{
	static const char *const methods[] = {
		[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST",
		[HTTP_OTHER] = "other",
	};

	if (c->record == NULL)
		return;
	c->record->method = methods[head->method];
	(void)snprintf(c->record->path, sizeof(c->record->path), "%.*s",
	    head->path.n < INT32_MAX ? (int)head->path.n : INT32_MAX,
	    head->path.at);
}

void
record_end(struct http_conn *c, bool gone)
{
	struct http_record r = { .status = c->status, .in = c->decoded,
	    .out = c->moved, .gone = gone };

	if (c->record == NULL)
		return;
	if (c->call.answered && c->http->recording &&
	    c->http->protocol->record != NULL) {
		r.peer = c->record->peer;
		r.method = c->record->method;
		r.path = c->record->path;
		r.ns = clock_ns() - c->record->began_ns;
		c->http->protocol->record(&c->call, &r);
	}
	free(c->record);
	c->record = NULL;
}

void
http_set_recording(struct http *h, bool on)
{
	h->recording = on;
}
