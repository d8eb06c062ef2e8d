/* link: the talk with one worker in one life; see sup.h. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/size.h"
#include "ipc/launch.h"
#include "parent/conf.h"
#include "parent/loop.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/places.h"
#include "parent/queue.h"
#include "parent/sup.h"

/* Completions and messages handled before others get their turn. */
#define TURN	64

/* A worker whose doorbell we gave up must be gone by then. */
#define DEAF_NS	(NS_PER_S / 2)

int
link_open(struct slot *s, struct err *e)
{
	int worker = -1;

	s->channel = channel_new(s->sup->parent->conf->worker_output, e);
	if (s->channel == NULL)
		return -1;
	if (ctl_pair(&s->ctl, &worker, e) == -1) {
		channel_put(s->channel);
		s->channel = NULL;
		return -1;
	}
	return worker;
}

/* Completions. */

/*
 * The next one; false when there is none or the worker is not to be believed.
 */
static bool
complete_one(struct slot *s)
{
	struct done *d = NULL;
	struct err e = { .code = ERR_NONE };
	enum ring_result r = channel_complete(s->channel, &d, &e);
	bool good = r == RING_OK;

	if (r == RING_EMPTY)
		return false;
	if (good && batch_done(s, d, &e) == -1)
		good = false;
	free(d);
	if (!good)
		slot_kill(s, KILL_BAD, "completion: %s", e.text);
	return good;
}

static void
take_completions(struct slot *s)
{
	static const struct timeval soon;

	if (channel_wake(s->channel) == -1) {
		/* It is dying, or rings without measure: an exit says which. */
		(void)event_del(s->on_bell);
		s->deaf = true;
		slot_timer(s, DEAF_NS);
		return;
	}
	for (int i = 0; i < TURN; i++)
		if (s->killed != KILL_NONE || !complete_one(s))
			break;
	if (s->killed == KILL_NONE && !channel_sleep(s->channel))
		(void)event_add(s->on_more, &soon);
}

static void
on_bell(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	take_completions(arg);
	loop_leave(entered);
}

void
link_drain(struct slot *s)
{
	if (s->killed == KILL_BAD)
		return;
	while (complete_one(s))
		;
}

/* Control messages. */

static void
send_msg(struct slot *s, const struct ctl_msg *m)
{
	struct err e;

	if (s->killed != KILL_NONE)
		return;
	if (ctl_send(&s->ctl, m, &e) == -1) {
		slot_kill(s, KILL_BAD, "control socket: %s", e.text);
		return;
	}
	if (s->ctl.queued > 0)
		(void)event_add(s->on_ctl_out, NULL);
}

void
link_send_segment(struct slot *s, const struct segment *g)
{
	struct ctl_msg m = { .type = CTL_SEGMENT_ADD, .fd = g->fd };

	m.segment.id = g->id;
	m.segment.bytes = g->bytes;
	send_msg(s, &m);
}

void
link_send_drop(struct slot *s, uint32_t id)
{
	struct ctl_msg m = { .type = CTL_SEGMENT_DROP, .fd = -1 };

	m.segment.id = id;
	s->owed[CTL_SEGMENT_DROPPED]++;
	send_msg(s, &m);
}

void
link_send_unload(struct slot *s, uint32_t handle)
{
	struct ctl_msg m = { .type = CTL_UNLOAD, .fd = -1, .handle = handle };

	s->owed[CTL_UNLOADED]++;
	send_msg(s, &m);
}

void
link_send_drain(struct slot *s)
{
	struct ctl_msg m = { .type = CTL_DRAIN, .fd = -1 };

	send_msg(s, &m);
}

static int64_t
batch_wish(const struct slot *s, const struct version *v)
{
	return v->config->has_batch_max ? v->config->batch_max :
	    s->sup->parent->conf->queue_batch;
}

static void
load(struct slot *s, struct version *v)
{
	struct ctl_msg m = { .type = CTL_LOAD };
	char name[LOG_VALUE];

	if (v->deadly != 0) {
		places_failed(v, s, "its files were replaced by what kills "
		    "workers");
		return;
	}
	m.fd = open(v->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m.fd == -1) {
		struct err e;

		(void)err_sys(&e, "%s", v->dir);
		places_failed(v, s, e.text);
		return;
	}
	m.load.handle = v->id;
	(void)snprintf(m.load.name, sizeof(m.load.name), "%s",
	    v->model->name);
	m.load.version = (uint64_t)v->number;
	(void)snprintf(m.load.path, sizeof(m.load.path), "%s", v->file);
	m.load.max_batch = (uint32_t)batch_wish(s, v);
	m.load.cache = places_cache(v, s);
	s->loading = version_get(v);
	s->loading_ns = clock_ns();
	places_loading(v, s);
	log_info("worker", "load: worker=%u model=%s version=%lld", s->id,
	    log_quote(name, v->model->name), (long long)v->number);
	send_msg(s, &m);
	(void)close(m.fd);
	slot_watch(s);
}

/* While there is work, those who can do it load one after another. */
static bool
must_wait(const struct slot *s)
{
	const struct sup *sup = s->sup;

	if (sup->parent->queue->open == 0 || !places_any(s))
		return false;
	for (uint32_t i = 0; i < sup->n; i++)
		if (sup->slot[i]->loading != NULL)
			return true;
	return false;
}

void
link_load_next(struct slot *s)
{
	struct version *v;

	/* One that fails at once makes room for the next. */
	while (s->state == SLOT_READY && s->killed == KILL_NONE &&
	    s->loading == NULL && !s->stale && !must_wait(s) &&
	    (v = places_next(s->sup->parent->models, s)) != NULL)
		load(s, v);
}

static void
hello(struct slot *s, const struct ctl_msg *m)
{
	const struct ctl_hello *h = &m->hello;
	char device[LOG_VALUE], driver[LOG_VALUE], sandbox[LOG_VALUE];
	struct segment g;

	if (s->state != SLOT_START) {
		slot_kill(s, KILL_BAD, "a second hello");
		return;
	}
	if (strcmp(h->build, LAUNCH_BUILD) != 0) {
		slot_kill(s, KILL_BAD, "worker of build \"%s\", want \"%s\"",
		    h->build, LAUNCH_BUILD);
		return;
	}
	if (strcmp(h->device, s->device.name) != 0) {
		slot_kill(s, KILL_BAD, "device \"%s\", want \"%s\"",
		    h->device, s->device.name);
		return;
	}
	for (uint32_t i = 0; arena_segment(s->sup->parent->arena, i, &g); i++)
		link_send_segment(s, &g);
	log_info("worker", "ready: worker=%u device=%s driver=%s sandbox=%s "
	    "ms=%lld", s->id, log_quote(device, h->device),
	    log_quote(driver, h->driver), log_quote(sandbox, h->sandbox),
	    (long long)((clock_ns() - s->started_ns) / NS_PER_MS));
	slot_ready(s);
}

/* The version whose load ends with this handle; or NULL and the worker dies. */
static struct version *
loaded_version(struct slot *s, uint32_t handle)
{
	struct version *v = s->loading;

	if (v == NULL || v->id != handle) {
		slot_kill(s, KILL_BAD, "an answer to a load of %u that was "
		    "not asked for", handle);
		return NULL;
	}
	s->loading = NULL;
	return v;
}

static void
on_loaded(struct slot *s, struct ctl_msg *m)
{
	struct version *v = loaded_version(s, m->loaded.handle);

	if (v == NULL)
		return;
	slot_worked(s);
	places_loaded(v, s, &m->loaded);
	version_put(v);
	sup_load(s->sup);
}

/*
 * A sandbox knows the folders that were there, and where links led, when it was
 * made.  What we may read and the worker may not is newer.
 */
static bool
is_shut_out(const struct version *v, const struct err *e)
{
	char path[PATH_MAX];

	return e->code == ERR_UNAVAILABLE && snprintf(path, sizeof(path),
	    "%s/%s", v->dir, v->file) < PATH_MAX && access(path, R_OK) == 0;
}

static void
on_load_failed(struct slot *s, struct ctl_msg *m)
{
	struct version *v = loaded_version(s, m->failed.handle);

	if (v == NULL)
		return;
	if (is_shut_out(v, &m->failed.err) && places_renew(v, s))
		s->stale = true;
	else
		places_failed(v, s, m->failed.err.text);
	version_put(v);
	sup_load(s->sup);
}

/* An answer of no interest, but there must have been a question. */
static void
on_owed(struct slot *s, struct ctl_msg *m)
{
	if (s->owed[m->type] == 0)
		slot_kill(s, KILL_BAD, "message %d without being asked",
		    (int)m->type);
	else
		s->owed[m->type]--;
}

static void
on_hello(struct slot *s, struct ctl_msg *m)
{
	hello(s, m);
}

static void (*const on_message[CTL_TYPES])(struct slot *, struct ctl_msg *) = {
	[CTL_HELLO] = on_hello,
	[CTL_LOADED] = on_loaded,
	[CTL_LOAD_FAILED] = on_load_failed,
	[CTL_UNLOADED] = on_owed,
	[CTL_SEGMENT_DROPPED] = on_owed,
	[CTL_PONG] = on_owed,
};

static void
take_messages(struct slot *s)
{
	struct ctl_msg m;
	struct err e;
	int r = 0;

	for (int i = 0; i < TURN && s->killed == KILL_NONE; i++) {
		if ((r = ctl_recv(&s->ctl, &m, &e)) != 1)
			break;
		if (on_message[m.type] == NULL)
			slot_kill(s, KILL_BAD, "message %d is not a worker's",
			    (int)m.type);
		else if (s->state == SLOT_START && m.type != CTL_HELLO)
			slot_kill(s, KILL_BAD, "message before hello");
		else
			on_message[m.type](s, &m);
		ctl_msg_done(&m);
	}
	if (r == 1 && s->killed == KILL_NONE)
		return;
	if (r == -1 && e.code == ERR_INVALID)
		slot_kill(s, KILL_SAID, "control message: %s", e.text);
	if (r == -1 || s->killed != KILL_NONE)
		(void)event_del(s->on_ctl);
}

static void
on_ctl(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	take_messages(arg);
	loop_leave(entered);
}

static void
on_ctl_out(int fd, short what, void *arg)
{
	struct slot *s = arg;
	struct err e;

	(void)fd;
	(void)what;
	if (s->killed == KILL_NONE && ctl_flush(&s->ctl, &e) == 0)
		(void)event_add(s->on_ctl_out, NULL);
}

void
link_started(struct slot *s)
{
	struct event_base *base = s->sup->parent->base;

	channel_started(s->channel);
	s->on_bell = event_new(base, s->channel->bell, EV_READ | EV_PERSIST,
	    on_bell, s);
	s->on_more = event_new(base, -1, 0, on_bell, s);
	s->on_ctl = event_new(base, s->ctl.fd, EV_READ | EV_PERSIST, on_ctl, s);
	s->on_ctl_out = event_new(base, s->ctl.fd, EV_WRITE, on_ctl_out, s);
	if (s->on_bell == NULL || s->on_more == NULL || s->on_ctl == NULL ||
	    s->on_ctl_out == NULL) {
		slot_kill(s, KILL_ENDED, "out of memory");
		return;
	}
	(void)event_add(s->on_bell, NULL);
	(void)event_add(s->on_ctl, NULL);
	(void)channel_sleep(s->channel);
}

void
link_close(struct slot *s)
{
	struct event **events[] = { &s->on_bell, &s->on_more, &s->on_ctl,
	    &s->on_ctl_out };

	for (size_t i = 0; i < nitems(events); i++) {
		if (*events[i] != NULL)
			event_free(*events[i]);
		*events[i] = NULL;
	}
	if (s->channel == NULL)
		return;
	ctl_close(&s->ctl);
	channel_detach(s->channel);
	channel_put(s->channel);
	s->channel = NULL;
}
