/*
 * Model-local functions, inlined: the nodes of the body go into the caller's
 * graph, its formal inputs and outputs mean the caller's values, all its other
 * names are new values, and attributes by reference take the call's.
 */
#include <string.h>

#include "base/size.h"
#include "model/build.h"

struct function {
	struct pb_span		 name, domain, overload;
	struct onnx_function	 msg;
	const struct opset	*opset;
	size_t			 n_opset;
};

static bool
same(struct pb_span a, struct pb_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

#define FUNCTIONS_MAX	4096	/* they are found by looking at each */

int
function_read_all(struct load *l, struct pb_many from, struct err *e)
{
	struct function *f = load_get(l, from.count, sizeof(*f), e);
	struct opset *opset;
	struct pb_span span;

	if (f == NULL)
		return -1;
	if (from.count > FUNCTIONS_MAX)
		return err_set(e, ERR_LIMIT, "%zu functions, at most %d are "
		    "allowed", from.count, FUNCTIONS_MAX);
	l->functions = f;
	for (; pb_next(&from, &span); f++, l->n_functions++) {
		if (onnx_read_function(span, &f->msg, e) == -1 ||
		    load_opsets(l, f->msg.opsets, &opset, &f->n_opset,
		    e) == -1)
			return err_prefix(e, "function %zu", l->n_functions);
		f->opset = opset;
		f->name = f->msg.name;
		f->domain = f->msg.domain;
		f->overload = f->msg.overload;
	}
	return 0;
}

const struct function *
function_find(const struct load *l, const struct onnx_node *o)
{
	for (size_t i = 0; i < l->n_functions; i++) {
		const struct function *f = &l->functions[i];

		if (same(f->name, o->op) && same(f->domain, o->domain) &&
		    same(f->overload, o->overload))
			return f;
	}
	return NULL;
}

/*
 * Formal inputs mean the caller's values; what the call leaves out means none.
 */
static int
bind_inputs(struct load *l, struct scope *caller, struct scope *body,
    struct pb_many formal, struct pb_many actual, struct err *e)
{
	struct pb_span name, given;
	int value;

	if (actual.count > formal.count)
		return err_set(e, ERR_INVALID, "%zu inputs, the function "
		    "takes %zu", actual.count, formal.count);
	for (int i = 0; pb_next(&formal, &name); i++) {
		value = NO_VALUE;
		if (pb_next(&actual, &given) && given.n > 0 &&
		    scope_find(l, caller, given, &value, e) == -1)
			return err_prefix(e, "input %d", i);
		if (name.n == 0 || names_find(&body->names, name) != NULL)
			return err_set(e, ERR_INVALID, "the function's input "
			    "%d has no name of its own", i);
		if (names_add(&body->names, name, value, true, e) == NULL)
			return -1;
	}
	return 0;
}

/* An output of the function that is one of its inputs, or another output. */
static int
pass_through(struct load *l, struct scope *caller, int from, int to,
    struct err *e)
{
	struct node *n = build_node(l, caller->build, e);

	if (n == NULL)
		return -1;
	n->name = caller->build->value[to].name;
	n->op = "Identity";
	n->domain = "";
	n->opset = 13;
	n->in = load_get(l, 1, sizeof(*n->in), e);
	n->out = load_get(l, 1, sizeof(*n->out), e);
	if (n->in == NULL || n->out == NULL)
		return -1;
	n->in[n->n_in++] = from;
	n->out[n->n_out++] = to;
	build_produces(caller->build, to);
	return 0;
}

static int
bind_outputs(struct load *l, struct scope *caller, struct scope *body,
    struct pb_many formal, struct pb_many actual, struct err *e)
{
	struct pb_span name, given;
	struct name *known;
	int value;

	if (actual.count > formal.count)
		return err_set(e, ERR_INVALID, "%zu outputs, the function "
		    "gives %zu", actual.count, formal.count);
	while (pb_next(&actual, &given)) {
		(void)pb_next(&formal, &name);
		if (given.n == 0)
			continue;
		if (scope_find(l, caller, given, &value, e) == -1)
			return -1;
		known = names_find(&body->names, name);
		if (known == NULL) {
			if (names_add(&body->names, name, value, false,
			    e) == NULL)
				return -1;
		} else if (known->value == NO_VALUE || pass_through(l, caller,
		    known->value, value, e) == -1)
			return err_set(e, ERR_INVALID, "an output is an input "
			    "that the call leaves out");
	}
	return 0;
}

/* Has the body given all that the caller wants? */
static int
check_outputs(const struct scope *body, struct pb_many formal, struct err *e)
{
	struct pb_span name;
	struct name *known;

	while (pb_next(&formal, &name)) {
		known = names_find(&body->names, name);
		if (known != NULL && !known->defined)
			return err_set(e, ERR_INVALID, "the function never "
			    "defines its output \"%.*s\"",
			    name.n < 200 ? (int)name.n : 200,
			    (const char *)name.at);
	}
	return 0;
}

static int
read_body(struct load *l, struct scope *caller, struct scope *body,
    const struct function *f, const struct onnx_node *o, struct err *e)
{
	struct attrs dflt = { 0 }, call = { .dflt = &dflt };
	struct attr *a;
	int n, r = -1;

	if (attr_read_all(l, caller, o->attrs, &a, &n, e) == -1)
		return -1;
	call.attr = a;
	call.n = (size_t)n;
	if (attr_read_all(l, body, f->msg.defaults, &a, &n, e) == -1)
		return -1;
	dflt.attr = a;
	dflt.n = (size_t)n;
	body->attrs = &call;
	if (bind_inputs(l, caller, body, f->msg.inputs, o->inputs, e) == 0 &&
	    bind_outputs(l, caller, body, f->msg.outputs, o->outputs,
	    e) == 0 && nodes_read(l, body, f->msg.nodes, e) == 0)
		r = check_outputs(body, f->msg.outputs, e);
	body->attrs = NULL;
	return r;
}

int
function_call(struct load *l, struct scope *s, const struct function *f,
    const struct onnx_node *o, struct err *e)
{
	struct scope body = { .build = s->build, .names.key = l->key,
	    .opset = f->opset, .n_opset = f->n_opset };
	int r;

	if (load_enter(l, e) == -1)
		return -1;
	l->calls++;
	r = read_body(l, s, &body, f, o, e);
	names_done(&body.names);
	l->calls--;
	load_leave(l);
	return r;
}
