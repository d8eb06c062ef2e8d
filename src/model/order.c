/*
 * An executable order of a graph's nodes.
 *
 * The specification wants files in order, and most are: they stay as they are.
 * For the others: depth first from each node in the file's order, its producers
 * before itself.  What a node needs are its inputs and what its subgraphs
 * capture.
 */
#include <stdlib.h>
#include <string.h>

#include "model/load.h"

/* Which nodes each node needs: from[start[i]] up to from[start[i + 1]]. */
struct needs {
	size_t	*start;
	int	*from;
	size_t	 n;
};

enum mark { UNSEEN, OPEN, DONE };

struct order {
	const struct graph	*g;
	struct needs		 needs;
	uint8_t			*mark;
	int			*stack;
	size_t			*at;	/* per node: the next of its needs */
	int			*place;	/* old index -> new one */
	int			 placed;
};

/* Both counts them and, where there is room for them, notes them. */
static void
note(const struct graph *g, struct needs *w, int value)
{
	int from = value == NO_VALUE ? -1 : g->value[value].producer;

	if (from == -1)
		return;
	if (w->from != NULL)
		w->from[w->n] = from;
	w->n++;
}

static void
note_subgraph(const struct graph *g, struct needs *w, const struct graph *sub)
{
	for (int i = 0; i < sub->n_value; i++)
		note(g, w, sub->value[i].outer);
}

static void
note_node(const struct graph *g, struct needs *w, const struct node *n)
{
	for (int i = 0; i < n->n_in; i++)
		note(g, w, n->in[i]);
	for (int i = 0; i < n->n_attr; i++)
		if (n->attr[i].type == ATTR_GRAPH ||
		    n->attr[i].type == ATTR_GRAPHS)
			for (size_t j = 0; j < n->attr[i].n; j++)
				note_subgraph(g, w, &n->attr[i].g[j]);
}

static void
note_all(const struct graph *g, struct needs *w)
{
	w->n = 0;
	for (int i = 0; i < g->n_node; i++) {
		w->start[i] = w->n;
		note_node(g, w, &g->node[i]);
	}
	w->start[g->n_node] = w->n;
}

static int
find_needs(const struct graph *g, struct needs *w, struct err *e)
{
	w->start = calloc((size_t)g->n_node + 1, sizeof(*w->start));
	if (w->start == NULL)
		return err_memory(e, "a graph's order", (size_t)g->n_node);
	note_all(g, w);
	w->from = malloc(w->n * sizeof(*w->from) + 1);
	if (w->from == NULL)
		return err_memory(e, "a graph's order", w->n);
	note_all(g, w);
	return 0;
}

static bool
in_order(const struct graph *g, const struct needs *w)
{
	for (int i = 0; i < g->n_node; i++)
		for (size_t k = w->start[i]; k < w->start[i + 1]; k++)
			if (w->from[k] >= i)
				return false;
	return true;
}

/* Place a node and all it needs. */
static int
visit(struct order *o, int first, struct err *e)
{
	int depth = 0, i, next;

	o->stack[depth++] = first;
	while (depth > 0) {
		i = o->stack[depth - 1];
		o->mark[i] = OPEN;
		if (o->needs.start[i] + o->at[i] == o->needs.start[i + 1]) {
			o->mark[i] = DONE;
			o->place[i] = o->placed++;
			depth--;
			continue;
		}
		next = o->needs.from[o->needs.start[i] + o->at[i]++];
		if (o->mark[next] == OPEN)
			return err_set(e, ERR_INVALID, "node \"%s\" (%s) needs "
			    "its own output", o->g->node[next].name,
			    o->g->node[next].op);
		if (o->mark[next] == UNSEEN)
			o->stack[depth++] = next;
	}
	return 0;
}

static int
rearrange(struct graph *g, const struct order *o, struct err *e)
{
	struct node *old = malloc((size_t)g->n_node * sizeof(*old));

	if (old == NULL)
		return err_memory(e, "a graph's order", (size_t)g->n_node);
	memcpy(old, g->node, (size_t)g->n_node * sizeof(*old));
	for (int i = 0; i < g->n_node; i++)
		g->node[o->place[i]] = old[i];
	for (int i = 0; i < g->n_value; i++)
		if (g->value[i].producer != -1)
			g->value[i].producer = o->place[g->value[i].producer];
	free(old);
	return 0;
}

static int
sort(struct graph *g, struct order *o, struct err *e)
{
	size_t n = (size_t)g->n_node;

	o->mark = calloc(n, 1);
	o->stack = malloc(n * sizeof(*o->stack));
	o->at = calloc(n, sizeof(*o->at));
	o->place = malloc(n * sizeof(*o->place));
	if (o->mark == NULL || o->stack == NULL || o->at == NULL ||
	    o->place == NULL)
		return err_memory(e, "a graph's order", n);
	for (int i = 0; i < g->n_node; i++)
		if (o->mark[i] == UNSEEN && visit(o, i, e) == -1)
			return -1;
	return rearrange(g, o, e);
}

int
graph_order(struct graph *g, struct err *e)
{
	struct order o = { .g = g };
	int r = find_needs(g, &o.needs, e);

	if (r == 0 && !in_order(g, &o.needs))
		r = sort(g, &o, e);
	free(o.needs.start);
	free(o.needs.from);
	free(o.mark);
	free(o.stack);
	free(o.at);
	free(o.place);
	return r;
}
