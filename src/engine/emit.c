/* The steps of a segment, node by node. */
#include "engine/net.h"

/* Inputs of operators that know nothing of layouts are plain. */
static int
make_plain(struct plan *p, struct view *v, struct err *err)
{
	if (v->op->flags & OP_LAYOUT)
		return 0;
	for (int i = 0; i < v->n_in; i++) {
		if (v->in[i] == NULL || v->in[i]->kind != VAL_DEVICE)
			continue;
		v->in[i] = plan_as(p, v->in[i], LAYOUT_PLAIN, err);
		if (v->in[i] == NULL)
			return -1;
	}
	return 0;
}

/* Kernels take and give tensors of the device only. */
static bool
on_device(const struct view *v)
{
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i] != NULL && (v->in[i]->kind == VAL_HOST ||
		    v->in[i]->type == DT_STRING))
			return false;
	for (int i = 0; i < v->n_out; i++)
		if (v->out[i] != NULL && v->out[i]->kind != VAL_DEVICE)
			return false;
	return true;
}

static int
emit_node(struct walk_state *w, struct plan *p, int i, struct err *err)
{
	const struct node *n = &w->net->g->node[i];
	struct view *v = view_make(w->pool, n, w->net->row[i], w->ptr, err);
	int r = 1;

	if (v == NULL)
		return -1;
	plan_node(p, n, i);
	if (make_plain(p, v, err) < 0)
		return -1;
	if (v->op->plan != NULL && on_device(v))
		r = v->op->plan(v, p, err);
	if (r > 0)
		r = plan_host(p, v, err);
	return r < 0 ? node_error(err, n) : 0;
}

int
emit_nodes(struct walk_state *w, struct plan *p, const bool *alive,
    const bool *kept, struct err *err)
{
	(void)kept;
	for (int i = w->from; i < w->to; i++)
		if (alive[i] && emit_node(w, p, i, err) < 0)
			return -1;
	return 0;
}
