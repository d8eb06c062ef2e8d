#include "engine/rewrite.h"

#include "base/size.h"

static const struct {
	const char	*name;
	rewrite_fn	*f;
} rewrites[] = {
	{ "drop", rewrite_drop },	/* nodes that change nothing */
	{ "fold", rewrite_fold },	/* nodes of constants */
	{ "affine", rewrite_affine },	/* scales and shifts per channel */
};

const struct tensor *
rewrite_const(const struct rewrite *r, int value)
{
	const struct value *v;

	if (value == NO_VALUE)
		return NULL;
	v = &r->g->value[value];
	if (v->init == NULL || v->outer >= 0)
		return NULL;
	for (int i = 0; i < r->g->n_in; i++)
		if (r->g->in[i] == value && r->net->model->ir_version >= 4)
			return NULL;
	return v->init;
}

int
rewrite_reader(const struct rewrite *r, int value)
{
	if (r->uses[value] != 1 || r->captured[value])
		return -1;
	for (int i = 0; i < r->g->n_node; i++)
		for (int k = 0; r->net->row[i] != NULL &&
		    k < r->g->node[i].n_in; k++)
			if (r->g->node[i].in[k] == value)
				return i;
	return -1;
}

void
rewrite_remove(struct rewrite *r, int node, int value)
{
	int old = r->g->node[node].out[0];

	for (int k = 0; k < r->g->node[node].n_in; k++)
		if (r->g->node[node].in[k] != NO_VALUE)
			r->uses[r->g->node[node].in[k]]--;
	r->net->row[node] = NULL;
	for (int i = 0; i < r->g->n_node; i++)
		for (int k = 0; k < r->g->node[i].n_in; k++)
			if (r->g->node[i].in[k] == old) {
				r->g->node[i].in[k] = value;
				r->uses[value]++;
				r->uses[old]--;
			}
}

float *
rewrite_new_const(struct rewrite *r, const char *name,
    const struct shape *shape, int *value, struct err *err)
{
	struct tensor *t = pool_get(r->net->pool, sizeof(*t));
	size_t bytes;
	float *data;

	if (r->g->n_value == r->cap || t == NULL ||
	    !shape_bytes(shape, DT_FLOAT, &bytes) ||
	    (data = pool_get(r->net->pool, bytes)) == NULL) {
		(void)err_memory(err, "a constant", sizeof(*t));
		return NULL;
	}
	t->name = name;
	t->type = DT_FLOAT;
	t->shape = *shape;
	t->count = bytes / sizeof(float);
	t->bytes = bytes;
	t->data = data;
	*value = r->g->n_value++;
	r->g->value[*value] = (struct value){ .name = name, .elem = DT_FLOAT,
	    .has_shape = true, .shape = *shape, .init = t, .producer = -1,
	    .outer = -1 };
	r->uses[*value] = 1;
	return data;
}

/* Captures, at any depth, count as uses that cannot be changed. */
static void
count_captures(struct rewrite *r, const struct graph *sub, int depth)
{
	const struct graph *g;
	const struct attr *a;
	int v;

	for (int i = 0; i < sub->n_value; i++) {
		v = sub->value[i].outer;
		for (g = sub->parent; v >= 0 && g != NULL && g != r->g;
		    g = g->parent)
			v = g->value[v].outer;
		if (v >= 0 && g == r->g) {
			r->captured[v] = true;
			r->uses[v]++;
		}
	}
	for (int i = 0; i < sub->n_node && depth < MODEL_DEPTH_MAX; i++)
		for (int k = 0; k < sub->node[i].n_attr; k++) {
			a = &sub->node[i].attr[k];
			if (a->type == ATTR_GRAPH)
				count_captures(r, a->g, depth + 1);
			for (size_t j = 0; a->type == ATTR_GRAPHS && j < a->n;
			    j++)
				count_captures(r, &a->g[j], depth + 1);
		}
}

static void
count_uses(struct rewrite *r)
{
	const struct node *n;

	for (int i = 0; i < r->g->n_node; i++) {
		n = &r->g->node[i];
		for (int k = 0; k < n->n_in; k++)
			if (n->in[k] != NO_VALUE)
				r->uses[n->in[k]]++;
		for (int k = 0; k < n->n_attr; k++) {
			if (n->attr[k].type == ATTR_GRAPH)
				count_captures(r, n->attr[k].g, 0);
			for (size_t j = 0; n->attr[k].type == ATTR_GRAPHS &&
			    j < n->attr[k].n; j++)
				count_captures(r, &n->attr[k].g[j], 0);
		}
	}
	for (int i = 0; i < r->g->n_out; i++)
		r->uses[r->g->out[i]]++;
}

/* Room for new values; those that are there keep their places. */
static int
make_room(struct rewrite *r, struct err *err)
{
	struct graph *g = r->g;
	struct value *v;

	r->cap = g->n_value + 4 * g->n_node + 1;
	v = pool_array(r->net->pool, (size_t)r->cap, sizeof(*v));
	r->uses = pool_array(r->net->pool, (size_t)r->cap, sizeof(int));
	r->captured = pool_array(r->net->pool, (size_t)r->cap, sizeof(bool));
	if (v == NULL || r->uses == NULL || r->captured == NULL)
		return err_memory(err, "a model", (size_t)r->cap);
	if (g->n_value > 0)
		memcpy(v, g->value, (size_t)g->n_value * sizeof(*v));
	g->value = v;
	count_uses(r);
	return 0;
}

int
rewrite_all(struct net *net, struct err *err)
{
	struct rewrite r = { .net = net, .g = net->g };

	if (make_room(&r, err) < 0)
		return -1;
	for (size_t i = 0; i < nitems(rewrites); i++)
		if (rewrites[i].f(&r, err) < 0)
			return err_prefix(err, "rewrite %s", rewrites[i].name);
	return 0;
}
