#include "parent/modelconf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/beneath.h"
#include "base/clock.h"
#include "base/size.h"
#include "parse/labels.h"
#include "parse/pbtxt.h"

#define LIST_MAX	1024	/* values of one list */
#define BATCH_MAX	65536
#define MICROSECONDS_MAX INT64_C(86400000000)

struct reading {
	struct pbtxt	 text;
	struct model_config *c;
	const char	*name;		/* of the folder */
	void		(*warn)(void *, const char *);
	void		*arg;
	struct model_tensor *tensor;	/* being read */
};

struct field;
typedef int take_fn(struct reading *, const struct field *, struct err *);

/* What we know of a message: its fields, in any order. */
struct field {
	const char	*name;
	take_fn		*take;		/* NULL: known, and of no use to us */
	const struct field *fields;	/* of a message; else NULL */
	size_t		 at;		/* of take: offset in model_config */
	int64_t		 min, max;
};

struct model_config *
modelconf_new(void)
{
	struct model_config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->refs = 1;
	c->priorities = c->priority = 1;
	c->latest = 1;
	return c;
}

static void
tensors_free(struct model_tensor *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		free(t[i].labels);
		labels_free(t[i].classes);
	}
	free(t);
}

struct model_config *
modelconf_get(struct model_config *c)
{
	c->refs++;
	return c;
}

void
modelconf_put(struct model_config *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	tensors_free(c->in, c->n_in);
	tensors_free(c->out, c->n_out);
	free(c->preferred);
	free(c->specific);
	free(c->file);
	free(c);
}

static int
bad(const struct reading *r, struct err *e, const char *want)
{
	return err_set(e, ERR_INVALID, "line %u: %s: \"%s\", want %s",
	    r->text.line, r->text.name, r->text.text, want);
}

static int
integer(const struct reading *r, const struct field *f, int64_t *v,
    struct err *e)
{
	char want[80];

	(void)snprintf(want, sizeof(want), "a number from %lld to %lld",
	    (long long)f->min, (long long)f->max);
	if (!pbtxt_int(&r->text, v) || *v < f->min || *v > f->max)
		return bad(r, e, want);
	return 0;
}

static void *
at(struct reading *r, const struct field *f)
{
	return (char *)r->c + f->at;
}

/* Takers: one per type of field. */

static int
take_u32(struct reading *r, const struct field *f, struct err *e)
{
	int64_t v;

	if (integer(r, f, &v, e) == -1)
		return -1;
	*(uint32_t *)at(r, f) = (uint32_t)v;
	return 0;
}

static int
take_us(struct reading *r, const struct field *f, struct err *e)
{
	int64_t v;

	if (integer(r, f, &v, e) == -1)
		return -1;
	*(int64_t *)at(r, f) = v * NS_PER_US;
	return 0;
}

static int
take_flag(struct reading *r, const struct field *f, struct err *e)
{
	return pbtxt_bool(&r->text, at(r, f)) ? 0 : bad(r, e, "true or false");
}

static int
append(struct reading *r, const struct field *f, int64_t **list, uint32_t *n,
    struct err *e)
{
	int64_t v, *more;

	if (integer(r, f, &v, e) == -1)
		return -1;
	if (*n == LIST_MAX)
		return bad(r, e, "a shorter list");
	more = reallocarray(*list, *n + 1, sizeof(*more));
	if (more == NULL)
		return err_memory(e, "list", *n);
	*list = more;
	more[(*n)++] = v;
	return 0;
}

static int
take_preferred(struct reading *r, const struct field *f, struct err *e)
{
	return append(r, f, &r->c->preferred, &r->c->n_preferred, e);
}

static int
take_specific(struct reading *r, const struct field *f, struct err *e)
{
	return append(r, f, &r->c->specific, &r->c->n_specific, e);
}

static int
take_batch_max(struct reading *r, const struct field *f, struct err *e)
{
	r->c->has_batch_max = true;
	return integer(r, f, &r->c->batch_max, e);
}

static int
take_name(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	return strcmp(r->text.text, r->name) == 0 ? 0 :
	    bad(r, e, "the name of its folder");
}

/* Of a file in the model's folder, and nowhere else; none if it is empty. */
static int
file_name(struct reading *r, char **name, struct err *e)
{
	const char *s = r->text.text;

	if (r->text.len == 0)
		return 0;
	if (strchr(s, '/') != NULL || *s == '.' || r->text.len > NAME_MAX ||
	    strlen(s) != r->text.len)
		return bad(r, e, "a file's name");
	free(*name);
	*name = strdup(s);
	return *name != NULL ? 0 : err_memory(e, "name", r->text.len);
}

static int
take_file(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	return file_name(r, &r->c->file, e);
}

static int
open_tensor(struct reading *r, struct model_tensor **list, uint32_t *n,
    struct err *e)
{
	struct model_tensor *more;

	if (*n == SIG_TENSORS_MAX)
		return bad(r, e, "fewer tensors");
	more = reallocarray(*list, *n + 1, sizeof(*more));
	if (more == NULL)
		return err_memory(e, "tensors", *n);
	*list = more;
	r->tensor = &more[(*n)++];
	memset(r->tensor, 0, sizeof(*r->tensor));
	return 0;
}

static int
open_input(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	return open_tensor(r, &r->c->in, &r->c->n_in, e);
}

static int
open_output(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	return open_tensor(r, &r->c->out, &r->c->n_out, e);
}

static int
open_dynamic(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	(void)e;
	r->c->dynamic_batching = true;
	return 0;
}

static int
open_all(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	(void)e;
	r->c->policy = POLICY_ALL;
	return 0;
}

static int
open_specific(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	(void)e;
	r->c->policy = POLICY_SPECIFIC;
	return 0;
}

static int
tensor_name(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	if (r->text.len >= SIG_NAME_MAX)
		return bad(r, e, "a shorter name");
	(void)snprintf(r->tensor->name, SIG_NAME_MAX, "%.*s",
	    SIG_NAME_MAX - 1, r->text.text);
	return 0;
}

static int
tensor_type(struct reading *r, const struct field *f, struct err *e)
{
	const char *s = r->text.text;

	(void)f;
	if (strncmp(s, "TYPE_", 5) != 0)
		return bad(r, e, "TYPE_FP32 or the like");
	s += 5;
	if (strcmp(s, "STRING") == 0)
		s = "BYTES";
	r->tensor->type = dtype_by_v2(s, strlen(s));
	return r->tensor->type != DT_NONE ? 0 :
	    bad(r, e, "TYPE_FP32 or the like");
}

static int
tensor_dims(struct reading *r, const struct field *f, struct err *e)
{
	struct shape *s = &r->tensor->shape;

	r->tensor->has_shape = true;
	if (s->rank == MAX_RANK)
		return bad(r, e, "at most 8 dimensions");
	if (integer(r, f, &s->dim[s->rank], e) == -1)
		return -1;
	s->rank++;
	return 0;
}

static int
tensor_optional(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	return pbtxt_bool(&r->text, &r->tensor->optional) ? 0 :
	    bad(r, e, "true or false");
}

static int
tensor_labels(struct reading *r, const struct field *f, struct err *e)
{
	(void)f;
	return file_name(r, &r->tensor->labels, e);
}

#define AT(f)	offsetof(struct model_config, f)
#define END	{ NULL, NULL, NULL, 0, 0, 0 }

static const struct field none[] = { END };

static const struct field tensor_fields[] = {
	{ "name", tensor_name, NULL, 0, 0, 0 },
	{ "data_type", tensor_type, NULL, 0, 0, 0 },
	{ "dims", tensor_dims, NULL, 0, -1, INT64_MAX },
	{ "optional", tensor_optional, NULL, 0, 0, 0 },
	{ "label_filename", tensor_labels, NULL, 0, 0, 0 },
	{ "format", NULL, NULL, 0, 0, 0 },
	END
};

static const struct field queue_fields[] = {
	{ "max_queue_size", take_u32, NULL, AT(queue_max), 0, 1000000 },
	{ "default_timeout_microseconds", take_us, NULL, AT(timeout_ns),
	    0, MICROSECONDS_MAX },
	{ "allow_timeout_override", take_flag, NULL, AT(timeout_override),
	    0, 0 },
	END
};

static const struct field dynamic_fields[] = {
	{ "preferred_batch_size", take_preferred, NULL, 0, 1, BATCH_MAX },
	{ "max_queue_delay_microseconds", take_us, NULL, AT(delay_ns),
	    0, MICROSECONDS_MAX },
	{ "priority_levels", take_u32, NULL, AT(priorities), 1,
	    PRIORITIES_MAX },
	{ "default_priority_level", take_u32, NULL, AT(priority), 1,
	    PRIORITIES_MAX },
	{ "default_queue_policy", NULL, queue_fields, 0, 0, 0 },
	{ "preserve_ordering", NULL, NULL, 0, 0, 0 },
	END
};

static const struct field latest_fields[] = {
	{ "num_versions", take_u32, NULL, AT(latest), 1, 1000 },
	END
};

static const struct field specific_fields[] = {
	{ "versions", take_specific, NULL, 0, 1, INT64_MAX },
	END
};

static const struct field policy_fields[] = {
	{ "latest", NULL, latest_fields, 0, 0, 0 },
	{ "all", open_all, none, 0, 0, 0 },
	{ "specific", open_specific, specific_fields, 0, 0, 0 },
	END
};

static const struct field model_fields[] = {
	{ "name", take_name, NULL, 0, 0, 0 },
	{ "platform", NULL, NULL, 0, 0, 0 },
	{ "backend", NULL, NULL, 0, 0, 0 },
	{ "runtime", NULL, NULL, 0, 0, 0 },
	{ "max_batch_size", take_batch_max, NULL, 0, 0, BATCH_MAX },
	{ "default_model_filename", take_file, NULL, 0, 0, 0 },
	{ "input", open_input, tensor_fields, 0, 0, 0 },
	{ "output", open_output, tensor_fields, 0, 0, 0 },
	{ "version_policy", NULL, policy_fields, 0, 0, 0 },
	{ "dynamic_batching", open_dynamic, dynamic_fields, 0, 0, 0 },
	END
};

static const struct field *
find(const struct field *f, const char *name)
{
	while (f->name != NULL && strcmp(f->name, name) != 0)
		f++;
	return f->name != NULL ? f : NULL;
}

static void
warn_unknown(struct reading *r)
{
	char text[PBTXT_NAME + 128];

	(void)snprintf(text, sizeof(text), "config.pbtxt: line %u: %s is "
	    "not used", r->text.line, r->text.name);
	r->warn(r->arg, text);
}

/* What to do with one event, at the level whose fields are given. */
static int
event_take(struct reading *r, enum pbtxt_event event,
    const struct field *fields, const struct field **inside, struct err *e)
{
	const struct field *f = find(fields, r->text.name);

	*inside = NULL;
	if (f == NULL) {
		warn_unknown(r);
		return event == PBTXT_OPEN ? pbtxt_skip(&r->text, e) : 0;
	}
	if ((f->fields != NULL) != (event == PBTXT_OPEN))
		return bad(r, e, f->fields != NULL ? "{ ... }" : "a value");
	if (f->take != NULL && f->take(r, f, e) == -1)
		return -1;
	*inside = f->fields;
	return 0;
}

/* The tables nest no deeper than this. */
#define LEVELS	4

static int
read_all(struct reading *r, struct err *e)
{
	const struct field *level[LEVELS] = { model_fields }, *inside;
	enum pbtxt_event event;
	unsigned depth = 0;

	for (;;) {
		if (pbtxt_next(&r->text, &event, e) == -1)
			return -1;
		if (event == PBTXT_END)
			return 0;
		if (event == PBTXT_CLOSE) {
			depth--;
			continue;
		}
		if (event_take(r, event, level[depth], &inside, e) == -1)
			return -1;
		if (inside != NULL)
			level[++depth] = inside;
	}
}

struct model_config *
modelconf_parse(const char *text, size_t n, const char *name,
    void (*warn)(void *, const char *), void *arg, struct err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct model_config *c = modelconf_new();

	if (r == NULL || c == NULL) {
		(void)err_memory(e, "configuration", n);
		goto fail;
	}
	pbtxt_start(&r->text, text, n);
	r->c = c;
	r->name = name;
	r->warn = warn;
	r->arg = arg;
	c->given = true;
	if (read_all(r, e) == -1)
		goto fail;
	if (c->priority > c->priorities)
		c->priority = c->priorities;
	free(r);
	return c;
fail:
	free(r);
	modelconf_put(c);
	return NULL;
}

static int
differs(const char *kind, const struct model_tensor *t, struct err *e,
    const char *what, const char *here, const char *there)
{
	return err_set(e, ERR_INVALID, "%s \"%s\": %s %s, but the model has "
	    "%s", kind, t->name, what, here, there);
}

/* Each side may leave a dimension open. */
static bool
agree(const struct shape *a, const struct shape *b)
{
	if (a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] != b->dim[i] && a->dim[i] != -1 &&
		    b->dim[i] != -1)
			return false;
	return true;
}

static int
check_tensor(const struct model_config *c, const char *kind,
    const struct model_tensor *t, const struct sig_tensor *s, struct err *e)
{
	char here[SHAPE_TEXT], there[SHAPE_TEXT];
	struct shape whole = t->shape;

	if (t->type != DT_NONE && t->type != s->type)
		return differs(kind, t, e, "type", dtype_info(t->type)->onnx,
		    dtype_info(s->type)->onnx);
	if (!t->has_shape || !s->has_shape)
		return 0;
	if (c->batch_max > 0) {
		if (whole.rank == MAX_RANK)
			return err_set(e, ERR_LIMIT, "%s \"%s\": too many "
			    "dimensions", kind, t->name);
		memmove(whole.dim + 1, whole.dim,
		    (size_t)whole.rank * sizeof(whole.dim[0]));
		whole.dim[0] = -1;
		whole.rank++;
	}
	if (agree(&whole, &s->shape))
		return 0;
	return differs(kind, t, e, "shape", shape_text(&whole, here),
	    shape_text(&s->shape, there));
}

int
modelconf_check(const struct model_config *c, const struct signature *sig,
    struct err *e)
{
	for (uint32_t i = 0; i < c->n_in; i++) {
		int k = signature_find_in(sig, c->in[i].name);

		if (k == -1)
			return err_set(e, ERR_INVALID, "the model has no input "
			    "\"%s\"", c->in[i].name);
		if (check_tensor(c, "input", &c->in[i], &sig->in[k], e) == -1)
			return -1;
	}
	for (uint32_t i = 0; i < c->n_out; i++) {
		int k = signature_find_out(sig, c->out[i].name);

		if (k == -1)
			return err_set(e, ERR_INVALID, "the model has no "
			    "output \"%s\"", c->out[i].name);
		if (check_tensor(c, "output", &c->out[i], &sig->out[k],
		    e) == -1)
			return -1;
	}
	return 0;
}

const struct model_tensor *
modelconf_output(const struct model_config *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_out; i++)
		if (strcmp(c->out[i].name, name) == 0)
			return &c->out[i];
	return NULL;
}

static struct labels *
read_labels(int dir, const char *file, struct err *e)
{
	struct labels *l;
	size_t n = 0;
	char *text = beneath_read(dir, file, LABELS_FILE_MAX, &n, e);

	if (text == NULL)
		return NULL;
	if ((l = labels_parse(text, n, e)) == NULL)
		(void)err_prefix(e, "%s", file);
	free(text);
	return l;
}

int
modelconf_read_labels(struct model_config *c, int dir, struct err *e)
{
	for (uint32_t i = 0; i < c->n_out; i++) {
		struct model_tensor *t = &c->out[i];

		if (t->labels == NULL || t->classes != NULL)
			continue;
		if ((t->classes = read_labels(dir, t->labels, e)) != NULL)
			continue;
		/* The model is there: its configuration is at fault. */
		e->code = ERR_INVALID;
		return err_prefix(e, "output \"%s\": label_filename",
		    t->name);
	}
	return 0;
}
