#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "http_world.h"

struct http		*http;
struct http_limits	 limits;
struct buf		 body;
struct http_call	*later, *last;
static char		 target[64];
int			 begun, ended, gone, released;
char			 got[1 << 16];
bool			 closed;

static struct event_base *base;
static char		 path[64];
static char		*big;

static void
begin(struct http_call *call, const struct http_head *head)
{
	begun++;
	last = call;
	buf_clear(&body);
	(void)snprintf(target, sizeof(target), "%.*s", (int)head->path.n,
	    head->path.at);
	if (strcmp(target, "/no") == 0)
		http_error(call, 503, "not %d", 1);
}

static bool
room(struct http_call *call, char **p, size_t *n)
{
	(void)call;
	*n = 1000;
	*p = buf_room(&body, *n);
	ck_assert_ptr_nonnull(*p);
	return true;
}

static bool
filled(struct http_call *call, size_t n)
{
	(void)call;
	body.len += n;
	return true;
}

static void
release(const void *data, size_t n, void *arg)
{
	(void)data;
	(void)n;
	(void)arg;
	released++;
}

static void
ready(struct http_call *call)
{
	if (strcmp(target, "/later") == 0) {
		later = call;
		return;
	}
	if (strcmp(target, "/big") == 0)
		ck_assert_int_eq(evbuffer_add_reference(http_body(call), big,
		    BIG, release, NULL), 0);
	else
		(void)evbuffer_add(http_body(call), body.data, body.len);
	http_send(call, 200, "text/plain", "X-Own: 1\r\n");
}

static void
end(struct http_call *call, bool was_gone)
{
	if (call == later)
		later = NULL;
	ended++;
	gone += was_gone;
}

static const struct http_protocol protocol = { begin, room, filled, ready,
    end, NULL };

void
setup(void)
{
	struct err e;

	limits = (struct http_limits){ .connections = 8, .head = 8192,
	    .body = 1 << 20, .head_ns = 200 * NS_PER_MS, .body_ns =
	    200 * NS_PER_MS, .idle_ns = 200 * NS_PER_MS, .send_ns =
	    200 * NS_PER_MS };
	begun = ended = gone = released = 0;
	later = NULL;
	big = malloc(BIG);
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)('a' + i % 23);
	buf_init(&body, 1 << 24);
	base = event_base_new();
	http = http_new(base, &protocol, NULL);
	ck_assert_ptr_nonnull(http);
	http_set_limits(http, &limits);
	(void)snprintf(path, sizeof(path), "/tmp/t_http.%d", (int)getpid());
	char address[80];
	(void)snprintf(address, sizeof(address), "unix:%s", path);
	ck_assert_msg(http_listen(http, address, 1, 2, &e) == 0, "%s", e.text);
	http_start(http);
}

void
teardown(void)
{
	ck_assert_int_eq(begun, ended + (later != NULL));
	http_free(http);
	ck_assert_int_eq(begun, ended);
	event_base_free(base);
	buf_done(&body);
	free(big);
	ck_assert_int_ne(access(path, F_OK), 0);
}

int
connect_client(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

void
turn_loop(int times)
{
	for (int i = 0; i < times; i++)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

void
wait_ms(int ms)
{
	int64_t end_ns = clock_ns() + ms * NS_PER_MS;

	while (clock_ns() < end_ns) {
		turn_loop(2);
		(void)poll(NULL, 0, 2);
	}
}

void
put(int fd, const char *s, size_t n, size_t step)
{
	for (size_t at = 0; at < n;) {
		ssize_t r = send(fd, s + at, n - at < step ? n - at : step,
		    MSG_NOSIGNAL);

		if (r < 0 && errno == EPIPE)
			return;
		ck_assert(r > 0 || errno == EAGAIN);
		at += r > 0 ? (size_t)r : 0;
		turn_loop(2);
	}
}

size_t
take(int fd)
{
	size_t n = 0;

	closed = false;
	for (int quiet = 0; quiet < 20;) {
		ssize_t r = recv(fd, got + n, sizeof(got) - 1 - n, 0);

		turn_loop(1);
		closed = r == 0;
		if (r > 0)
			n += (size_t)r;
		quiet = r > 0 ? 0 : quiet + 1;
	}
	got[n] = '\0';
	return n;
}

int
status_of(const char *s)
{
	int v = 0;

	ck_assert_int_eq(sscanf(s, "HTTP/1.1 %d ", &v), 1);
	return v;
}

const char *
body_of(const char *s)
{
	const char *p = strstr(s, "\r\n\r\n");

	ck_assert_ptr_nonnull(p);
	return p + 4;
}
