#include "parent/workers.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/queue.h"
#include "parent/sup.h"

const char *
worker_state_name(enum worker_state s)
{
	static const char *const names[] = {
		[WORKER_STARTING] = "starting", [WORKER_READY] = "ready",
		[WORKER_DRAINING] = "draining", [WORKER_DEAD] = "dead",
		[WORKER_BROKEN] = "broken",
	};

	return names[s];
}

uint32_t
workers_count(const struct sup *sup)
{
	return sup->n;
}

/* Loading its first models it is of no use yet to who looks from outside. */
static enum worker_state
state_of(const struct slot *s, uint32_t models)
{
	static const enum worker_state states[] = {
		[SLOT_NEW] = WORKER_STARTING, [SLOT_START] = WORKER_STARTING,
		[SLOT_READY] = WORKER_READY, [SLOT_DRAIN] = WORKER_DRAINING,
		[SLOT_DEAD] = WORKER_DEAD, [SLOT_OFF] = WORKER_DEAD,
	};

	if (s->open || s->stuck)
		return WORKER_BROKEN;
	if (!slot_stays(s))
		return WORKER_DRAINING;
	if (s->state == SLOT_READY && s->loading != NULL && models == 0)
		return WORKER_STARTING;
	return states[s->state];
}

static uint32_t
models_at(const struct slot *s)
{
	uint32_t n = 0;

	for (const struct version *v = models_all(s->sup->parent->models);
	    v != NULL; v = v->all_next)
		n += v->places[s->id].state == PLACE_READY;
	return n;
}

bool
workers_info(const struct sup *sup, uint32_t id, struct worker_info *w)
{
	const struct slot *s;
	struct phase_now now;

	if (id >= sup->n || sup->slot[id]->state == SLOT_OFF)
		return false;
	s = sup->slot[id];
	memset(w, 0, sizeof(*w));
	w->id = id;
	(void)snprintf(w->device, sizeof(w->device), "%s", s->device.name);
	(void)snprintf(w->kind, sizeof(w->kind), "%s", s->device.type);
	w->pid = s->pid;
	w->models = models_at(s);
	w->state = state_of(s, w->models);
	w->phase = "";
	if (s->channel != NULL)
		w->demoted = channel_demoted(s->channel);
	if (s->channel != NULL && channel_phase(s->channel, clock_ns(), &now)) {
		w->phase = phase_name(now.phase);
		if (now.since_ns != 0)
			w->phase_ns = clock_ns() - now.since_ns;
	}
	w->restarts = s->restarts;
	w->inflight = s->n_inflight;
	w->requests = s->requests;
	w->batches = s->batches;
	w->busy_ns = s->busy_ns;
	w->ready_ns = s->state == SLOT_READY ? s->ready_ns : 0;
	w->holds = s->holds;
	w->death = s->death;
	return true;
}
