/*
 * clinferd-worker: one device's driver in a process of its own.
 *
 * The order matters: leash and sandbox while there is one thread, then the
 * driver, then signals, then the greeting that makes us ready.
 */
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/engine.h"
#include "ocl/ocl.h"
#include "worker/facts.h"
#include "worker/signals.h"
#include "worker/worker.h"

_Noreturn void
worker_fail(enum worker_exit status, const struct err *e)
{
	if (status == WORKER_EXIT_OK)
		log_info("worker", "ends: %s", e->text);
	else
		log_error("worker", "%s error=%s status=%d", e->text,
		    err_name(e->code), (int)status);
	/* No destructors: a driver in doubt may never return from them. */
	_exit((int)status);
}

static void
open_channel(struct worker *w)
{
	struct err e;

	if (sandbox_leash(WORKER_FD_CTL, &e) == -1)
		worker_fail(e.code == ERR_UNAVAILABLE ? WORKER_EXIT_OK :
		    WORKER_EXIT_START, &e);
	if (ctl_open_own(&w->ctl, WORKER_FD_CTL, &e) == -1 ||
	    wire_open(&w->wire, WORKER_FD_TO, WORKER_FD_FROM, WORKER_FD_BELL,
	    &e) == -1 ||
	    outbox_open(&w->outbox, w->wire.arena_bytes, &e) == -1)
		worker_fail(WORKER_EXIT_START, &e);
	wire_phase(&w->wire, PHASE_START, 0);
}

static void
enter_sandbox(struct worker *w)
{
	struct sandbox_paths paths = {
		.cache = w->cache,
		.cl_dir = w->opt.cl_dir,
		.read = w->opt.read,
		.n_read = w->opt.n_read,
	};
	struct err e;

	if (sandbox_enter(w->opt.sandbox, &paths, w->sandbox, &e) == -1)
		worker_fail(WORKER_EXIT_SANDBOX, &e);
}

/* Compiling takes longer than running: it has a limit of its own. */
static void
on_planning(void *arg, bool begins)
{
	struct worker *w = arg;

	if (w->loading)
		return;
	wire_phase(&w->wire, begins ? PHASE_COMPILE : PHASE_RUN, w->job);
}

static void
on_demoted(void *arg, const char *line)
{
	struct worker *w = arg;

	wire_demoted(&w->wire);
	log_warn("kernel", "%s", line);
}

/* The path of a descriptor, for a driver that wants a name. */
static const char *
path_of(int fd, char path[PATH_MAX])
{
	char link[32];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	return path;
}

/* Asked for before the driver's threads are pinned, this one among them. */
static bool
has_spare_cores(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
	    CPU_COUNT(&cpus) > 1;
}

static void
open_device(struct worker *w)
{
	char cache[PATH_MAX];
	struct ocl_options o = {
		.device = w->opt.device,
		.cache_dir = path_of(w->cache, cache),
		.cl_dir = w->opt.cl_dir,
	};
	struct engine_options en = {
		.cl_dir = w->opt.cl_dir,
		.memory_max = w->opt.memory,
		.planning = on_planning,
		.planning_arg = w,
		.check = true,
		.demoted = on_demoted,
		.demoted_arg = w,
	};
	struct err e;

	signals_before();
	w->ocl = ocl_open(&o, &e);
	if (w->ocl == NULL)
		worker_fail(e.code == ERR_NOT_FOUND ? WORKER_EXIT_NO_DEVICE :
		    WORKER_EXIT_START, &e);
	w->engine = engine_new(w->ocl, &en, &e);
	if (w->engine == NULL)
		worker_fail(WORKER_EXIT_START, &e);
	signals_after();
}

static void
greet(struct worker *w)
{
	struct ctl_msg m = { .type = CTL_HELLO, .fd = -1 };
	char device[LOG_VALUE], sandbox[LOG_VALUE];
	struct err e;

	facts_hello(ocl_facts(w->ocl), w->sandbox, &m.hello);
	if (ctl_send(&w->ctl, &m, &e) == -1)
		worker_fail(WORKER_EXIT_PARENT, &e);
	log_info("worker", "started: device=%s units=%u sandbox=%s",
	    log_quote(device, m.hello.device), m.hello.compute_units,
	    log_quote(sandbox, m.hello.sandbox));
}

static void
close_all(struct worker *w)
{
	shelf_done(&w->shelf);
	engine_free(w->engine);
	ocl_close(w->ocl);
	views_done(&w->views);
	outbox_close(&w->outbox);
	binder_done(&w->binder);
	wire_close(&w->wire);
	ctl_close(&w->ctl);
}

int
main(int argc, char **argv)
{
	static struct worker w;
	struct err e;

	log_open(LOG_TO_STDERR, "clinferd-worker");
	if (options_parse(&w.opt, argc, argv, &e) == -1) {
		log_error("worker", "%s", e.text);
		return WORKER_EXIT_USAGE;
	}
	if (w.opt.list)
		return list_devices();
	w.cache = WORKER_FD_CACHE;
	open_channel(&w);
	enter_sandbox(&w);
	w.spare = has_spare_cores();
	open_device(&w);
	greet(&w);
	worker_loop(&w);
	close_all(&w);
	/* Nothing is left to flush, and drivers' exit handlers may hang. */
	_exit(WORKER_EXIT_OK);
}
