#include <stdlib.h>
#include <unistd.h>

#include "base/beneath.h"
#include "engine/engine.h"
#include "worker/shelf.h"

struct shelved {
	struct shelved	*next;
	uint32_t	 handle;
	struct net	*net;
};

static int
read_external(void *arg, const char *name, size_t off, size_t len, void *into,
    struct err *e)
{
	const int *folder = arg;

	return beneath_read_at(*folder, name, off, len, into, e);
}

/* Clients must be told a type; a tool could do without. */
static int
check_types(const struct net *net, struct err *e)
{
	const struct signature *s = net_signature(net);
	const struct sig_tensor *t = signature_untyped(s);

	if (t == NULL)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, "%s \"%s\": the model does not say "
	    "its type", t < s->out ? "input" : "output", t->name);
}

/* The file and the net made of it; or NULL. */
static struct net *
load_file(struct engine *engine, int folder, const char *file,
    const struct net_options *options, struct err *e)
{
	struct model_source source = { read_external, &folder };
	struct net *net;
	size_t n = 0;
	size_t room = engine_room(engine);
	void *bytes = beneath_read(folder, file,
	    room < MODEL_FILE_MAX ? room : MODEL_FILE_MAX, &n, e);

	if (bytes == NULL) {
		if (e->code == ERR_LIMIT && room < MODEL_FILE_MAX)
			(void)err_prefix(e, "no memory left (engine.memory)");
		return NULL;
	}
	net = net_load(engine, bytes, n, &source, options, e);
	if (net == NULL) {
		free(bytes);
	} else if (check_types(net, e) == -1) {
		net_free(net);
		net = NULL;
	}
	if (net == NULL)
		(void)err_prefix(e, "%s", file);
	return net;
}

static struct net *
load(struct engine *engine, const struct ctl_load *l, int dir, struct err *e)
{
	struct net_options options = {
		.batch_max = l->max_batch,
		.prepare_sizes = true,
	};
	const char *file;
	struct net *net;
	int folder;

	if (l->precision != CTL_FP32) {
		(void)err_set(e, ERR_UNSUPPORTED,
		    "precision %u: this build computes in fp32 only",
		    (unsigned)l->precision);
		return NULL;
	}
	folder = beneath_parent(dir, l->path, &file, e);
	if (folder == -1)
		return NULL;
	net = load_file(engine, folder, file, &options, e);
	(void)close(folder);
	return net;
}

struct net *
shelf_load(struct shelf *s, struct engine *engine, const struct ctl_load *l,
    int dir, struct err *e)
{
	struct shelved *new;

	if (shelf_find(s, l->handle) != NULL) {
		(void)err_set(e, ERR_INTERNAL, "model handle %u is in use",
		    l->handle);
		return NULL;
	}
	new = calloc(1, sizeof(*new));
	if (new == NULL) {
		(void)err_memory(e, "model", sizeof(*new));
		return NULL;
	}
	new->handle = l->handle;
	new->net = load(engine, l, dir, e);
	if (new->net == NULL) {
		free(new);
		return NULL;
	}
	new->next = s->first;
	s->first = new;
	return new->net;
}

struct net *
shelf_find(const struct shelf *s, uint32_t handle)
{
	for (const struct shelved *m = s->first; m != NULL; m = m->next)
		if (m->handle == handle)
			return m->net;
	return NULL;
}

int
shelf_unload(struct shelf *s, uint32_t handle, struct err *e)
{
	struct shelved **p = &s->first, *m;

	while (*p != NULL && (*p)->handle != handle)
		p = &(*p)->next;
	m = *p;
	if (m == NULL)
		return err_set(e, ERR_INVALID, "model handle %u: not loaded",
		    handle);
	*p = m->next;
	net_free(m->net);
	free(m);
	return 0;
}

void
shelf_done(struct shelf *s)
{
	struct err ignored;

	while (s->first != NULL)
		(void)shelf_unload(s, s->first->handle, &ignored);
}
