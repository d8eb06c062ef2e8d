/* A model's metadata, checked as what comes from outside. */
#include "tool/remote_model.h"

const char *
remote_type(enum dtype t)
{
	const struct dtype_info *info = dtype_info(t);

	return info->v2 != NULL ? info->v2 : info->onnx;
}

static int
read_shape(const json_t *list, int64_t least, struct shape *s,
    struct err *e)
{
	const json_t *dim;
	size_t at;

	if (!json_is_array(list) || json_array_size(list) > MAX_RANK)
		return err_set(e, ERR_INVALID, "its shape is no list of at "
		    "most %d numbers", MAX_RANK);
	s->rank = (int)json_array_size(list);
	json_array_foreach(list, at, dim) {
		if (!json_is_integer(dim) || json_integer_value(dim) < least)
			return err_set(e, ERR_INVALID, "shape[%zu] is no "
			    "dimension", at);
		s->dim[at] = json_integer_value(dim);
	}
	return 0;
}

int
remote_tensor(const json_t *j, int64_t least, struct sig_tensor *t,
    struct err *e)
{
	const char *name = remote_text(j, "name");
	const char *type = remote_text(j, "datatype");

	if (*name == '\0' || strlen(name) >= sizeof(t->name))
		return err_set(e, ERR_INVALID, "its name is empty or longer "
		    "than %zu bytes", sizeof(t->name) - 1);
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	t->type = dtype_by_v2(type, strlen(type));
	if (t->type == DT_NONE)
		return err_set(e, ERR_UNSUPPORTED, "\"%s\": HTTP cannot carry "
		    "its type \"%s\"", name, type);
	if (read_shape(json_object_get(j, "shape"), least, &t->shape,
	    e) == -1)
		return err_prefix(e, "\"%s\"", name);
	t->has_shape = true;
	return 0;
}

static int
read_tensors(const json_t *list, struct sig_tensor *t, const char *what,
    struct err *e)
{
	const json_t *j;
	size_t at;

	json_array_foreach(list, at, j)
		if (remote_tensor(j, -1, &t[at], e) == -1)
			return err_prefix(e, "%s %zu", what, at);
	return 0;
}

static struct signature *
read_signature(const json_t *j, struct err *e)
{
	const json_t *in = json_object_get(j, "inputs");
	const json_t *out = json_object_get(j, "outputs");
	struct signature *s;

	if (!json_is_array(in) || json_array_size(in) > SIG_TENSORS_MAX ||
	    !json_is_array(out) || json_array_size(out) > SIG_TENSORS_MAX) {
		(void)err_set(e, ERR_INVALID, "its metadata has no inputs and "
		    "outputs, or more than %d", SIG_TENSORS_MAX);
		return NULL;
	}
	s = signature_new((uint32_t)json_array_size(in),
	    (uint32_t)json_array_size(out));
	if (s == NULL) {
		(void)err_memory(e, "a signature", sizeof(*s));
		return NULL;
	}
	if (read_tensors(in, s->in, "input", e) == 0 &&
	    read_tensors(out, s->out, "output", e) == 0)
		return s;
	signature_free(s);
	return NULL;
}

int
remote_model_path(struct buf *b, const struct remote_model *m,
    const char *what, struct err *e)
{
	remote_path(b, m->version != NULL ? "/v2/models/%/versions/%" :
	    "/v2/models/%", m->name, m->version);
	(void)buf_str(b, what);
	if (!buf_failed(b))
		return 0;
	buf_done(b);
	return err_set(e, ERR_LIMIT, "the name is too long");
}

static json_t *
get(struct remote *r, const struct remote_model *m, const char *what,
    struct err *e)
{
	struct buf path;
	json_t *j;

	if (remote_model_path(&path, m, what, e) == -1)
		return NULL;
	j = remote_get(r, "GET", path.data, NULL, e);
	buf_done(&path);
	return j;
}

void
remote_mark_optional(struct remote *r, const struct remote_model *m,
    struct signature *s)
{
	json_t *j = get(r, m, "/config", NULL), *input;
	size_t at;
	int k;

	json_array_foreach(json_object_get(j, "input"), at, input) {
		k = signature_find_in(s, remote_text(input, "name"));
		if (k >= 0)
			s->in[k].optional = json_is_true(
			    json_object_get(input, "optional"));
	}
	json_decref(j);
}

struct signature *
remote_signature(struct remote *r, const struct remote_model *m,
    struct err *e)
{
	json_t *j = get(r, m, "", e);
	struct signature *s;

	if (j == NULL)
		return NULL;
	if ((s = read_signature(j, e)) == NULL)
		(void)err_prefix(e, "%s", r->name);
	json_decref(j);
	return s;
}
