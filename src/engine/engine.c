#include "engine/engine.h"

#include <stdlib.h>

#include "engine/net.h"

/* The device may have what the nets' host memory leaves. */
static void
set_held(struct engine *e, size_t held)
{
	e->held = held;
	ocl_memory_limit(e->ocl, e->opt.memory_max == 0 ? SIZE_MAX :
	    e->opt.memory_max - held);
}

struct engine *
engine_new(struct ocl *ocl, const struct engine_options *opt, struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		(void)err_memory(err, "the engine", sizeof(*e));
		return NULL;
	}
	e->ocl = ocl;
	if (opt != NULL)
		e->opt = *opt;
	e->place.generation = 1;
	e->place.error = ocl_buf_new(ocl, sizeof(int32_t), err);
	if (e->place.error == NULL) {
		free(e);
		return NULL;
	}
	set_held(e, 0);
	return e;
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	if (e->place.arena != NULL)
		ocl_buf_free(e->ocl, e->place.arena);
	ocl_buf_free(e->ocl, e->place.error);
	for (struct told *t = e->told, *next; t != NULL; t = next) {
		next = t->next;
		free(t);
	}
	free(e);
}

size_t
engine_room(const struct engine *e)
{
	size_t max = e->opt.memory_max, used = e->held + ocl_memory(e->ocl);

	if (max == 0)
		return SIZE_MAX;
	return used < max ? max - used : 1;
}

size_t
run_memory(const struct engine *e)
{
	size_t room = engine_room(e);

	return room < RUN_POOL_MAX ? room : RUN_POOL_MAX;
}

int
engine_hold(struct engine *e, size_t bytes, struct err *err)
{
	size_t room = engine_room(e);

	if (bytes > room)
		return err_set(err, ERR_MEMORY, "the model takes %zu bytes, "
		    "but %zu of %zu are left", bytes, room, e->opt.memory_max);
	set_held(e, e->held + bytes);
	return 0;
}

void
engine_let_go(struct engine *e, size_t bytes)
{
	set_held(e, e->held - bytes);
}

const struct engine_trust *
engine_trust(const struct engine *e)
{
	return &e->trust;
}

/* Why the engine could not run the node, or NULL. */
static const char *
unsupported(const struct node *n)
{
	const struct op *op = op_find(n->domain, n->op, n->opset);

	if (op == NULL)
		return "no such operator of that opset";
	if (op->host == NULL && op->plan == NULL && op->pw == NULL)
		return "no form of it is there";
	return NULL;
}

static int
count_unsupported(const struct graph *g,
    void (*found)(void *, const struct node *, const char *), void *arg)
{
	const struct node *n;
	const struct attr *a;
	const char *why;
	int count = 0;

	for (int i = 0; i < g->n_node; i++) {
		n = &g->node[i];
		if ((why = unsupported(n)) != NULL) {
			count++;
			if (found != NULL)
				found(arg, n, why);
		}
		for (int k = 0; k < n->n_attr; k++) {
			a = &n->attr[k];
			if (a->type == ATTR_GRAPH)
				count += count_unsupported(a->g, found, arg);
			for (size_t j = 0; a->type == ATTR_GRAPHS && j < a->n;
			    j++)
				count += count_unsupported(&a->g[j], found,
				    arg);
		}
	}
	return count;
}

int
engine_unsupported(const struct model *m,
    void (*found)(void *arg, const struct node *, const char *why), void *arg)
{
	return count_unsupported(m->graph, found, arg);
}
