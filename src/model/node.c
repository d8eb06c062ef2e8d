#include <string.h>

#include "base/size.h"
#include "model/build.h"

#define NODE_IO_MAX	16384	/* inputs, or outputs, of one node */

/* Every name that a list of nodes gives, before any of them is read. */
static int
declare(struct load *l, struct scope *s, struct pb_many nodes, struct err *e)
{
	struct pb_span span, name;
	struct onnx_node o;
	int unused;

	for (int k = 0; pb_next(&nodes, &span); k++) {
		if (onnx_read_node(span, &o, e) == -1)
			return err_prefix(e, "node %d", k);
		while (pb_next(&o.outputs, &name))
			if (name.n > 0 &&
			    scope_define(l, s, name, &unused, e) == -1)
				return err_prefix(e, "node %d", k);
	}
	return 0;
}

static int
read_inputs(struct load *l, struct scope *s, struct pb_many from,
    struct node *n, struct err *e)
{
	struct pb_span name;

	if ((n->in = load_get(l, from.count, sizeof(*n->in), e)) == NULL)
		return -1;
	for (; pb_next(&from, &name); n->n_in++) {
		n->in[n->n_in] = NO_VALUE;
		if (name.n > 0 && scope_find(l, s, name, &n->in[n->n_in],
		    e) == -1)
			return err_prefix(e, "input %d", n->n_in);
	}
	return 0;
}

static int
read_outputs(struct load *l, struct scope *s, struct pb_many from,
    struct node *n, struct err *e)
{
	struct pb_span name;

	if ((n->out = load_get(l, from.count, sizeof(*n->out), e)) == NULL)
		return -1;
	for (; pb_next(&from, &name); n->n_out++) {
		n->out[n->n_out] = NO_VALUE;
		if (name.n > 0 && scope_find(l, s, name, &n->out[n->n_out],
		    e) == -1)
			return err_prefix(e, "output %d", n->n_out);
	}
	return 0;
}

static int
find_opset(const struct scope *s, struct node *n, struct err *e)
{
	for (size_t i = 0; i < s->n_opset; i++)
		if (strcmp(s->opset[i].domain, n->domain) == 0) {
			n->opset = s->opset[i].version;
			return 0;
		}
	return err_set(e, ERR_INVALID,
	    "the model imports no opset of domain \"%s\"",
	    n->domain[0] != '\0' ? n->domain : "ai.onnx");
}

/* A tensor of one attribute's value: the short forms of Constant. */
static int
tensor_of(struct load *l, const struct attr *a, struct tensor *t,
    struct err *e)
{
	static const struct {
		const char	*name;
		enum attr_type	 attr;
		enum dtype	 type;
		uint8_t		 size;
		bool		 many;
	} forms[] = {
		{ "value_float", ATTR_FLOAT, DT_FLOAT, 4, false },
		{ "value_floats", ATTR_FLOATS, DT_FLOAT, 4, true },
		{ "value_int", ATTR_INT, DT_INT64, 8, false },
		{ "value_ints", ATTR_INTS, DT_INT64, 8, true },
		{ "value_string", ATTR_STRING, DT_STRING,
		    sizeof(struct string), false },
		{ "value_strings", ATTR_STRINGS, DT_STRING,
		    sizeof(struct string), true },
	};
	size_t k;

	for (k = 0; k < nitems(forms); k++)
		if (strcmp(forms[k].name, a->name) == 0 &&
		    forms[k].attr == a->type)
			break;
	if (k == nitems(forms))
		return err_set(e, ERR_INVALID,
		    "attribute \"%s\" is no constant", a->name);
	t->type = forms[k].type;
	t->count = forms[k].many ? a->n : 1;
	t->bytes = t->count * forms[k].size;
	t->shape.rank = forms[k].many;
	t->shape.dim[0] = (int64_t)t->count;
	if (forms[k].many) {
		t->data = a->floats;	/* all plural forms are one pointer */
		return 0;
	}
	void *to = load_get(l, 1, t->bytes, e);
	if (to == NULL)
		return -1;
	memcpy(to, &a->f, t->bytes);	/* and so for the singular ones */
	t->data = to;
	return 0;
}

_Static_assert(offsetof(struct attr, f) == offsetof(struct attr, i) &&
    offsetof(struct attr, f) == offsetof(struct attr, s) &&
    offsetof(struct attr, floats) == offsetof(struct attr, strings),
    "one union");

/* Constant is no node to us: its output is an initializer. */
static int
read_constant(struct load *l, struct scope *s, const struct onnx_node *o,
    struct err *e)
{
	struct pb_many outputs = o->outputs;
	struct pb_span name;
	struct tensor *t = load_get(l, 1, sizeof(*t), e);
	struct attr *a;
	int n, i;

	if (t == NULL || attr_read_all(l, s, o->attrs, &a, &n, e) == -1)
		return -1;
	if (n != 1 || outputs.count != 1)
		return err_set(e, ERR_INVALID, "%d attributes and %zu "
		    "outputs, want one of each", n, outputs.count);
	(void)pb_next(&outputs, &name);
	if (name.n == 0)
		return 0;
	if (a->type == ATTR_TENSOR || a->type == ATTR_SPARSE)
		*t = *a->t;
	else if (tensor_of(l, a, t, e) == -1)
		return -1;
	if (scope_find(l, s, name, &i, e) == -1)
		return -1;
	struct value *v = &s->build->value[i];
	t->name = v->name;
	v->init = t;
	v->type = VALUE_TENSOR;
	v->elem = t->type;
	v->has_shape = true;
	v->shape = t->shape;
	l->parameters += t->count;
	return 0;
}

/* What to call a node without a name: by its first output, as people do. */
static const char *
made_up_name(const struct build *b, const struct node *n)
{
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i] != NO_VALUE)
			return b->value[n->out[i]].name;
	return "";
}

static int
read_plain(struct load *l, struct scope *s, const struct onnx_node *o,
    struct node *n, struct err *e)
{
	struct node *into;

	if (read_outputs(l, s, o->outputs, n, e) == -1)
		return -1;
	if (n->name[0] == '\0')
		n->name = made_up_name(s->build, n);
	if (find_opset(s, n, e) == -1 ||
	    read_inputs(l, s, o->inputs, n, e) == -1 ||
	    attr_read_all(l, s, o->attrs, &n->attr, &n->n_attr, e) == -1)
		return -1;
	if ((into = build_node(l, s->build, e)) == NULL)
		return -1;
	*into = *n;
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i] != NO_VALUE)
			build_produces(s->build, n->out[i]);
	return 0;
}

static int
read_node(struct load *l, struct scope *s, struct pb_span m, int k,
    struct err *e)
{
	const struct function *f;
	struct onnx_node o;
	struct node n = { .name = "" };
	int r;

	if (onnx_read_node(m, &o, e) == -1 ||
	    (n.name = load_name(l, o.name, e)) == NULL ||
	    (n.op = load_name(l, o.op, e)) == NULL ||
	    (n.domain = load_domain(l, o.domain, e)) == NULL)
		return err_prefix(e, "node %d", k);
	if (n.op[0] == '\0')
		return err_set(e, ERR_INVALID, "node %d \"%s\" has no op_type",
		    k, n.name);
	if (o.inputs.count > NODE_IO_MAX || o.outputs.count > NODE_IO_MAX)
		r = err_set(e, ERR_LIMIT, "%zu inputs and %zu outputs, at "
		    "most %d are allowed", o.inputs.count, o.outputs.count,
		    NODE_IO_MAX);
	else if ((f = function_find(l, &o)) != NULL)
		r = function_call(l, s, f, &o, e);
	else if (strcmp(n.op, "Constant") == 0 && n.domain[0] == '\0')
		r = read_constant(l, s, &o, e);
	else
		r = read_plain(l, s, &o, &n, e);
	if (r == 0)
		return 0;
	if (n.opset > 0)
		return err_prefix(e, "node \"%s\" (%s-%d)", n.name, n.op,
		    n.opset);
	return err_prefix(e, "node \"%s\" (%s)", n.name, n.op);
}

int
nodes_read(struct load *l, struct scope *s, struct pb_many nodes,
    struct err *e)
{
	struct pb_span span;

	if (declare(l, s, nodes, e) == -1)
		return -1;
	for (int k = 0; pb_next(&nodes, &span); k++)
		if (read_node(l, s, span, k, e) == -1)
			return -1;
	return 0;
}
