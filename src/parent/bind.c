/* A request's names, types, shapes and sizes against the model's signature. */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "ipc/segment.h"
#include "parent/infer.h"

#define NAME_SHOWN(t)	((t).n < 100 ? (int)(t).n : 100), (t).at

/* Index by a name that may hold anything; -1: none. */
static int
find(const struct sig_tensor *tensors, uint32_t n, struct text name)
{
	for (uint32_t k = 0; k < n; k++)
		if (text_is(name, tensors[k].name))
			return (int)k;
	return -1;
}

static int
check_shape(const struct infer *i, const struct sig_tensor *t,
    const struct shape *shape, struct err *e)
{
	char want[SHAPE_TEXT], got[SHAPE_TEXT];

	if (!t->has_shape || shape_allows(&t->shape, shape))
		return 0;
	return err_set(e, ERR_INVALID, "unexpected shape for input '%s' for "
	    "model '%s'. Expected %s, got %s", t->name, i->version->model->name,
	    shape_text(&t->shape, want), shape_text(shape, got));
}

/* Axis 0 counts rows, the same for all inputs. */
static int
check_rows(struct infer *i, const struct sig_tensor *t,
    const struct shape *shape, struct err *e)
{
	struct request *r = i->request;

	if (i->version->batch_max == 0)
		return 0;
	if (shape->rank == 0)
		return err_set(e, ERR_INVALID, "input '%s' has no batch "
		    "dimension, model '%s' expects one", t->name,
		    i->version->model->name);
	if (r->n_in > 0 && r->rows != shape->dim[0])
		return err_set(e, ERR_INVALID, "input '%s' batch size does not "
		    "match other inputs for '%s'", t->name,
		    i->version->model->name);
	r->rows = shape->dim[0];
	return 0;
}

/* The bytes that the input's tensor needs, at most. */
static int
input_bytes(struct infer *i, size_t k, const struct sig_tensor *t,
    size_t *bytes, struct err *e)
{
	const struct json_input *in = &i->q.in[k];
	const char *model = i->version->model->name;

	if (in->data.end != 0)
		return json_fill_room(&i->q, k, bytes, e);
	if (in->binary > SIZE_MAX / 2)
		return err_set(e, ERR_LIMIT, "input '%s': binary_data_size is "
		    "too large", t->name);
	if (t->type == DT_STRING) {
		*bytes = (size_t)in->binary;
		return 0;
	}
	if (!shape_bytes(&in->shape, in->type, bytes) || *bytes > SIZE_MAX / 2)
		return err_set(e, ERR_INVALID, "input '%s': the shape is too "
		    "large", t->name);
	if (in->binary < *bytes)
		return err_set(e, ERR_INVALID, "unexpected size for input "
		    "'%s', expecting %zu additional bytes for model '%s'",
		    t->name, *bytes - (size_t)in->binary, model);
	if (in->binary > *bytes)
		return err_set(e, ERR_INVALID, "unexpected additional input "
		    "data for input '%s' for model '%s'", t->name, model);
	return 0;
}

static int
add_input(struct infer *i, uint32_t index, const struct shape *shape,
    size_t bytes, struct err *e)
{
	struct request *r = i->request;
	struct request_input *in = &r->in[r->n_in];

	*in = (struct request_input){ .index = index, .shape = *shape,
	    .bytes = bytes };
	if (!budget_allows(http_budget(i->x->server->http), bytes))
		return err_set(e, ERR_UNAVAILABLE, "no memory left for request "
		    "bodies");
	if (bytes > 0) {
		in->block = block_new(i->x->server->parent->arena, bytes, e);
		if (in->block == NULL)
			return -1;
	}
	r->n_in++;
	return 0;
}

static int
bind_input(struct infer *i, size_t k, struct err *e)
{
	const struct signature *sig = i->version->signature;
	const struct json_input *in = &i->q.in[k];
	int index = find(sig->in, sig->n_in, in->name);
	const struct sig_tensor *t;
	size_t bytes;

	if (index < 0)
		return err_set(e, ERR_INVALID, "unexpected inference input "
		    "'%.*s' for model '%s'", NAME_SHOWN(in->name),
		    i->version->model->name);
	t = &sig->in[index];
	for (uint32_t n = 0; n < i->request->n_in; n++)
		if (i->request->in[n].index == (uint32_t)index)
			return err_set(e, ERR_INVALID, "input '%s' already "
			    "exists in request", t->name);
	if (in->type != t->type)
		return err_set(e, ERR_INVALID, "inference input '%s' data-type "
		    "is '%s', but model '%s' expects '%s'", t->name,
		    dtype_info(in->type)->v2, i->version->model->name,
		    dtype_info(t->type)->v2 != NULL ? dtype_info(t->type)->v2 :
		    dtype_info(t->type)->onnx);
	if (in->shared_memory)
		return err_set(e, ERR_UNSUPPORTED, "input '%s': shared memory "
		    "is not supported", t->name);
	if (check_shape(i, t, &in->shape, e) != 0 ||
	    check_rows(i, t, &in->shape, e) != 0 ||
	    input_bytes(i, k, t, &bytes, e) != 0)
		return -1;
	return add_input(i, (uint32_t)index, &in->shape, bytes, e);
}

static int
check_count(const struct infer *i, struct err *e)
{
	const struct signature *sig = i->version->signature;
	size_t needed = 0;

	for (uint32_t k = 0; k < sig->n_in; k++)
		needed += !sig->in[k].optional;
	if (i->q.n_in >= needed && i->q.n_in <= sig->n_in)
		return 0;
	return err_set(e, ERR_INVALID, "expected %zu inputs but got %zu inputs "
	    "for model '%s'", i->q.n_in < needed ? needed : (size_t)sig->n_in,
	    i->q.n_in, i->version->model->name);
}

/* As many as needed, but the right ones? */
static int
check_missing(const struct infer *i, struct err *e)
{
	const struct signature *sig = i->version->signature;

	for (uint32_t k = 0; k < sig->n_in; k++) {
		bool found = sig->in[k].optional;

		for (uint32_t n = 0; n < i->request->n_in; n++)
			found |= i->request->in[n].index == k;
		if (!found)
			return err_set(e, ERR_INVALID, "input '%s' is missing "
			    "for model '%s'", sig->in[k].name,
			    i->version->model->name);
	}
	return 0;
}

static void
want(struct infer *i, uint32_t index, bool binary, uint64_t classes)
{
	i->request->want[index / 64] |= UINT64_C(1) << index % 64;
	i->out[index] = (struct infer_output){ binary, classes };
}

static int
bind_output(struct infer *i, const struct json_output *out, struct err *e)
{
	const struct signature *sig = i->version->signature;
	int index = find(sig->out, sig->n_out, out->name);

	if (index < 0)
		return err_set(e, ERR_INVALID, "unexpected inference output "
		    "'%.*s' for model '%s'", NAME_SHOWN(out->name),
		    i->version->model->name);
	if ((i->request->want[index / 64] >> index % 64 & 1) != 0)
		return err_set(e, ERR_INVALID, "output '%s' already exists in "
		    "request", sig->out[index].name);
	if (out->shared_memory)
		return err_set(e, ERR_UNSUPPORTED, "output '%s': shared memory "
		    "is not supported", sig->out[index].name);
	want(i, (uint32_t)index, out->has_binary ? out->binary :
	    i->q.binary_output, out->classification);
	return 0;
}

static int
bind_outputs(struct infer *i, struct err *e)
{
	const struct signature *sig = i->version->signature;

	i->out = calloc(sig->n_out > 0 ? sig->n_out : 1, sizeof(*i->out));
	if (i->out == NULL)
		return err_memory(e, "outputs", sig->n_out * sizeof(*i->out));
	for (size_t k = 0; k < i->q.n_out; k++)
		if (bind_output(i, &i->q.out[k], e) != 0)
			return -1;
	for (uint32_t k = 0; k < sig->n_out && i->q.n_out == 0; k++)
		want(i, k, i->q.binary_output, 0);
	return 0;
}

static int
take_id(struct infer *i, struct err *e)
{
	if (i->q.id.n == 0)
		return 0;
	i->id = malloc(i->q.id.n);
	if (i->id == NULL || !http_charge(i->call, i->q.id.n))
		return err_memory(e, "id", i->q.id.n);
	memcpy(i->id, i->q.id.at, i->q.id.n);
	i->id_len = i->q.id.n;
	return 0;
}

static int
bind_all(struct infer *i, struct err *e)
{
	struct request *r = i->request;

	if (check_count(i, e) != 0)
		return -1;
	r->in = calloc(i->q.n_in > 0 ? i->q.n_in : 1, sizeof(*r->in));
	if (r->in == NULL)
		return err_memory(e, "inputs", i->q.n_in * sizeof(*r->in));
	for (size_t k = 0; k < i->q.n_in; k++)
		if (bind_input(i, k, e) != 0)
			return -1;
	if (check_missing(i, e) != 0 || bind_outputs(i, e) != 0)
		return -1;
	return take_id(i, e);
}

int
bind_request(struct infer *i, struct err *e)
{
	static const struct text unknown = { "<id_unknown>", 12 };
	struct text id = i->q.id.n > 0 ? i->q.id : unknown;

	if (bind_all(i, e) == 0)
		return 0;
	/* In Triton's words, which its clients look for. */
	if (strncmp(e->text, "inputs[", 7) != 0) {
		char text[ERR_TEXT];

		memcpy(text, e->text, sizeof(text));
		(void)err_set(e, e->code, "[request id: %.*s] %s",
		    NAME_SHOWN(id), text);
	}
	return -1;
}

/* A shape whose only unknown is what the number of bytes tells. */
static int
deduce_shape(const struct infer *i, const struct sig_tensor *t, struct shape *s,
    size_t *bytes, struct err *e)
{
	const char *model = i->version->model->name;
	uint64_t length = i->call->encoded ? 0 : i->call->length;
	int unknown = -1;
	size_t row;

	if (t->has_shape)
		*s = t->shape;
	else
		return err_set(e, ERR_INVALID, "model '%s': input '%s' has no "
		    "fixed rank, raw binary requests need one", model, t->name);
	if (i->version->batch_max > 0 && s->rank > 0)
		s->dim[0] = 1;
	for (int d = 0; d < s->rank; d++) {
		if (s->dim[d] >= 0)
			continue;
		if (unknown >= 0)
			return err_set(e, ERR_INVALID, "model '%s': input '%s' "
			    "has more than one variable dimension, raw binary "
			    "requests allow one", model, t->name);
		unknown = d;
		s->dim[d] = 1;
	}
	if (t->type == DT_STRING) {
		*bytes = (size_t)length;
		return 0;
	}
	if (!shape_bytes(s, t->type, &row) || row == 0)
		return err_set(e, ERR_INVALID, "input '%s' has no bytes",
		    t->name);
	if (unknown >= 0 && (length == 0 || length % row != 0))
		return err_set(e, ERR_INVALID, "model '%s': %llu bytes are no "
		    "multiple of input '%s' row of %zu bytes", model,
		    (unsigned long long)length, t->name, row);
	if (unknown >= 0)
		s->dim[unknown] = (int64_t)(length / row);
	*bytes = unknown >= 0 ? (size_t)length : row;
	return 0;
}

int
bind_raw(struct infer *i, struct err *e)
{
	const struct signature *sig = i->version->signature;
	struct request *r = i->request;
	struct shape s;
	size_t bytes = 0;

	if (sig->n_in != 1)
		return err_set(e, ERR_INVALID, "raw binary requests need a "
		    "model with one input, model '%s' has %u",
		    i->version->model->name, sig->n_in);
	if (deduce_shape(i, &sig->in[0], &s, &bytes, e) != 0)
		return -1;
	r->in = calloc(1, sizeof(*r->in));
	if (r->in == NULL)
		return err_memory(e, "inputs", sizeof(*r->in));
	if (check_rows(i, &sig->in[0], &s, e) != 0 ||
	    add_input(i, 0, &s, bytes, e) != 0)
		return -1;
	i->q.binary_output = true;
	return bind_outputs(i, e);
}
