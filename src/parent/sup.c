#include "parent/sup.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "parent/conf.h"
#include "parent/loop.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/places.h"
#include "parent/queue.h"

/* The list of devices is there. */
static void
on_devices(struct sup *sup, struct device *d, uint32_t n)
{
	sup->listing = NULL;
	sup->listed = true;
	fleet_fit(sup, d, n);
	sup_check(sup);
	places_changed(sup->parent->models);
}

static void
list(struct sup *sup)
{
	struct err e;

	if (sup->listing != NULL || sup->stopping)
		return;
	sup->listing = devices_list(sup, on_devices, &e);
	if (sup->listing == NULL) {
		log_error("device", "cannot list devices: %s", e.text);
		on_devices(sup, NULL, 0);
	}
}

static void
on_relist(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	list(arg);
	loop_leave(entered);
}

/* When nothing works: say so once, answer what waits, look again later. */
void
sup_check(struct sup *sup)
{
	static const struct timeval minute = { 60, 0 };
	char wanted[LOG_VALUE];
	struct err e;

	if (sup->stopping || sup_hopeful(sup))
		return;
	if (!sup->told)
		log_error("device", "no device is usable: workers=%u wanted=%s",
		    fleet_size(sup), log_quote(wanted,
		    sup->parent->conf->worker_devices));
	sup->told = true;
	(void)err_set(&e, ERR_UNAVAILABLE, "no worker is available");
	queue_fail_all(sup->parent->queue, &e);
	(void)event_add(sup->relist, &minute);
}

struct sup *
sup_new(struct parent *p, struct err *e)
{
	struct sup *sup = calloc(1, sizeof(*sup));

	if (sup == NULL) {
		(void)err_memory(e, "supervisor", sizeof(*sup));
		return NULL;
	}
	sup->parent = p;
	sup->program = -1;
	sup->relist = event_new(p->base, -1, 0, on_relist, sup);
	if ((sup->program = spawn_open_program(p->conf, e)) == -1 ||
	    spawn_check_cache(p->conf, e) == -1) {
		sup_free(sup);
		return NULL;
	}
	return sup;
}

void
sup_start(struct sup *sup)
{
	list(sup);
}

void
sup_reload(struct sup *sup)
{
	for (uint32_t i = 0; i < sup->n; i++) {
		struct slot *s = sup->slot[i];

		s->failures = s->trips = 0;
		if (s->state == SLOT_DEAD && !s->retired)
			slot_timer(s, 0);
	}
	places_retry(sup->parent->models);
	list(sup);
}

void
sup_stop(struct sup *sup)
{
	sup->stopping = true;
	devices_cancel(sup->listing);
	sup->listing = NULL;
	(void)event_del(sup->relist);
	for (uint32_t i = 0; i < sup->n; i++) {
		struct slot *s = sup->slot[i];

		if (s->state == SLOT_READY)
			slot_drain(s);
		else if (s->state == SLOT_START)
			slot_kill(s, KILL_ENDED, "shutting down");
	}
}

bool
sup_stopped(const struct sup *sup)
{
	for (uint32_t i = 0; i < sup->n; i++)
		if (sup->slot[i]->pid != 0 && !sup->slot[i]->stuck)
			return false;
	return true;
}

/* At the end there is no time for manners. */
static void
slot_end(struct slot *s)
{
	if (s->pid == 0)
		return;
	(void)kill(s->pid, SIGKILL);
	if (!s->stuck)
		(void)waitpid(s->pid, NULL, 0);
	slot_dead(s, "shutting down");
}

void
sup_free(struct sup *sup)
{
	if (sup == NULL)
		return;
	sup->stopping = true;
	devices_cancel(sup->listing);
	for (uint32_t i = 0; i < sup->n; i++)
		slot_end(sup->slot[i]);
	for (uint32_t i = 0; i < sup->n; i++) {
		event_free(sup->slot[i]->timer);
		free(sup->slot[i]->device.icd);
		free(sup->slot[i]);
	}
	if (sup->relist != NULL)
		event_free(sup->relist);
	if (sup->program >= 0)
		(void)close(sup->program);
	free(sup);
}

uint32_t
sup_ready(const struct sup *sup)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < sup->n; i++)
		n += sup->slot[i]->state == SLOT_READY;
	return n;
}

bool
sup_hopeful(const struct sup *sup)
{
	if (!sup->listed || sup->listing != NULL)
		return true;
	for (uint32_t i = 0; i < sup->n; i++)
		if (slot_stays(sup->slot[i]) && !sup->slot[i]->open &&
		    !sup->slot[i]->stuck)
			return true;
	return false;
}

void
sup_segment_added(void *arg, const struct segment *g)
{
	struct sup *sup = arg;

	for (uint32_t i = 0; i < sup->n; i++)
		if (sup->slot[i]->state == SLOT_READY)
			link_send_segment(sup->slot[i], g);
}

void
sup_segment_dropped(void *arg, uint32_t id)
{
	struct sup *sup = arg;

	for (uint32_t i = 0; i < sup->n; i++)
		if (sup->slot[i]->state == SLOT_READY)
			link_send_drop(sup->slot[i], id);
}

void
sup_load(struct sup *sup)
{
	for (uint32_t i = 0; i < sup->n; i++)
		link_load_next(sup->slot[i]);
	fleet_roll(sup);
}

void
sup_unload(struct sup *sup, struct version *v)
{
	for (uint32_t i = 0; i < sup->n; i++)
		if (v->places[i].state == PLACE_READY &&
		    sup->slot[i]->state == SLOT_READY)
			link_send_unload(sup->slot[i], v->id);
}
