/* A model's configuration and statistics, as Triton's clients read them. */
#include "base/size.h"
#include "parent/api.h"

/* What the engine calls "FP32" the configuration calls "TYPE_FP32". */
static json_t *
type_name(enum dtype t)
{
	const char *v2 = dtype_info(t)->v2;
	char text[32];

	if (t == DT_STRING)
		return json_string("TYPE_STRING");
	(void)snprintf(text, sizeof(text), "TYPE_%s", v2 != NULL ? v2 :
	    "INVALID");
	return json_string(text);
}

/* Without the batch dimension, if there is one. */
static json_t *
dims(const struct sig_tensor *t, bool batched)
{
	json_t *list = json_array();

	for (int d = batched; t->has_shape && d < t->shape.rank; d++)
		(void)json_array_append_new(list,
		    json_integer(t->shape.dim[d]));
	if (!t->has_shape)
		(void)json_array_append_new(list, json_integer(-1));
	return list;
}

static json_t *
inputs(const struct version *v)
{
	const struct signature *s = v->signature;
	json_t *list = json_array();

	for (uint32_t i = 0; i < s->n_in; i++)
		(void)json_array_append_new(list,
		    json_pack("{s:s,s:o,s:s,s:o,s:b,s:b}", "name",
		    s->in[i].name, "data_type", type_name(s->in[i].type),
		    "format", "FORMAT_NONE", "dims", dims(&s->in[i],
		    v->batch_max > 0), "is_shape_tensor", 0, "optional",
		    (int)s->in[i].optional));
	return list;
}

static const char *
label_file(const struct version *v, const char *output)
{
	const struct model_tensor *t = modelconf_output(v->config, output);

	return t != NULL && t->labels != NULL ? t->labels : "";
}

static json_t *
outputs(const struct version *v)
{
	const struct signature *s = v->signature;
	json_t *list = json_array();

	for (uint32_t i = 0; i < s->n_out; i++)
		(void)json_array_append_new(list,
		    json_pack("{s:s,s:o,s:o,s:s,s:b}", "name", s->out[i].name,
		    "data_type", type_name(s->out[i].type),
		    "dims", dims(&s->out[i], v->batch_max > 0),
		    "label_filename", label_file(v, s->out[i].name),
		    "is_shape_tensor", 0));
	return list;
}

static json_t *
batching(const struct model_config *c)
{
	json_t *sizes = json_array();

	for (uint32_t i = 0; i < c->n_preferred; i++)
		(void)json_array_append_new(sizes,
		    json_integer(c->preferred[i]));
	return json_pack("{s:o,s:I}", "preferred_batch_size", sizes,
	    "max_queue_delay_microseconds",
	    (json_int_t)(c->delay_ns / NS_PER_US));
}

static json_t *
policy(const struct model_config *c)
{
	json_t *list;

	if (c->policy == POLICY_ALL)
		return json_pack("{s:{}}", "all");
	if (c->policy == POLICY_LATEST)
		return json_pack("{s:{s:I}}", "latest", "num_versions",
		    (json_int_t)(c->latest > 0 ? c->latest : 1));
	list = json_array();
	for (uint32_t i = 0; i < c->n_specific; i++)
		(void)json_array_append_new(list, json_integer(c->specific[i]));
	return json_pack("{s:{s:o}}", "specific", "versions", list);
}

void
info_config(struct exchange *x)
{
	struct err e;
	struct version *v = models_version(x->server->parent->models, x->name,
	    exchange_number(x), &e);
	json_t *j;

	if (v == NULL) {
		http_fail(x->call, &e, 0);
		return;
	}
	j = json_pack("{s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:{s:b},s:{s:b}}",
	    "name", v->model->name, "platform", "onnx_onnxv1",
	    "backend", "clinferd", "max_batch_size", (json_int_t)v->batch_max,
	    "version_policy", policy(v->config), "input", inputs(v),
	    "output", outputs(v), "model_transaction_policy", "decoupled", 0,
	    "response_cache", "enable", 0);
	if (j != NULL && v->batch_max > 0)
		(void)json_object_set_new(j, "dynamic_batching",
		    batching(v->config));
	reply_json(x, 200, j);
}

static json_t *
tally(const struct tally *t)
{
	return json_pack("{s:I,s:I}", "count", (json_int_t)t->count, "ns",
	    (json_int_t)t->ns);
}

static json_t *
inference_stats(const struct version_stats *s)
{
	const struct {
		const char		*name;
		const struct tally	*tally;
	} rows[] = {
		{ "success", &s->success },
		{ "fail", &s->fail },
		{ "queue", &s->queue },
		{ "compute_input", &s->compute_input },
		{ "compute_infer", &s->compute_infer },
		{ "compute_output", &s->compute_output },
		{ "cache_hit", &s->cache_hit },
		{ "cache_miss", &s->cache_miss },
	};
	json_t *j = json_object();

	for (size_t i = 0; i < nitems(rows); i++)
		(void)json_object_set_new(j, rows[i].name,
		    tally(rows[i].tally));
	return j;
}

static json_t *
batch_stats(const struct version_stats *s)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < s->n_batches; i++)
		(void)json_array_append_new(list, json_pack("{s:I,s:o,s:o,s:o}",
		    "batch_size", (json_int_t)s->batches[i].batch_size,
		    "compute_input", tally(&s->batches[i].compute_input),
		    "compute_infer", tally(&s->batches[i].compute_infer),
		    "compute_output", tally(&s->batches[i].compute_output)));
	return list;
}

static json_t *
version_stats(const struct version *v)
{
	const struct version_stats *s = &v->stats;
	char number[24];

	(void)snprintf(number, sizeof(number), "%lld", (long long)v->number);
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:o,s:{},s:o,s:[{s:s,s:I,s:I}]}",
	    "name", v->model->name, "version", number,
	    "last_inference", (json_int_t)s->last_inference_ms,
	    "inference_count", (json_int_t)s->inference_count,
	    "execution_count", (json_int_t)s->execution_count,
	    "inference_stats", inference_stats(s), "response_stats",
	    "batch_stats", batch_stats(s), "memory_usage",
	    "type", "CPU", "id", (json_int_t)0,
	    "byte_size", (json_int_t)v->memory);
}

static void
add_stats(json_t *list, const struct model *m, const struct version *only)
{
	for (struct version *v = m->versions; v != NULL; v = v->next)
		if (only != NULL ? v == only : v->state == VERSION_READY)
			(void)json_array_append_new(list, version_stats(v));
}

void
info_all_stats(struct exchange *x)
{
	json_t *list = json_array();

	for (struct model *m = models_first(x->server->parent->models);
	    m != NULL;
	    m = m->next)
		add_stats(list, m, NULL);
	reply_json(x, 200, json_pack("{s:o}", "model_stats", list));
}

/* Triton answers 400 here where it answers 404 elsewhere. */
void
info_stats(struct exchange *x)
{
	const char *number = exchange_number(x);
	struct err e;
	struct version *v = models_any_version(x->server->parent->models,
	    x->name, number, &e);
	json_t *list;

	if (v == NULL) {
		http_error(x->call, 400, "requested model '%s' is not "
		    "available", x->name);
		return;
	}
	list = json_array();
	add_stats(list, v->model, number != NULL ? v : NULL);
	reply_json(x, 200, json_pack("{s:o}", "model_stats", list));
}
