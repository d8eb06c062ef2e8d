/* One inference: inputs in, segments one after the other, outputs out. */
#include <stdlib.h>

#include "base/size.h"
#include "engine/io.h"
#include "engine/net.h"

#define ARENA_STEP	((size_t)1 << 20)

struct run {
	struct net	*net;
	const struct io	*in;
	const uint64_t	*want;
	const struct run_sink *sink;
	struct pool	*pool;
	int64_t		 rows;		/* asked for; 0: not batched */
	int64_t		 planned;	/* rows computed */
	bool		 whole;		/* inputs must be in one piece */
	bool		 touched;	/* now holds more than inputs */
};

int
engine_arena(struct engine *e, size_t bytes, struct err *err)
{
	struct ocl_buf *b;

	if (bytes <= e->arena_bytes)
		return 0;
	bytes = size_round(bytes, ARENA_STEP);
	if (e->opt.memory_max != 0 && bytes > e->opt.memory_max)
		return err_set(err, ERR_MEMORY, "the plan needs %zu bytes, "
		    "over the limit of %zu", bytes, e->opt.memory_max);
	if ((b = ocl_buf_new(e->ocl, bytes, err)) == NULL)
		return -1;
	if (e->place.arena != NULL)
		ocl_buf_free(e->ocl, e->place.arena);
	e->place.arena = b;
	e->place.generation++;
	e->arena_bytes = bytes;
	return 0;
}

static bool
wanted(const struct run *r, uint32_t i)
{
	return r->want == NULL || r->want[i / 64] >> (i % 64) & 1;
}

/* All inputs of a batched net have the same number of rows. */
static int
count_rows(struct run *r, struct err *err)
{
	const struct signature *sig = r->net->sig;
	int64_t max = r->net->batch_max, n;

	if (!sig->batchable || r->in[0].shape.rank == 0)
		return 0;
	n = r->in[0].shape.dim[0];
	for (uint32_t i = 1; i < sig->n_in; i++)
		if (r->in[i].kind != IO_TENSOR || r->in[i].shape.rank == 0 ||
		    r->in[i].shape.dim[0] != n)
			return err_set(err, ERR_INVALID, "input \"%s\": inputs "
			    "differ in their first dimension", sig->in[i].name);
	if (n == 0)
		return 0;
	r->rows = n;
	r->planned = batch_round(n);
	if (r->planned > max)
		r->planned = n;
	return 0;
}

static int
take_inputs(struct run *r, struct err *err)
{
	struct net *net = r->net;
	struct val *v;
	int index;

	for (uint32_t i = 0; i < net->sig->n_in; i++) {
		index = net->sig_in[i];
		v = &net->now[index];
		if (r->in[i].kind == IO_NONE) {
			/* Its default, or an optional with nothing in it. */
			*v = (struct val){ .kind = VAL_KNOWN,
			    .form = VALUE_OPTIONAL, .row = ROW_FREE };
			if (net->g->value[index].init != NULL)
				val_set_init(v, net->g->value[index].init);
			continue;
		}
		if (io_val(&r->in[i], r->planned, v, r->pool,
		    r->whole || net->read_known[index], err) < 0)
			return err_prefix(err, "input \"%s\"",
			    net->sig->in[i].name);
	}
	return 0;
}

static const struct io *
input_of(const struct run *r, int value)
{
	for (uint32_t i = 0; i < r->net->sig->n_in; i++)
		if (r->net->sig_in[i] == value)
			return &r->in[i];
	return NULL;
}

static int
upload(struct run *r, struct segment *s, struct err *err)
{
	const struct plan_place *at = &r->net->e->place;
	const struct io *io;
	const struct val *now;
	struct val *v;
	size_t n;

	for (int i = 0; i < s->n_in; i++) {
		now = &r->net->now[s->in[i]];
		v = &s->val[s->in[i]];
		if (v->kind == VAL_HOST) {
			v->data = now->data;
			continue;
		}
		io = input_of(r, s->in[i]);
		if (io != NULL) {
			if (io_write(s->plan, at, io, v, err) < 0)
				return -1;
		} else if (!shape_bytes(&v->shape, v->type, &n) ||
		    plan_write(s->plan, at, v, 0, now->data, n, err) < 0)
			return -1;
	}
	return 0;
}

static int
fill_nan(struct engine *e, struct err *err)
{
	size_t n = e->arena_bytes;
	void *p;
	int r;

	if (!e->opt.nan_fill || n == 0)
		return 0;
	if ((p = malloc(n)) == NULL)
		return err_memory(err, "a test's filling", n);
	memset(p, 0xff, n);
	r = ocl_write(e->ocl, e->place.arena, 0, p, n, err);
	free(p);
	return r;
}

static void
note_times(struct net *net, const struct segment *s, const int64_t *ns)
{
	struct profile_line *line;

	for (int i = 0; i < plan_steps(s->plan); i++) {
		if (net->n_profile == net->cap_profile)
			return;
		line = &net->profile[net->n_profile++];
		line->kernel = plan_step_kernel(s->plan, i);
		line->node = plan_step_node(s->plan, i) == NULL ? "" :
		    plan_step_node(s->plan, i)->name;
		line->ns = ns[i];
	}
}

/* Room for the times of a segment's steps. */
static int
profile_room(struct net *net, int steps, struct err *err)
{
	uint32_t cap = net->n_profile + (uint32_t)steps + 1;
	struct profile_line *l;
	int64_t *ns;

	if (cap > net->cap_profile) {
		l = realloc(net->profile, cap * sizeof(*l));
		if (l == NULL)
			return err_memory(err, "a profile", cap);
		net->profile = l;
		net->cap_profile = cap;
	}
	if (steps >= net->cap_ns) {
		ns = realloc(net->ns, ((size_t)steps + 1) * sizeof(*ns));
		if (ns == NULL)
			return err_memory(err, "a profile", cap);
		net->ns = ns;
		net->cap_ns = steps + 1;
	}
	memset(net->ns, 0, (size_t)net->cap_ns * sizeof(*net->ns));
	return 0;
}

static int
run_steps(struct run *r, struct segment *s, struct err *err)
{
	struct engine *e = r->net->e;
	bool profile = e->opt.profile;

	if (engine_arena(e, plan_arena(s->plan), err) < 0 ||
	    fill_nan(e, err) < 0 || upload(r, s, err) < 0)
		return -1;
	if (profile && profile_room(r->net, plan_steps(s->plan), err) < 0)
		return -1;
	if (plan_run(s->plan, &e->place, profile ? r->net->ns : NULL, err) < 0)
		return -1;
	if (profile)
		note_times(r->net, s, r->net->ns);
	return 0;
}

/* v as it is in host memory: where it lies, or a copy from pool. */
static int
fetch(struct run *r, struct segment *s, const struct val *v,
    struct val *host, bool keep, struct err *err)
{
	const struct plan_place *at = &r->net->e->place;
	size_t n;
	void *p;

	*host = *v;
	host->store = NULL;
	host->twin = NULL;
	if (v->kind != VAL_DEVICE)
		return keep ? val_copy(host, v, r->pool, err) : 0;
	host->data = keep ? NULL : plan_at(s->plan, at, v);
	if (host->data != NULL)
		return 0;
	if (!shape_bytes(&v->shape, v->type, &n) ||
	    (p = pool_get(r->pool, n)) == NULL)
		return err_memory(err, "an output", val_count(v));
	host->data = p;
	return plan_read(s->plan, at, v, p, n, err);
}

/* Keep what later segments read. */
static int
keep_live(struct run *r, struct segment *s, struct err *err)
{
	struct val *now;

	r->touched = true;
	for (int i = 0; i < s->n_live; i++) {
		now = &r->net->now[s->live[i]];
		if (fetch(r, s, s->live_val[i], now, true, err) < 0)
			return -1;
		now->kind = s->live_val[i]->kind == VAL_KNOWN ? VAL_KNOWN :
		    VAL_HOST;
		now->offset = 0;
		now->init = NULL;
	}
	return 0;
}

/* Clients were told the type that the file declares. */
static int
check_type(const struct sig_tensor *t, const struct val *v, struct err *err)
{
	if (v->form != VALUE_TENSOR || t->type == DT_NONE ||
	    v->type == t->type)
		return 0;
	return err_set(err, ERR_INVALID, "the model makes %s, but declares %s",
	    dtype_info(v->type)->onnx, dtype_info(t->type)->onnx);
}

static int
deliver(struct run *r, uint32_t i, const struct val *v, struct err *err)
{
	const struct sig_tensor *t = &r->net->sig->out[i];

	if (check_type(t, v, err) < 0 ||
	    io_deliver(r->sink, i, v, r->rows, err) < 0)
		return err_prefix(err, "output \"%s\"", t->name);
	return 0;
}

static int
deliver_segment(struct run *r, struct segment *s, struct err *err)
{
	struct val host;
	int value;

	for (uint32_t i = 0; i < r->net->sig->n_out; i++) {
		if (!wanted(r, i))
			continue;
		value = r->net->g->out[i];
		if (s->out[i]->kind == VAL_UNKNOWN)
			host = r->net->now[value];
		else if (fetch(r, s, s->out[i], &host, false, err) < 0)
			return -1;
		if (deliver(r, i, &host, err) < 0)
			return -1;
	}
	return 0;
}

/* All values as the interpreter sees them: those of now, and the constants. */
static struct val **
host_values(struct run *r, struct err *err)
{
	struct net *net = r->net;
	struct val **ptr = pool_array(r->pool, (size_t)net->g->n_value + 1,
	    sizeof(*ptr));

	if (ptr == NULL) {
		(void)err_memory(err, "a run", (size_t)net->g->n_value);
		return NULL;
	}
	r->touched = true;
	for (int i = 0; i < net->g->n_value; i++) {
		ptr[i] = &net->now[i];
		if (ptr[i]->kind == VAL_UNKNOWN &&
		    net->g->value[i].init != NULL)
			val_set_init(ptr[i], net->g->value[i].init);
	}
	return ptr;
}

/* The node that only the host can run, by itself. */
static int
run_host_node(struct run *r, int i, struct err *err)
{
	struct frame f = { .g = r->net->g, .memory = run_memory(r->net->e) };
	const struct node *n = &r->net->g->node[i];

	if ((f.val = host_values(r, err)) == NULL)
		return -1;
	if (interp_node(&f, n, r->pool, err) < 0)
		return -1;
	for (int k = 0; k < n->n_out; k++)
		if (n->out[k] != NO_VALUE)
			r->net->now[n->out[k]].kind = VAL_HOST;
	return 0;
}

static int
run_segments(struct run *r, struct err *err)
{
	int at = 0, n = r->net->g->n_node;
	struct segment *s;

	for (;;) {
		if ((s = segment_get(r->net, at, err)) == NULL ||
		    run_steps(r, s, err) < 0)
			return -1;
		if (s->to == n)
			return deliver_segment(r, s, err);
		at = s->to;
		if (keep_live(r, s, err) < 0)
			return -1;
		if (s->host_next && run_host_node(r, at++, err) < 0)
			return -1;
	}
}

static int
run_on_host(struct run *r, struct err *err)
{
	struct frame f = { .g = r->net->g, .memory = run_memory(r->net->e) };

	if ((f.val = host_values(r, err)) == NULL)
		return -1;
	for (int i = 0; i < f.g->n_node; i++)
		if (r->net->row[i] != NULL &&
		    interp_node(&f, &f.g->node[i], r->pool, err) < 0)
			return -1;
	for (uint32_t i = 0; i < r->net->sig->n_out; i++)
		if (wanted(r, i) && deliver(r, i, f.val[f.g->out[i]], err) < 0)
			return -1;
	return 0;
}

static void
forget_values(struct run *r)
{
	struct net *net = r->net;

	if (r->touched)
		memset(net->now, 0, (size_t)net->g->n_value *
		    sizeof(*net->now));
	for (uint32_t i = 0; i < net->sig->n_in; i++)
		net->now[net->sig_in[i]] = (struct val){ 0 };
}

int
net_run(struct net *net, const struct io *in, uint32_t n_in,
    const uint64_t *want, const struct run_sink *sink, struct err *err)
{
	struct run r = { .net = net, .in = in, .want = want, .sink = sink,
	    .whole = net->e->opt.host_only };
	int res = -1;

	if (n_in != net->sig->n_in)
		return err_set(err, ERR_INVALID, "%u inputs, want %u", n_in,
		    net->sig->n_in);
	for (uint32_t i = 0; i < n_in; i++)
		if (io_check(&net->sig->in[i], &in[i], err) < 0)
			return err_prefix(err, "input \"%s\"",
			    net->sig->in[i].name);
	if ((r.pool = pool_new(run_memory(net->e))) == NULL)
		return err_memory(err, "a run", 0);
	net->n_profile = 0;
	if (count_rows(&r, err) == 0 && take_inputs(&r, err) == 0)
		res = net->e->opt.host_only ? run_on_host(&r, err) :
		    run_segments(&r, err);
	forget_values(&r);
	pool_free(r.pool);
	return res;
}
