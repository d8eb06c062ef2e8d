/*
 * The host interpreter: nodes by their definitions, one after the other.
 * Serves folding, subgraphs, what a plan leaves to the host, and tests.
 */
#include "base/size.h"
#include "engine/net.h"
#include "plan/host_mem.h"

int
node_error(struct err *err, const struct node *n)
{
	return err_prefix(err, "node \"%s\" (%s)", n->name, n->op);
}

bool
node_has_graph(const struct node *n)
{
	for (int i = 0; i < n->n_attr; i++)
		if (n->attr[i].type == ATTR_GRAPH ||
		    n->attr[i].type == ATTR_GRAPHS)
			return true;
	return false;
}

void
val_set_init(struct val *v, const struct tensor *t)
{
	v->kind = VAL_KNOWN;
	v->form = VALUE_TENSOR;
	v->type = t->type;
	v->shape = t->shape;
	v->row = ROW_FREE;
	v->data = t->data;
	v->init = t;
}

int
view_check_types(const struct view *v, struct err *err)
{
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i] != NULL && v->in[i]->form == VALUE_TENSOR &&
		    !op_takes(v->op, i, v->in[i]->type))
			return err_set(err, ERR_UNSUPPORTED,
			    "input %d: elements of type %s are not supported",
			    i, dtype_info(v->in[i]->type)->onnx);
	return 0;
}

static struct val **
pick(struct pool *pool, const int *index, int n, struct val *const *val)
{
	struct val **r = pool_array(pool, (size_t)n + 1, sizeof(*r));

	for (int i = 0; r != NULL && i < n; i++)
		r[i] = index[i] == NO_VALUE ? NULL : val[index[i]];
	return r;
}

struct view *
view_make(struct pool *pool, const struct node *node, const struct op *op,
    struct val *const *val, struct err *err)
{
	struct view *v = pool_get(pool, sizeof(*v));

	if (v == NULL ||
	    (v->in = pick(pool, node->in, node->n_in, val)) == NULL ||
	    (v->out = pick(pool, node->out, node->n_out, val)) == NULL) {
		(void)err_memory(err, "a node", sizeof(*v));
		return NULL;
	}
	v->node = node;
	v->op = op;
	v->n_in = node->n_in;
	v->n_out = node->n_out;
	v->needs = -1;
	v->form = -1;
	return v;
}

static int
copy_strings(struct val *to, size_t n, struct pool *out)
{
	struct string *s = pool_array(out, n, sizeof(*s));
	const struct string *from = to->data;

	if (s == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		s[i].n = from[i].n;
		s[i].s = pool_strn(out, from[i].s, from[i].n);
		if (s[i].s == NULL)
			return -1;
	}
	to->data = s;
	return 0;
}

static int
copy_elems(struct val *to, const struct val *from, struct pool *out,
    struct err *err)
{
	to->elem = pool_array(out, (size_t)from->n_elem, sizeof(*to->elem));
	for (int i = 0; to->elem != NULL && i < from->n_elem; i++) {
		to->elem[i] = pool_get(out, sizeof(*to->elem[i]));
		if (to->elem[i] == NULL)
			return err_memory(err, "a sequence", 0);
		if (val_copy(to->elem[i], from->elem[i], out, err) < 0)
			return -1;
	}
	return to->elem == NULL ? err_memory(err, "a sequence", 0) : 0;
}

int
val_copy(struct val *to, const struct val *from, struct pool *out,
    struct err *err)
{
	size_t n = val_count(from), bytes;
	void *p;

	*to = *from;
	to->store = NULL;
	to->twin = NULL;
	to->layout = LAYOUT_PLAIN;
	if (from->form != VALUE_TENSOR)
		return copy_elems(to, from, out, err);
	if (from->data == NULL || from->init != NULL)
		return 0;
	if (from->type == DT_STRING)
		return copy_strings(to, n, out) == 0 ? 0 :
		    err_memory(err, "strings", n);
	if (!shape_bytes(&from->shape, from->type, &bytes) ||
	    (p = pool_get(out, bytes)) == NULL)
		return err_memory(err, "a value", n);
	if (bytes > 0)
		memcpy(p, from->data, bytes);
	to->data = p;
	return 0;
}

/*
 * What run_graph() needs: the frame of the node, where outputs live, and how
 * much a subgraph may take.
 */
struct call {
	const struct frame	*frame;
	struct pool		*out;
	size_t			 memory;
};

/*
 * The values of a subgraph: constants, captures, inputs, and room for the
 * rest.
 */
static struct val **
frame_vals(const struct frame *up, const struct graph *g, struct val **in,
    int n_in, struct pool *pool, struct err *err)
{
	struct val **val = pool_array(pool, (size_t)g->n_value + 1,
	    sizeof(*val));
	struct val *own = pool_array(pool, (size_t)g->n_value + 1,
	    sizeof(*own));

	if (val == NULL || own == NULL) {
		(void)err_memory(err, "a subgraph", (size_t)g->n_value);
		return NULL;
	}
	for (int i = 0; i < g->n_value; i++) {
		val[i] = &own[i];
		if (g->value[i].outer >= 0 && up != NULL)
			val[i] = up->val[g->value[i].outer];
		else if (g->value[i].init != NULL)
			val_set_init(val[i], g->value[i].init);
	}
	for (int i = 0; i < n_in && i < g->n_in; i++) {
		if (in[i] == NULL)
			continue;
		own[g->in[i]] = *in[i];
		own[g->in[i]].init = NULL;
		own[g->in[i]].kind = VAL_KNOWN;
	}
	return val;
}

static int
run_graph(void *arg, struct graph *g, struct val **in, int n_in,
    struct val **out, int n_out, struct err *err)
{
	const struct call *c = arg;
	size_t used = pool_used(c->out);
	struct frame f = { .up = c->frame, .g = g,
	    .depth = c->frame->depth + 1,
	    .memory = used < c->memory ? c->memory - used : 0 };
	struct pool *pool = pool_new(f.memory);
	int r = -1;

	if (pool == NULL)
		return err_memory(err, "a subgraph", 0);
	if (n_in > g->n_in || n_out > g->n_out)
		r = err_set(err, ERR_INVALID, "a subgraph has %d inputs and %d "
		    "outputs, want %d and %d", g->n_in, g->n_out, n_in, n_out);
	else if (f.depth > MODEL_DEPTH_MAX)
		r = err_set(err, ERR_LIMIT, "graphs nest too deep");
	else if ((f.val = frame_vals(c->frame, g, in, n_in, pool, err)) != NULL)
		r = interp_nodes(&f, pool, err);
	for (int i = 0; r == 0 && i < n_out; i++)
		r = val_copy(out[i], f.val[g->out[i]], c->out, err);
	pool_free(pool);
	return r;
}

int
interp_view(const struct frame *f, struct view *v, struct err *err)
{
	struct call call = { .frame = f, .out = v->mem->out,
	    .memory = f->memory };
	struct view_env env = { .run_graph = run_graph, .arg = &call };
	int r;

	if (v->op->host == NULL)
		return err_set(err, ERR_UNSUPPORTED, "has no definition");
	v->env = &env;
	r = v->op->host(v, err);
	v->env = NULL;
	return r;
}

/* Every output that somebody may read must be there. */
static int
check_outputs(struct view *v, struct err *err)
{
	struct val *o;

	for (int i = 0; i < v->n_out; i++) {
		if ((o = v->out[i]) == NULL)
			continue;
		o->kind = VAL_KNOWN;
		if (o->form == VALUE_TENSOR && o->data == NULL)
			return err_set(err, ERR_INTERNAL,
			    "output %d was not computed", i);
	}
	return 0;
}

int
interp_run(const struct frame *f, struct view *v, struct pool *out,
    struct err *err)
{
	struct host_mem mem = { .out = out, .scratch = pool_new(f->memory) };
	int r = 0;

	if (mem.scratch == NULL)
		return err_memory(err, "scratch", 0);
	v->mem = &mem;
	if (v->op->infer != NULL && (r = v->op->infer(v, err)) != 0 &&
	    v->needs >= 0) {
		/* Of sequences inference knows nothing; host() finds out. */
		r = v->in[v->needs]->form != VALUE_TENSOR ? 0 :
		    err_set(err, ERR_INTERNAL, "input %d is not known",
		    v->needs);
	}
	if (r == 0)
		r = interp_view(f, v, err);
	if (r == 0)
		r = check_outputs(v, err);
	pool_free(mem.scratch);
	v->mem = NULL;
	return r == 0 ? 0 : -1;
}

int
interp_node(const struct frame *f, const struct node *n, struct pool *out,
    struct err *err)
{
	const struct op *op = op_find(n->domain, n->op, n->opset);
	struct view *v;

	if (op == NULL) {
		(void)err_set(err, ERR_UNSUPPORTED,
		    "operator of opset %d is not supported", n->opset);
		return node_error(err, n);
	}
	if ((v = view_make(out, n, op, f->val, err)) == NULL)
		return -1;
	if (view_check_types(v, err) < 0 || interp_run(f, v, out, err) < 0)
		return node_error(err, n);
	return 0;
}

int
interp_nodes(const struct frame *f, struct pool *out, struct err *err)
{
	for (int i = 0; i < f->g->n_node; i++)
		if (interp_node(f, &f->g->node[i], out, err) < 0)
			return -1;
	return 0;
}
