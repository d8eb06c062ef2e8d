/* loop: messages and jobs in turn, and what each message does. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/size.h"
#include "engine/engine.h"
#include "ocl/ocl.h"
#include "worker/cache.h"
#include "worker/signals.h"
#include "worker/worker.h"

/* An arena that held so much is given back when nobody needs it for so long. */
enum { TRIM_BYTES = 1 << 20, TRIM_MS = 2000 };

/* Without a pause in the jobs, messages are asked for after so many. */
enum { LISTEN_JOBS = 16 };

/*
 * A client that asks again as soon as it has its answer is back within some 50
 * us; waking a core that sleeps takes as long.
 */
#define LINGER_NS	(200 * NS_PER_US)

static void
say(struct worker *w, const struct ctl_msg *m)
{
	struct err e;

	if (ctl_send(&w->ctl, m, &e) == -1)
		worker_fail(WORKER_EXIT_PARENT, &e);
}

static void
load_failed(struct worker *w, const struct ctl_load *l, const struct err *e)
{
	struct ctl_msg m = { .type = CTL_LOAD_FAILED, .fd = -1 };

	m.failed = (struct ctl_failed){ .handle = l->handle, .err = *e };
	say(w, &m);
	if (e->code == ERR_DEVICE)
		worker_fail(WORKER_EXIT_DEVICE, e);
	log_warn("load", "%s version %llu: %s", l->name,
	    (unsigned long long)l->version, e->text);
}

/*
 * As the parent wants it for a model whose loading has ended a worker before.
 */
static void
prepare_cache(struct worker *w, enum ctl_cache policy)
{
	struct err e;

	ocl_cache_skip(w->ocl, policy == CTL_CACHE_SKIP);
	if (policy != CTL_CACHE_WIPE || w->cache == -1)
		return;
	if (cache_wipe(w->cache, &e) == -1)
		log_warn("load", "wiping the cache: %s", e.text);
	else
		log_info("load", "cache wiped");
}

static void
on_load(struct worker *w, const struct ctl_msg *got)
{
	const struct ctl_load *l = &got->load;
	struct ctl_msg m = { .type = CTL_LOADED, .fd = -1 };
	int64_t began = clock_ns();
	struct net *net;
	struct err e;

	w->loading = true;
	wire_phase(&w->wire, PHASE_LOAD, l->handle);
	prepare_cache(w, l->cache);
	net = shelf_load(&w->shelf, w->engine, l, got->fd, &e);
	w->loading = false;
	if (net == NULL) {
		load_failed(w, l, &e);
		return;
	}
	m.loaded = (struct ctl_loaded){
		.handle = l->handle,
		.load_ms = (uint32_t)((clock_ns() - began) / NS_PER_MS),
		.memory = net_memory(net),
		.signature = (struct signature *)(uintptr_t)net_signature(net),
	};
	say(w, &m);
	log_info("load", "%s version %llu ms=%u bytes=%llu", l->name,
	    (unsigned long long)l->version, m.loaded.load_ms,
	    (unsigned long long)m.loaded.memory);
}

static void
on_unload(struct worker *w, const struct ctl_msg *got)
{
	struct ctl_msg m = { .type = CTL_UNLOADED, .fd = -1 };
	struct err e;

	if (shelf_unload(&w->shelf, got->handle, &e) == -1)
		worker_fail(WORKER_EXIT_PARENT, &e);
	m.handle = got->handle;
	say(w, &m);
}

static void
on_segment_add(struct worker *w, const struct ctl_msg *got)
{
	struct ctl_msg *m = (struct ctl_msg *)(uintptr_t)got;
	struct err e;
	int fd = m->fd;

	m->fd = -1;
	if (views_add_own(&w->views, m->segment.id, m->segment.bytes, fd,
	    &e) == -1)
		worker_fail(e.code == ERR_INVALID ? WORKER_EXIT_PARENT :
		    WORKER_EXIT_MEMORY, &e);
}

static void
on_segment_drop(struct worker *w, const struct ctl_msg *got)
{
	struct ctl_msg m = { .type = CTL_SEGMENT_DROPPED, .fd = -1 };
	struct err e;

	if (views_drop(&w->views, got->segment.id, &e) == -1)
		worker_fail(WORKER_EXIT_PARENT, &e);
	m.segment.id = got->segment.id;
	say(w, &m);
}

static void
on_drain(struct worker *w, const struct ctl_msg *got)
{
	(void)got;
	w->draining = true;
}

static void
on_ping(struct worker *w, const struct ctl_msg *got)
{
	struct ctl_msg m = { .type = CTL_PONG, .fd = -1 };

	(void)got;
	say(w, &m);
}

static void (*const on[CTL_TYPES])(struct worker *, const struct ctl_msg *) = {
	[CTL_SEGMENT_ADD] = on_segment_add,
	[CTL_SEGMENT_DROP] = on_segment_drop,
	[CTL_LOAD] = on_load,
	[CTL_UNLOAD] = on_unload,
	[CTL_DRAIN] = on_drain,
	[CTL_PING] = on_ping,
};

bool
worker_hear(struct worker *w)
{
	struct ctl_msg m;
	struct err e;
	int res = ctl_recv(&w->ctl, &m, &e);

	if (res == 0) {
		w->heard = false;
		return false;
	}
	if (res == -1)
		worker_fail(e.code == ERR_UNAVAILABLE ? WORKER_EXIT_OK :
		    WORKER_EXIT_PARENT, &e);
	if (on[m.type] == NULL) {
		(void)err_set(&e, ERR_INVALID, "control message of type %u",
		    (unsigned)m.type);
		worker_fail(WORKER_EXIT_PARENT, &e);
	}
	on[m.type](w, &m);
	/*
	 * A signature in it would be ours; only CTL_LOADED has one, and we send
	 * that.
	 */
	ctl_msg_done(&m);
	wire_phase(&w->wire, PHASE_IDLE, 0);
	return true;
}

void
worker_collect(struct worker *w)
{
	enum ring_result r;
	uint64_t job;
	struct err e;

	while ((r = wire_released(&w->wire, &job)) == RING_OK) {
		if (outbox_release(&w->outbox, job))
			continue;
		r = RING_BAD;
		break;
	}
	if (r == RING_EMPTY)
		return;
	(void)err_set(&e, ERR_INVALID, "release of what is not held");
	worker_fail(WORKER_EXIT_PARENT, &e);
}

static void
wake(struct worker *w)
{
	struct err e;

	if (wire_wake(&w->wire) == 0)
		return;
	(void)err_set(&e, ERR_UNAVAILABLE, "the parent closed the doorbell");
	worker_fail(WORKER_EXIT_OK, &e);
}

bool
worker_wait_space(struct worker *w)
{
	struct pollfd p = { .fd = w->wire.bell, .events = POLLIN };
	uint32_t held = w->outbox.n_held;

	if (held == 0)
		return false;
	wire_phase(&w->wire, PHASE_WAIT, w->job);
	for (;;) {
		worker_collect(w);
		if (w->outbox.n_held < held)
			return true;
		if (!wire_sleep_space(&w->wire))
			continue;
		(void)poll(&p, 1, -1);
		wake(w);
	}
}

/* Until something comes; false if a time to tidy up passed without. */
static bool
wait(struct worker *w, const struct timespec *limit)
{
	struct pollfd p[2] = {
		{ .fd = w->wire.bell, .events = POLLIN },
		{ .fd = w->ctl.fd, .events = POLLIN },
	};
	struct err e;
	int n;

	if (w->ctl.first != NULL)
		p[1].events |= POLLOUT;
	n = signals_poll(p, nitems(p), limit);
	if (p[0].revents != 0 || n <= 0)
		wake(w);
	w->heard = (p[1].revents & ~POLLOUT) != 0;
	if ((p[1].revents & POLLOUT) != 0 && ctl_flush(&w->ctl, &e) == -1)
		worker_fail(WORKER_EXIT_PARENT, &e);
	return n != 0;
}

/*
 * Stay awake for the next job, if the last pause was so short that it would
 * have been worth it and others have cores to run on, which they need when many
 * ask at once: true if one has come.
 */
static bool
linger(struct worker *w)
{
	int64_t until = clock_ns() + LINGER_NS;

	while (w->brisk && w->single) {
		for (int i = 0; i < 32; i++) {
			if (wire_waiting(&w->wire))
				return true;
			cpu_relax();
		}
		w->brisk = clock_ns() < until;
	}
	return false;
}

static void
rest(struct worker *w)
{
	const struct timespec trim = { TRIM_MS / 1000, 0 };
	int64_t began;
	bool large;

	worker_collect(w);
	if (linger(w))
		return;
	large = w->outbox.peak > TRIM_BYTES && w->outbox.n_held == 0;
	if (!wire_sleep(&w->wire))
		return;
	began = clock_ns();
	if (wait(w, large ? &trim : NULL) || !large) {
		w->brisk = w->spare && clock_ns() - began < LINGER_NS;
		return;
	}
	wire_trim(&w->wire);
	w->outbox.peak = 0;
}

void
worker_loop(struct worker *w)
{
	uint32_t jobs = 0;
	bool busy;

	wire_phase(&w->wire, PHASE_IDLE, 0);
	w->heard = true;
	for (;;) {
		busy = worker_serve(w);
		/* Asking costs a call; poll() tells as well when we sleep. */
		jobs += busy;
		if (w->heard || jobs % LISTEN_JOBS == 0)
			busy |= worker_hear(w);
		if (busy)
			continue;
		if (signals_ended())
			w->draining = true;
		if (w->draining && w->ctl.first == NULL)
			return;
		rest(w);
	}
}
