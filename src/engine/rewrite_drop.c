/* Nodes that give what they get: Identity, and Dropout outside of training. */
#include "engine/rewrite.h"

static bool
is_identity(const struct rewrite *r, const struct node *n)
{
	(void)r;
	return strcmp(n->op, "Identity") == 0;
}

static bool
is_dropout(const struct rewrite *r, const struct node *n)
{
	const struct tensor *t;

	if (strcmp(n->op, "Dropout") != 0 || n->opset < 7 ||
	    (n->n_out > 1 && n->out[1] != NO_VALUE && r->uses[n->out[1]] > 0))
		return false;
	if (n->n_in < 3 || n->in[2] == NO_VALUE)
		return true;
	t = rewrite_const(r, n->in[2]);
	return t != NULL && t->count == 1 && elem_i(t->type, t->data, 0) == 0;
}

/* Outputs and captures are known by their value: those nodes stay. */
static bool
is_bound(const struct rewrite *r, int value)
{
	for (int i = 0; i < r->g->n_out; i++)
		if (r->g->out[i] == value)
			return true;
	return r->captured[value];
}

int
rewrite_drop(struct rewrite *r, struct err *err)
{
	const struct node *n;

	(void)err;
	for (int i = 0; i < r->g->n_node; i++) {
		n = &r->g->node[i];
		if (n->domain[0] == '\0' && n->n_in > 0 && n->n_out > 0 &&
		    n->in[0] != NO_VALUE && n->out[0] != NO_VALUE &&
		    (is_identity(r, n) || is_dropout(r, n)) &&
		    !is_bound(r, n->out[0]))
			rewrite_remove(r, i, n->in[0]);
	}
	return 0;
}
