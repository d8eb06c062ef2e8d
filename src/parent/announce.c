#include "parent/announce.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "parent/loop.h"
#include "parent/models.h"
#include "parent/notify.h"
#include "parent/parent.h"
#include "parent/server.h"
#include "parent/sup.h"

#define LOOK_US		10000		/* between looks while it is awaited */
/* Clients wait in the listeners' queues for so long, then they are told. */
#define SHUT_NS		(10 * NS_PER_S)
#define PATIENCE_NS	(30 * NS_PER_S)

struct announce {
	struct parent	*parent;
	struct event	*look;
	int64_t		 since_ns;
	const char	*what;	/* "started", "reloaded"; NULL: nothing open */
	bool		 serving;	/* clients are let in */
	char		 told[256];	/* the last STATUS */
};

struct census {
	unsigned	ready, failed, all;
};

static struct census
count_models(const struct models *ms)
{
	struct census n = { 0, 0, 0 };

	for (const struct model *m = models_first(ms); m != NULL; m = m->next) {
		bool ready = false, loading = false;

		for (const struct version *v = m->versions; v != NULL;
		    v = v->next) {
			ready |= v->state == VERSION_READY;
			loading |= v->state == VERSION_LOADING;
		}
		n.all++;
		n.ready += ready;
		n.failed += !ready && !loading && !m->unloaded;
	}
	return n;
}

/* One line for "systemctl status", told only when it is news. */
static void
tell_status(struct announce *a, const char *doing)
{
	struct parent *p = a->parent;
	struct census n = count_models(p->models);
	char text[sizeof(a->told)];

	(void)snprintf(text, sizeof(text), "%s%s%u of %u workers ready, %u of "
	    "%u models ready, %u failed", doing != NULL ? doing : "",
	    doing != NULL ? ": " : "", sup_ready(p->sup), fleet_size(p->sup),
	    n.ready, n.all, n.failed);
	if (strcmp(text, a->told) == 0)
		return;
	(void)snprintf(a->told, sizeof(a->told), "%s", text);
	notify_status("%s", text);
}

/* Why it need not wait any longer; NULL: it must. */
static const char *
settled(struct announce *a, const char **missing)
{
	if (a->parent->looking)
		*missing = "looking for models";
	else if (parent_ready(a->parent, missing))
		return "";
	if (!sup_hopeful(a->parent->sup))
		return ", but without a worker";
	if (clock_ns() - a->since_ns > PATIENCE_NS)
		return ", but not ready yet";
	return NULL;
}

/*
 * Not before requests can be answered, if that is soon: whoever asks while we
 * are restarted waits for a moment, and is not told that there is no model.
 */
static void
let_in(struct announce *a)
{
	a->serving = true;
	server_start(a->parent->server);
}

static void
look(struct announce *a)
{
	static const struct timeval soon = { 0, LOOK_US };
	const char *missing = "", *how = settled(a, &missing);
	struct census n;

	if (!a->serving &&
	    (how != NULL || clock_ns() - a->since_ns > SHUT_NS))
		let_in(a);
	if (how == NULL) {
		tell_status(a, missing);
		(void)event_add(a->look, &soon);
		return;
	}
	n = count_models(a->parent->models);
	log_info("main", "%s%s: workers=%u models=%u failed=%u ms=%lld",
	    a->what, how, sup_ready(a->parent->sup), n.ready, n.failed,
	    (long long)((clock_ns() - a->since_ns) / NS_PER_MS));
	a->what = NULL;
	tell_status(a, *missing != '\0' ? missing : NULL);
	notify_ready();
}

static void
on_look(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	look(arg);
	loop_leave(entered);
}

/* The watchdog's ping goes out: as good a time as any. */
static void
on_ping(void *arg)
{
	struct announce *a = arg;
	const char *missing = NULL;

	if (a->what != NULL || a->parent->draining)
		return;
	(void)parent_ready(a->parent, &missing);
	tell_status(a, missing);
}

struct announce *
announce_new(struct parent *p, struct err *e)
{
	struct announce *a = calloc(1, sizeof(*a));

	if (a != NULL)
		a->look = event_new(p->base, -1, 0, on_look, a);
	if (a == NULL || a->look == NULL) {
		free(a);
		(void)err_memory(e, "announcements", sizeof(*a));
		return NULL;
	}
	a->parent = p;
	notify_open(p->base, on_ping, a);
	return a;
}

void
announce_free(struct announce *a)
{
	if (a == NULL)
		return;
	notify_close();
	event_free(a->look);
	free(a);
}

static void
await(struct announce *a, const char *what)
{
	a->what = what;
	a->since_ns = clock_ns();
	look(a);
}

void
announce_start(struct announce *a)
{
	await(a, "ready");
}

void
announce_reload(struct announce *a)
{
	notify_reloading();
	await(a, "reloaded");
}

void
announce_stop(struct announce *a)
{
	(void)event_del(a->look);
	a->what = NULL;
	notify_stopping();
	notify_status("answering what was accepted");
}
