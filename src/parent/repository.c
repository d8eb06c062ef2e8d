/* The model repository extension: index, load, unload. */
#include "base/size.h"
#include "parent/api.h"

static json_t *
entry(const struct model *m, const struct version *v)
{
	json_t *j = json_pack("{s:s}", "name", m->name);
	const char *reason = m->reason != NULL || v == NULL ? m->reason :
	    v->reason;
	char number[24];

	if (v != NULL) {
		(void)snprintf(number, sizeof(number), "%lld",
		    (long long)v->number);
		(void)json_object_set_new(j, "version", json_string(number));
		(void)json_object_set_new(j, "state",
		    json_string(version_state_name(v->state)));
	} else if (reason != NULL || m->unloaded) {
		(void)json_object_set_new(j, "state",
		    json_string("UNAVAILABLE"));
	}
	if (reason == NULL && m->unloaded && v == NULL)
		reason = "unloaded";
	if (reason != NULL)
		(void)json_object_set_new(j, "reason", json_string(reason));
	return j;
}

static void
add_model(json_t *list, const struct model *m, bool ready_only)
{
	for (const struct version *v = m->versions; v != NULL; v = v->next)
		if (!ready_only || v->state == VERSION_READY)
			(void)json_array_append_new(list, entry(m, v));
	if (m->versions == NULL && !ready_only)
		(void)json_array_append_new(list, entry(m, NULL));
}

void
repository_index(struct exchange *x)
{
	json_t *body = exchange_json(x), *ready, *list;

	if (body == NULL)
		return;
	ready = json_object_get(body, "ready");
	if (ready != NULL && !json_is_boolean(ready)) {
		http_error(x->call, 400, "ready: expected true or false");
		json_decref(body);
		return;
	}
	list = json_array();
	for (struct model *m = models_first(x->server->parent->models);
	    m != NULL;
	    m = m->next)
		add_model(list, m, json_is_true(ready));
	json_decref(body);
	reply_json(x, 200, list);
}

static void
changed(void *arg, const struct err *e)
{
	struct exchange *x = arg;

	x->ticket = NULL;
	if (e->code == ERR_NONE)
		reply_empty(x);
	else
		http_fail(x->call, e, 0);
}

/* Parameters that would change what is loaded are not for us to ignore. */
static bool
has_override(const json_t *body)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(body, "parameters"), key, value)
		if (strcmp(key, "config") == 0 || strncmp(key, "file:", 5) == 0)
			return true;
	return false;
}

void
repository_load(struct exchange *x)
{
	json_t *body = exchange_json(x);
	bool override;
	struct err e;

	if (body == NULL)
		return;
	override = has_override(body);
	json_decref(body);
	if (override) {
		http_error(x->call, 501, "loading with a configuration or "
		    "files in the request is not supported");
		return;
	}
	x->ticket = models_load(x->server->parent->models, x->name, changed, x,
	    &e);
	if (x->ticket == NULL)
		http_fail(x->call, &e, 0);
}

void
repository_unload(struct exchange *x)
{
	json_t *body = exchange_json(x);
	struct err e;

	if (body == NULL)
		return;
	json_decref(body);
	x->ticket = models_unload(x->server->parent->models, x->name, changed,
	    x, &e);
	if (x->ticket == NULL)
		http_fail(x->call, &e, 0);
}

void
repository_named(struct exchange *x)
{
	http_error(x->call, 501, "'repository_name' specification is not "
	    "supported");
}
