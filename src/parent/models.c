#include "parent/models.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "parent/conf.h"
#include "parent/parent.h"
#include "parent/places.h"
#include "parent/queue.h"
#include "parent/repo.h"
#include "parent/sup.h"

/* Without any worker that long, a version is no longer said to be ready. */
#define GRACE_NS	(2 * NS_PER_S)

struct models {
	struct parent	*parent;
	struct model	*first;
	struct version	*all;
	uint32_t	 ids;
	struct ticket	*tickets;
	struct event	*answer;	/* tickets that are decided */
};

struct ticket {
	struct models	*models;
	struct model	*model;		/* a reference */
	bool		 decided;
	struct err	 err;		/* the first failure */
	void		(*done)(void *, const struct err *);
	void		*arg;
	struct ticket	*next, **prev;
};

/* Versions. */

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

static void
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

static struct version *
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

static void
link_version(struct version **at, struct version *v)
{
	while (*at != NULL && (*at)->number > v->number)
		at = &(*at)->next;
	v->next = *at;
	*at = v;
}

static void
unlink_version(struct version **at, struct version *v)
{
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	v->next = NULL;
}

static struct version *
by_number(struct version *v, int64_t number)
{
	while (v != NULL && v->number != number)
		v = v->next;
	return v;
}

/* Takes no new requests; lives until the last one it has is answered. */
static void
retire(struct version *v)
{
	struct model *m = v->model;

	unlink_version(v->pending ? &m->pending : &m->versions, v);
	v->state = VERSION_UNLOADING;
	log_info("model", "unloading: model=%s version=%lld", m->name,
	    (long long)v->number);
	version_put(v);
}

/* The table. */

struct models *
models_new(struct parent *p, struct err *e)
{
	struct models *ms = calloc(1, sizeof(*ms));

	if (ms == NULL) {
		(void)err_memory(e, "models", sizeof(*ms));
		return NULL;
	}
	ms->parent = p;
	return ms;
}

struct model *
models_first(const struct models *ms)
{
	return ms->first;
}

struct version *
models_all(const struct models *ms)
{
	return ms->all;
}

struct parent *
models_parent(const struct models *ms)
{
	return ms->parent;
}

struct model *
models_find(const struct models *ms, const char *name)
{
	struct model *m = ms->first;

	while (m != NULL && strcmp(m->name, name) != 0)
		m = m->next;
	return m;
}

static struct model *
model_make(struct models *ms, const char *name)
{
	struct model **at = &ms->first, *m = models_find(ms, name);

	if (m != NULL)
		return m;
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return NULL;
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	m->models = ms;
	m->refs = 1;
	while (*at != NULL && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	m->next = *at;
	*at = m;
	return m;
}

static void
model_drop(struct models *ms, struct model *m)
{
	struct model **at = &ms->first;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	m->next = NULL;
	m->gone = true;
	model_put(m);
}

static int
not_found(const char *name, const char *version, struct err *e)
{
	if (version == NULL)
		return err_set(e, ERR_NOT_FOUND,
		    "Request for unknown model: '%s' is not found", name);
	return err_set(e, ERR_NOT_FOUND, "Request for unknown model: '%s' "
	    "version %s is not found", name, version);
}

struct version *
models_any_version(const struct models *ms, const char *name,
    const char *version, struct err *e)
{
	struct model *m = models_find(ms, name);
	struct version *v = NULL;

	if (m == NULL) {
		(void)not_found(name, NULL, e);
		return NULL;
	}
	if (version != NULL) {
		v = by_number(m->versions, repo_version_number(version));
		if (v == NULL)
			(void)not_found(name, version, e);
		return v;
	}
	for (v = m->versions; v != NULL; v = v->next)
		if (v->state == VERSION_READY)
			return v;
	if (m->versions == NULL)
		(void)err_set(e, ERR_NOT_FOUND, "Request for unknown model: "
		    "'%s' has no available versions", name);
	return m->versions;
}

struct version *
models_version(const struct models *ms, const char *name, const char *version,
    struct err *e)
{
	struct version *v = models_any_version(ms, name, version, e);

	if (v == NULL || v->state == VERSION_READY)
		return v;
	if (version == NULL && v->state == VERSION_UNAVAILABLE)
		(void)err_set(e, ERR_NOT_FOUND, "Request for unknown model: "
		    "'%s' has no available versions", name);
	else
		(void)err_set(e, ERR_UNAVAILABLE, "Request for unknown model:"
		    " '%s' version %lld is not at ready state", name,
		    (long long)v->number);
	return NULL;
}

/* Tickets. */

static void
on_answer(int fd, short what, void *arg)
{
	struct models *ms = arg;
	struct ticket *t, *next;

	(void)fd;
	(void)what;
	for (t = ms->tickets; t != NULL; t = next) {
		next = t->next;
		if (!t->decided)
			continue;
		void (*done)(void *, const struct err *) = t->done;
		void *its = t->arg;
		struct err e = t->err;

		ticket_drop(t);
		done(its, &e);
		/* done() may have dropped any other ticket. */
		next = ms->tickets;
	}
}

static void
decide(struct ticket *t)
{
	static const struct timeval now;

	t->decided = true;
	(void)event_add(t->models->answer, &now);
}

static struct ticket *
ticket_new(struct models *ms, struct model *m,
    void (*done)(void *, const struct err *), void *arg)
{
	struct ticket *t = calloc(1, sizeof(*t));

	if (ms->answer == NULL)
		ms->answer = event_new(ms->parent->base, -1, 0, on_answer, ms);
	if (t == NULL || ms->answer == NULL) {
		free(t);
		return NULL;
	}
	t->models = ms;
	t->model = m;
	m->refs++;
	t->done = done;
	t->arg = arg;
	t->next = ms->tickets;
	t->prev = &ms->tickets;
	if (t->next != NULL)
		t->next->prev = &t->next;
	ms->tickets = t;
	return t;
}

void
ticket_drop(struct ticket *t)
{
	if (t == NULL)
		return;
	if (t->next != NULL)
		t->next->prev = t->prev;
	*t->prev = t->next;
	model_put(t->model);
	free(t);
}

static bool
is_loading(const struct model *m)
{
	for (const struct version *v = m->versions; v != NULL; v = v->next)
		if (v->state == VERSION_LOADING)
			return true;
	return m->pending != NULL;
}

static void
decide_tickets(struct model *m, const char *failure)
{
	for (struct ticket *t = m->models->tickets; t != NULL; t = t->next) {
		if (t->model != m || t->decided)
			continue;
		if (failure != NULL && t->err.code == ERR_NONE)
			(void)err_set(&t->err, ERR_INVALID, "failed to load "
			    "'%s': %s", m->name, failure);
		if (!is_loading(m))
			decide(t);
	}
}

/* Loading. */

/* All loads of the model are over: what the repository has no more can go. */
static void
drop_unwanted(struct model *m)
{
	struct version *v, *next;
	bool serves = false;

	for (v = m->versions; v != NULL; v = v->next)
		serves |= v->wanted && v->state == VERSION_READY;
	for (v = m->versions; serves && v != NULL; v = next) {
		next = v->next;
		if (!v->wanted)
			retire(v);
	}
}

void
models_settled(struct version *v)
{
	struct model *m = v->model;
	struct version *old;
	bool good = v->state == VERSION_READY;

	(void)version_get(v);
	if (v->pending && good) {
		unlink_version(&m->pending, v);
		v->pending = false;
		old = by_number(m->versions, v->number);
		if (old != NULL)
			retire(old);
		link_version(&m->versions, v);
	} else if (v->pending)
		retire(v);
	decide_tickets(m, good ? NULL : v->reason);
	if (!is_loading(m))
		drop_unwanted(m);
	version_put(v);
}

static void
on_warning(void *arg, const char *text)
{
	const char *name = arg;

	log_warn("model", "%s: %s", name, text);
}

/*
 * Bring the versions of a model to what the repository holds.  force: load again
 * also what did not change.
 */
static int
apply(struct model *m, const struct repo_model *r, bool force, struct err *e)
{
	struct version *v, *old;

	for (v = m->versions; v != NULL; v = v->next)
		v->wanted = false;
	for (uint32_t i = 0; i < r->n; i++) {
		old = by_number(m->versions, r->version[i].number);
		if (old != NULL)
			old->wanted = true;
		if (old != NULL && !force && old->stamp == r->version[i].stamp)
			continue;
		v = by_number(m->pending, r->version[i].number);
		if (v != NULL)
			retire(v);
		v = version_new(m, &r->version[i], r->config);
		if (v == NULL)
			return err_memory(e, m->name, sizeof(*v));
		v->pending = old != NULL && old->state == VERSION_READY;
		if (old != NULL && !v->pending)
			retire(old);
		link_version(v->pending ? &m->pending : &m->versions, v);
	}
	if (!is_loading(m))
		drop_unwanted(m);
	return 0;
}

static int
look(struct models *ms, struct model *m, bool force, struct err *e)
{
	struct repo_model r;
	int result = repo_read(&ms->parent->conf->models_dir, m->name, &r,
	    on_warning, m->name, e);

	free(m->reason);
	m->reason = NULL;
	if (result == 0) {
		result = apply(m, &r, force, e);
		repo_model_done(&r);
	}
	if (result == -1) {
		(void)err_prefix(e, "%s", m->name);
		if (m->versions == NULL)
			m->reason = strdup(e->text);
		return -1;
	}
	m->unloaded = false;
	return 0;
}

static void
unload_all(struct model *m)
{
	while (m->pending != NULL)
		retire(m->pending);
	while (m->versions != NULL)
		retire(m->versions);
}

void
models_scan(struct models *ms)
{
	struct conf_list names = { NULL, 0 };
	struct model *m;
	struct err e;

	if (repo_names(&ms->parent->conf->models_dir, &names, on_warning,
	    (char *)"repository", &e) == -1)
		log_error("model", "%s", e.text);
	for (size_t i = 0; i < names.n; i++) {
		m = model_make(ms, names.v[i]);
		if (m == NULL || m->unloaded)
			continue;
		if (look(ms, m, false, &e) == -1)
			log_error("model", "unavailable: %s", e.text);
	}
	conf_list_free(&names);
	sup_load(ms->parent->sup);
}

static bool
listed(const struct conf_list *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i], name) == 0)
			return true;
	return false;
}

void
models_reload(struct models *ms)
{
	struct conf_list names = { NULL, 0 };
	struct model *m, *next;
	struct err e;

	/* A repository that cannot be read takes nothing away. */
	if (repo_names(&ms->parent->conf->models_dir, &names, on_warning,
	    (char *)"repository", &e) == 0)
		for (m = ms->first; m != NULL; m = next) {
			next = m->next;
			if (listed(&names, m->name))
				continue;
			unload_all(m);
			model_drop(ms, m);
		}
	conf_list_free(&names);
	models_scan(ms);
}

struct ticket *
models_load(struct models *ms, const char *name,
    void (*done)(void *, const struct err *), void *arg, struct err *e)
{
	bool known = models_find(ms, name) != NULL;
	struct model *m;
	struct ticket *t;

	if (strlen(name) >= MODEL_NAME_MAX || strchr(name, '/') != NULL ||
	    *name == '.' || *name == '\0') {
		(void)not_found(name, NULL, e);
		return NULL;
	}
	if ((m = model_make(ms, name)) == NULL ||
	    (t = ticket_new(ms, m, done, arg)) == NULL) {
		(void)err_memory(e, name, sizeof(*t));
		return NULL;
	}
	if (look(ms, m, true, e) == -1) {
		ticket_drop(t);
		if (!known && e->code == ERR_NOT_FOUND)
			model_drop(ms, m);
		(void)err_prefix(e, "failed to load '%s'", name);
		return NULL;
	}
	sup_load(ms->parent->sup);
	if (!is_loading(m))
		decide(t);
	return t;
}

struct ticket *
models_unload(struct models *ms, const char *name,
    void (*done)(void *, const struct err *), void *arg, struct err *e)
{
	struct model *m = models_find(ms, name);
	struct ticket *t;

	if (m == NULL) {
		(void)not_found(name, NULL, e);
		return NULL;
	}
	if ((t = ticket_new(ms, m, done, arg)) == NULL) {
		(void)err_memory(e, name, sizeof(*t));
		return NULL;
	}
	unload_all(m);
	m->unloaded = true;
	free(m->reason);
	m->reason = strdup("unloaded");
	decide(t);
	return t;
}

void
models_free(struct models *ms)
{
	struct model *m;

	if (ms == NULL)
		return;
	while (ms->tickets != NULL)
		ticket_drop(ms->tickets);
	while ((m = ms->first) != NULL) {
		unload_all(m);
		model_drop(ms, m);
	}
	if (ms->answer != NULL)
		event_free(ms->answer);
	free(ms);
}
