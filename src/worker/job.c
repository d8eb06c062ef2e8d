/*
 * job: one job from the ring to its completion.
 *
 * All parts run together; if that fails by a request's own fault, each is run
 * alone, so that the others get their answers.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "worker/worker.h"

enum { SEGMENT_WAIT_MS = 10000 };

/* One call of the engine. */
struct run {
	struct worker	*w;
	int64_t		 waited_ns;	/* for the parent, within net_run() */
	struct err	 refused;	/* why place() said no, if it did */
};

struct times {
	int64_t	input_ns, compute_ns, output_ns;
};

static uint64_t
take_waiting(struct run *r, size_t bytes)
{
	struct worker *w = r->w;
	uint64_t at = outbox_take(&w->outbox, bytes);
	int64_t began;

	if (at != OUTBOX_NONE)
		return at;
	began = clock_ns();
	while (at == OUTBOX_NONE && worker_wait_space(w))
		at = outbox_take(&w->outbox, bytes);
	wire_phase(&w->wire, PHASE_RUN, w->job);
	r->waited_ns += clock_ns() - began;
	return at;
}

static void *
place(void *arg, uint32_t i, const struct io *as, size_t bytes)
{
	struct run *r = arg;
	struct worker *w = r->w;
	uint64_t at = 0;

	if (i >= SIG_TENSORS_MAX || as->kind != IO_TENSOR) {
		(void)err_set(&r->refused, ERR_UNSUPPORTED,
		    "output %u is no tensor: it cannot be sent", i);
		return NULL;
	}
	if (bytes > 0)
		at = take_waiting(r, bytes);
	if (at == OUTBOX_NONE) {
		(void)err_set(&r->refused, ERR_MEMORY,
		    "output %u: no room for %zu bytes in an output arena of "
		    "%llu", i, bytes, (unsigned long long)w->wire.arena_bytes);
		return NULL;
	}
	w->binder.out[i] = (struct placed){ true, as->type, as->shape, at,
	    bytes };
	return w->wire.arena + at;
}

/*
 * A part may name a segment whose message is still on its way: jobs and
 * messages come by different roads.
 */
static int
bind(struct worker *w, const struct signature *s, const struct job *j,
    uint32_t first, uint32_t n, struct err *e)
{
	int64_t until = clock_ns() + SEGMENT_WAIT_MS * NS_PER_MS;
	struct pollfd p = { .fd = w->ctl.fd, .events = POLLIN };
	int res;

	for (;;) {
		res = bind_inputs(&w->binder, &w->views, s, j, first, n, e);
		if (res == 0 || e->code != ERR_UNAVAILABLE ||
		    clock_ns() > until)
			break;
		if (!worker_hear(w))
			(void)poll(&p, 1, SEGMENT_WAIT_MS / 10);
	}
	if (res == -1 && e->code == ERR_UNAVAILABLE)
		worker_fail(WORKER_EXIT_PARENT, e);
	return res;
}

/* Run the parts [first, first + n) together. */
static int
run_parts(struct worker *w, struct net *net, const struct job *j,
    uint32_t first, uint32_t n, struct times *t, struct err *e)
{
	const struct signature *s = net_signature(net);
	struct run r = { .w = w };
	struct run_sink sink = { place, &r };
	int64_t t0 = clock_ns(), t1, t2;
	int res;

	if (bind(w, s, j, first, n, e) == -1)
		return -1;
	for (uint32_t i = 0; i < SIG_TENSORS_MAX; i++)
		w->binder.out[i].there = false;
	t1 = clock_ns();
	wire_phase(&w->wire, PHASE_RUN, j->id);
	res = net_run(net, w->binder.in, s->n_in, w->binder.want, &sink, e);
	t2 = clock_ns();
	t->input_ns += t1 - t0;
	t->compute_ns += t2 - t1 - r.waited_ns;
	if (res == -1 && e->code == ERR_DEVICE)
		worker_fail(WORKER_EXIT_DEVICE, e);
	if (res == -1 && r.refused.code != ERR_NONE)
		*e = r.refused;
	if (res == 0)
		res = bind_outputs(&w->binder, w->wire.arena, j, first, n, e);
	t->output_ns += clock_ns() - t2;
	return res;
}

static void
fail_part(struct binder *b, uint32_t p, const struct err *e)
{
	b->part_err[p] = *e;
	b->part[p] = (struct done_part){ .code = e->code,
	    .text = b->part_err[p].text };
}

static void
fail_all(struct binder *b, const struct job *j, const struct err *e)
{
	for (uint32_t p = 0; p < j->n_parts; p++)
		fail_part(b, p, e);
}

/* Each part of [first, first + n) by itself. */
static void
run_alone(struct worker *w, struct net *net, const struct job *j,
    struct times *t)
{
	struct err e;
	uint32_t mark;

	for (uint32_t p = 0; p < j->n_parts; p++) {
		mark = outbox_mark(&w->outbox);
		if (run_parts(w, net, j, p, 1, t, &e) == 0)
			continue;
		outbox_rewind(&w->outbox, mark);
		fail_part(&w->binder, p, &e);
	}
}

static void
run_job(struct worker *w, struct net *net, const struct job *j,
    struct times *t)
{
	struct err e;

	if (net == NULL) {
		(void)err_set(&e, ERR_INTERNAL, "model %u is not loaded here",
		    j->model);
		fail_all(&w->binder, j, &e);
		return;
	}
	if (j->n_parts > 1 && !bind_can_share(net_signature(net))) {
		run_alone(w, net, j, t);
		return;
	}
	if (run_parts(w, net, j, 0, j->n_parts, t, &e) == 0)
		return;
	outbox_rewind(&w->outbox, 0);
	if (j->n_parts == 1)
		fail_part(&w->binder, 0, &e);
	else
		run_alone(w, net, j, t);
}

static void
send_done(struct worker *w, const struct job *j, const struct done *d)
{
	const struct timespec pause = { 0, NS_PER_MS };
	enum ring_result r;
	struct err e;

	while ((r = wire_done(&w->wire, d)) == RING_FULL) {
		/* The parent is behind by megabytes of descriptors. */
		wire_phase(&w->wire, PHASE_WAIT, j->id);
		(void)nanosleep(&pause, NULL);
	}
	if (r == RING_OK)
		return;
	(void)err_set(&e, ERR_INVALID, "completion ring of job %llu: %d",
	    (unsigned long long)j->id, (int)r);
	worker_fail(WORKER_EXIT_PARENT, &e);
}

static void
complete(struct worker *w, const struct job *j, const struct times *t)
{
	struct done d = {
		.job = j->id,
		.input_ns = (uint64_t)t->input_ns,
		.compute_ns = (uint64_t)t->compute_ns,
		.output_ns = (uint64_t)t->output_ns,
		.n_parts = j->n_parts,
		.part = w->binder.part,
	};
	struct err e;

	if (done_bytes(&d) == 0) {
		(void)err_set(&e, ERR_LIMIT,
		    "the answer to %u requests together is too long",
		    j->n_parts);
		outbox_rewind(&w->outbox, 0);
		fail_all(&w->binder, j, &e);
	}
	/*
	 * Empty outputs take no memory, but the parent will release them too.
	 */
	outbox_commit(&w->outbox, done_has_output(&d));
	send_done(w, j, &d);
}

bool
worker_serve(struct worker *w)
{
	struct times t = { 0 };
	struct net *net;
	struct job *j;
	struct err e;
	enum ring_result r = wire_next(&w->wire, &j, &e);

	if (r == RING_EMPTY)
		return false;
	if (r != RING_OK)
		worker_fail(e.code == ERR_MEMORY ? WORKER_EXIT_MEMORY :
		    WORKER_EXIT_PARENT, &e);
	worker_collect(w);
	w->job = j->id;
	w->single = j->n_parts == 1;
	while (w->outbox.n_held == CHANNEL_HELD)
		if (!worker_wait_space(w))
			break;
	net = shelf_find(&w->shelf, j->model);
	if (binder_room(&w->binder, j,
	    net != NULL ? net_signature(net)->n_out : 0, &e) == -1 ||
	    outbox_begin(&w->outbox, j->id, &e) == -1)
		worker_fail(WORKER_EXIT_MEMORY, &e);
	run_job(w, net, j, &t);
	complete(w, j, &t);
	wire_phase(&w->wire, PHASE_IDLE, 0);
	free(j);
	return true;
}
