/*
 * fleet: which workers there are to be, and their replacement in turn when what
 * they were started with has changed; see sup.h.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "parent/conf.h"
#include "parent/parent.h"
#include "parent/places.h"
#include "parent/sup.h"

static bool
is_of(const struct slot *s, const char *device)
{
	return strcmp(s->device.name, device) == 0;
}

static struct slot *
slot_new(struct sup *sup, const struct device *d)
{
	struct slot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->sup = sup;
	s->id = sup->n;
	s->device = *d;
	s->pidfd = s->say.fd = -1;
	s->device.icd = strdup(d->icd);
	s->timer = event_new(sup->parent->base, -1, 0, slot_on_timer, s);
	if (s->device.icd == NULL || s->timer == NULL) {
		if (s->timer != NULL)
			event_free(s->timer);
		free(s->device.icd);
		free(s);
		return NULL;
	}
	sup->slot[sup->n++] = s;
	while (!is_of(sup->slot[s->twin], s->device.name))
		s->twin++;
	return s;
}

/* Slots of the device that stay, among the first n. */
static uint32_t
count_of(const struct sup *sup, const char *device, uint32_t n)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += is_of(sup->slot[i], device) &&
		    slot_stays(sup->slot[i]);
	return count;
}

uint32_t
fleet_size(const struct sup *sup)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < sup->n; i++)
		n += slot_stays(sup->slot[i]);
	return n;
}

/* A driver that did not answer this time takes nobody his worker away. */
static bool
is_chosen(const struct slot *s, const struct device *d, uint32_t n)
{
	const char *wanted = s->sup->parent->conf->worker_devices;

	for (uint32_t i = 0; i < n; i++)
		if (is_of(s, d[i].name))
			return devices_chosen(d, n, i, wanted);
	return devices_chosen(&s->device, 1, 0, wanted);
}

/* One that left or is about to comes back; else there is a new one. */
static bool
add_worker(struct sup *sup, const struct device *d)
{
	for (uint32_t i = 0; i < sup->n; i++)
		if (is_of(sup->slot[i], d->name) && !slot_stays(sup->slot[i])) {
			slot_return(sup->slot[i]);
			return true;
		}
	if (sup->n == SLOTS_MAX) {
		log_error("device", "more than %d workers: there is none for "
		    "\"%s\"", SLOTS_MAX, d->name);
		return false;
	}
	return slot_new(sup, d) != NULL;
}

void
fleet_fit(struct sup *sup, const struct device *d, uint32_t n)
{
	const struct conf *c = sup->parent->conf;

	for (uint32_t i = 0; i < sup->n; i++) {
		struct slot *s = sup->slot[i];

		if (slot_stays(s) && (!is_chosen(s, d, n) ||
		    count_of(sup, s->device.name, i) >= c->worker_count))
			slot_retire(s);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!devices_chosen(d, n, i, c->worker_devices))
			continue;
		while (count_of(sup, d[i].name, sup->n) < c->worker_count &&
		    add_worker(sup, &d[i]))
			;
	}
	/* All are there before the first starts: they share the cores. */
	for (uint32_t i = 0; i < sup->n; i++)
		if (sup->slot[i]->state == SLOT_NEW)
			slot_start(sup->slot[i]);
	fleet_check(sup);
}

void
fleet_check(struct sup *sup)
{
	for (uint32_t i = 0; i < sup->n; i++) {
		struct slot *s = sup->slot[i];

		if (slot_stays(s) && s->pid != 0)
			s->stale |= s->outfit != spawn_outfit(s);
	}
	fleet_roll(sup);
}

void
fleet_roll(struct sup *sup)
{
	struct slot *next = NULL;

	for (uint32_t i = 0; i < sup->n; i++) {
		struct slot *s = sup->slot[i];

		if (!slot_stays(s) || s->open || s->stuck)
			continue;
		if (s->state != SLOT_READY || s->killed != KILL_NONE ||
		    s->loading != NULL || (!s->stale &&
		    places_next(sup->parent->models, s) != NULL))
			return;
		if (s->stale && next == NULL)
			next = s;
	}
	if (next == NULL || sup->stopping)
		return;
	log_info("worker", "renew: worker=%u: its sandbox or its share of "
	    "cores is out of date", next->id);
	slot_drain(next);
}
