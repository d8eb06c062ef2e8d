/* The protocol side: http.h's callbacks, and server.h for main.c. */
#include "parent/server.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/log.h"
#include "base/size.h"
#include "parent/api.h"
#include "parent/conf.h"

const char *
exchange_number(const struct exchange *x)
{
	return x->number[0] != '\0' ? x->number : NULL;
}

static int
add_text(const char *s, size_t n, void *arg)
{
	return evbuffer_add(arg, s, n);
}

void
reply_json(struct exchange *x, int status, json_t *j)
{
	struct evbuffer *b = http_body(x->call);

	if (j == NULL || json_dump_callback(j, add_text, b, JSON_COMPACT) != 0)
		http_error(x->call, 500, "out of memory");
	else
		http_send(x->call, status, "application/json", NULL);
	json_decref(j);
}

void
reply_empty(struct exchange *x)
{
	http_send(x->call, 200, "application/json", NULL);
}

json_t *
exchange_json(struct exchange *x)
{
	json_error_t e;
	json_t *j;

	if (x->text.len == 0)
		return json_object();
	j = json_loadb(x->text.data, x->text.len, JSON_REJECT_DUPLICATES, &e);
	if (j != NULL && json_is_object(j))
		return j;
	if (j != NULL)
		http_error(x->call, 400, "the request is no JSON object");
	else
		http_error(x->call, 400, "failed to parse the request JSON: %s "
		    "at byte %d", e.text, e.position);
	json_decref(j);
	return NULL;
}

static const char *
refused(struct http_call *call, const struct route *r, int status)
{
	if (r == NULL)
		return status == 405 ? "Method Not Allowed" : "Not Found";
	if ((call->classes & r->class) == 0)
		return "This API is not available on this address";
	return NULL;
}

static bool
take_names(struct exchange *x, struct text name, struct text number)
{
	char plain[3 * sizeof(x->name)];
	size_t n = 0;

	if (name.n > sizeof(plain) || !http_unescape(name, plain, &n) ||
	    n >= sizeof(x->name))
		return false;
	memcpy(x->name, plain, n);
	if (number.n > 0)
		memcpy(x->number, number.at, number.n);
	return true;
}

static void
on_begin(struct http_call *call, const struct http_head *head)
{
	struct server *s = http_arg(call);
	struct text name, number;
	struct exchange *x;
	int status;
	const struct route *r = route_find(head->method, head->path, &name,
	    &number, &status);
	const char *why = refused(call, r, status);

	if (why != NULL) {
		http_error(call, r != NULL ? 403 : status, "%s", why);
		return;
	}
	if (s->parent->late) {
		http_error(call, 503, "Server exiting");
		return;
	}
	x = calloc(1, sizeof(*x));
	if (x == NULL) {
		http_error(call, 503, "out of memory");
		return;
	}
	x->server = s;
	x->call = call;
	x->route = r;
	buf_init(&x->text, 2 * CONTROL_BODY_MAX);
	call->arg = x;
	if (!take_names(x, name, number))
		http_error(call, 400, "the model's name in the path is broken");
	else if (r->body == BODY_INFER)
		infer_begin(x, head);
}

static bool
on_room(struct http_call *call, char **p, size_t *n)
{
	static char dropped[16384];
	struct exchange *x = call->arg;

	if (x->route->body == BODY_INFER)
		return infer_room(x->infer, p, n);
	if (*n > sizeof(dropped))
		*n = sizeof(dropped);
	*p = dropped;
	if (x->route->body == BODY_NONE)
		return true;
	if (*n > CONTROL_BODY_MAX - x->text.len)
		*n = CONTROL_BODY_MAX - x->text.len;
	if (*n > 0)
		*p = buf_room(&x->text, *n);
	if (*n > 0 && *p != NULL)
		return true;
	http_error(call, 413, "request body is over the limit of %zu bytes",
	    CONTROL_BODY_MAX);
	return false;
}

static bool
on_filled(struct http_call *call, size_t n)
{
	struct exchange *x = call->arg;

	if (x->route->body == BODY_INFER)
		return infer_filled(x->infer, n);
	if (x->route->body == BODY_TEXT)
		x->text.len += n;
	return true;
}

static void
on_ready(struct http_call *call)
{
	struct exchange *x = call->arg;

	x->route->run(x);
}

static void
on_end(struct http_call *call, bool gone)
{
	struct exchange *x = call->arg;

	if (x == NULL)
		return;
	infer_end(x->infer, gone);
	if (x->ticket != NULL)
		ticket_drop(x->ticket);
	buf_done(&x->text);
	free(x);
}

/* " name=value" if there is a value. */
static void
add_value(struct buf *b, const char *name, const char *value)
{
	char q[LOG_VALUE];

	if (*value != '\0')
		(void)buf_printf(b, " %s=%s", name, log_quote(q, value));
}

static void
on_record(struct http_call *call, const struct http_record *r)
{
	struct exchange *x = call->arg;
	char path[LOG_VALUE];
	struct buf b;

	buf_init(&b, 2048);
	(void)buf_printf(&b, "peer=%s method=%s path=%s status=%d in=%llu "
	    "out=%llu ms=%.3f", r->peer, r->method, log_quote(path, r->path),
	    r->status, (unsigned long long)r->in, (unsigned long long)r->out,
	    (double)r->ns / (double)NS_PER_MS);
	if (x != NULL)
		add_value(&b, "model", x->name);
	if (x != NULL && x->infer != NULL)
		infer_record(x->infer, &b);
	if (r->gone)
		(void)buf_str(&b, " gone=yes");
	log_info("access", "%s", b.data != NULL ? b.data : "");
	buf_done(&b);
}

static const struct http_protocol protocol = {
	.begin = on_begin,
	.room = on_room,
	.filled = on_filled,
	.ready = on_ready,
	.end = on_end,
	.record = on_record,
};

struct server *
server_new(struct parent *p, struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->http = http_new(p->base, &protocol, s);
	if (s == NULL || s->http == NULL) {
		free(s);
		(void)err_memory(e, "server", sizeof(*s));
		return NULL;
	}
	s->parent = p;
	http_budget(s->http)->arena = p->arena;
	p->budget = http_budget(s->http);
	server_reload(s);
	return s;
}

int
server_listen(struct server *s, const char *address, struct err *e)
{
	return http_listen(s->http, address, CLASS_NEAR, CLASS_FAR, e);
}

int
server_relisten(struct server *s, const struct conf_list *addresses,
    conf_report *report, void *arg)
{
	return http_relisten(s->http, addresses->v, addresses->n, CLASS_NEAR,
	    CLASS_FAR, report, arg);
}

void
server_start(struct server *s)
{
	http_start(s->http);
}

void
server_drain(struct server *s)
{
	http_drain(s->http);
}

void
server_drain_late(struct server *s)
{
	http_drain_late(s->http);
}

bool
server_idle(const struct server *s)
{
	return http_draining(s->http) && http_stats(s->http)->open == 0;
}

void
server_reload(struct server *s)
{
	const struct conf *c = s->parent->conf;
	struct http_limits l = {
		.connections = c->limits_connections,
		.head = c->limits_head,
		.body = c->limits_body,
		.head_ns = c->limits_head_ns,
		.body_ns = c->limits_body_ns,
		.idle_ns = c->limits_idle_ns,
		.send_ns = c->limits_send_ns,
	};

	http_set_limits(s->http, &l);
	http_budget(s->http)->max = c->limits_memory;
	http_set_recording(s->http, strcmp(c->log_access, "yes") == 0);
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	http_free(s->http);
	free(s);
}
