/* batch: forming batches and handing them to workers; see queue.h. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "ipc/segment.h"
#include "parent/conf.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/queue.h"
#include "parent/sup.h"

/* Parts that do not fit are passed over, but not for ever. */
#define LOOK_MAX	512

#define LOAD_GUESS_NS	NS_PER_S

void
batch_free(struct batch *b)
{
	for (uint32_t i = 0; i < b->n_blocks; i++)
		block_put(b->block[i]);
	version_put(b->version);
	free(b->part);
	free(b->want);
	free(b->part_rows);
	free(b->block);
	free(b);
}

static struct batch *
batch_new(struct version *v, uint32_t n, uint32_t n_blocks)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->version = version_get(v);
	b->part = calloc(n, sizeof(struct part *));
	b->want = calloc(n, sizeof(*b->want));
	b->part_rows = calloc(n, sizeof(*b->part_rows));
	b->block = calloc(n_blocks + 1, sizeof(struct block *));
	if (b->part == NULL || b->want == NULL || b->part_rows == NULL ||
	    b->block == NULL) {
		batch_free(b);
		return NULL;
	}
	return b;
}

/* Forming: which parts. */

/* So many that neither the job nor its completion outgrows a descriptor. */
static uint32_t
members_max(const struct version *v)
{
	size_t each = 128 + (size_t)160 *
	    (v->signature->n_in + v->signature->n_out);
	size_t n = DESC_BYTES_MAX / 2 / each;

	if (n > DESC_PARTS_MAX)
		n = DESC_PARTS_MAX;
	return n == 0 ? 1 : (uint32_t)n;
}

static struct part *
head_of(const struct request_queue *rq)
{
	for (int l = 0; l < PRIORITIES_MAX; l++)
		if (rq->first[l] != NULL)
			return rq->first[l];
	return NULL;
}

/* Same inputs and, but for axis 0, same shapes: the key is only a hint. */
static bool
fits(const struct request *a, const struct request *b)
{
	if (a->key != b->key || a->n_in != b->n_in)
		return false;
	for (uint32_t i = 0; i < a->n_in; i++) {
		struct shape s = b->in[i].shape;

		if (a->in[i].index != b->in[i].index)
			return false;
		if (s.rank > 0)
			s.dim[0] = a->in[i].shape.dim[0];
		if (!shape_equal(&a->in[i].shape, &s))
			return false;
	}
	return true;
}

struct gathered {
	struct part	*part[DESC_PARTS_MAX];
	uint32_t	 n;
	int64_t		 rows;
	bool		 full;		/* nothing more would fit */
};

static void
gather(const struct request_queue *rq, struct gathered *g)
{
	const struct version *v = rq->version;
	struct part *head = head_of(rq);
	uint32_t max = members_max(v), looked = 0;

	g->part[0] = head;
	g->n = 1;
	g->rows = head->rows;
	g->full = head->rows == 0 || head->request->alone;
	for (int l = 0; l < PRIORITIES_MAX && !g->full; l++)
		for (struct part *p = rq->first[l]; p != NULL; p = p->next) {
			if (g->n == max || g->rows >= v->batch_max ||
			    looked++ == LOOK_MAX) {
				g->full = true;
				break;
			}
			if (p == head || p->request->alone || p->rows == 0 ||
			    p->rows > v->batch_max - g->rows ||
			    !fits(head->request, p->request))
				continue;
			g->part[g->n++] = p;
			g->rows += p->rows;
		}
}

static bool
preferred(const struct model_config *c, int64_t rows)
{
	for (uint32_t i = 0; i < c->n_preferred; i++)
		if (c->preferred[i] == rows)
			return true;
	return false;
}

/* Is it worth waiting for more?  Then a timer brings us back. */
static bool
delayed(struct queue *q, const struct request_queue *rq,
    const struct gathered *g)
{
	const struct model_config *c = rq->version->config;
	int64_t delay = c->dynamic_batching ? c->delay_ns :
	    q->parent->conf->queue_delay_ns;
	int64_t left;
	struct timeval tv;

	if (delay == 0 || g->full || g->rows >= rq->version->batch_max ||
	    preferred(c, g->rows))
		return false;
	left = g->part[0]->request->arrived_ns + delay - clock_ns();
	if (left <= 0)
		return false;
	tv.tv_sec = left / NS_PER_S;
	tv.tv_usec = left % NS_PER_S / NS_PER_US + 1;
	if (!event_pending(q->delay, EV_TIMEOUT, NULL))
		(void)event_add(q->delay, &tv);
	return true;
}

/* Choosing: which worker. */

static int64_t
backlog(const struct slot *s, int64_t now)
{
	int64_t sum = 0, done = now - s->busy_since_ns;

	/* A load takes its time, nobody knows how long: others first. */
	if (s->loading != NULL)
		sum = LOAD_GUESS_NS;
	for (const struct batch *b = s->inflight; b != NULL; b = b->next)
		sum += b->expected_ns;
	if (s->inflight == NULL)
		return sum;
	if (done > s->inflight->expected_ns)
		done = s->inflight->expected_ns;
	return sum - done;
}

static bool
usable(const struct slot *s, const struct version *v)
{
	return s->state == SLOT_READY && s->killed == KILL_NONE &&
	    v->places[s->id].state == PLACE_READY;
}

/* Is there a worker on another device than the one it died on? */
static bool
elsewhere(const struct sup *sup, const struct version *v,
    const struct slot *died)
{
	for (uint32_t i = 0; i < sup->n; i++)
		if (usable(sup->slot[i], v) &&
		    strcmp(sup->slot[i]->device.name, died->device.name) != 0)
			return true;
	return false;
}

static struct slot *
choose(struct request_queue *rq, const struct gathered *g, int64_t *expected)
{
	const struct sup *sup = rq->queue->parent->sup;
	const struct version *v = rq->version;
	const struct request *r = g->part[0]->request;
	struct slot *slot[SLOTS_MAX], *avoid = NULL;
	struct lane lane[SLOTS_MAX];
	int64_t now = clock_ns(), took[SLOTS_MAX];
	uint32_t n = 0;
	int i;

	if (r->died_at != 0 && elsewhere(sup, v, sup->slot[r->died_at - 1]))
		avoid = sup->slot[r->died_at - 1];
	for (uint32_t k = 0; k < sup->n; k++) {
		struct slot *s = sup->slot[k];

		if (!usable(s, v) || (avoid != NULL &&
		    strcmp(s->device.name, avoid->device.name) == 0))
			continue;
		took[n] = estimate_get(&v->places[s->twin].estimate, g->rows,
		    now);
		lane[n].batch_ns = took[n];
		lane[n].backlog_ns = backlog(s, now);
		lane[n].inflight = s->n_inflight;
		lane[n].used = s->used;
		slot[n++] = s;
	}
	i = dispatch_pick(lane, n, rq->parts / g->n);
	if (i < 0)
		return NULL;
	*expected = took[i];
	return slot[i];
}

/* Submitting. */

/* Where the rows of a string tensor begin: each element says its length. */
static size_t
string_offset(const struct request_input *in, uint64_t elements)
{
	const unsigned char *at = in->block->data + in->offset;
	size_t left = in->bytes, skip;
	uint32_t length;

	for (; elements > 0 && left >= sizeof(length); elements--) {
		memcpy(&length, at + in->bytes - left, sizeof(length));
		skip = sizeof(length) + (size_t)length;
		left -= skip < left ? skip : left;
	}
	return in->bytes - left;
}

/* The rows of a part as a tensor of the job. */
static void
slice(const struct request_input *in, const struct signature *sig,
    const struct part *p, struct job_tensor *t)
{
	uint64_t per_row = 1;
	size_t begin = 0, end = in->bytes, rows;

	t->index = in->index;
	t->type = sig->in[in->index].type;
	t->shape = in->shape;
	if (p->rows > 0 && in->shape.rank > 0 &&
	    p->rows != in->shape.dim[0]) {
		rows = (size_t)in->shape.dim[0];
		t->shape.dim[0] = p->rows;
		for (int d = 1; d < in->shape.rank; d++)
			per_row *= (uint64_t)in->shape.dim[d];
		if (t->type == DT_STRING) {
			begin = string_offset(in, per_row *
			    (uint64_t)p->first_row);
			end = string_offset(in, per_row *
			    (uint64_t)(p->first_row + p->rows));
		} else {
			begin = in->bytes / rows * (size_t)p->first_row;
			end = begin + in->bytes / rows * (size_t)p->rows;
		}
	}
	t->segment = in->block == NULL ? 0 : in->block->segment;
	t->offset = (in->block == NULL ? 0 : in->block->offset) + in->offset +
	    begin;
	t->bytes = end - begin;
}

static void
mask_want(uint64_t want[WANT_WORDS], const struct request *r)
{
	uint32_t n = r->version->signature->n_out;

	for (uint32_t w = 0; w < WANT_WORDS; w++) {
		want[w] = r->want[w];
		if (n < 64 * (w + 1))
			want[w] &= n <= 64 * w ? 0 :
			    UINT64_MAX >> (64 * (w + 1) - n);
	}
}

/* The job's part i, and what of it the batch must remember. */
static void
fill_part(struct batch *b, uint32_t i, struct job_part *to,
    struct job_tensor *in)
{
	struct part *p = b->part[i];
	struct request *r = p->request;

	mask_want(b->want[i], r);
	b->part_rows[i] = p->rows;
	to->request = r->id;
	to->first_row = (uint64_t)p->first_row;
	to->rows = (uint64_t)p->rows;
	memcpy(to->want, b->want[i], sizeof(to->want));
	to->n_in = r->n_in;
	to->in = in;
	for (uint32_t k = 0; k < r->n_in; k++) {
		slice(&r->in[k], b->version->signature, p, &in[k]);
		if (r->in[k].block == NULL)
			continue;
		block_get(r->in[k].block);
		b->block[b->n_blocks++] = r->in[k].block;
	}
}

static enum ring_result
submit(struct batch *b, struct slot *s, uint32_t n_tensors)
{
	struct job job = { .id = b->id, .model = b->version->id,
	    .n_parts = b->n };
	struct job_tensor *in = calloc(n_tensors + 1, sizeof(*in));
	enum ring_result r = RING_FULL;
	uint32_t at = 0;

	job.part = calloc(b->n, sizeof(*job.part));
	if (in != NULL && job.part != NULL) {
		for (uint32_t i = 0; i < b->n; i++) {
			fill_part(b, i, &job.part[i], in + at);
			at += job.part[i].n_in;
		}
		r = channel_submit(s->channel, &job);
	}
	free(job.part);
	free(in);
	return r;
}

/* From now on the parts are at the worker. */
static void
launch(struct request_queue *rq, struct batch *b, struct slot *s, int64_t took)
{
	struct batch **end = &s->inflight;
	int64_t now = clock_ns();

	b->slot = s;
	b->submitted_ns = now;
	b->expected_ns = took;
	while (*end != NULL)
		end = &(*end)->next;
	*end = b;
	if (s->n_inflight++ == 0)
		s->busy_since_ns = now;
	s->used = ++rq->queue->clock;
	rq->vtime += took + 1;
	for (uint32_t i = 0; i < b->n; i++) {
		struct part *p = b->part[i];
		struct request *r = p->request;

		part_dequeue(p);
		p->state = PART_RUNNING;
		p->batch = b;
		p->member = i;
		r->state = REQUEST_RUNNING;
		if (r->started_ns == 0)
			r->started_ns = now;
	}
	slot_watch(s);
}

bool
batch_dispatch(struct request_queue *rq)
{
	struct queue *q = rq->queue;
	struct gathered g;
	struct batch *b;
	struct slot *s;
	uint32_t tensors = 0;
	int64_t took = 0, began = clock_ns();
	enum ring_result r;

	gather(rq, &g);
	if (delayed(q, rq, &g) || (s = choose(rq, &g, &took)) == NULL)
		return false;
	for (uint32_t i = 0; i < g.n; i++)
		tensors += g.part[i]->request->n_in;
	if ((b = batch_new(rq->version, g.n, tensors)) == NULL)
		return false;
	b->id = ++q->batch_ids;
	b->n = g.n;
	b->rows = g.rows;
	b->alone = g.n == 1;
	memcpy(b->part, g.part, g.n * sizeof(struct part *));
	r = submit(b, s, tensors);
	if (r != RING_OK && r != RING_WAKE) {
		batch_free(b);
		if (r == RING_BAD)
			slot_kill(s, KILL_BAD, "ring of submissions");
		return r == RING_BAD;
	}
	launch(rq, b, s, took);
	began = (clock_ns() - began) / g.n;
	for (uint32_t i = 0; i < g.n; i++)
		g.part[i]->request->input_ns += began;
	return true;
}
