/* A model from its bytes to readiness. */
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "engine/net.h"

#define NET_POOL_MAX	((size_t)2 << 30)

/* Inputs that a client gives: not those that are constants of old files. */
static bool
is_given(const struct model *m, const struct value *v)
{
	return v->init == NULL || m->ir_version >= 4;
}

static int
sig_fill(struct sig_tensor *t, const struct value *v, struct err *err)
{
	size_t n = strlen(v->name);

	if (n >= sizeof(t->name))
		return err_set(err, ERR_LIMIT, "the name \"%.40s...\" is over "
		    "%zu bytes", v->name, sizeof(t->name) - 1);
	memcpy(t->name, v->name, n + 1);
	t->type = v->elem;
	t->has_shape = v->has_shape;
	t->shape = v->shape;
	t->optional = v->init != NULL || v->type == VALUE_OPTIONAL;
	return 0;
}

static int
make_signature(struct net *net, struct err *err)
{
	const struct graph *g = net->g;
	uint32_t n_in = 0;

	for (int i = 0; i < g->n_in; i++)
		n_in += is_given(net->model, &g->value[g->in[i]]);
	if (n_in > SIG_TENSORS_MAX || g->n_out > SIG_TENSORS_MAX)
		return err_set(err, ERR_LIMIT, "%u inputs and %d outputs, want "
		    "at most %d", n_in, g->n_out, SIG_TENSORS_MAX);
	net->sig = signature_new(n_in, (uint32_t)g->n_out);
	net->sig_in = pool_array(net->pool, n_in + 1, sizeof(int));
	if (net->sig == NULL || net->sig_in == NULL)
		return err_memory(err, "a signature", n_in);
	n_in = 0;
	for (int i = 0; i < g->n_in; i++) {
		if (!is_given(net->model, &g->value[g->in[i]]))
			continue;
		net->sig_in[n_in] = g->in[i];
		if (sig_fill(&net->sig->in[n_in++], &g->value[g->in[i]],
		    err) < 0)
			return -1;
	}
	for (int i = 0; i < g->n_out; i++)
		if (sig_fill(&net->sig->out[i], &g->value[g->out[i]], err) < 0)
			return -1;
	return 0;
}

/* Values of the main graph that a subgraph, or one within it, captures. */
static void
mark_captures(struct net *net, const struct graph *sub, int node, int depth)
{
	const struct graph *g;
	const struct attr *a;
	int v;

	for (int i = 0; i < sub->n_value; i++) {
		v = sub->value[i].outer;
		for (g = sub->parent; v >= 0 && g != net->g && g != NULL;
		    g = g->parent)
			v = g->value[v].outer;
		if (v >= 0 && g == net->g && net->last_use[v] < node)
			net->last_use[v] = node;
	}
	for (int i = 0; i < sub->n_node && depth < MODEL_DEPTH_MAX; i++)
		for (int k = 0; k < sub->node[i].n_attr; k++) {
			a = &sub->node[i].attr[k];
			if (a->type == ATTR_GRAPH)
				mark_captures(net, a->g, node, depth + 1);
			for (size_t j = 0; a->type == ATTR_GRAPHS && j < a->n;
			    j++)
				mark_captures(net, &a->g[j], node, depth + 1);
		}
}

static void
find_last_uses(struct net *net)
{
	const struct graph *g = net->g;
	const struct node *n;

	for (int i = 0; i < g->n_value; i++)
		net->last_use[i] = -1;
	for (int i = 0; i < g->n_node; i++) {
		n = &g->node[i];
		if (net->row[i] == NULL)
			continue;
		for (int k = 0; k < n->n_in; k++)
			if (n->in[k] != NO_VALUE)
				net->last_use[n->in[k]] = i;
		for (int k = 0; k < n->n_attr; k++) {
			if (n->attr[k].type == ATTR_GRAPH)
				mark_captures(net, n->attr[k].g, i, 0);
			for (size_t j = 0; n->attr[k].type == ATTR_GRAPHS &&
			    j < n->attr[k].n; j++)
				mark_captures(net, &n->attr[k].g[j], i, 0);
		}
	}
	for (int i = 0; i < g->n_out; i++)
		net->last_use[g->out[i]] = g->n_node;
}

static int
find_rows(struct net *net, struct err *err)
{
	const struct graph *g = net->g;
	const struct node *n;
	size_t nodes = (size_t)g->n_node + 1;

	net->row = pool_array(net->pool, nodes, sizeof(*net->row));
	if (net->row == NULL)
		return err_memory(err, "a model", nodes);
	for (int i = 0; i < g->n_node; i++) {
		n = &g->node[i];
		net->row[i] = op_find(n->domain, n->op, n->opset);
		if (net->row[i] == NULL) {
			(void)err_set(err, ERR_UNSUPPORTED, "operator of opset "
			    "%d is not supported", n->opset);
			return node_error(err, n);
		}
	}
	return 0;
}

static int
prepare(struct net *net, struct err *err)
{
	size_t values;

	if (find_rows(net, err) < 0)
		return -1;
	if (!net->e->opt.no_fusion && !net->e->opt.host_only &&
	    rewrite_all(net, err) < 0)
		return -1;
	values = (size_t)net->g->n_value + 1;
	net->last_use = pool_array(net->pool, values, sizeof(int));
	net->read_known = pool_array(net->pool, values, sizeof(bool));
	net->now = pool_array(net->pool, values, sizeof(*net->now));
	net->level = pool_array(net->pool, (size_t)net->g->n_node + 1, 1);
	if (net->last_use == NULL || net->read_known == NULL ||
	    net->now == NULL || net->level == NULL)
		return err_memory(err, "a model", values);
	find_last_uses(net);
	return make_signature(net, err);
}

/* What it holds in host memory for good counts as long as it lives. */
static int
hold(struct net *net, struct err *err)
{
	size_t n = net->n_bytes + pool_used(net->pool) +
	    pool_used(net->model->pool);

	if (engine_hold(net->e, n, err) < 0)
		return -1;
	net->held = n;
	return 0;
}

struct net *
net_load(struct engine *e, void *bytes, size_t n,
    const struct model_source *src, const struct net_options *opt,
    struct err *err)
{
	struct net *net = calloc(1, sizeof(*net));

	if (net == NULL || (net->pool = pool_new(NET_POOL_MAX)) == NULL) {
		free(net);
		(void)err_memory(err, "a model", sizeof(*net));
		return NULL;
	}
	net->e = e;
	net->n_bytes = n;
	if (opt != NULL)
		net->opt = *opt;
	if ((net->packs = packs_new(e->ocl, err)) == NULL ||
	    (net->model = model_load(bytes, n, src, err)) == NULL) {
		net_free(net);
		return NULL;
	}
	net->g = net->model->graph;
	if (prepare(net, err) == 0 && hold(net, err) == 0) {
		net_prove_rows(net);
		if (net_plan_ahead(net, err) == 0)
			return net;
	}
	/* The bytes are the caller's again. */
	net->model->bytes = NULL;
	net_free(net);
	return NULL;
}

void
net_free(struct net *net)
{
	if (net == NULL)
		return;
	engine_let_go(net->e, net->held);
	segments_drop(net);
	packs_free(net->packs);
	signature_free(net->sig);
	model_free(net->model);
	pool_free(net->pool);
	free(net->profile);
	free(net->ns);
	free(net);
}

const struct signature *
net_signature(const struct net *net)
{
	return net->sig;
}

size_t
net_memory(const struct net *net)
{
	size_t n = net->segment_bytes + packs_bytes(net->packs) +
	    pool_used(net->pool) + pool_used(net->model->pool);

	return n + net->n_bytes;
}

const char *
net_note(const struct net *net)
{
	return net->note;
}

static int
slowest(const void *a, const void *b)
{
	const struct profile_line *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

uint32_t
net_profile(const struct net *net, const struct profile_line **lines)
{
	if (net->n_profile > 0)
		qsort(net->profile, net->n_profile, sizeof(*net->profile),
		    slowest);
	*lines = net->profile;
	return net->n_profile;
}
