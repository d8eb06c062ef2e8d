#include "parent/models.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "parent/conf.h"
#include "parent/parent.h"
#include "parent/places.h"
#include "parent/repo.h"
#include "parent/sup.h"
#include "parent/table.h"

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
		v = version_by_number(m->versions,
		    repo_version_number(version));
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

/* Loading. */

static bool
serves(const struct model *m)
{
	for (const struct version *v = m->versions; v != NULL; v = v->next)
		if (v->wanted && v->state == VERSION_READY)
			return true;
	return false;
}

/*
 * What the repository has no more goes; if it serves, only when something that
 * the repository has serves in its place and nothing more is to come.
 */
static void
drop_unwanted(struct model *m)
{
	bool all = !model_is_loading(m) && serves(m);
	struct version *v, *next;

	for (v = m->pending; v != NULL; v = next) {
		next = v->next;
		if (!v->wanted)
			version_retire(v);
	}
	for (v = m->versions; v != NULL; v = next) {
		next = v->next;
		if (!v->wanted && (all || v->state != VERSION_READY))
			version_retire(v);
	}
}

static void
give_reason(struct version *v, const char *reason)
{
	free(v->reason);
	v->reason = reason != NULL ? strdup(reason) : NULL;
}

/* A reload came to its end: the new one takes over, or the old one stays. */
static void
settle_pending(struct model *m, struct version *v)
{
	struct version *old = version_by_number(m->versions, v->number);
	char name[LOG_VALUE];

	if (v->state != VERSION_READY) {
		if (old != NULL) {
			give_reason(old, v->reason);
			old->deadly = places_deadly(v) ? v->stamp : 0;
			log_warn("model", "not replaced: model=%s version="
			    "%lld the one before serves",
			    log_quote(name, m->name), (long long)v->number);
		}
		version_retire(v);
		return;
	}
	version_unlink(&m->pending, v);
	v->pending = false;
	if (old != NULL)
		version_retire(old);
	version_link(&m->versions, v);
}

void
models_settled(struct version *v)
{
	struct model *m = v->model;
	bool good = v->state == VERSION_READY;

	(void)version_get(v);
	if (v->pending)
		settle_pending(m, v);
	tickets_settle(m, good ? NULL : v->reason);
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
 * Is what the repository holds there already, or on its way?  What failed has
 * another try, but for what kills workers: it must have changed.
 */
static bool
is_there(struct version *old, struct version *next,
    const struct repo_version *r)
{
	if (next != NULL && next->stamp == r->stamp)
		return true;
	if (old != NULL && old->deadly == r->stamp)
		return true;
	if (old == NULL || old->stamp != r->stamp)
		return false;
	if (next != NULL)
		version_retire(next);
	old->deadly = 0;
	places_again(old, false);
	if (old->state == VERSION_READY)
		give_reason(old, NULL);
	return true;
}

static int
replace(struct model *m, const struct repo_version *r, struct version *old,
    struct version *next, struct model_config *config, struct err *e)
{
	struct version *v;

	if (next != NULL)
		version_retire(next);
	v = version_new(m, r, config);
	if (v == NULL)
		return err_memory(e, m->name, sizeof(*v));
	v->pending = old != NULL && old->state == VERSION_READY;
	if (old != NULL && !v->pending)
		version_retire(old);
	version_link(v->pending ? &m->pending : &m->versions, v);
	return 0;
}

/*
 * Bring the versions of a model to what the repository holds.  force: load
 * again also what did not change.
 */
static int
apply(struct model *m, const struct repo_model *r, bool force, struct err *e)
{
	struct version *v, *old, *next;

	for (v = m->versions; v != NULL; v = v->next)
		v->wanted = false;
	for (v = m->pending; v != NULL; v = v->next)
		v->wanted = false;
	for (uint32_t i = 0; i < r->n; i++) {
		old = version_by_number(m->versions, r->version[i].number);
		next = version_by_number(m->pending, r->version[i].number);
		if (old != NULL)
			old->wanted = true;
		if (next != NULL)
			next->wanted = true;
		if (!force && is_there(old, next, &r->version[i]))
			continue;
		if (replace(m, &r->version[i], old, next, r->config, e) == -1)
			return -1;
	}
	drop_unwanted(m);
	return 0;
}

static const struct conf_list *
dirs_of(const struct models *ms)
{
	return &ms->parent->conf->models_dir;
}

/* The one way from the repository to the table, whoever asks for it. */
static int
look(struct models *ms, struct model *m, bool force, struct err *e)
{
	struct repo_model r;
	int result;

	/* Before it is read: what changes meanwhile differs then. */
	(void)repo_stamp(dirs_of(ms), m->name, &m->seen);
	result = repo_read(dirs_of(ms), m->name, &r, on_warning, m->name, e);
	if (result == 0) {
		result = apply(m, &r, force, e);
		repo_model_done(&r);
	}
	free(m->reason);
	m->reason = NULL;
	if (result == -1) {
		(void)err_prefix(e, "%s", m->name);
		m->reason = strdup(e->text);
		return -1;
	}
	m->unloaded = false;
	if (!model_is_loading(m))
		tickets_settle(m, NULL);
	return 0;
}

static void
unload_all(struct model *m, const char *why)
{
	while (m->pending != NULL)
		version_retire(m->pending);
	while (m->versions != NULL)
		version_retire(m->versions);
	/* Who waits for a load of it waits in vain. */
	tickets_settle(m, why);
}

void
models_bring(struct models *ms, const char *name)
{
	struct model *m = model_make(ms, name);
	uint64_t stamp = 0;
	struct err e;

	if (m == NULL)
		return;
	if (m->unloaded) {
		(void)repo_stamp(dirs_of(ms), name, &stamp);
		if (stamp == m->seen)
			return;
	}
	if (look(ms, m, false, &e) == -1)
		log_error("model", "%s: %s", m->versions != NULL ?
		    "not changed" : "unavailable", e.text);
	sup_load(ms->parent->sup);
}

bool
models_seen(const struct models *ms, const char *name, uint64_t stamp)
{
	const struct model *m = models_find(ms, name);

	return m != NULL && m->seen == stamp;
}

void
models_retire(struct models *ms, const char *name)
{
	struct model *m = models_find(ms, name);
	char q[LOG_VALUE];

	if (m == NULL)
		return;
	log_info("model", "gone: model=%s", log_quote(q, name));
	unload_all(m, "it is gone from the repository");
	model_drop(ms, m);
}

void
models_reload(struct models *ms)
{
	struct conf_list names = { NULL, 0 };
	struct model *m, *next;
	uint64_t stamp;
	struct err e;

	if (repo_names(dirs_of(ms), &names, on_warning, (char *)"repository",
	    &e) == -1)
		log_error("model", "%s", e.text);
	/* A repository that cannot be read takes nothing away. */
	for (m = ms->first; m != NULL; m = next) {
		next = m->next;
		if (repo_stamp(dirs_of(ms), m->name, &stamp) == REPO_ABSENT)
			models_retire(ms, m->name);
	}
	for (size_t i = 0; i < names.n; i++)
		models_bring(ms, names.v[i]);
	conf_list_free(&names);
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
	if (!sup_hopeful(ms->parent->sup)) {
		(void)err_set(e, ERR_UNAVAILABLE, "failed to load '%s': no "
		    "worker is available", name);
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
	unload_all(m, "it was unloaded meanwhile");
	if ((t = ticket_new(ms, m, done, arg)) == NULL) {
		(void)err_memory(e, name, sizeof(*t));
		return NULL;
	}
	m->unloaded = true;
	(void)repo_stamp(dirs_of(ms), name, &m->seen);
	free(m->reason);
	m->reason = strdup("unloaded");
	ticket_decide(t);
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
		unload_all(m, "shutting down");
		model_drop(ms, m);
	}
	if (ms->answer != NULL)
		event_free(ms->answer);
	free(ms);
}
