/*
 * The planner's walk: types and shapes of a segment's nodes, and the values
 * that follow from shapes and constants alone.
 */
#include "base/size.h"
#include "engine/net.h"
#include "plan/host_mem.h"

#define FOLD_ITEMS	((size_t)1 << 16)
#define CHEAP_ITEMS	((size_t)1 << 24)

/* What was known of a value before this segment. */
static int
take_now(struct walk_state *w, struct val *v, const struct val *now,
    struct err *err)
{
	if (now->kind == VAL_KNOWN)
		return val_copy(v, now, w->pool, err);
	v->form = now->form;
	v->type = now->type;
	v->shape = now->shape;
	v->row = now->row;
	if (now->form == VALUE_TENSOR)
		v->kind = now->type == DT_STRING ? VAL_HOST : VAL_DEVICE;
	return 0;
}

int
walk_begin(struct walk_state *w, struct net *net, struct pool *pool, int from,
    const struct val *now, struct err *err)
{
	const struct graph *g = net->g;
	size_t n = (size_t)g->n_value + 1;

	*w = (struct walk_state){ .net = net, .pool = pool, .from = from,
	    .to = from };
	w->val = pool_array(pool, n, sizeof(*w->val));
	w->ptr = pool_array(pool, n, sizeof(*w->ptr));
	w->folded = pool_array(pool, (size_t)g->n_node + 1, sizeof(bool));
	if (w->val == NULL || w->ptr == NULL || w->folded == NULL)
		return err_memory(err, "a plan", n);
	for (int i = 0; i < g->n_value; i++) {
		w->ptr[i] = &w->val[i];
		w->val[i].row = ROW_FREE;
		if (now[i].kind != VAL_UNKNOWN) {
			if (take_now(w, &w->val[i], &now[i], err) < 0)
				return -1;
		} else if (g->value[i].init != NULL)
			val_set_init(&w->val[i], g->value[i].init);
	}
	return 0;
}

/* Can only the host, with all bytes there, say what this node gives? */
static bool
is_host_node(const struct view *v)
{
	if (v->op->infer == NULL || node_has_graph(v->node))
		return true;
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i] != NULL && (v->in[i]->form != VALUE_TENSOR ||
		    v->in[i]->kind == VAL_UNKNOWN))
			return true;
	return false;
}

static bool
outputs_inferred(const struct view *v)
{
	for (int i = 0; i < v->n_out; i++) {
		if (v->out[i] == NULL)
			continue;
		if (v->out[i]->type == DT_NONE ||
		    v->out[i]->form != VALUE_TENSOR)
			return false;
		for (int k = 0; k < v->out[i]->shape.rank; k++)
			if (v->out[i]->shape.dim[k] < 0)
				return false;
	}
	return true;
}

static bool
foldable(const struct view *v)
{
	size_t n, sum = 0;

	if (v->op->host == NULL || v->op->flags & OP_RANDOM)
		return false;
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i] != NULL && v->in[i]->kind != VAL_KNOWN &&
		    !(v->op->flags & OP_SHAPE_ONLY))
			return false;
	for (int i = 0; i < v->n_out; i++)
		if (v->out[i] != NULL) {
			if (!shape_count(&v->out[i]->shape, &n) ||
			    !size_add(sum, n, &sum))
				return false;
		}
	return sum <= (v->op->flags & (OP_HOST_CHEAP | OP_SHAPE_ONLY) ?
	    CHEAP_ITEMS : FOLD_ITEMS);
}

static int
fold(struct walk_state *w, struct view *v, struct err *err)
{
	struct frame f = { .g = w->net->g, .val = w->ptr,
	    .memory = run_memory(w->net->e) };
	int row[8];

	for (int i = 0; i < v->n_out && i < 8; i++)
		row[i] = v->out[i] == NULL ? ROW_FREE : v->out[i]->row;
	if (interp_run(&f, v, w->pool, err) < 0)
		return -1;
	for (int i = 0; i < v->n_out && i < 8; i++)
		if (v->out[i] != NULL)
			v->out[i]->row = v->op->flags & OP_SHAPE_ONLY ?
			    ROW_FREE : row[i];
	return 0;
}

/*
 * Inference wants the bytes of an input.  Few of them: they become KNOWN, and
 * part of the next plan's key; many: the node runs on the host by itself.
 */
static int
end_here(struct walk_state *w, const struct view *v, struct err *err)
{
	int need = v->node->in[v->needs];
	const struct val *x = v->in[v->needs];

	if (x->kind == VAL_KNOWN)
		return err_set(err, ERR_INTERNAL, "input %d is known, but "
		    "asked for again", v->needs);
	if (x->type == DT_STRING || val_count(x) > NEED_ITEMS) {
		w->host_next = true;
		return 1;
	}
	w->again = w->net->g->value[need].producer < w->from;
	if (w->again && w->net->read_known[need])
		return err_set(err, ERR_INVALID, "the shape depends on the "
		    "bytes of input %d, which are not there", v->needs);
	w->net->read_known[need] = true;
	return 1;
}

/* 0: go on; 1: the segment ends before this node; -1 with *err. */
static int
walk_node(struct walk_state *w, int i, struct err *err)
{
	const struct node *n = &w->net->g->node[i];
	struct view *v = view_make(w->pool, n, w->net->row[i], w->ptr, err);

	if (v == NULL)
		return -1;
	if (is_host_node(v)) {
		w->host_next = true;
		return 1;
	}
	if (view_check_types(v, err) < 0)
		return -1;
	if (v->op->infer(v, err) != 0)
		return v->needs < 0 ? -1 : end_here(w, v, err);
	if (!outputs_inferred(v)) {
		w->host_next = true;
		return 1;
	}
	if (foldable(v)) {
		w->folded[i] = true;
		return fold(w, v, err);
	}
	for (int k = 0; k < v->n_out; k++)
		if (v->out[k] != NULL)
			v->out[k]->kind = v->out[k]->type == DT_STRING ?
			    VAL_HOST : VAL_DEVICE;
	return 0;
}

/* Outputs that a node set before the segment ended there are not there. */
static void
forget(struct walk_state *w, const struct node *n)
{
	for (int k = 0; k < n->n_out; k++)
		if (n->out[k] != NO_VALUE)
			w->val[n->out[k]] = (struct val){ .row = ROW_FREE };
}

int
walk_nodes(struct walk_state *w, struct err *err)
{
	const struct graph *g = w->net->g;
	int r;

	for (; w->to < g->n_node; w->to++) {
		if (w->net->row[w->to] == NULL)
			continue;
		if ((r = walk_node(w, w->to, err)) < 0)
			return node_error(err, &g->node[w->to]);
		if (r > 0) {
			forget(w, &g->node[w->to]);
			break;
		}
	}
	return 0;
}
