/* Health, metadata and the list of workers. */
#include "config.h"

#include "base/size.h"
#include "parent/api.h"
#include "parent/workers.h"

void
info_live(struct exchange *x)
{
	reply_json(x, 200, json_pack("{s:b}", "live", 1));
}

/* The protocol's clients look at the status, others at what is missing. */
void
info_ready(struct exchange *x)
{
	const char *why = NULL;

	if (parent_ready(x->server->parent, &why))
		reply_json(x, 200, json_pack("{s:b}", "ready", 1));
	else
		reply_json(x, 400, json_pack("{s:b,s:s}", "ready", 0, "error",
		    why != NULL ? why : "not ready"));
}

void
info_server(struct exchange *x)
{
	static const char *const extensions[] = { "binary_tensor_data",
	    "classification", "model_configuration", "model_repository",
	    "parameters", "schedule_policy", "statistics" };
	json_t *list = json_array();

	for (size_t i = 0; i < nitems(extensions); i++)
		(void)json_array_append_new(list, json_string(extensions[i]));
	reply_json(x, 200, json_pack("{s:s,s:s,s:o}", "name", PACKAGE_NAME,
	    "version", PACKAGE_VERSION, "extensions", list));
}

void
info_models(struct exchange *x)
{
	json_t *list = json_array();

	for (struct model *m = models_first(x->server->parent->models);
	    m != NULL;
	    m = m->next)
		(void)json_array_append_new(list, json_string(m->name));
	reply_json(x, 200, json_pack("{s:o}", "models", list));
}

static json_t *
dims(const struct sig_tensor *t)
{
	json_t *list = json_array();

	for (int d = 0; t->has_shape && d < t->shape.rank; d++)
		(void)json_array_append_new(list,
		    json_integer(t->shape.dim[d]));
	if (!t->has_shape)
		(void)json_array_append_new(list, json_integer(-1));
	return list;
}

static json_t *
tensors(const struct sig_tensor *t, uint32_t n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++) {
		const struct dtype_info *info = dtype_info(t[i].type);

		(void)json_array_append_new(list, json_pack("{s:s,s:s,s:o}",
		    "name", t[i].name, "datatype", info->v2 != NULL ? info->v2 :
		    info->onnx, "shape", dims(&t[i])));
	}
	return list;
}

/* The ready versions of a model, or the one asked for. */
static json_t *
versions(const struct exchange *x, const struct version *asked)
{
	json_t *list = json_array();
	char text[24];

	for (struct version *v = asked->model->versions; v != NULL;
	    v = v->next) {
		if (v->state != VERSION_READY)
			continue;
		if (exchange_number(x) != NULL && v != asked)
			continue;
		(void)snprintf(text, sizeof(text), "%lld",
		    (long long)v->number);
		(void)json_array_insert_new(list, 0, json_string(text));
	}
	return list;
}

void
info_model(struct exchange *x)
{
	struct err e;
	struct version *v = models_version(x->server->parent->models, x->name,
	    exchange_number(x), &e);

	if (v == NULL) {
		http_fail(x->call, &e, 0);
		return;
	}
	reply_json(x, 200, json_pack("{s:s,s:o,s:s,s:o,s:o}", "name",
	    v->model->name, "versions", versions(x, v), "platform",
	    "onnx_onnxv1", "inputs", tensors(v->signature->in,
	    v->signature->n_in), "outputs", tensors(v->signature->out,
	    v->signature->n_out)));
}

void
info_model_ready(struct exchange *x)
{
	struct err e;

	if (models_version(x->server->parent->models, x->name,
	    exchange_number(x), &e) != NULL)
		reply_json(x, 200, json_pack("{s:s,s:b}", "name", x->name,
		    "ready", 1));
	else if (models_find(x->server->parent->models, x->name) == NULL)
		http_fail(x->call, &e, 0);
	else
		http_error(x->call, 400, "Model version not ready");
}

static json_t *
worker(const struct worker_info *w)
{
	return json_pack("{s:I,s:s,s:s,s:I,s:s,s:s,s:I,s:I,s:I,s:I,s:f,s:I,"
	    "s:I,s:I,s:s}",
	    "id", (json_int_t)w->id, "device", w->device, "kind", w->kind,
	    "pid", (json_int_t)w->pid, "state", worker_state_name(w->state),
	    "phase", w->phase != NULL ? w->phase : "",
	    "restarts", (json_int_t)w->restarts,
	    "inflight", (json_int_t)w->inflight,
	    "requests", (json_int_t)w->requests,
	    "batches", (json_int_t)w->batches,
	    "busy_s", (double)w->busy_ns / (double)NS_PER_S,
	    "models", (json_int_t)w->models,
	    "holds", (json_int_t)w->holds,
	    "demoted", (json_int_t)w->demoted,
	    "death", w->death != NULL ? w->death : "");
}

void
info_workers(struct exchange *x)
{
	const struct sup *sup = x->server->parent->sup;
	json_t *list = json_array();
	struct worker_info w;

	for (uint32_t i = 0; i < workers_count(sup); i++)
		if (workers_info(sup, i, &w))
			(void)json_array_append_new(list, worker(&w));
	reply_json(x, 200, json_pack("{s:o}", "workers", list));
}
