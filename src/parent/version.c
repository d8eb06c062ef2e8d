/* version: the life of one version of a model; see models.h. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "parent/parent.h"
#include "parent/places.h"
#include "parent/queue.h"
#include "parent/sup.h"
#include "parent/table.h"

/* Without any worker that long, a version is no longer said to be ready. */
#define GRACE_NS	(2 * NS_PER_S)

const char *
version_state_name(enum version_state s)
{
	static const char *const names[] = {
		[VERSION_LOADING] = "LOADING", [VERSION_READY] = "READY",
		[VERSION_UNAVAILABLE] = "UNAVAILABLE",
		[VERSION_UNLOADING] = "UNLOADING",
	};

	return names[s];
}

bool
version_is_ready(const struct version *v)
{
	return v->state == VERSION_READY &&
	    (v->lost_ns == 0 || clock_ns() - v->lost_ns < GRACE_NS);
}

void
model_put(struct model *m)
{
	if (--m->refs > 0)
		return;
	free(m->reason);
	free(m);
}

struct version *
version_get(struct version *v)
{
	v->refs++;
	return v;
}

/* The last reference is gone: no worker needs it any more. */
static void
version_free(struct version *v)
{
	struct models *ms = v->model->models;

	if (ms->parent->sup != NULL && v->places != NULL)
		sup_unload(ms->parent->sup, v);
	if (v->all_prev != NULL) {
		if (v->all_next != NULL)
			v->all_next->all_prev = v->all_prev;
		*v->all_prev = v->all_next;
	}
	model_put(v->model);
	request_queue_free(v->queue);
	version_stats_done(&v->stats);
	places_free(v->places);
	signature_free(v->signature);
	modelconf_put(v->config);
	free(v->reason);
	free(v->dir);
	free(v->file);
	free(v);
}

void
version_put(struct version *v)
{
	if (v != NULL && --v->refs == 0)
		version_free(v);
}

struct version *
version_new(struct model *m, const struct repo_version *rv,
    struct model_config *config)
{
	struct models *ms = m->models;
	struct version *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->model = m;
	m->refs++;
	v->refs = 1;
	v->number = rv->number;
	v->id = ++ms->ids;
	v->stamp = rv->stamp;
	v->state = VERSION_LOADING;
	v->wanted = true;
	v->config = modelconf_get(config);
	v->dir = strdup(rv->dir);
	v->file = strdup(rv->file);
	v->places = places_new();
	if (v->dir == NULL || v->file == NULL || v->places == NULL) {
		version_free(v);
		return NULL;
	}
	v->all_next = ms->all;
	v->all_prev = &ms->all;
	if (ms->all != NULL)
		ms->all->all_prev = &v->all_next;
	ms->all = v;
	return v;
}

void
version_link(struct version **at, struct version *v)
{
	while (*at != NULL && (*at)->number > v->number)
		at = &(*at)->next;
	v->next = *at;
	*at = v;
}

void
version_unlink(struct version **at, struct version *v)
{
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	v->next = NULL;
}

struct version *
version_by_number(struct version *v, int64_t number)
{
	while (v != NULL && v->number != number)
		v = v->next;
	return v;
}

/* Takes no new requests; lives until the last one it has is answered. */
void
version_retire(struct version *v)
{
	struct model *m = v->model;
	char name[LOG_VALUE];

	version_unlink(v->pending ? &m->pending : &m->versions, v);
	v->state = VERSION_UNLOADING;
	if (!m->models->parent->draining)
		log_info("model", "unloading: model=%s version=%lld",
		    log_quote(name, m->name), (long long)v->number);
	version_put(v);
}
