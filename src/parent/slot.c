/* slot: the life of one worker process; see sup.h. */

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "parent/conf.h"
#include "parent/loop.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/places.h"
#include "parent/queue.h"
#include "parent/sup.h"

#define BREAKER_DEATHS	5
#define BREAKER_NS	(30 * NS_PER_S)
#define BREAKER_MAX_NS	(600 * NS_PER_S)
#define BACKOFF_NS	(100 * NS_PER_MS)
#define REAP_NS		(10 * NS_PER_S)
#define WATCH_MIN_NS	(20 * NS_PER_MS)
#define WATCH_MAX_NS	NS_PER_S
#define STOPPED_NS	NS_PER_S	/* it may lie stopped so long */

void
slot_timer(struct slot *s, int64_t ns)
{
	struct timeval tv = { 0, 0 };

	if (ns > 0) {
		tv.tv_sec = ns / NS_PER_S;
		tv.tv_usec = ns % NS_PER_S / NS_PER_US;
	}
	(void)event_add(s->timer, &tv);
}

/* START: a new life. */

static void
on_exit_ready(int fd, short what, void *arg)
{
	struct slot *s = arg;
	siginfo_t info = { .si_pid = 0 };
	char how[128];

	(void)fd;
	(void)what;
	if (waitid(P_PIDFD, (id_t)s->pidfd, &info, WEXITED | WNOHANG) == -1 ||
	    info.si_pid == 0)
		return;
	s->left = s->state == SLOT_DRAIN && info.si_code == CLD_EXITED &&
	    info.si_status == 0;
	if (info.si_code == CLD_EXITED)
		(void)snprintf(how, sizeof(how), "exit status %d",
		    info.si_status);
	else
		(void)snprintf(how, sizeof(how), "signal %d (%s)",
		    info.si_status, strsignal(info.si_status));
	slot_dead(s, how);
}

static int
watch_exit(struct slot *s, struct err *e)
{
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (s->pidfd == -1)
		return err_sys(e, "pidfd of worker %u", s->id);
	s->on_exit = event_new(s->sup->parent->base, s->pidfd,
	    EV_READ | EV_PERSIST, on_exit_ready, s);
	if (s->on_exit == NULL || event_add(s->on_exit, NULL) == -1)
		return err_memory(e, "event", 0);
	return 0;
}

static int
slot_try(struct slot *s, struct err *e)
{
	int worker, out;

	if ((worker = link_open(s, e)) == -1)
		return -1;
	out = spawn_worker(s, worker, e);
	(void)close(worker);
	if (out == -1)
		return -1;
	say_open(&s->say, s->sup->parent, out, s->id);
	if (watch_exit(s, e) == 0)
		return 0;
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	return -1;
}

void
slot_start(struct slot *s)
{
	struct err e;

	s->state = SLOT_START;
	if (s->life++ > 0) {
		s->restarts++;
		s->sup->parent->stats.restarts++;
	}
	s->killed = KILL_NONE;
	s->stuck = s->worked = s->open = s->deaf = s->left = s->stale = false;
	s->why[0] = '\0';
	s->holds = 0;
	s->stopped_ns = 0;
	memset(s->owed, 0, sizeof(s->owed));
	s->say.lines = 0;
	s->started_ns = clock_ns();
	s->ready_ns = 0;
	if (slot_try(s, &e) == -1) {
		slot_dead(s, e.text);
		return;
	}
	link_started(s);
	slot_timer(s, s->sup->parent->conf->worker_start_ns);
}

/* READY: its device is usable. */

void
slot_ready(struct slot *s)
{
	s->state = SLOT_READY;
	s->ready_ns = clock_ns();
	s->sup->lost_ns = 0;
	s->sup->told = false;
	(void)event_del(s->timer);
	link_load_next(s);
	queue_kick(s->sup->parent->queue);
	fleet_roll(s->sup);
}

void
slot_worked(struct slot *s)
{
	s->worked = true;
	s->failures = s->trips = 0;
}

/* DRAIN: it finishes what it has and goes. */

void
slot_drain(struct slot *s)
{
	if (s->state == SLOT_READY && sup_ready(s->sup) == 1)
		s->sup->lost_ns = clock_ns();
	s->state = SLOT_DRAIN;
	link_send_drain(s);
	slot_timer(s, s->sup->parent->conf->worker_run_ns);
}

/* OFF: there may be work for it again, but not now. */

static void
slot_off(struct slot *s)
{
	s->state = SLOT_OFF;
	s->open = false;
	s->failures = s->trips = 0;
	(void)event_del(s->timer);
	places_left(s->sup->parent->models, s);
}

bool
slot_stays(const struct slot *s)
{
	return !s->retired;
}

void
slot_retire(struct slot *s)
{
	char device[LOG_VALUE];

	log_info("worker", "retiring: worker=%u device=%s", s->id,
	    log_quote(device, s->device.name));
	s->retired = true;
	if (s->state == SLOT_READY)
		slot_drain(s);
	else if (s->state == SLOT_START)
		slot_kill(s, KILL_ENDED, "its device is not chosen any more");
	else if (s->pid == 0)
		slot_off(s);
}

void
slot_return(struct slot *s)
{
	s->retired = false;
	if (s->state == SLOT_OFF)
		s->state = SLOT_NEW;
}

/* DEAD: everything that belonged to this life ends here. */

static void
report_death(struct slot *s, const char *how)
{
	char tail[SAY_LINES * SAY_LINE], device[LOG_VALUE];
	size_t at;

	s->death[0] = '\0';
	if (s->left)
		return;
	(void)say_tail(&s->say, tail, sizeof(tail));
	at = (size_t)snprintf(s->death, sizeof(s->death), "%s%s%.200s", how,
	    s->why[0] != '\0' ? ", killed by us: " : "", s->why);
	if (tail[0] != '\0' && at < sizeof(s->death))
		(void)snprintf(s->death + at, sizeof(s->death) - at,
		    "; said: %.*s", (int)(sizeof(s->death) - at), tail);
	if (s->sup->stopping && s->killed == KILL_NONE)
		return;
	s->sup->parent->stats.deaths++;
	log_warn("worker", "died: worker=%u device=%s %s", s->id,
	    log_quote(device, s->device.name), s->death);
}

static int64_t
next_start(struct slot *s)
{
	char device[LOG_VALUE];
	int64_t wait;

	if (s->worked || s->left)
		return 0;
	if (++s->failures < BREAKER_DEATHS)
		return BACKOFF_NS << (s->failures - 1);
	s->open = true;
	wait = BREAKER_NS << (s->trips < 5 ? s->trips : 5);
	s->trips++;
	if (wait > BREAKER_MAX_NS)
		wait = BREAKER_MAX_NS;
	log_error("worker", "breaker: worker=%u device=%s deaths=%u "
	    "next_try_s=%lld", s->id, log_quote(device, s->device.name),
	    s->failures, (long long)(wait / NS_PER_S));
	return wait;
}

static void
close_life(struct slot *s)
{
	if (s->on_exit != NULL)
		event_free(s->on_exit);
	s->on_exit = NULL;
	if (s->pidfd != -1)
		(void)close(s->pidfd);
	s->pidfd = -1;
	s->pid = 0;
	(void)event_del(s->timer);
	link_close(s);
	say_close(&s->say);
}

static void
start_later(struct slot *s)
{
	int64_t wait = next_start(s);

	s->next_start_ns = clock_ns() + wait;
	slot_timer(s, wait);
}

/*
 * The batch it was running; 0 when its death says nothing about that.  For one
 * that was killed for nonsense it was the oldest: what it says it does is
 * nonsense as well, or already the next one.
 */
static uint64_t
executing(struct slot *s)
{
	struct phase_now now;

	if (s->channel == NULL || s->inflight == NULL ||
	    s->killed == KILL_STALLED || s->killed == KILL_ENDED)
		return 0;
	/* It has answered a load, and may have gone on to a batch since. */
	if (s->killed == KILL_SAID && s->loading != NULL)
		return 0;
	if (s->killed == KILL_BAD)
		return s->inflight->id;
	if (channel_phase(s->channel, clock_ns(), &now) &&
	    (now.phase == PHASE_RUN || now.phase == PHASE_COMPILE))
		return now.job;
	return 0;
}

void
slot_dead(struct slot *s, const char *how)
{
	struct sup *sup = s->sup;
	struct version *charged = NULL, *loading;
	uint64_t suspect;

	if (s->channel != NULL)
		link_drain(s);
	suspect = executing(s);
	say_drain(&s->say);
	report_death(s, how);
	if (s->state == SLOT_READY && sup_ready(sup) == 1)
		sup->lost_ns = clock_ns();
	s->state = SLOT_DEAD;
	if (!s->left && (s->killed == KILL_NONE || s->killed == KILL_HUNG ||
	    s->killed == KILL_SAID))
		charged = s->loading;
	loading = s->loading;
	s->loading = NULL;
	close_life(s);
	places_lost(sup->parent->models, s, charged, s->death);
	version_put(loading);
	batch_lost(s, suspect);
	if (sup->stopping)
		return;
	if (s->retired)
		slot_off(s);
	else
		start_later(s);
	places_changed(sup->parent->models);
	sup_check(sup);
}

/* Killing: it goes on in on_exit_ready(), like any other death. */

void
slot_kill(struct slot *s, enum kill_reason reason, const char *fmt, ...)
{
	va_list ap;

	if (s->killed != KILL_NONE || s->pid == 0)
		return;
	s->killed = reason;
	s->killed_ns = clock_ns();
	va_start(ap, fmt);
	(void)vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	if (reason != KILL_ENDED) {
		s->sup->parent->stats.kills++;
		log_warn("worker", "kill: worker=%u pid=%d %s", s->id,
		    (int)s->pid, s->why);
	}
	if (reason == KILL_BAD || reason == KILL_SAID)
		s->sup->parent->stats.rings_bad++;
	(void)syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
	slot_timer(s, REAP_NS);
}

/* Limits: what a worker does may last so long. */

static int64_t
limit_of(const struct conf *c, enum phase p)
{
	const int64_t limits[PHASE_COUNT] = {
		[PHASE_START] = c->worker_start_ns,
		[PHASE_IDLE] = c->worker_run_ns,
		[PHASE_LOAD] = c->worker_load_ns,
		[PHASE_COMPILE] = c->worker_compile_ns,
		[PHASE_RUN] = c->worker_run_ns,
		[PHASE_WAIT] = c->worker_run_ns,
	};

	return limits[p];
}

/*
 * Since when the present phase counts.  Idle with work before it: since that
 * was given.  Waiting for outputs to be released counts only when there are
 * none.
 */
static int64_t
phase_began(const struct slot *s, const struct phase_now *now)
{
	int64_t given = s->inflight != NULL ? s->busy_since_ns : s->loading_ns;

	if (now->phase == PHASE_WAIT && s->holds > 0)
		return clock_ns();
	if (now->phase == PHASE_IDLE || now->phase == PHASE_WAIT ||
	    now->since_ns == 0)
		return given > now->since_ns ? given : now->since_ns;
	return now->since_ns;
}

/* At what it says it is at: a load or a batch that we know of? */
static bool
is_at_work(const struct slot *s, const struct phase_now *now)
{
	const struct batch *b = s->inflight;

	if (s->loading != NULL && now->job == s->loading->id)
		return true;
	while (b != NULL && b->id != now->job)
		b = b->next;
	return b != NULL;
}

/* Nobody stops a worker but by mistake; and none of its work is to blame. */
static bool
check_stopped(struct slot *s)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PIDFD, (id_t)s->pidfd, &info,
	    WSTOPPED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0) {
		s->stopped_ns = 0;
		return false;
	}
	if (s->stopped_ns == 0)
		s->stopped_ns = clock_ns();
	if (clock_ns() - s->stopped_ns < STOPPED_NS)
		return false;
	slot_kill(s, KILL_STALLED, "stopped by a signal");
	return true;
}

/*
 * How soon to look again: a phase can change, a process be stopped meanwhile.
 */
static void
look_again(struct slot *s, int64_t left)
{
	int64_t most = s->sup->parent->conf->worker_run_ns / 4;

	if (most > WATCH_MAX_NS)
		most = WATCH_MAX_NS;
	if (left > most)
		left = most;
	slot_timer(s, left < WATCH_MIN_NS ? WATCH_MIN_NS : left);
}

static void
check_limits(struct slot *s)
{
	const struct conf *c = s->sup->parent->conf;
	struct phase_now now;
	int64_t limit, left;
	bool own;

	if ((s->inflight == NULL && s->loading == NULL) || check_stopped(s))
		return;
	if (!channel_phase(s->channel, clock_ns(), &now)) {
		slot_kill(s, KILL_BAD, "no such phase");
		return;
	}
	if (now.phase == PHASE_WAIT)
		hold_copy_all(s->sup->parent->queue, s);
	else if (!is_at_work(s, &now))
		now.phase = PHASE_IDLE;
	limit = limit_of(c, now.phase);
	left = phase_began(s, &now) + limit - clock_ns();
	/* Who says again and again that it began just now has an end, too. */
	if (s->inflight != NULL && clock_ns() - s->busy_since_ns >
	    c->worker_load_ns + c->worker_compile_ns + c->worker_run_ns)
		left = 0;
	if (left <= 0) {
		own = now.phase == PHASE_RUN || now.phase == PHASE_COMPILE ||
		    now.phase == PHASE_LOAD;
		slot_kill(s, own ? KILL_HUNG : KILL_STALLED, "%s for more "
		    "than %lld ms", phase_name(now.phase),
		    (long long)(limit / NS_PER_MS));
		return;
	}
	look_again(s, left);
}

void
slot_watch(struct slot *s)
{
	if (!event_pending(s->timer, EV_TIMEOUT, NULL))
		look_again(s, INT64_MAX);
}

static void
give_up(struct slot *s)
{
	if (!s->stuck)
		log_error("worker", "stuck: worker=%u pid=%d does not end "
		    "after SIGKILL; its device stays out of service", s->id,
		    (int)s->pid);
	s->stuck = true;
	/* Nothing is lost by looking elsewhere for what it had. */
	places_lost(s->sup->parent->models, s, NULL, s->why);
	batch_lost(s, executing(s));
	places_changed(s->sup->parent->models);
	sup_check(s->sup);
}

static void
time_is_over(struct slot *s)
{
	if (s->pid != 0 && s->killed != KILL_NONE) {
		give_up(s);
		return;
	}
	if (s->pid != 0 && s->deaf)
		slot_kill(s, KILL_BAD, "doorbell closed or rung without "
		    "measure");
	else if (s->state == SLOT_START)
		slot_kill(s, KILL_HUNG, "not ready after %lld ms", (long long)
		    (s->sup->parent->conf->worker_start_ns / NS_PER_MS));
	else if (s->state == SLOT_READY)
		check_limits(s);
	else if (s->state == SLOT_DRAIN)
		slot_kill(s, KILL_STALLED, "did not finish in time");
	else if (!s->sup->stopping)
		slot_start(s);
}

void
slot_on_timer(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	time_is_over(arg);
	loop_leave(entered);
}
