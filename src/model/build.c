#include "model/build.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

/*
 * Room for one more element in a malloc'ed array of n, cap of them allocated;
 * charged as if it were in the pool already.
 */
static int
room(struct load *l, void **array, int n, int *cap, size_t size,
    struct err *e)
{
	int more = *cap > 0 ? *cap * 2 : 32;
	void *p;

	if (l->budget < size)
		return err_set(e, ERR_LIMIT,
		    "the model needs too much memory for its size");
	l->budget -= size;
	if (n < *cap)
		return 0;
	if (*cap > INT_MAX / 4)
		return err_set(e, ERR_LIMIT, "too many values or nodes");
	if ((p = realloc(*array, (size_t)more * size)) == NULL)
		return err_memory(e, "a graph", (size_t)more * size);
	*array = p;
	*cap = more;
	return 0;
}

int
build_value(struct load *l, struct build *b, const char *name, struct err *e)
{
	void *array = b->value;

	if (room(l, &array, b->n_value, &b->cap_value, sizeof(*b->value),
	    e) == -1)
		return -1;
	b->value = array;
	b->value[b->n_value] = (struct value){ .name = name,
	    .type = VALUE_UNKNOWN, .producer = -1, .outer = -1 };
	return b->n_value++;
}

struct node *
build_node(struct load *l, struct build *b, struct err *e)
{
	void *array = b->node;

	if (room(l, &array, b->n_node, &b->cap_node, sizeof(*b->node),
	    e) == -1)
		return NULL;
	b->node = array;
	memset(&b->node[b->n_node], 0, sizeof(*b->node));
	return &b->node[b->n_node++];
}

void
build_produces(struct build *b, int value)
{
	b->value[value].producer = b->n_node - 1;
}

/* 1: found, 0: there is no such name, -1: *err. */
static int
look_up(struct load *l, struct scope *s, struct pb_span name, int *value,
    struct err *e)
{
	struct name *known = names_find(&s->names, name);
	struct build *b = s->build;
	int r;

	if (known != NULL) {
		*value = known->value;
		return 1;
	}
	if (s->up == NULL || (r = look_up(l, s->up, name, value, e)) == 0)
		return 0;
	if (r == 1 && *value != NO_VALUE) {
		int outer = *value;

		*value = build_value(l, b, s->up->build->value[outer].name, e);
		if (*value == -1)
			return -1;
		const struct value *from = &s->up->build->value[outer];
		struct value *v = &b->value[*value];
		v->outer = outer;
		v->type = from->type;
		v->elem = from->elem;
	}
	if (r == 1 && names_add(&s->names, name, *value, true, e) == NULL)
		return -1;
	return r;
}

int
scope_find(struct load *l, struct scope *s, struct pb_span name, int *value,
    struct err *e)
{
	int r = look_up(l, s, name, value, e);

	if (r == 0)
		return err_set(e, ERR_INVALID, "\"%.*s\" is not defined",
		    name.n < 200 ? (int)name.n : 200, (const char *)name.at);
	return r == 1 ? 0 : -1;
}

int
scope_define(struct load *l, struct scope *s, struct pb_span name, int *value,
    struct err *e)
{
	struct name *known = names_find(&s->names, name);
	const char *text;

	if (known != NULL && known->defined)
		return err_set(e, ERR_INVALID, "\"%.*s\" is defined twice",
		    name.n < 200 ? (int)name.n : 200, (const char *)name.at);
	if (known != NULL) {
		known->defined = true;
		*value = known->value;
		return 0;
	}
	if ((text = load_name(l, name, e)) == NULL ||
	    (*value = build_value(l, s->build, text, e)) == -1)
		return -1;
	return names_add(&s->names, name, *value, true, e) != NULL ? 0 : -1;
}

/*
 * The type of a value that the file describes; elsewhere we know no such name.
 */
static int
describe(struct load *l, struct scope *s, struct pb_span m, int *index,
    bool define, struct err *e)
{
	struct onnx_value o;
	struct name *known;
	int r = 0;

	*index = NO_VALUE;
	if (onnx_read_value(m, &o, e) == -1)
		return -1;
	if (o.name.n == 0)
		return define ? err_set(e, ERR_INVALID, "it has no name") : 0;
	if (define)
		r = scope_define(l, s, o.name, index, e);
	else if ((known = names_find(&s->names, o.name)) != NULL)
		*index = known->value;
	if (r == -1 || *index == NO_VALUE)
		return r;
	struct value *v = &s->build->value[*index];
	if (v->init != NULL || v->outer != -1)
		return 0;
	v->has_shape = false;
	v->shape.rank = 0;
	if (type_read(l, o.type, v, e) == -1)
		return err_prefix(e, "\"%s\"", v->name);
	return 0;
}

static int
read_inputs(struct load *l, struct scope *s, struct pb_many inputs,
    struct err *e)
{
	struct graph *g = s->build->g;
	struct pb_span span;

	if ((g->in = load_get(l, inputs.count, sizeof(*g->in), e)) == NULL)
		return -1;
	while (pb_next(&inputs, &span))
		if (describe(l, s, span, &g->in[g->n_in++], true, e) == -1)
			return err_prefix(e, "input %d", g->n_in - 1);
	return 0;
}

static int
describe_all(struct load *l, struct scope *s, struct pb_many values,
    struct err *e)
{
	struct pb_span span;
	int unused;

	while (pb_next(&values, &span))
		if (describe(l, s, span, &unused, false, e) == -1)
			return err_prefix(e, "value_info");
	return 0;
}

/* Give a value its constant: a new name's, or an input's default. */
static int
set_initializer(struct load *l, struct scope *s, const struct tensor *t,
    struct err *e)
{
	size_t len = strlen(t->name);
	struct pb_span name = { (const uint8_t *)t->name, len };
	struct name *known = names_find(&s->names, name);
	int i;

	if (len == 0)
		return err_set(e, ERR_INVALID, "an initializer has no name");
	if (known == NULL && scope_define(l, s, name, &i, e) == -1)
		return -1;
	if (known != NULL)
		i = known->value;
	struct value *v = &s->build->value[i];
	if (v->init != NULL)
		return err_set(e, ERR_INVALID,
		    "initializer \"%s\" is defined twice", t->name);
	if (v->elem != DT_NONE && v->elem != t->type)
		return err_set(e, ERR_INVALID, "initializer \"%s\" is %s, but "
		    "the input of that name %s", t->name,
		    dtype_info(t->type)->onnx, dtype_info(v->elem)->onnx);
	v->init = t;
	v->type = VALUE_TENSOR;
	v->elem = t->type;
	if (known == NULL) {
		v->has_shape = true;
		v->shape = t->shape;
	}
	l->parameters += t->count;
	return 0;
}

static int
read_initializers(struct load *l, struct scope *s, struct pb_many from,
    int (*read)(struct load *, struct pb_span, struct tensor *, struct err *),
    struct err *e)
{
	struct tensor *t = load_get(l, from.count, sizeof(*t), e);
	struct pb_span span;

	if (t == NULL)
		return -1;
	for (; pb_next(&from, &span); t++)
		if (read(l, span, t, e) == -1 ||
		    set_initializer(l, s, t, e) == -1)
			return -1;
	return 0;
}

static int
read_outputs(struct load *l, struct scope *s, struct pb_many outputs,
    struct err *e)
{
	struct graph *g = s->build->g;
	struct pb_span span;
	struct onnx_value o;

	if ((g->out = load_get(l, outputs.count, sizeof(*g->out), e)) == NULL)
		return -1;
	while (pb_next(&outputs, &span)) {
		int *out = &g->out[g->n_out];

		if (onnx_read_value(span, &o, e) == -1 ||
		    scope_find(l, s, o.name, out, e) == -1)
			return err_prefix(e, "output %d", g->n_out);
		if (*out == NO_VALUE)
			return err_set(e, ERR_INVALID, "output %d is an input "
			    "that the call leaves out", g->n_out);
		g->n_out++;
	}
	return 0;
}

/*
 * Before IR version 4 every initializer had to be listed as an input, too.
 * Nobody meant them as inputs.
 */
static void
drop_constant_inputs(struct build *b)
{
	struct graph *g = b->g;
	int n = 0;

	for (int i = 0; i < g->n_in; i++)
		if (b->value[g->in[i]].init == NULL)
			g->in[n++] = g->in[i];
	g->n_in = n;
}

/* The main graph's inputs must be something a request can bring. */
static int
check_inputs(const struct build *b, struct err *e)
{
	for (int i = 0; i < b->g->n_in; i++) {
		const struct value *v = &b->value[b->g->in[i]];

		if (v->type == VALUE_UNKNOWN || v->elem == DT_NONE)
			return err_set(e, ERR_UNSUPPORTED, "input \"%s\" is "
			    "not a tensor, sequence or optional of a known "
			    "element type", v->name);
	}
	return 0;
}

/* The arrays move into the pool: they were charged when they grew. */
static int
settle(struct load *l, struct build *b, struct err *e)
{
	struct graph *g = b->g;
	size_t values = (size_t)b->n_value * sizeof(*b->value);
	size_t nodes = (size_t)b->n_node * sizeof(*b->node);

	g->value = pool_get(l->pool, values);
	g->node = pool_get(l->pool, nodes);
	if (g->value == NULL || g->node == NULL)
		return err_memory(e, "a graph", values + nodes);
	if (values > 0)
		memcpy(g->value, b->value, values);
	if (nodes > 0)
		memcpy(g->node, b->node, nodes);
	g->n_value = b->n_value;
	g->n_node = b->n_node;
	return graph_order(g, e);
}

static int
read_parts(struct load *l, struct scope *s, const struct onnx_graph *o,
    struct err *e)
{
	struct build *b = s->build;

	if ((b->g->name = load_name(l, o->name, e)) == NULL ||
	    read_inputs(l, s, o->inputs, e) == -1 ||
	    read_initializers(l, s, o->initializers, tensor_read, e) == -1 ||
	    read_initializers(l, s, o->sparse, tensor_read_sparse, e) == -1)
		return -1;
	if (l->ir_version < 4)
		drop_constant_inputs(b);
	if (s->up == NULL && check_inputs(b, e) == -1)
		return -1;
	if (nodes_read(l, s, o->nodes, e) == -1 ||
	    describe_all(l, s, o->values, e) == -1 ||
	    describe_all(l, s, o->outputs, e) == -1 ||
	    read_outputs(l, s, o->outputs, e) == -1)
		return -1;
	return settle(l, b, e);
}

int
graph_read(struct load *l, struct scope *up, const struct opset *opset,
    size_t n_opset, struct pb_span m, struct graph *g, struct err *e)
{
	struct build b = { .g = g };
	struct scope s = { .up = up, .build = &b, .names.key = l->key,
	    .opset = opset, .n_opset = n_opset };
	struct onnx_graph o;
	int r;

	if (load_enter(l, e) == -1)
		return -1;
	if (up != NULL) {
		g->parent = up->build->g;
		s.attrs = up->attrs;
	}
	r = onnx_read_graph(m, &o, e);
	if (r == 0)
		r = read_parts(l, &s, &o, e);
	names_done(&s.names);
	free(b.value);
	free(b.node);
	load_leave(l);
	return r;
}
