/*
 * May rows of different requests share a run?  Proved by rules (op.h: rows),
 * then checked with numbers, since a rule may be wrong or a value may depend
 * on the number of rows (a Shape that takes part in arithmetic).
 */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "engine/net.h"

#define CHECK_LARGEST	8	/* rows, if the caller does not say */
#define TOLERANCE	1e-3

/* What a symbolic size is taken to be, until one suits the model. */
static const int64_t guesses[] = { 32, 64, 224, 320, 16, 8, 1 };

/* Batch sizes that are planned: 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, ... */
int64_t
batch_round(int64_t n)
{
	int64_t size = 1;

	while (size < n) {
		if (size > 1 && size + size / 2 >= n)
			return size + size / 2;
		size *= 2;
	}
	return size;
}

static void
note(struct net *net, const char *why)
{
	(void)snprintf(net->note, sizeof(net->note), "not batchable: %.450s",
	    why);
}

/* Every input and output must have a first dimension that is left open. */
static bool
open_rows(struct net *net)
{
	const struct signature *s = net->sig;

	if (s->n_in == 0 || s->n_out == 0)
		return false;
	for (uint32_t i = 0; i < s->n_in; i++)
		if (!s->in[i].has_shape || s->in[i].shape.rank == 0 ||
		    s->in[i].shape.dim[0] >= 0 || s->in[i].optional ||
		    s->in[i].type == DT_STRING || net->g->value[
		    net->sig_in[i]].type != VALUE_TENSOR)
			return false;
	return true;
}

static struct shape
guess_shape(const struct sig_tensor *t, int64_t rows, int64_t guess)
{
	struct shape s = t->shape;

	s.dim[0] = rows;
	for (int i = 1; i < s.rank; i++)
		if (s.dim[i] < 0)
			s.dim[i] = guess;
	return s;
}

/*
 * 1: the rules prove it; 0: they do not; -1: these sizes do not suit the
 * model.
 */
static int
prove(struct net *net, int64_t guess)
{
	static const int64_t rows = 3;
	struct pool *pool = pool_new(PLAN_SCRATCH);
	struct walk_state w;
	struct err err = { 0 };
	struct val *v;
	int r = -1;

	for (uint32_t i = 0; i < net->sig->n_in; i++)
		net->now[net->sig_in[i]] = (struct val){ .kind = VAL_HOST,
		    .type = net->sig->in[i].type, .row = 0,
		    .shape = guess_shape(&net->sig->in[i], rows, guess) };
	if (pool != NULL &&
	    walk_begin(&w, net, pool, 0, net->now, &err) == 0 &&
	    walk_nodes(&w, &err) == 0)
		r = w.to == net->g->n_node;
	if (r == 0)
		note(net, "a shape depends on data");
	for (uint32_t i = 0; r == 1 && i < net->sig->n_out; i++) {
		v = &w.val[net->g->out[i]];
		if (v->row == 0 && v->form == VALUE_TENSOR &&
		    v->shape.rank > 0 && v->shape.dim[0] == rows)
			continue;
		r = 0;
		note(net, "rows do not reach an output one by one");
	}
	pool_free(pool);
	for (uint32_t i = 0; i < net->sig->n_in; i++)
		net->now[net->sig_in[i]] = (struct val){ 0 };
	return r;
}

/* The outputs of one run, all kept. */
struct answer {
	void		*data[SIG_TENSORS_MAX];
	size_t		 bytes[SIG_TENSORS_MAX];
	struct io	 io[SIG_TENSORS_MAX];
};

static void *
keep(void *arg, uint32_t i, const struct io *io, size_t bytes)
{
	struct answer *a = arg;

	free(a->data[i]);
	a->data[i] = malloc(bytes + 1);
	a->bytes[i] = bytes;
	a->io[i] = *io;
	return a->data[i];
}

static void
answer_free(struct answer *a, uint32_t n)
{
	for (uint32_t i = 0; a != NULL && i < n; i++)
		free(a->data[i]);
	free(a);
}

/* Numbers that suit most models: floats in [0, 1), integers 0 or 1. */
static void
fill_random(enum dtype t, void *p, size_t n, uint32_t *seed)
{
	for (size_t i = 0; i < n; i++) {
		*seed = *seed * 1664525 + 1013904223;
		if (dtype_info(t)->kind == 'f')
			elem_set_f(t, p, i, (*seed >> 8) / 16777216.0);
		else
			elem_set_i(t, p, i, *seed >> 31);
	}
}

struct trial {
	struct io	*in;
	struct io_seg	*seg;
	uint32_t	 n;
};

static void
trial_free(struct trial *t)
{
	for (uint32_t i = 0; t->seg != NULL && i < t->n; i++)
		free((void *)(uintptr_t)t->seg[i].data);
	free(t->seg);
	free(t->in);
}

static int
trial_make(struct trial *t, const struct net *net, int64_t rows, int64_t guess)
{
	uint32_t seed = 1;
	size_t count, bytes;
	void *p;

	t->n = net->sig->n_in;
	t->in = calloc(t->n, sizeof(*t->in));
	t->seg = calloc(t->n, sizeof(*t->seg));
	if (t->in == NULL || t->seg == NULL)
		return -1;
	for (uint32_t i = 0; i < t->n; i++) {
		t->in[i].type = net->sig->in[i].type;
		t->in[i].shape = guess_shape(&net->sig->in[i], rows, guess);
		t->in[i].seg = &t->seg[i];
		t->in[i].n_seg = 1;
		if (!shape_count(&t->in[i].shape, &count) ||
		    !dtype_bytes(t->in[i].type, count, &bytes) ||
		    (p = calloc(1, bytes + 1)) == NULL)
			return -1;
		fill_random(t->in[i].type, p, count, &seed);
		t->seg[i].data = p;
		t->seg[i].bytes = bytes;
	}
	return 0;
}

/* Only row `row` of all inputs, in place. */
static void
trial_row(const struct trial *all, struct trial *one, int64_t row)
{
	for (uint32_t i = 0; i < all->n; i++) {
		size_t n = all->seg[i].bytes /
		    (size_t)all->in[i].shape.dim[0];

		one->in[i] = all->in[i];
		one->in[i].shape.dim[0] = 1;
		one->in[i].seg = &one->seg[i];
		one->seg[i].data = (const char *)all->seg[i].data +
		    (size_t)row * n;
		one->seg[i].bytes = n;
	}
}

static bool
same_row(const struct answer *all, const struct answer *one, uint32_t n,
    int64_t rows, int64_t row)
{
	for (uint32_t i = 0; i < n; i++) {
		enum dtype t = one->io[i].type;
		size_t count, bytes = one->bytes[i];
		const char *a = (const char *)all->data[i] +
		    (size_t)row * bytes;

		if (all->io[i].shape.rank == 0 ||
		    all->io[i].shape.dim[0] != rows ||
		    all->bytes[i] != bytes * (size_t)rows ||
		    !shape_count(&one->io[i].shape, &count))
			return false;
		if (dtype_info(t)->kind != 'f') {
			if (memcmp(a, one->data[i], bytes) != 0)
				return false;
			continue;
		}
		for (size_t k = 0; k < count; k++) {
			double x = elem_f(t, a, k);
			double y = elem_f(t, one->data[i], k);

			if (x != y && !(isnan(x) && isnan(y)) &&
			    !(fabs(x - y) <= TOLERANCE * (1 + fabs(y))))
				return false;
		}
	}
	return true;
}

/* 1: equal; 0: not; -1: cannot be run with these sizes. */
static int
compare(struct net *net, const struct trial *all, struct trial *one,
    int64_t rows, struct answer *a, struct answer *b, struct err *err)
{
	struct run_sink to_a = { keep, a }, to_b = { keep, b };
	const int64_t pick[] = { 0, rows / 2, rows - 1 };

	net->sig->batchable = true;
	if (net_run(net, all->in, all->n, NULL, &to_a, err) < 0)
		return -1;
	for (size_t i = 0; i < nitems(pick); i++) {
		if (i > 0 && pick[i] == pick[i - 1])
			continue;
		trial_row(all, one, pick[i]);
		if (net_run(net, one->in, one->n, NULL, &to_b, err) < 0)
			return -1;
		if (!same_row(a, b, net->sig->n_out, rows, pick[i]))
			return 0;
	}
	return 1;
}

static int
check_rows(struct net *net, int64_t rows, int64_t guess, struct err *err)
{
	struct trial all = { 0 };
	struct answer *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	struct io in[SIG_TENSORS_MAX];
	struct io_seg seg[SIG_TENSORS_MAX];
	struct trial one = { .in = in, .seg = seg, .n = net->sig->n_in };
	int r = -1;

	if (a != NULL && b != NULL && trial_make(&all, net, rows, guess) == 0)
		r = compare(net, &all, &one, rows, a, b, err);
	net->sig->batchable = false;
	trial_free(&all);
	answer_free(a, net->sig->n_out);
	answer_free(b, net->sig->n_out);
	return r;
}

/*
 * Sizes 2 and the largest, for the first guess that the model can be run with.
 */
static int
check(struct net *net, int64_t guess)
{
	struct err err = { 0 };
	int r = check_rows(net, 2, guess, &err);

	if (r == 1 && net->batch_max > 2)
		r = check_rows(net, net->batch_max, guess, &err);
	if (r == 0)
		note(net, "a row's answer changes with its batch");
	else if (r < 0)
		note(net, err.text);
	return r;
}

/* Are all sizes given, but for the rows of a batch? */
static bool
sizes_given(const struct net *net)
{
	const struct sig_tensor *t;

	for (uint32_t i = 0; i < net->sig->n_in; i++) {
		t = &net->sig->in[i];
		if (!t->has_shape || t->optional || t->type == DT_STRING ||
		    net->g->value[net->sig_in[i]].type != VALUE_TENSOR)
			return false;
		for (int k = net->sig->batchable; k < t->shape.rank; k++)
			if (t->shape.dim[k] < 0)
				return false;
	}
	return true;
}

/*
 * One plan for that many rows; -1: those that the model says.  Fails for want
 * of memory only: what else is wrong may be a matter of the data.
 */
static int
plan_rows(struct net *net, int64_t rows, struct err *err)
{
	struct segment *s;
	struct val *v;

	for (uint32_t i = 0; i < net->sig->n_in; i++) {
		v = &net->now[net->sig_in[i]];
		*v = (struct val){ .kind = VAL_HOST, .row = ROW_FREE,
		    .type = net->sig->in[i].type,
		    .shape = net->sig->in[i].shape };
		if (rows >= 0)
			v->shape.dim[0] = rows;
	}
	s = segment_get(net, 0, err);
	for (uint32_t i = 0; i < net->sig->n_in; i++)
		net->now[net->sig_in[i]] = (struct val){ 0 };
	return s == NULL && err->code == ERR_MEMORY ? -1 : 0;
}

int
net_plan_ahead(struct net *net, struct err *err)
{
	struct err ignored;

	if (!net->opt.prepare_sizes || net->e->opt.host_only ||
	    !sizes_given(net))
		return 0;
	if (!net->sig->batchable)
		return plan_rows(net, -1, err);
	if (plan_rows(net, 1, err) == -1)
		return -1;
	for (int64_t n = 2; n <= net->batch_max &&
	    plan_rows(net, n, &ignored) == 0; n = batch_round(n + 1))
		;
	return 0;
}

void
net_prove_rows(struct net *net)
{
	int64_t want = net->opt.batch_max;
	int r = -1;

	if (want == 1) {
		note(net, "not asked for");
		return;
	}
	if (!open_rows(net)) {
		note(net, "an input has no open first dimension");
		return;
	}
	net->batch_max = batch_round(want > 0 ? want : CHECK_LARGEST);
	for (size_t i = 0; r < 0 && i < nitems(guesses); i++) {
		r = prove(net, guesses[i]);
		if (r == 1 && !net->e->opt.host_only)
			r = check(net, guesses[i]);
	}
	if (r < 0 && net->note[0] == '\0')
		note(net, "no sizes were found that it takes");
	net->sig->batchable = r == 1;
	if (r == 1)
		net->note[0] = '\0';
}
