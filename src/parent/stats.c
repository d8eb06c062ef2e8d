#include "parent/stats.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/size.h"

#define US	NS_PER_US
#define MS	NS_PER_MS
#define S	NS_PER_S

/* More sizes than this share the last row: a hostile mix may not grow us. */
#define BATCH_ROWS	128

static const int64_t bounds[] = {
	100 * US, 250 * US, 500 * US, 1 * MS, 2500 * US, 5 * MS, 10 * MS,
	25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1 * S, 2500 * MS,
	5 * S, 10 * S, 30 * S, 60 * S, INT64_MAX,
};

_Static_assert(nitems(bounds) == HISTOGRAM_BUCKETS, "a bound per bucket");

int64_t
histogram_bound(unsigned i)
{
	return bounds[i];
}

void
tally_add(struct tally *t, int64_t ns)
{
	t->count++;
	t->ns += ns > 0 ? (uint64_t)ns : 0;
}

void
histogram_add(struct histogram *h, int64_t ns)
{
	unsigned i = 0;

	while (ns > bounds[i])
		i++;
	h->count[i]++;
	tally_add(&h->all, ns);
}

void
version_stats_done(struct version_stats *s)
{
	free(s->batches);
	s->batches = NULL;
	s->n_batches = 0;
}

/* The row of that batch size, made if need be; NULL if there is no memory. */
static struct batch_tally *
batch_row(struct version_stats *s, uint32_t rows)
{
	struct batch_tally *b;
	uint32_t i = 0;

	while (i < s->n_batches && s->batches[i].batch_size < rows)
		i++;
	if (i < s->n_batches && s->batches[i].batch_size == rows)
		return &s->batches[i];
	if (s->n_batches >= BATCH_ROWS)
		return &s->batches[s->n_batches - 1];
	b = reallocarray(s->batches, s->n_batches + 1, sizeof(*b));
	if (b == NULL)
		return NULL;
	s->batches = b;
	memmove(b + i + 1, b + i, (s->n_batches - i) * sizeof(*b));
	s->n_batches++;
	memset(b + i, 0, sizeof(*b));
	b[i].batch_size = rows;
	return &b[i];
}

void
version_stats_run(struct version_stats *s, uint32_t rows, int64_t input_ns,
    int64_t infer_ns, int64_t output_ns)
{
	struct batch_tally *b = batch_row(s, rows);

	s->execution_count++;
	if (b == NULL)
		return;
	tally_add(&b->compute_input, input_ns);
	tally_add(&b->compute_infer, infer_ns);
	tally_add(&b->compute_output, output_ns);
}

void
version_stats_success(struct version_stats *s, const struct request_times *t)
{
	tally_add(&s->success, t->total_ns);
	tally_add(&s->queue, t->queue_ns);
	tally_add(&s->compute_input, t->input_ns);
	tally_add(&s->compute_infer, t->infer_ns);
	tally_add(&s->compute_output, t->output_ns);
	histogram_add(&s->latency, t->total_ns);
	histogram_add(&s->queued, t->queue_ns);
	s->inference_count += t->rows > 0 ? (uint64_t)t->rows : 1;
	s->last_inference_ms = clock_of(CLOCK_REALTIME) / NS_PER_MS;
}

void
version_stats_fail(struct version_stats *s, int64_t ns)
{
	tally_add(&s->fail, ns);
}
