/*
 * From a walk to a sealed plan: what must be computed, brought in, brought
 * out.
 */
#include <stdlib.h>

#include "base/size.h"
#include "engine/check.h"

static int
host_step(void *arg, struct view *v, struct err *err)
{
	const struct net *net = arg;
	struct frame f = { .memory = run_memory(net->e) };

	if (interp_view(&f, v, err) < 0)
		return node_error(err, v->node);
	return 0;
}

/* Is the value wanted after the segment: by later nodes, or as an output? */
static bool
outlives(const struct walk_state *w, int value)
{
	return w->net->last_use[value] >= w->to;
}

/* Backwards: a node is alive if somebody needs what it gives. */
static void
find_alive(const struct walk_state *w, bool *alive, bool *need)
{
	const struct graph *g = w->net->g;
	const struct node *n;

	for (int i = 0; i < g->n_value; i++)
		need[i] = outlives(w, i) && w->val[i].kind != VAL_UNKNOWN;
	for (int i = w->to - 1; i >= w->from; i--) {
		n = &g->node[i];
		if (w->net->row[i] == NULL || w->folded[i])
			continue;
		for (int k = 0; k < n->n_out; k++)
			alive[i] |= n->out[k] != NO_VALUE && need[n->out[k]];
		for (int k = 0; alive[i] && k < n->n_in; k++)
			if (n->in[k] != NO_VALUE)
				need[n->in[k]] = true;
	}
}

/* Values from before that steps, or later segments, read. */
static int
bring_in(struct walk_state *w, struct segment *s, const struct val *now,
    const bool *need, struct err *err)
{
	struct val *v;

	for (int i = 0; i < w->net->g->n_value; i++) {
		v = &w->val[i];
		if (now[i].kind == VAL_UNKNOWN || !need[i] ||
		    v->kind == VAL_KNOWN || v->kind == VAL_UNKNOWN)
			continue;
		s->in[s->n_in++] = i;
		if (v->kind == VAL_DEVICE && plan_input(s->plan, v, err) < 0)
			return -1;
	}
	return 0;
}

/* Values made here that outlive the segment. */
static int
bring_out(struct walk_state *w, struct segment *s, const struct val *now,
    struct err *err)
{
	const struct graph *g = w->net->g;
	bool last = w->to == g->n_node;
	struct val *v;

	for (int i = 0; last && i < g->n_out; i++) {
		s->out[i] = &w->val[g->out[i]];
		if (plan_output(s->plan, &s->out[i], err) < 0)
			return -1;
	}
	for (int i = 0; !last && i < g->n_value; i++) {
		if (now[i].kind != VAL_UNKNOWN || g->value[i].init != NULL ||
		    !outlives(w, i) || w->val[i].kind == VAL_UNKNOWN)
			continue;
		v = &w->val[i];
		if (plan_output(s->plan, &v, err) < 0)
			return -1;
		s->live[s->n_live] = i;
		s->live_val[s->n_live++] = v;
	}
	return 0;
}

/* 1: plan again, with other forms. */
static int
make(struct walk_state *w, struct segment *s, const struct val *now,
    struct units *units, struct err *err)
{
	const struct graph *g = w->net->g;
	size_t n = (size_t)g->n_value + 1;
	bool *alive = pool_array(w->pool, (size_t)g->n_node + 1, sizeof(bool));
	bool *need = pool_array(w->pool, n, sizeof(bool));
	bool *kept = pool_array(w->pool, n, sizeof(bool));

	s->in = pool_array(w->pool, n, sizeof(int));
	s->live = pool_array(w->pool, n, sizeof(int));
	s->live_val = pool_array(w->pool, n, sizeof(struct val *));
	s->out = pool_array(w->pool, (size_t)g->n_out + 1,
	    sizeof(struct val *));
	if (alive == NULL || need == NULL || kept == NULL || s->in == NULL ||
	    s->live == NULL || s->live_val == NULL || s->out == NULL)
		return err_memory(err, "a plan", n);
	find_alive(w, alive, need);
	for (int i = 0; i < g->n_value; i++)
		kept[i] = outlives(w, i);
	if (bring_in(w, s, now, need, err) < 0 ||
	    emit_nodes(w, s->plan, alive, kept, units, err) < 0 ||
	    bring_out(w, s, now, err) < 0)
		return -1;
	return check_seal(w->net, s->plan, units, err);
}

static int
make_with_units(struct walk_state *w, struct segment *s,
    const struct val *now, struct err *err)
{
	struct units units = { .pool = pool_new(PLAN_SCRATCH) };
	int r;

	if (units.pool == NULL)
		return err_memory(err, "a plan", 0);
	r = make(w, s, now, &units, err);
	pool_free(units.pool);
	return r;
}

/* *again: the key must hold more, or the net's levels have changed. */
struct segment *
segment_plan(struct net *net, int from, const struct val *now, bool *again,
    struct err *err)
{
	struct segment *s = calloc(1, sizeof(*s));
	struct plan_env env = { .ocl = net->e->ocl, .packs = net->packs,
	    .host = host_step, .arg = net, .no_blocks = net->e->no_blocks };
	struct walk_state w;
	int r;

	*again = false;
	if (s == NULL) {
		(void)err_memory(err, "a plan", sizeof(*s));
		return NULL;
	}
	if ((s->plan = plan_new(&env, err)) == NULL ||
	    walk_begin(&w, net, plan_pool(s->plan), from, now, err) < 0 ||
	    walk_nodes(&w, err) < 0)
		goto fail;
	if (w.again) {
		*again = true;
		goto fail;
	}
	s->from = from;
	s->to = w.to;
	s->host_next = w.host_next;
	s->val = w.val;
	if ((r = make_with_units(&w, s, now, err)) != 0) {
		*again = r > 0;
		goto fail;
	}
	s->bytes = plan_bytes(s->plan);
	return s;
fail:
	segment_free(net, s);
	return NULL;
}

void
segment_free(struct net *net, struct segment *s)
{
	(void)net;
	if (s == NULL)
		return;
	plan_free(s->plan);
	free(s->key);
	free(s);
}
