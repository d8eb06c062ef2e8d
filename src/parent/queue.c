#include "parent/loop.h"
#include "parent/queue.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/size.h"
#include "ipc/segment.h"
#include "parent/conf.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/sup.h"

/* A request may be cut into so many parts, no more. */
#define PARTS_MAX	65536

/* Batches and versions both name what a worker does: keep them apart. */
#define BATCH_IDS	(UINT64_C(1) << 32)

static void	on_deadline(int, short, void *);
static void	on_run(int, short, void *);

struct queue *
queue_new(struct parent *p, struct err *e)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (q == NULL) {
		(void)err_memory(e, "queue", sizeof(*q));
		return NULL;
	}
	q->parent = p;
	q->holders_last = &q->holders;
	q->batch_ids = BATCH_IDS;
	q->deadline = event_new(p->base, -1, 0, on_deadline, q);
	q->run = event_new(p->base, -1, 0, on_run, q);
	q->delay = event_new(p->base, -1, 0, on_run, q);
	q->hold = event_new(p->base, -1, 0, hold_timer, q);
	if (q->deadline == NULL || q->run == NULL || q->delay == NULL ||
	    q->hold == NULL) {
		(void)err_memory(e, "queue's events", 0);
		queue_free(q);
		return NULL;
	}
	return q;
}

void
queue_free(struct queue *q)
{
	struct event *events[4];

	if (q == NULL)
		return;
	events[0] = q->deadline;
	events[1] = q->run;
	events[2] = q->delay;
	events[3] = q->hold;
	for (size_t i = 0; i < nitems(events); i++)
		if (events[i] != NULL)
			event_free(events[i]);
	free(q->heap);
	free(q);
}

struct request_queue *
request_queue_new(struct queue *q, struct version *v)
{
	struct request_queue *rq = calloc(1, sizeof(*rq));

	if (rq == NULL)
		return NULL;
	rq->queue = q;
	rq->version = v;
	for (int i = 0; i < PRIORITIES_MAX; i++)
		rq->last[i] = &rq->first[i];
	return rq;
}

void
request_queue_free(struct request_queue *rq)
{
	free(rq);
}

void
queue_kick(struct queue *q)
{
	event_active(q->run, 0, 0);
}

/* The heap of deadlines. */

static void
heap_place(struct queue *q, uint32_t i, struct request *r)
{
	q->heap[i] = r;
	r->heap_at = i;
}

static void
heap_up(struct queue *q, uint32_t i, struct request *r)
{
	uint32_t up;

	for (; i > 0; i = up) {
		up = (i - 1) / 2;
		if (q->heap[up]->deadline_ns <= r->deadline_ns)
			break;
		heap_place(q, i, q->heap[up]);
	}
	heap_place(q, i, r);
}

static void
heap_down(struct queue *q, uint32_t i, struct request *r)
{
	uint32_t child;

	for (; (child = 2 * i + 1) < q->heap_n; i = child) {
		if (child + 1 < q->heap_n && q->heap[child + 1]->deadline_ns <
		    q->heap[child]->deadline_ns)
			child++;
		if (r->deadline_ns <= q->heap[child]->deadline_ns)
			break;
		heap_place(q, i, q->heap[child]);
	}
	heap_place(q, i, r);
}

static int
heap_add(struct queue *q, struct request *r)
{
	struct request **h;
	uint32_t cap;

	if (q->heap_n == q->heap_cap) {
		cap = q->heap_cap == 0 ? 64 : 2 * q->heap_cap;
		h = reallocarray(q->heap, cap, sizeof(struct request *));
		if (h == NULL)
			return -1;
		q->heap = h;
		q->heap_cap = cap;
	}
	heap_up(q, q->heap_n++, r);
	return 0;
}

static void
heap_remove(struct queue *q, struct request *r)
{
	struct request *last = q->heap[--q->heap_n];
	uint32_t i = r->heap_at;

	if (last == r)
		return;
	if (i > 0 && last->deadline_ns < q->heap[(i - 1) / 2]->deadline_ns)
		heap_up(q, i, last);
	else
		heap_down(q, i, last);
}

/*
 * One timer, for the earliest deadline.  It is moved forward only: if it fires
 * early because that request was answered, it is armed again.
 */
static void
deadline_arm(struct queue *q)
{
	struct timeval tv = { 0, 0 };
	int64_t at, left;

	if (q->heap_n == 0)
		return;
	at = q->heap[0]->deadline_ns;
	if (q->deadline_armed_ns != 0 && q->deadline_armed_ns <= at)
		return;
	if ((left = at - clock_ns()) > 0) {
		tv.tv_sec = left / NS_PER_S;
		tv.tv_usec = left % NS_PER_S / NS_PER_US + 1;
	}
	(void)event_add(q->deadline, &tv);
	q->deadline_armed_ns = at;
}

static void
expire(struct queue *q)
{
	struct request *r;
	struct err e;

	q->deadline_armed_ns = 0;
	while (q->heap_n > 0 && q->heap[0]->deadline_ns <= clock_ns()) {
		r = q->heap[0];
		r->version->stats.expired++;
		(void)err_set(&e, ERR_UNAVAILABLE, "Request timeout expired");
		request_answer(r, &e);
	}
	deadline_arm(q);
}

static void
on_deadline(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	expire(arg);
	loop_leave(entered);
}

/* Parts in a version's queue. */

static uint32_t
level_of(const struct request *r)
{
	const struct model_config *c = r->version->config;
	uint32_t p = r->priority == 0 ? c->priority : r->priority;

	if (p > c->priorities)
		p = c->priorities;
	return p == 0 ? 0 : p - 1;
}

/* Let a version that was idle not claim all the time it did not use. */
static void
activate(struct request_queue *rq)
{
	struct queue *q = rq->queue;
	int64_t least = INT64_MAX;

	for (struct request_queue *o = q->active; o != NULL; o = o->next)
		if (o->vtime < least)
			least = o->vtime;
	if (q->active != NULL && rq->vtime < least)
		rq->vtime = least;
	rq->next = q->active;
	rq->prev = &q->active;
	if (rq->next != NULL)
		rq->next->prev = &rq->next;
	q->active = rq;
}

static void
deactivate(struct request_queue *rq)
{
	if (rq->next != NULL)
		rq->next->prev = rq->prev;
	*rq->prev = rq->next;
}

static void
part_enqueue(struct part *p, bool front)
{
	struct request *r = p->request;
	struct request_queue *rq = r->version->queue;
	uint32_t l = level_of(r);

	p->state = PART_QUEUED;
	p->batch = NULL;
	p->prev = front ? &rq->first[l] : rq->last[l];
	p->next = *p->prev;
	*p->prev = p;
	if (p->next != NULL)
		p->next->prev = &p->next;
	else
		rq->last[l] = &p->next;
	if (rq->parts++ == 0)
		activate(rq);
	if (r->parts_queued++ == 0)
		rq->requests++;
}

void
part_enqueue_first(struct part *p)
{
	part_enqueue(p, true);
}

void
part_dequeue(struct part *p)
{
	struct request *r = p->request;
	struct request_queue *rq = r->version->queue;

	if (p->next != NULL)
		p->next->prev = p->prev;
	else
		rq->last[level_of(r)] = p->prev;
	*p->prev = p->next;
	if (--rq->parts == 0)
		deactivate(rq);
	if (--r->parts_queued == 0)
		rq->requests--;
}

/* The next queue to try: least device time used, not tried in this round. */
static struct request_queue *
fairest(struct queue *q, uint64_t round)
{
	struct request_queue *best = NULL;

	for (struct request_queue *rq = q->active; rq != NULL; rq = rq->next)
		if (rq->tried != round &&
		    (best == NULL || rq->vtime < best->vtime))
			best = rq;
	return best;
}

static void
dispatch(struct queue *q)
{
	struct request_queue *rq;
	uint64_t round = ++q->clock;

	while ((rq = fairest(q, round)) != NULL)
		if (!batch_dispatch(rq))
			rq->tried = round;
}

static void
on_run(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();

	(void)fd;
	(void)what;
	dispatch(arg);
	loop_leave(entered);
}

/* Requests. */

struct request *
request_new(void)
{
	return calloc(1, sizeof(struct request));
}

/* What must be equal for two requests of a version to share a batch. */
static uint64_t
shape_key(const struct request *r)
{
	uint64_t h = HASH_START;

	for (uint32_t i = 0; i < r->n_in; i++) {
		const struct request_input *in = &r->in[i];

		h = hash_word(h, in->index);
		h = hash_word(h, (uint64_t)in->shape.rank);
		for (int d = 1; d < in->shape.rank; d++)
			h = hash_word(h, (uint64_t)in->shape.dim[d]);
	}
	return h;
}

static int
make_parts(struct request *r, struct err *e)
{
	int64_t each = 0, at = 0;
	uint32_t extra = 0, n = 1;

	if (r->version->batch_max > 0 && r->rows > 0)
		n = dispatch_split(r->rows, r->version->batch_max, &each,
		    &extra);
	if (n > PARTS_MAX)
		return err_set(e, ERR_LIMIT, "%lld rows, want at most %lld",
		    (long long)r->rows,
		    (long long)r->version->batch_max * PARTS_MAX);
	if ((r->parts = calloc(n, sizeof(*r->parts))) == NULL)
		return err_memory(e, "request", n * sizeof(*r->parts));
	for (uint32_t i = 0; i < n; i++) {
		struct part *p = &r->parts[i];

		p->request = r;
		p->first_row = at;
		p->rows = each + (i < extra);
		at += p->rows;
	}
	r->n_parts = r->parts_open = n;
	return 0;
}

static int
refuse(struct request *r, struct err *e, const char *text)
{
	r->retry_after_s = 1;
	return err_set(e, ERR_UNAVAILABLE, "%s", text);
}

static int
may_enter(struct request *r, struct err *e)
{
	struct version *v = r->version;
	const struct parent *p;
	uint32_t max;

	if (v->queue == NULL || v->state == VERSION_UNAVAILABLE)
		return err_set(e, ERR_UNAVAILABLE, "Request for unknown model:"
		    " '%s' version %lld is not at ready state", v->model->name,
		    (long long)v->number);
	p = v->queue->queue->parent;
	if (p->late)
		return err_set(e, ERR_UNAVAILABLE, "Server exiting");
	if (!sup_hopeful(p->sup))
		return refuse(r, e, "no worker is available");
	max = v->config->queue_max != 0 ? v->config->queue_max :
	    p->conf->queue_size;
	if (v->queue->requests >= max) {
		v->stats.refused++;
		return refuse(r, e, "Exceeds maximum queue size");
	}
	return 0;
}

static void
set_deadline(struct request *r, const struct conf *c)
{
	if (r->arrived_ns == 0)
		r->arrived_ns = clock_ns();
	if (r->deadline_ns == 0)
		r->deadline_ns = r->arrived_ns +
		    (r->version->config->timeout_ns > 0 ?
		    r->version->config->timeout_ns : c->queue_timeout_ns);
}

int
request_submit(struct request *r, struct err *e)
{
	struct queue *q;

	if (may_enter(r, e) == -1)
		return -1;
	q = r->version->queue->queue;
	set_deadline(r, q->parent->conf);
	r->key = shape_key(r);
	if (make_parts(r, e) == -1)
		return -1;
	if (heap_add(q, r) == -1) {
		free(r->parts);
		r->parts = NULL;
		return err_memory(e, "queue", sizeof(*q->heap));
	}
	r->id = ++q->request_ids;
	r->state = REQUEST_QUEUED;
	q->open++;
	for (uint32_t i = 0; i < r->n_parts; i++)
		part_enqueue(&r->parts[i], false);
	deadline_arm(q);
	queue_kick(q);
	return 0;
}

/* Free the parts; those that were not handed over give their outputs back. */
static void
parts_free(struct request *r)
{
	for (uint32_t i = 0; r->parts != NULL && i < r->n_parts; i++) {
		struct part *p = &r->parts[i];

		hold_put(p->hold);
		free(p->piece);
		free(p->shape);
	}
	free(r->parts);
	r->parts = NULL;
	r->n_parts = 0;
}

/* Out of queues and batches; nothing points to the parts afterwards. */
static void
detach(struct request *r)
{
	struct queue *q = r->version->queue->queue;

	for (uint32_t i = 0; i < r->n_parts; i++) {
		struct part *p = &r->parts[i];

		if (p->state == PART_QUEUED)
			part_dequeue(p);
		else if (p->state == PART_RUNNING)
			p->batch->part[p->member] = NULL;
	}
	heap_remove(q, r);
	q->open--;
	r->state = REQUEST_DONE;
}

static void
count_answer(struct request *r)
{
	struct version_stats *s = &r->version->stats;
	int64_t total = clock_ns() - r->arrived_ns;
	struct request_times t = {
		.total_ns = total, .rows = r->rows,
		.queue_ns = total - r->compute_ns - r->input_ns,
		.input_ns = r->input_ns, .infer_ns = r->compute_ns,
	};

	if (r->err.code != ERR_NONE) {
		version_stats_fail(s, total);
		return;
	}
	/* Parts that ran side by side can sum up to more than the whole. */
	if (t.queue_ns < 0)
		t.queue_ns = r->started_ns - r->arrived_ns;
	version_stats_success(s, &t);
}

void
request_answer(struct request *r, const struct err *e)
{
	detach(r);
	parts_free(r);
	if (e != NULL)
		r->err = *e;
	if (r->err.code == ERR_UNAVAILABLE)
		r->retry_after_s = 1;
	count_answer(r);
	r->done(r);
}

void
request_free(struct request *r)
{
	if (r == NULL)
		return;
	parts_free(r);
	request_outputs_free(r);
	for (uint32_t i = 0; r->in != NULL && i < r->n_in; i++)
		block_put(r->in[i].block);
	free(r->in);
	version_put(r->version);
	free(r);
}

void
request_cancel(struct request *r)
{
	if (r->state == REQUEST_QUEUED || r->state == REQUEST_RUNNING)
		detach(r);
	request_free(r);
}

void
queue_fail(struct request_queue *rq, const struct err *e)
{
	for (int l = 0; l < PRIORITIES_MAX; l++)
		while (rq->first[l] != NULL)
			request_answer(rq->first[l]->request, e);
}

void
queue_fail_all(struct queue *q, const struct err *e)
{
	while (q->active != NULL)
		queue_fail(q->active, e);
}

void
queue_abort(struct queue *q, const struct err *e)
{
	while (q->heap_n > 0)
		request_answer(q->heap[0], e);
}
