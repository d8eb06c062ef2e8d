/*
 * clinferd: start, run and end the daemon.
 *
 * Order at the start: options, configuration, listeners (perhaps as root), the
 * user, everything else.  At the end: refuse, answer what was accepted, stop
 * the workers, exit 0.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/size.h"
#include "ipc/segment.h"
#include "parent/announce.h"
#include "parent/conf.h"
#include "parent/models.h"
#include "parent/notify.h"
#include "parent/options.h"
#include "parent/parent.h"
#include "parent/queue.h"
#include "parent/server.h"
#include "parent/sup.h"
#include "parent/trial.h"
#include "parent/user.h"
#include "parent/watch.h"
#include "config.h"

/* An empty segment of the request arena is kept that long. */
#define SEGMENT_KEEP_NS	(4 * NS_PER_S)

/* While draining we look this often whether all is done. */
#define DRAIN_LOOK_US	50000

struct daemon {
	struct options	 options;
	struct parent	 parent;
	struct announce	*announce;
	struct watch	*watch;
	struct event	*on_signal[3];
	struct event	*sweep;		/* of the arena */
	struct event	*drain;
	int64_t		 drain_until_ns;
};

static void
say_wrong(void *arg, const char *text)
{
	(void)arg;
	log_error("config", "%s", text);
}

static void
say_doubt(void *arg, const char *text)
{
	(void)arg;
	log_warn("config", "%s", text);
}

static void
say_changed(void *arg, const char *text)
{
	(void)arg;
	log_info("config", "%s", text);
}

static void
apply_log(const struct conf *c)
{
	enum log_level level = LOG_LV_INFO;
	enum log_target target = LOG_TO_AUTO;
	struct err e;

	(void)log_level_by_name(c->log_level, &level);
	(void)log_target_by_name(c->log_target, &target);
	log_open(target, "clinferd");
	log_set_level(level);
	for (size_t i = 0; i < c->log_areas.n; i++)
		(void)log_area(c->log_areas.v[i], true, &e);
}

/* Signals. */

static void
say_kept(void *arg, const char *text)
{
	(void)arg;
	log_error("config", "%s: the addresses stay as they were", text);
}

/* What changed and can be taken over is; next gets what it replaced. */
static void
apply(struct daemon *d, struct conf *next)
{
	struct parent *p = &d->parent;
	struct conf_list keep;

	conf_reload(p->conf, next, say_changed, NULL);
	apply_log(p->conf);
	arena_set_limit(p->arena, p->conf->limits_memory);
	server_reload(p->server);
	fleet_check(p->sup);
	if (server_relisten(p->server, &p->conf->server_listen, say_kept,
	    NULL) == 0)
		return;
	/* They are what we have: the next reload tries again. */
	keep = next->server_listen;
	next->server_listen = p->conf->server_listen;
	p->conf->server_listen = keep;
}

static void
reload(struct daemon *d)
{
	struct parent *p = &d->parent;
	struct conf *next = options_conf(&d->options, say_wrong, NULL);

	p->stats.reloads++;
	if (next == NULL) {
		p->stats.reload_errors++;
		log_error("config", "reload: the old configuration stays");
	} else {
		apply(d, next);
		conf_free(next);
	}
	watch_reload(d->watch);
	sup_reload(p->sup);
	announce_reload(d->announce);
}

/* Time is over: what is still open gets its answer now. */
static void
drain_late(struct daemon *d)
{
	struct err e;

	log_warn("main", "drain: time is over: open=%u", d->parent.queue->open);
	(void)err_set(&e, ERR_UNAVAILABLE, "Server exiting");
	d->parent.late = true;
	queue_abort(d->parent.queue, &e);
	server_drain_late(d->parent.server);
	d->drain_until_ns = clock_ns() + NS_PER_S;
}

static void
on_drain(int fd, short what, void *arg)
{
	static const struct timeval look = { 0, DRAIN_LOOK_US };
	struct daemon *d = arg;
	struct parent *p = &d->parent;
	bool over = clock_ns() > d->drain_until_ns;

	(void)fd;
	(void)what;
	if (over && !p->late)
		drain_late(d);
	else if (!p->sup->stopping && (over ||
	    (p->queue->open == 0 && server_idle(p->server))))
		sup_stop(p->sup);
	if (p->sup->stopping && (over || sup_stopped(p->sup))) {
		(void)event_base_loopbreak(p->base);
		return;
	}
	(void)event_add(d->drain, &look);
}

static void
drain(struct daemon *d)
{
	struct parent *p = &d->parent;

	if (p->draining) {
		log_info("main", "a second signal: ending now");
		(void)event_base_loopbreak(p->base);
		return;
	}
	log_info("main", "draining: open=%u", p->queue->open);
	p->draining = true;
	d->drain_until_ns = clock_ns() + p->conf->server_drain_ns;
	server_drain(p->server);
	announce_stop(d->announce);
	on_drain(-1, 0, d);
}

static void
on_signal(int number, short what, void *arg)
{
	(void)what;
	if (number == SIGHUP && ((struct daemon *)arg)->parent.draining)
		log_info("main", "reload: not any more, we are draining");
	else if (number == SIGHUP)
		reload(arg);
	else
		drain(arg);
}

static int
watch_signals(struct daemon *d, struct err *e)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < nitems(numbers); i++) {
		d->on_signal[i] = evsignal_new(d->parent.base, numbers[i],
		    on_signal, d);
		if (d->on_signal[i] == NULL ||
		    event_add(d->on_signal[i], NULL) == -1)
			return err_memory(e, "signals", 0);
	}
	return 0;
}

/* The request arena. */

static void
on_sweep(int fd, short what, void *arg)
{
	struct daemon *d = arg;
	int64_t now = clock_ns(), next;
	struct timeval tv = { 0, 0 };

	(void)fd;
	(void)what;
	next = arena_sweep(d->parent.arena, now, SEGMENT_KEEP_NS);
	if (next == 0)
		next = now + SEGMENT_KEEP_NS;
	/* Nothing is left to drop: sleep until a segment comes. */
	if (arena_bytes(d->parent.arena) == 0)
		return;
	if (next > now) {
		tv.tv_sec = (next - now) / NS_PER_S;
		tv.tv_usec = (next - now) % NS_PER_S / NS_PER_US;
	}
	(void)event_add(d->sweep, &tv);
}

static void
on_segment_added(void *arg, const struct segment *g)
{
	static const struct timeval keep = { SEGMENT_KEEP_NS / NS_PER_S, 0 };
	struct daemon *d = arg;

	sup_segment_added(d->parent.sup, g);
	if (!event_pending(d->sweep, EV_TIMEOUT, NULL))
		(void)event_add(d->sweep, &keep);
}

static void
on_segment_dropped(void *arg, uint32_t id)
{
	struct daemon *d = arg;

	if (d->parent.sup != NULL)
		sup_segment_dropped(d->parent.sup, id);
}

/* As many descriptors as we may have: a connection is one. */
static void
raise_limits(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

/* Start and end. */

static int
open_arena(struct daemon *d, struct err *e)
{
	struct parent *p = &d->parent;
	const struct arena_events events = { on_segment_added,
	    on_segment_dropped, d };

	d->sweep = event_new(p->base, -1, 0, on_sweep, d);
	d->drain = event_new(p->base, -1, 0, on_drain, d);
	p->arena = arena_new(p->conf->limits_memory, &events);
	if (d->sweep == NULL || d->drain == NULL || p->arena == NULL)
		return err_memory(e, "request arena", 0);
	return 0;
}

static int
open_parts(struct daemon *d, struct err *e)
{
	struct parent *p = &d->parent;

	if ((p->models = models_new(p, e)) == NULL ||
	    (p->queue = queue_new(p, e)) == NULL ||
	    (p->sup = sup_new(p, e)) == NULL ||
	    (d->watch = watch_new(p, e)) == NULL)
		return -1;
	return 0;
}

/* What needs root, if we are root; then never again. */
static int
listen_and_become(struct parent *p, struct err *e)
{
	const struct conf_list *l = &p->conf->server_listen;
	struct user user;

	if (user_find(p->conf->server_user, &user, e) == -1)
		return -1;
	for (size_t i = 0; i < l->n; i++) {
		if (server_listen(p->server, l->v[i], e) == -1)
			return -1;
		if (strncmp(l->v[i], "unix:", 5) == 0 &&
		    user_give(&user, l->v[i] + 5, e) == -1)
			return -1;
	}
	return user_become(&user, p->conf->worker_cache, e);
}

static int
open_all(struct daemon *d, struct err *e)
{
	struct parent *p = &d->parent;

	p->started_ns = clock_ns();
	raise_limits();
	if ((p->base = event_base_new()) == NULL)
		return err_memory(e, "event loop", 0);
	if (watch_signals(d, e) == -1 || open_arena(d, e) == -1 ||
	    (d->announce = announce_new(p, e)) == NULL ||
	    (p->server = server_new(p, e)) == NULL ||
	    listen_and_become(p, e) == -1)
		return -1;
	/* After the change of user, which would set it anew. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return open_parts(d, e);
}

static void
close_all(struct daemon *d)
{
	struct parent *p = &d->parent;

	p->draining = true;
	server_free(p->server);
	watch_free(d->watch);
	sup_free(p->sup);
	p->sup = NULL;
	models_free(p->models);
	queue_free(p->queue);
	if (p->arena != NULL)
		arena_free(p->arena);
	announce_free(d->announce);
	for (size_t i = 0; i < nitems(d->on_signal); i++)
		if (d->on_signal[i] != NULL)
			event_free(d->on_signal[i]);
	if (d->sweep != NULL)
		event_free(d->sweep);
	if (d->drain != NULL)
		event_free(d->drain);
	if (p->base != NULL)
		event_base_free(p->base);
	libevent_global_shutdown();
}

static int
run(struct daemon *d)
{
	struct parent *p = &d->parent;
	struct err e;

	if (open_all(d, &e) == -1) {
		log_error("main", "%s", e.text);
		notify_failed();
		return 1;
	}
	log_info("main", "started: version=" PACKAGE_VERSION " pid=%d",
	    (int)getpid());
	watch_reload(d->watch);
	sup_start(p->sup);
	announce_start(d->announce);
	(void)event_base_dispatch(p->base);
	log_info("main", "stopped");
	return 0;
}

static int
print_conf(bool print(struct buf *))
{
	struct buf b;
	int r = 1;

	buf_init(&b, (size_t)1 << 20);
	if (print(&b) && fwrite(b.data, 1, b.len, stdout) == b.len)
		r = 0;
	buf_done(&b);
	return r;
}

static int
test(struct daemon *d)
{
	int status = 1;

	d->parent.conf = options_conf(&d->options, say_wrong, NULL);
	if (d->parent.conf != NULL && trial(d->parent.conf, say_wrong,
	    say_doubt, NULL)) {
		(void)puts("the configuration is good");
		status = 0;
	}
	return status;
}

static int
start(struct daemon *d)
{
	int status;

	d->parent.conf = options_conf(&d->options, say_wrong, NULL);
	if (d->parent.conf == NULL)
		return 1;
	apply_log(d->parent.conf);
	status = run(d);
	close_all(d);
	return status;
}

int
main(int argc, char **argv)
{
	static struct daemon d;
	int status = 0;

	switch (options_parse(argc, argv, &d.options)) {
	case DO_EXIT:
		break;
	case DO_USAGE:
		status = 2;
		break;
	case DO_PRINT:
		status = print_conf(conf_print);
		break;
	case DO_PRINT_MDOC:
		status = print_conf(conf_print_mdoc);
		break;
	case DO_TEST:
		status = test(&d);
		break;
	case DO_RUN:
		status = start(&d);
		break;
	}
	conf_free(d.parent.conf);
	options_done(&d.options);
	return status;
}
