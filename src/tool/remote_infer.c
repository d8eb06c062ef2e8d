/*
 * One request with binary tensors, both ways: nothing is lost on the way, and
 * every type that the protocol has goes through one path.
 */
#include "base/size.h"
#include "tool/remote_model.h"

#define ANSWER_MAX	((size_t)1 << 31)

static size_t
io_bytes(const struct io *io)
{
	size_t n = 0;

	for (uint32_t i = 0; i < io->n_seg; i++)
		n += io->seg[i].bytes;
	return n;
}

static json_t *
describe(const struct sig_tensor *t, const struct io *io)
{
	json_t *shape = json_array();

	for (int i = 0; i < io->shape.rank; i++)
		(void)json_array_append_new(shape,
		    json_integer(io->shape.dim[i]));
	return json_pack("{s:s,s:s,s:o,s:{s:I}}", "name", t->name, "datatype",
	    remote_type(io->type), "shape", shape, "parameters",
	    "binary_data_size", (json_int_t)io_bytes(io));
}

/* The request's head in JSON, malloc'ed; body gets the tensors behind it. */
static char *
write_request(const struct signature *s, const struct io *in,
    struct iovec *body, int *n_body)
{
	json_t *inputs = json_array(), *j;
	char *text;

	for (uint32_t i = 0; i < s->n_in; i++) {
		if (in[i].kind == IO_NONE)
			continue;
		(void)json_array_append_new(inputs, describe(&s->in[i],
		    &in[i]));
		body[(*n_body)++] = (struct iovec){ (void *)in[i].seg->data,
		    in[i].seg->bytes };
	}
	j = json_pack("{s:{s:b},s:o}", "parameters", "binary_data_output", 1,
	    "inputs", inputs);
	text = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	return text;
}

/* One output, whose bytes are next at *at of the body. */
static int
read_output(const json_t *j, const struct buf *body, size_t *at,
    struct pool *pool, struct sig_tensor *t, struct datum *d, struct err *e)
{
	const json_t *size = json_object_get(json_object_get(j, "parameters"),
	    "binary_data_size");
	json_int_t n = json_integer_value(size);

	if (remote_tensor(j, 0, t, e) == -1)
		return -1;
	if (!json_is_integer(size) || n < 0 ||
	    !size_within(*at, (size_t)n, body->len))
		return err_set(e, ERR_INVALID, "\"%s\": its binary_data_size "
		    "is missing, or more than the answer has", t->name);
	if (value_bytes(pool, t->type, &t->shape, body->data + *at, (size_t)n,
	    d, e) == -1)
		return err_prefix(e, "\"%s\"", t->name);
	*at += (size_t)n;
	return 0;
}

static int
read_outputs(const json_t *j, const struct client_answer *a, struct pool *pool,
    struct remote_outputs *out, struct err *e)
{
	const json_t *list = json_object_get(j, "outputs"), *one;
	size_t at = a->json, i, n = json_array_size(list);

	if (!json_is_array(list) || n > SIG_TENSORS_MAX)
		return err_set(e, ERR_INVALID, "it has no list of outputs, or "
		    "more than %d", SIG_TENSORS_MAX);
	out->outputs = (struct outputs){ .pool = pool, .n = (uint32_t)n };
	out->names = pool_array(pool, n, sizeof(*out->names));
	out->outputs.datum = pool_array(pool, n, sizeof(*out->outputs.datum));
	if (out->names == NULL || out->outputs.datum == NULL)
		return err_memory(e, "outputs", n * sizeof(*out->names));
	json_array_foreach(list, i, one)
		if (read_output(one, &a->body, &at, pool, &out->names[i],
		    &out->outputs.datum[i], e) == -1)
			return err_prefix(e, "output %zu", i);
	if (at != a->body.len)
		return err_set(e, ERR_INVALID, "%zu bytes follow its outputs",
		    a->body.len - at);
	(void)snprintf(out->model, sizeof(out->model), "%s",
	    remote_text(j, "model_name"));
	(void)snprintf(out->version, sizeof(out->version), "%s",
	    remote_text(j, "model_version"));
	return 0;
}

static int
ask(struct remote *r, const struct client_request *q, struct pool *pool,
    struct remote_outputs *out, struct err *e)
{
	struct client_answer a;
	json_t *j;
	int result;

	if (remote_ask_200(r, q, &a, e) == -1)
		return -1;
	j = remote_json(&a, e);
	result = j == NULL ? -1 : read_outputs(j, &a, pool, out, e);
	json_decref(j);
	client_done(&a);
	return result == -1 ? err_prefix(e, "%s: the answer", r->name) : 0;
}

int
remote_infer(struct remote *r, const struct remote_model *m,
    const struct signature *s, const struct io *in, struct pool *pool,
    struct remote_outputs *out, struct err *e)
{
	struct iovec body[CLIENT_BODY_PARTS];
	struct client_request q = { .method = "POST", .body = body,
	    .n_body = 1, .answer_max = ANSWER_MAX };
	struct buf path;
	char *head;
	int result;

	if (remote_model_path(&path, m, "/infer", e) == -1)
		return -1;
	if ((head = write_request(s, in, body, &q.n_body)) == NULL) {
		buf_done(&path);
		return err_memory(e, "a request", path.len);
	}
	q.path = path.data;
	q.json = strlen(head);
	body[0] = (struct iovec){ head, q.json };
	result = ask(r, &q, pool, out, e);
	free(head);
	buf_done(&path);
	return result;
}
