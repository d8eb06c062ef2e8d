#include "parent/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "parent/conf.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/queue.h"
#include "parent/table.h"

/*
 * Workers lost while loading a version on a device before it is given up there.
 */
#define LOAD_DEATHS	3

struct placement *
places_new(void)
{
	return calloc(SLOTS_MAX, sizeof(struct placement));
}

void
places_free(struct placement *p)
{
	if (p == NULL)
		return;
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		free(p[i].reason);
	free(p);
}

static struct placement *
place(const struct version *v, const struct slot *s)
{
	return &v->places[s->id];
}

static bool
same_device(const struct slot *a, const struct slot *b)
{
	return strcmp(a->device.name, b->device.name) == 0;
}

/* After a death only one worker of a device at a time tries again. */
static bool
tried_elsewhere(const struct version *v, const struct slot *s)
{
	const struct sup *sup = s->sup;

	if (place(v, s)->deaths == 0)
		return false;
	for (uint32_t i = 0; i < sup->n; i++)
		if (sup->slot[i] != s && same_device(sup->slot[i], s) &&
		    v->places[i].state == PLACE_LOADING)
			return true;
	return false;
}

/* Its files are those of another by now, and what they do is being tried. */
static bool
is_overwritten(const struct version *v)
{
	const struct version *next = version_by_number(v->model->pending,
	    v->number);

	return next != NULL && next != v && next->stamp != v->stamp;
}

static bool
wants(const struct version *v, const struct slot *s)
{
	if (place(v, s)->state != PLACE_ABSENT || tried_elsewhere(v, s) ||
	    (v->state == VERSION_READY && is_overwritten(v)))
		return false;
	return v->state != VERSION_UNLOADING ||
	    (v->queue != NULL && v->queue->parts > 0);
}

/* Higher goes first: waiting requests, and no record of killing its workers. */
static uint64_t
urgency(const struct version *v, const struct slot *s)
{
	uint64_t u = v->queue != NULL ? v->queue->requests : 0;

	return u + (place(v, s)->deaths == 0 ? UINT64_C(1) << 33 : 0) +
	    (v->lost_ns != 0 ? UINT64_C(1) << 32 : 0);
}

struct version *
places_next(struct models *ms, const struct slot *s)
{
	struct version *best = NULL;

	for (struct version *v = models_all(ms); v != NULL; v = v->all_next)
		if (wants(v, s) &&
		    (best == NULL || urgency(v, s) > urgency(best, s)))
			best = v;
	return best;
}

bool
places_any(const struct slot *s)
{
	const struct models *ms = s->sup->parent->models;

	for (const struct version *v = models_all(ms); v != NULL;
	    v = v->all_next)
		if (place(v, s)->state == PLACE_READY)
			return true;
	return false;
}

enum ctl_cache
places_cache(const struct version *v, const struct slot *s)
{
	static const enum ctl_cache by_deaths[LOAD_DEATHS] = {
		CTL_CACHE_USE, CTL_CACHE_SKIP, CTL_CACHE_WIPE,
	};
	uint32_t d = place(v, s)->deaths;

	if (d == 0 && place(v, s)->wipe)
		return CTL_CACHE_WIPE;
	return by_deaths[d < LOAD_DEATHS ? d : LOAD_DEATHS - 1];
}

void
places_loading(struct version *v, const struct slot *s)
{
	place(v, s)->state = PLACE_LOADING;
}

/* Could this slot still get the version ready? */
static bool
hopeless(const struct version *v, const struct slot *s)
{
	return place(v, s)->state == PLACE_FAILED || s->open || s->stuck;
}

static const char *
reason_of(const struct version *v, const struct sup *sup)
{
	for (uint32_t i = 0; i < sup->n; i++)
		if (v->places[i].reason != NULL)
			return v->places[i].reason;
	return sup->n > 0 && sup->slot[0]->death[0] != '\0' ?
	    sup->slot[0]->death : "no worker could load it";
}

static void
become_ready(struct version *v)
{
	enum version_state was = v->state;

	v->lost_ns = 0;
	if (was == VERSION_UNLOADING)
		return;
	if (was == VERSION_READY)
		return;
	v->state = VERSION_READY;
	free(v->reason);
	v->reason = NULL;
	models_settled(v);
}

static void
become_unavailable(struct version *v, const struct sup *sup)
{
	const char *why = reason_of(v, sup);
	enum version_state was = v->state;
	char name[LOG_VALUE];
	struct err e;

	(void)err_set(&e, ERR_UNAVAILABLE, "model '%s' version %lld: %s",
	    v->model->name, (long long)v->number, why);
	if (was != VERSION_UNLOADING && (was != VERSION_UNAVAILABLE ||
	    v->reason == NULL || strcmp(v->reason, why) != 0)) {
		v->state = VERSION_UNAVAILABLE;
		free(v->reason);
		v->reason = strdup(why);
		log_error("model", "unavailable: model=%s version=%lld %s",
		    log_quote(name, v->model->name), (long long)v->number,
		    why);
	}
	if (v->queue != NULL)
		queue_fail(v->queue, &e);
	if (was == VERSION_LOADING)
		models_settled(v);
}

/* What the row of the table says about the version.  May free it. */
static void
update(struct version *v, const struct sup *sup)
{
	uint32_t ready = 0, dead = 0, all = 0;

	for (uint32_t i = 0; i < sup->n; i++) {
		ready += v->places[i].state == PLACE_READY;
		/* One that goes says nothing about the model. */
		if (!slot_stays(sup->slot[i]))
			continue;
		all++;
		dead += hopeless(v, sup->slot[i]);
	}
	if (ready > 0) {
		become_ready(v);
		return;
	}
	if (v->lost_ns == 0)
		v->lost_ns = clock_ns();
	if (all > 0 && dead == all)
		become_unavailable(v, sup);
}

static void
update_all(struct models *ms)
{
	const struct sup *sup = models_parent(ms)->sup;
	struct version *v = models_all(ms), *next;

	if (v != NULL)
		(void)version_get(v);
	for (; v != NULL; v = next) {
		next = v->all_next != NULL ? version_get(v->all_next) : NULL;
		update(v, sup);
		version_put(v);
	}
}

static int
first_signature(struct version *v, struct ctl_loaded *m, struct err *e)
{
	struct parent *p = models_parent(v->model->models);
	int64_t wish = v->config->has_batch_max ? v->config->batch_max :
	    p->conf->queue_batch;
	char name[LOG_VALUE];

	if (modelconf_check(v->config, m->signature, e) == -1)
		return err_prefix(e, "config.pbtxt");
	if (v->queue == NULL &&
	    (v->queue = request_queue_new(p->queue, v)) == NULL)
		return err_memory(e, "queue", sizeof(*v->queue));
	if (!m->signature->batchable && v->config->batch_max > 0)
		log_warn("model", "not batched: model=%s its rows are not "
		    "proved independent", log_quote(name, v->model->name));
	v->batch_max = m->signature->batchable ? wish : 0;
	v->signature = m->signature;
	m->signature = NULL;
	return 0;
}

void
places_loaded(struct version *v, const struct slot *s, struct ctl_loaded *m)
{
	struct placement *p = place(v, s);
	char name[LOG_VALUE];
	struct err e;

	if (v->signature == NULL) {
		if (first_signature(v, m, &e) == -1) {
			places_failed(v, s, e.text);
			return;
		}
	} else if (!signature_equal(v->signature, m->signature)) {
		places_failed(v, s, "its signature differs from the one that "
		    "another worker reported");
		return;
	}
	p->state = PLACE_READY;
	p->wipe = p->deaths > 0;
	p->deaths = 0;
	free(p->reason);
	p->reason = NULL;
	v->memory = m->memory;
	log_info("model", "loaded: model=%s version=%lld worker=%u ms=%u "
	    "batch=%lld", log_quote(name, v->model->name),
	    (long long)v->number, s->id, m->load_ms, (long long)v->batch_max);
	update(v, s->sup);
	queue_kick(models_parent(v->model->models)->queue);
}

static void
fail(struct version *v, const struct slot *s, const char *reason)
{
	struct placement *p = place(v, s);

	p->state = PLACE_FAILED;
	free(p->reason);
	p->reason = strdup(reason);
}

void
places_failed(struct version *v, const struct slot *s, const char *reason)
{
	char name[LOG_VALUE];

	log_warn("model", "load failed: model=%s version=%lld worker=%u %s",
	    log_quote(name, v->model->name), (long long)v->number, s->id,
	    reason);
	fail(v, s, reason);
	update(v, s->sup);
}

bool
places_renew(struct version *v, const struct slot *s)
{
	struct placement *p = place(v, s);

	if (p->renewed)
		return false;
	p->state = PLACE_ABSENT;
	p->renewed = true;
	return true;
}

/* A death while loading counts on all workers of the device. */
static void
charge(struct version *v, const struct slot *s, const char *reason)
{
	const struct sup *sup = s->sup;

	for (uint32_t i = 0; i < sup->n; i++) {
		struct placement *p = &v->places[i];

		if (!same_device(sup->slot[i], s) || p->state == PLACE_READY ||
		    ++p->deaths < LOAD_DEATHS)
			continue;
		if (p->state != PLACE_LOADING)
			fail(v, sup->slot[i], reason);
	}
}

void
places_lost(struct models *ms, const struct slot *s, struct version *charged,
    const char *reason)
{
	for (struct version *v = models_all(ms); v != NULL; v = v->all_next)
		if (place(v, s)->state == PLACE_READY ||
		    place(v, s)->state == PLACE_LOADING)
			place(v, s)->state = PLACE_ABSENT;
	if (charged != NULL)
		charge(charged, s, reason);
	update_all(ms);
}

void
places_left(struct models *ms, const struct slot *s)
{
	for (struct version *v = models_all(ms); v != NULL; v = v->all_next) {
		struct placement *p = place(v, s);

		free(p->reason);
		*p = (struct placement){ .estimate = p->estimate };
	}
}

void
places_changed(struct models *ms)
{
	update_all(ms);
	sup_load(models_parent(ms)->sup);
}

bool
places_deadly(const struct version *v)
{
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		if (v->places[i].deaths >= LOAD_DEATHS)
			return true;
	return false;
}

void
places_again(struct version *v, bool deadly)
{
	for (uint32_t i = 0; i < SLOTS_MAX; i++) {
		if (v->places[i].state != PLACE_FAILED ||
		    (!deadly && v->places[i].deaths >= LOAD_DEATHS))
			continue;
		v->places[i].state = PLACE_ABSENT;
		v->places[i].deaths = 0;
	}
}

void
places_retry(struct models *ms)
{
	for (struct version *v = models_all(ms); v != NULL; v = v->all_next)
		places_again(v, true);
	sup_load(models_parent(ms)->sup);
}
