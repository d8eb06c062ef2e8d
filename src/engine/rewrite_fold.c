/* Nodes whose inputs are all constants become constants. */
#include "engine/rewrite.h"

#define FOLD_ITEMS	((size_t)1 << 24)

static bool
all_const(const struct rewrite *r, const struct node *n)
{
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i] != NO_VALUE && rewrite_const(r, n->in[i]) == NULL)
			return false;
	return n->n_in > 0;
}

static bool
small_tensors(const struct view *v)
{
	size_t n;

	for (int i = 0; i < v->n_out; i++)
		if (v->out[i] != NULL && (v->out[i]->form != VALUE_TENSOR ||
		    v->out[i]->type == DT_NONE ||
		    !shape_count(&v->out[i]->shape, &n) || n > FOLD_ITEMS))
			return false;
	return true;
}

static int
make_const(struct rewrite *r, int value, const struct val *v,
    struct err *err)
{
	struct tensor *t = pool_get(r->net->pool, sizeof(*t));

	if (t == NULL)
		return err_memory(err, "a constant", sizeof(*t));
	t->name = r->g->value[value].name;
	t->type = v->type;
	t->shape = v->shape;
	t->count = val_count(v);
	t->data = v->data;
	t->bytes = t->count * sizeof(struct string);
	if (v->type != DT_STRING && !dtype_bytes(v->type, t->count, &t->bytes))
		return err_set(err, ERR_LIMIT, "a constant is too large");
	r->g->value[value].init = t;
	r->g->value[value].producer = -1;
	return 0;
}

/* What the definition refuses stays: it is refused when it is run. */
static int
fold(struct rewrite *r, int i, struct val **ptr, struct err *err)
{
	const struct node *n = &r->g->node[i];
	struct frame f = { .g = r->g, .val = ptr,
	    .memory = run_memory(r->net->e) };
	struct view *v = view_make(r->net->pool, n, r->net->row[i], ptr, err);
	struct err ignored;

	if (v == NULL)
		return -1;
	if (view_check_types(v, &ignored) < 0 ||
	    v->op->infer(v, &ignored) != 0 || !small_tensors(v) ||
	    interp_run(&f, v, r->net->pool, &ignored) < 0)
		return 0;
	for (int k = 0; k < n->n_out; k++)
		if (n->out[k] != NO_VALUE &&
		    make_const(r, n->out[k], v->out[k], err) < 0)
			return -1;
	for (int k = 0; k < n->n_in; k++)
		if (n->in[k] != NO_VALUE)
			r->uses[n->in[k]]--;
	r->net->row[i] = NULL;
	return 0;
}

int
rewrite_fold(struct rewrite *r, struct err *err)
{
	size_t n = (size_t)r->g->n_value + 1;
	struct pool *pool = pool_new(PLAN_SCRATCH);
	struct val *val = pool == NULL ? NULL : pool_array(pool, n,
	    sizeof(*val));
	struct val **ptr = pool == NULL ? NULL : pool_array(pool, n,
	    sizeof(*ptr));
	const struct op *op;
	int res = val == NULL || ptr == NULL ?
	    err_memory(err, "a model", n) : 0;

	for (int i = 0; res == 0 && i < r->g->n_value; i++)
		ptr[i] = &val[i];
	for (int i = 0; res == 0 && i < r->g->n_node; i++) {
		op = r->net->row[i];
		if (op == NULL || op->host == NULL || op->infer == NULL ||
		    op->flags & OP_RANDOM || node_has_graph(&r->g->node[i]) ||
		    !all_const(r, &r->g->node[i]))
			continue;
		for (int k = 0; k < r->g->node[i].n_in; k++)
			if (r->g->node[i].in[k] != NO_VALUE)
				val_set_init(ptr[r->g->node[i].in[k]],
				    rewrite_const(r, r->g->node[i].in[k]));
		res = fold(r, i, ptr, err);
	}
	pool_free(pool);
	return res;
}
