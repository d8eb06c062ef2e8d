#include "tool/inputs.h"

#include <errno.h>

#include "tool/value.h"

bool
inputs_add(struct inputs *in, const char *arg)
{
	if (in->n_given == INPUTS_MAX)
		return false;
	in->given[in->n_given++] = arg;
	return true;
}

bool
inputs_add_shape(struct inputs *in, const char *arg)
{
	if (in->n_shape == INPUTS_MAX || strchr(arg, '=') == NULL)
		return false;
	in->shape[in->n_shape++] = arg;
	return true;
}

/* What follows "NAME=" for that input; NULL: nothing. */
static const char *
find(const char *const list[], int n, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < n; i++) {
		if (strchr(list[i], '=') == NULL)
			return list[i];
		if (strncmp(list[i], name, len) == 0 && list[i][len] == '=')
			return list[i] + len + 1;
	}
	return NULL;
}

/* "1x3x224x224" */
static int
read_shape(const char *text, struct shape *s, struct err *e)
{
	char *end;

	s->rank = 0;
	while (*text != '\0') {
		errno = 0;
		if (s->rank == MAX_RANK ||
		    (s->dim[s->rank++] = strtoll(text, &end, 10)) < 0 ||
		    end == text || errno != 0 || (*end != '\0' && *end != 'x'))
			return err_set(e, ERR_INVALID,
			    "a shape is written as 1x3x224x224");
		text = *end == 'x' ? end + 1 : end;
	}
	return 0;
}

static int
concrete_shape(const struct inputs *in, const struct sig_tensor *t,
    struct shape *s, struct err *e)
{
	const char *text = find(in->shape, in->n_shape, t->name);

	*s = t->shape;
	if (text != NULL)
		return read_shape(text, s, e);
	if (!t->has_shape)
		return err_set(e, ERR_INVALID, "the model does not say its "
		    "shape: give --shape %s=...", t->name);
	for (int i = 0; i < s->rank; i++)
		if (s->dim[i] < 0)
			s->dim[i] = 1;
	return 0;
}

static int
make_one(const struct inputs *in, const struct sig_tensor *t,
    enum value_type type, struct pool *pool, struct io *io, struct err *e)
{
	const char *what = find(in->given, in->n_given, t->name);
	struct datum d;
	struct shape s;

	if (what == NULL && t->optional) {
		*io = (struct io){ .kind = IO_NONE };
		return 0;
	}
	if (what == NULL && in->all)
		return err_set(e, ERR_INVALID, "it is not given; say -i "
		    "%s=FILE", t->name);
	if (what == NULL || what[0] == '@') {
		bool zeros = what != NULL && strcmp(what, "@zeros") == 0;

		if (what != NULL && !zeros && strcmp(what, "@ones") != 0)
			return err_set(e, ERR_INVALID, "%s is neither @zeros "
			    "nor @ones", what);
		if (concrete_shape(in, t, &s, e) == -1 ||
		    value_fill(pool, t->type, &s, !zeros, &d, e) == -1)
			return -1;
	} else if (value_file(pool, what, type, &d, e) == -1)
		return -1;
	return value_io(pool, &d, io, e);
}

static bool
same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strncmp(a, b, n) == 0 && (b[n] == '=' || b[n] == '\0');
}

/* A name on the command line that the model does not have is a slip. */
static int
check_names(const char *const list[], int n, const struct signature *sig,
    struct err *e)
{
	for (int i = 0; i < n; i++) {
		int len = (int)strcspn(list[i], "=");
		uint32_t k = 0;

		if (list[i][len] == '\0' && (n > 1 || sig->n_in != 1))
			return err_set(e, ERR_INVALID, "%s: there are %u "
			    "inputs: say -i NAME=FILE for each", list[i],
			    sig->n_in);
		if (list[i][len] == '\0')
			continue;
		while (k < sig->n_in && !same_name(list[i], sig->in[k].name))
			k++;
		if (k == sig->n_in)
			return err_set(e, ERR_NOT_FOUND,
			    "the model has no input \"%.*s\"", len, list[i]);
		for (int j = 0; j < i; j++)
			if (same_name(list[i], list[j]))
				return err_set(e, ERR_INVALID, "\"%.*s\" is "
				    "given twice", len, list[i]);
	}
	return 0;
}

int
inputs_make(const struct inputs *in, const struct signature *sig,
    const enum value_type *types, struct pool *pool, struct io *io,
    struct err *e)
{
	if (check_names(in->given, in->n_given, sig, e) == -1 ||
	    check_names(in->shape, in->n_shape, sig, e) == -1)
		return -1;
	for (uint32_t i = 0; i < sig->n_in; i++)
		if (make_one(in, &sig->in[i], types[i], pool, &io[i], e) == -1)
			return err_prefix(e, "input \"%s\"", sig->in[i].name);
	return 0;
}

int
value_types(struct model_file *f, struct value_types *t, struct err *e)
{
	struct model *m = model_load(f->bytes, f->n, &f->source, e);

	if (m == NULL)
		return err_prefix(e, "%s", f->path);
	f->bytes = NULL;
	for (int i = 0; i < m->graph->n_in; i++)
		t->in[i] = m->graph->value[m->graph->in[i]].type;
	for (int i = 0; i < m->graph->n_out; i++)
		t->out[i] = m->graph->value[m->graph->out[i]].type;
	model_free(m);
	/* Loading has moved bytes about: the engine wants them as they were. */
	return file_read(f->path, &f->bytes, &f->n, e);
}
