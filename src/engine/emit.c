/*
 * The steps of a segment: groups of nodes, each as one kernel where it can be.
 */
#include "engine/check.h"

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

/* Steps from `first` on are for that node, or that group led by it. */
static void
add_unit(struct fuse_state *s, const struct plan *p, int first, int node,
    struct view *v, const struct group *g)
{
	if (plan_steps(p) > first)
		s->units->unit[s->units->n++] = (struct unit){ .node = node,
		    .v = v, .g = g, .first = first, .end = plan_steps(p) };
}

static int
emit_node(struct fuse_state *s, struct plan *p, int i, struct err *err)
{
	struct walk_state *w = s->w;
	const struct node *n = &w->net->g->node[i];
	struct view *v = view_make(w->pool, n, w->net->row[i], w->ptr, err);
	int r = 1, first = plan_steps(p), level = w->net->level[i];

	if (v == NULL)
		return -1;
	v->skip = level > LEVEL_ALONE ? level - LEVEL_ALONE : 0;
	plan_node(p, n, i);
	if (make_plain(p, v, err) < 0)
		return node_error(err, n);
	if (v->op->plan != NULL && on_device(v) && level != LEVEL_HOST)
		r = v->op->plan(v, p, err);
	if (r > 0)
		r = plan_host(p, v, err);
	if (r < 0)
		return node_error(err, n);
	add_unit(s, p, first, i, v, NULL);
	return 0;
}

/* A group without an anchor. */
static int
emit_pointwise(struct fuse_state *s, struct plan *p, const struct group *g,
    struct err *err)
{
	int first = plan_steps(p), root = g->m[g->n - 1].node;
	int r = s->w->net->level[root] == LEVEL_HOST ? 1 :
	    pointwise_plan(g, p, err);

	if (r == 0)
		add_unit(s, p, first, root, NULL, g);
	return r;
}

static int
emit_anchored(struct fuse_state *s, struct plan *p, const struct group *g,
    struct err *err)
{
	int first = plan_steps(p), r = make_plain(p, g->anchor_view, err);
	uint8_t *level = &s->w->net->level[g->anchor];

	g->anchor_view->skip = *level;
	if (r == 0)
		r = epilogue_plan(g, p, err);
	if (r == 0)
		add_unit(s, p, first, g->anchor, g->anchor_view, g);
	else if (r > 0 && *level > 0)
		*level = LEVEL_ALONE;
	return r;
}

/* The nodes of a group one by one: where it cannot be one kernel after all. */
static int
emit_apart(struct fuse_state *s, struct plan *p, const struct group *g,
    struct err *err)
{
	struct group *one;
	int r;

	if (g->anchor >= 0 && emit_node(s, p, g->anchor, err) < 0)
		return -1;
	for (int i = 0; i < g->n; i++) {
		plan_node(p, g->m[i].v->node, g->m[i].node);
		r = group_make(s, g->m[i].node, false, &one, err);
		if (r == 0)
			r = emit_pointwise(s, p, one, err);
		if (r < 0)
			return node_error(err, g->m[i].v->node);
		if (r > 0 && emit_node(s, p, g->m[i].node, err) < 0)
			return -1;
	}
	return 0;
}

static int
emit_group(struct fuse_state *s, struct plan *p, const struct group *g,
    struct err *err)
{
	struct view *v = g->anchor >= 0 ? g->anchor_view :
	    g->m[g->n - 1].v;
	int lead = g->anchor >= 0 ? g->anchor : g->m[g->n - 1].node, r = 1;
	bool one = g->n == 1 && g->anchor < 0;

	plan_node(p, v->node, lead);
	if (one || s->w->net->level[lead] < LEVEL_ALONE)
		r = g->anchor >= 0 ? emit_anchored(s, p, g, err) :
		    emit_pointwise(s, p, g, err);
	if (r < 0)
		return node_error(err, v->node);
	if (r == 0)
		return 0;
	return one ? emit_node(s, p, lead, err) : emit_apart(s, p, g, err);
}

static void
count_uses(struct fuse_state *s)
{
	const struct graph *g = s->w->net->g;

	for (int i = s->w->from; i < s->w->to; i++)
		for (int k = 0; s->alive[i] && k < g->node[i].n_in; k++)
			if (g->node[i].in[k] != NO_VALUE)
				s->uses[g->node[i].in[k]]++;
}

/* Backwards, so that a group's root is met before its members. */
static int
make_groups(struct fuse_state *s, struct group **group, struct err *err)
{
	bool fuse = !s->w->net->e->opt.no_fusion;

	count_uses(s);
	for (int i = s->w->to - 1; i >= s->w->from; i--)
		if (s->alive[i] && !s->taken[i] &&
		    group_make(s, i, fuse, &group[i], err) < 0)
			return node_error(err, &s->w->net->g->node[i]);
	return 0;
}

static int
emit_all(struct fuse_state *s, struct plan *p, struct err *err)
{
	const struct graph *g = s->w->net->g;
	struct group **group = pool_array(s->scratch, (size_t)g->n_node + 1,
	    sizeof(*group));
	int r = 0;

	s->taken = pool_array(s->scratch, (size_t)g->n_node + 1, sizeof(bool));
	s->uses = pool_array(s->scratch, (size_t)g->n_value + 1, sizeof(int));
	if (group == NULL || s->taken == NULL || s->uses == NULL)
		return err_memory(err, "a plan", (size_t)g->n_node);
	if (make_groups(s, group, err) < 0)
		return -1;
	for (int i = s->w->from; r == 0 && i < s->w->to; i++) {
		if (!s->alive[i] || s->taken[i])
			continue;
		r = group[i] != NULL ? emit_group(s, p, group[i], err) :
		    emit_node(s, p, i, err);
	}
	return r;
}

int
emit_nodes(struct walk_state *w, struct plan *p, const bool *alive,
    const bool *kept, struct units *units, struct err *err)
{
	struct fuse_state s = { .w = w, .alive = alive, .kept = kept,
	    .fp64 = plan_facts(p)->fp64, .units = units,
	    .scratch = units->pool };

	units->unit = pool_array(units->pool, (size_t)w->net->g->n_node + 1,
	    sizeof(*units->unit));
	if (units->unit == NULL)
		return err_memory(err, "a plan", (size_t)w->net->g->n_node);
	return emit_all(&s, p, err);
}
