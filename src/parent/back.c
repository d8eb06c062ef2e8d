/* back: batches that come back, done or with their worker lost; see queue.h. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/queue.h"
#include "parent/sup.h"

/* Of outputs so small the worker gets its memory back at once. */
#define COPY_BYTES	((size_t)16 << 10)

/* Lost that many workers while running alone: that request is the reason. */
#define DEATHS_MAX	2

/* Completing. */

static struct batch *
take(struct slot *s, uint64_t id)
{
	struct batch **at = &s->inflight, *b;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	if ((b = *at) == NULL)
		return NULL;
	*at = b->next;
	b->next = NULL;
	s->n_inflight--;
	s->busy_since_ns = clock_ns();
	return b;
}

static uint32_t
wanted(const uint64_t want[WANT_WORDS])
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < WANT_WORDS; w++)
		n += (uint32_t)__builtin_popcountll(want[w]);
	return n;
}

/* Are the outputs those that were asked for, of the right types and rows? */
static int
check_part(const struct batch *b, uint32_t i, const struct done_part *d,
    struct err *e)
{
	const struct signature *sig = b->version->signature;

	if (d->code != ERR_NONE)
		return 0;
	if (d->n_out != wanted(b->want[i]))
		return err_set(e, ERR_INVALID, "part %u: %u outputs, want %u",
		    i, d->n_out, wanted(b->want[i]));
	for (uint32_t k = 0; k < d->n_out; k++) {
		const struct done_output *o = &d->out[k];

		if (o->index >= sig->n_out ||
		    (b->want[i][o->index / 64] >> o->index % 64 & 1) == 0 ||
		    (k > 0 && o->index <= d->out[k - 1].index))
			return err_set(e, ERR_INVALID,
			    "part %u: output %u was not wanted", i, o->index);
		if (o->type != sig->out[o->index].type)
			return err_set(e, ERR_INVALID,
			    "part %u: output %u: %s, want %s", i, o->index,
			    dtype_info(o->type)->onnx,
			    dtype_info(sig->out[o->index].type)->onnx);
		if (b->part_rows[i] > 0 && (o->shape.rank == 0 ||
		    o->shape.dim[0] != b->part_rows[i]))
			return err_set(e, ERR_INVALID,
			    "part %u: output %u: not %lld rows", i, o->index,
			    (long long)b->part_rows[i]);
	}
	return 0;
}

/* What a part's outputs need as a copy. */
static size_t
copy_bytes(const struct done_part *d)
{
	size_t n = 0;

	for (uint32_t k = 0; k < d->n_out; k++)
		n += size_round(d->out[k].bytes, 16);
	return n;
}

/* The outputs, where they are or copied; -1: no memory. */
static int
keep(struct part *p, const struct done_part *d, struct slot *s,
    struct hold *job)
{
	unsigned char *to = NULL;
	bool copy = job == NULL;

	p->piece = calloc(d->n_out + 1, sizeof(*p->piece));
	p->shape = calloc(d->n_out + 1, sizeof(*p->shape));
	p->hold = copy ? hold_new_heap(s->sup->parent,
	    copy_bytes(d), &to) : job;
	if (!copy)
		hold_get(job);
	if (p->piece == NULL || p->shape == NULL || p->hold == NULL)
		return -1;
	for (uint32_t k = 0; k < d->n_out; k++) {
		const struct done_output *o = &d->out[k];
		const void *from = channel_output(s->channel, o);

		p->shape[k] = o->shape;
		p->piece[k].bytes = o->bytes;
		p->piece[k].data = from;
		if (!copy)
			continue;
		if (o->bytes > 0)
			memcpy(to, from, o->bytes);
		p->piece[k].data = to;
		to += size_round(o->bytes, 16);
	}
	return 0;
}

/* A failed run of many may be the fault of one: each runs again alone. */
static void
part_failed(const struct batch *b, struct part *p, const struct done_part *d)
{
	struct request *r = p->request;
	struct err e = { .code = d->code };

	if (b->n > 1 && !r->alone) {
		r->alone = true;
		part_enqueue_first(p);
		return;
	}
	(void)err_set(&e, d->code, "%s", d->text);
	request_answer(r, &e);
}

static void
part_finish(struct batch *b, uint32_t i, const struct done_part *d,
    struct slot *s, struct hold *job, int64_t compute_ns)
{
	struct part *p = b->part[i];
	struct request *r;
	struct err e;

	b->part[i] = NULL;
	if (p == NULL)
		return;
	r = p->request;
	p->batch = NULL;
	if (d->code != ERR_NONE) {
		p->state = PART_DONE;
		part_failed(b, p, d);
		return;
	}
	/* What waits for its other parts waits outside the arena. */
	if (job != NULL && r->parts_open > 1)
		job = NULL;
	r->compute_ns += compute_ns;
	s->requests++;
	p->state = PART_DONE;
	if (keep(p, d, s, job) == -1) {
		(void)err_memory(&e, "answer", copy_bytes(d));
		request_answer(r, &e);
		return;
	}
	request_part_done(p);
}

static size_t
done_output_bytes(const struct done *d)
{
	size_t n = 0;

	for (uint32_t i = 0; i < d->n_parts; i++)
		n += copy_bytes(&d->part[i]);
	return n;
}

static void
account(struct batch *b, struct slot *s, int64_t compute, bool good)
{
	struct version *v = b->version;

	s->batches++;
	s->busy_ns += compute;
	if (v->queue != NULL)
		v->queue->vtime += compute - b->expected_ns;
	if (!good)
		return;
	estimate_add(&v->places[s->twin].estimate, b->rows, compute,
	    clock_ns());
	version_stats_run(&v->stats, b->rows > 0 ? (uint32_t)b->rows : 1,
	    0, compute, 0);
	slot_worked(s);
}

int
batch_done(struct slot *s, struct done *d, struct err *e)
{
	struct batch *b;
	struct hold *job = NULL;
	int64_t compute;

	for (b = s->inflight; b != NULL && b->id != d->job; b = b->next)
		;
	if (b == NULL)
		return err_set(e, ERR_INVALID, "job %llu is not at it",
		    (unsigned long long)d->job);
	if (d->n_parts != b->n)
		return err_set(e, ERR_INVALID, "%u parts, want %u",
		    d->n_parts, b->n);
	for (uint32_t i = 0; i < b->n; i++)
		if (check_part(b, i, &d->part[i], e) == -1)
			return -1;
	/* The time is the worker's word: it cannot exceed what passed. */
	compute = clock_ns() - b->submitted_ns;
	if (d->compute_ns < (uint64_t)compute)
		compute = (int64_t)d->compute_ns;
	(void)take(s, b->id);
	if (done_output_bytes(d) > COPY_BYTES)
		job = hold_new_job(s, d->job);
	account(b, s, compute, d->part[0].code == ERR_NONE);
	for (uint32_t i = 0; i < b->n; i++)
		part_finish(b, i, &d->part[i], s, job, compute);
	if (job != NULL)
		hold_put(job);
	else if (done_has_output(d) &&
	    channel_release(s->channel, d->job) == RING_BAD)
		slot_kill(s, KILL_BAD, "ring of releases");
	batch_free(b);
	queue_kick(s->sup->parent->queue);
	return 0;
}

/* Replaying. */

static void
suspect(struct part *p, const struct batch *b, const struct slot *s)
{
	struct request *r = p->request;
	struct err e;

	r->alone = true;
	if (!b->alone)
		return;
	r->deaths++;
	r->died_at = s->id + 1;
	if (r->deaths < DEATHS_MAX)
		return;
	(void)err_set(&e, ERR_INTERNAL, "%u workers died while running this "
	    "request alone; the last: %s", r->deaths, s->death);
	request_answer(r, &e);
}

static void
lose(struct batch *b, struct slot *s, bool was_executing)
{
	struct version *v = b->version;

	for (uint32_t i = b->n; i-- > 0;) {
		struct part *p = b->part[i];

		if (p == NULL)
			continue;
		b->part[i] = NULL;
		part_enqueue_first(p);
		v->stats.replayed++;
		s->sup->parent->stats.replays++;
		if (was_executing)
			suspect(p, b, s);
	}
	if (v->queue != NULL)
		v->queue->vtime -= b->expected_ns;
	batch_free(b);
}

void
batch_lost(struct slot *s, uint64_t executing)
{
	struct batch *reversed = NULL, *b;

	while ((b = s->inflight) != NULL) {
		s->inflight = b->next;
		b->next = reversed;
		reversed = b;
	}
	s->n_inflight = 0;
	/* The last goes to the front first, so that the order stays. */
	while ((b = reversed) != NULL) {
		reversed = b->next;
		lose(b, s, executing != 0 && b->id == executing);
	}
	queue_kick(s->sup->parent->queue);
}
