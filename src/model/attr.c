#include <string.h>

#include "base/size.h"
#include "model/build.h"

/* of one node; they are compared with each other */
#define ATTRS_MAX	128

static const char *const type_name[] = {
	[ATTR_FLOAT] = "a float", [ATTR_INT] = "an int",
	[ATTR_STRING] = "a string", [ATTR_TENSOR] = "a tensor",
	[ATTR_GRAPH] = "a graph", [ATTR_FLOATS] = "floats",
	[ATTR_INTS] = "ints", [ATTR_STRINGS] = "strings",
	[ATTR_TENSORS] = "tensors", [ATTR_GRAPHS] = "graphs",
	[ATTR_SPARSE] = "a sparse tensor", [ATTR_TYPE] = "a type",
};

/* How the value of each type is read. */
typedef int reader(struct load *, struct scope *, const struct onnx_attr *,
    struct attr *, struct err *);

static int
read_float(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	(void)l, (void)s, (void)e;
	a->f = o->f;
	return 0;
}

static int
read_int(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	(void)l, (void)s, (void)e;
	a->i = o->i;
	return 0;
}

static int
read_string(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	char *text = load_get(l, o->s.n + 1, 1, e);

	(void)s;
	if (text == NULL)
		return -1;
	if (o->s.n > 0)
		memcpy(text, o->s.at, o->s.n);
	a->s = (struct string){ text, o->s.n };
	return 0;
}

static int
read_floats(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	float *f = load_get(l, o->floats.count, sizeof(*f), e);

	(void)s;
	if (f == NULL)
		return -1;
	pb_floats(o->floats, f);
	a->floats = f;
	a->n = o->floats.count;
	return 0;
}

static int
read_ints(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	int64_t *i = load_get(l, o->ints.count, sizeof(*i), e);

	(void)s;
	if (i == NULL)
		return -1;
	pb_ints(o->ints, i);
	a->ints = i;
	a->n = o->ints.count;
	return 0;
}

static int
read_strings(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	struct string *strings;

	(void)s;
	if (tensor_strings(l, o->strings, &strings, e) == -1)
		return -1;
	a->strings = strings;
	a->n = o->strings.count;
	return 0;
}

static int
read_tensors(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	struct pb_many from = o->tensors;
	bool many = a->type == ATTR_TENSORS;
	struct tensor *t = load_get(l, many ? from.count : 1, sizeof(*t), e);
	struct pb_span span;

	(void)s;
	if (t == NULL)
		return -1;
	a->t = t;
	a->n = many ? from.count : 1;
	if (a->type == ATTR_TENSOR)
		return tensor_read(l, o->tensor, t, e);
	if (a->type == ATTR_SPARSE)
		return tensor_read_sparse(l, o->sparse, t, e);
	for (; pb_next(&from, &span); t++)
		if (tensor_read(l, span, t, e) == -1)
			return -1;
	return 0;
}

static int
read_graphs(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	struct pb_many from = o->graphs;
	bool many = a->type == ATTR_GRAPHS;
	struct graph *g = load_get(l, many ? from.count : 1, sizeof(*g), e);
	struct pb_span span;

	if (g == NULL)
		return -1;
	a->g = g;
	a->n = many ? from.count : 1;
	if (!many)
		return graph_read(l, s, s->opset, s->n_opset, o->graph, g, e);
	for (; pb_next(&from, &span); g++)
		if (graph_read(l, s, s->opset, s->n_opset, span, g, e) == -1)
			return -1;
	return 0;
}

static int
read_type(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	struct value *v = load_get(l, 1, sizeof(*v), e);

	(void)s;
	a->type_of = v;
	return v == NULL ? -1 : type_read(l, o->type_proto, v, e);
}

static reader *const readers[] = {
	[ATTR_FLOAT] = read_float, [ATTR_INT] = read_int,
	[ATTR_STRING] = read_string, [ATTR_TENSOR] = read_tensors,
	[ATTR_GRAPH] = read_graphs, [ATTR_FLOATS] = read_floats,
	[ATTR_INTS] = read_ints, [ATTR_STRINGS] = read_strings,
	[ATTR_TENSORS] = read_tensors, [ATTR_GRAPHS] = read_graphs,
	[ATTR_SPARSE] = read_tensors, [ATTR_TYPE] = read_type,
};

static const struct attr *
find_in(const struct attr *a, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i].name, name) == 0)
			return &a[i];
	return NULL;
}

/*
 * The attribute of the call that the body's attribute a refers to: copied, with
 * its own name.  1: done, 0: the call has none, -1: *err.
 */
static int
refer(struct load *l, const struct scope *s, struct pb_span ref,
    struct attr *a, struct err *e)
{
	const char *name = load_name(l, ref, e);
	const char *own = a->name;
	const struct attr *from = NULL;

	if (name == NULL)
		return -1;
	if (s->attrs == NULL)
		return err_set(e, ERR_INVALID, "refers to \"%s\", but is not "
		    "in a function", name);
	for (const struct attrs *t = s->attrs; t != NULL && from == NULL;
	    t = t->dflt)
		from = find_in(t->attr, t->n, name);
	if (from == NULL)
		return 0;
	if (from->type != a->type)
		return err_set(e, ERR_INVALID, "is %s, but \"%s\" that it "
		    "refers to %s", type_name[a->type], name,
		    type_name[from->type]);
	if (a->type == ATTR_GRAPH || a->type == ATTR_GRAPHS)
		return err_set(e, ERR_UNSUPPORTED, "is a graph by reference");
	*a = *from;
	a->name = own;
	return 1;
}

/* As refer(): 1 if there is one. */
static int
read_attr(struct load *l, struct scope *s, const struct onnx_attr *o,
    struct attr *a, struct err *e)
{
	if (o->type <= 0 || o->type >= (int64_t)nitems(readers) ||
	    readers[o->type] == NULL)
		return err_set(e, ERR_UNSUPPORTED, "unknown type %lld",
		    (long long)o->type);
	a->type = (enum attr_type)o->type;
	if (o->ref.n > 0)
		return refer(l, s, o->ref, a, e);
	if ((a->type == ATTR_TENSOR && o->tensor.at == NULL) ||
	    (a->type == ATTR_SPARSE && o->sparse.at == NULL) ||
	    (a->type == ATTR_GRAPH && o->graph.at == NULL))
		return err_set(e, ERR_INVALID, "is %s, but has none",
		    type_name[a->type]);
	return readers[a->type](l, s, o, a, e) == -1 ? -1 : 1;
}

int
attr_read_all(struct load *l, struct scope *s, struct pb_many from,
    struct attr **out, int *n, struct err *e)
{
	struct attr *all, *a;
	struct onnx_attr o;
	struct pb_span span;
	int r;

	if (from.count > ATTRS_MAX)
		return err_set(e, ERR_LIMIT, "%zu attributes, at most %d are "
		    "allowed", from.count, ATTRS_MAX);
	if ((all = load_get(l, from.count, sizeof(*all), e)) == NULL)
		return -1;
	*out = all;
	for (*n = 0; pb_next(&from, &span); *n += r) {
		a = &all[*n];
		memset(a, 0, sizeof(*a));
		if (onnx_read_attr(span, &o, e) == -1 ||
		    (a->name = load_name(l, o.name, e)) == NULL)
			return -1;
		if (find_in(all, (size_t)*n, a->name) != NULL)
			return err_set(e, ERR_INVALID,
			    "attribute \"%s\" twice", a->name);
		if ((r = read_attr(l, s, &o, a, e)) == -1)
			return err_prefix(e, "attribute \"%s\"", a->name);
	}
	return 0;
}

const struct attr *
attr_find(const struct node *n, const char *name)
{
	return find_in(n->attr, (size_t)n->n_attr, name);
}

/* 1: there, of that type; 0: absent; -1: of another type. */
static int
find_typed(const struct node *n, const char *name, enum attr_type type,
    const struct attr **a, struct err *e)
{
	*a = attr_find(n, name);
	if (*a == NULL)
		return 0;
	if ((*a)->type != type)
		return err_set(e, ERR_INVALID, "attribute \"%s\" is %s, want "
		    "%s", name, type_name[(*a)->type], type_name[type]);
	return 1;
}

int
attr_int(const struct node *n, const char *name, int64_t dflt, int64_t *v,
    struct err *e)
{
	const struct attr *a;
	int r = find_typed(n, name, ATTR_INT, &a, e);

	if (r == -1)
		return -1;
	*v = r == 1 ? a->i : dflt;
	return 0;
}

int
attr_float(const struct node *n, const char *name, float dflt, float *v,
    struct err *e)
{
	const struct attr *a;
	int r = find_typed(n, name, ATTR_FLOAT, &a, e);

	if (r == -1)
		return -1;
	*v = r == 1 ? a->f : dflt;
	return 0;
}

int
attr_string(const struct node *n, const char *name, const char *dflt,
    const char **v, struct err *e)
{
	const struct attr *a;
	int r = find_typed(n, name, ATTR_STRING, &a, e);

	if (r == -1)
		return -1;
	*v = r == 1 ? a->s.s : dflt;
	return 0;
}

int
attr_ints(const struct node *node, const char *name, const int64_t **v,
    size_t *n, struct err *e)
{
	const struct attr *a;
	int r = find_typed(node, name, ATTR_INTS, &a, e);

	if (r == -1)
		return -1;
	*v = r == 1 ? a->ints : NULL;
	*n = r == 1 ? a->n : 0;
	return 0;
}

int
attr_floats(const struct node *node, const char *name, const float **v,
    size_t *n, struct err *e)
{
	const struct attr *a;
	int r = find_typed(node, name, ATTR_FLOATS, &a, e);

	if (r == -1)
		return -1;
	*v = r == 1 ? a->floats : NULL;
	*n = r == 1 ? a->n : 0;
	return 0;
}

int
attr_tensor(const struct node *n, const char *name, const struct tensor **v,
    struct err *e)
{
	const struct attr *a;
	int r = find_typed(n, name, ATTR_TENSOR, &a, e);

	if (r == -1)
		return -1;
	*v = r == 1 ? a->t : NULL;
	return 0;
}

int
attr_graph(const struct node *n, const char *name, struct graph **v,
    struct err *e)
{
	const struct attr *a;
	int r = find_typed(n, name, ATTR_GRAPH, &a, e);

	if (r == -1)
		return -1;
	*v = r == 1 ? a->g : NULL;
	return 0;
}
