#include "parent/dispatch.h"

#include <stddef.h>

#include "base/clock.h"

/* An estimate that nothing confirms halves in that time. */
#define HALF_LIFE_NS	(2 * NS_PER_S)

static unsigned
bucket(int64_t rows)
{
	unsigned b = 0;

	while (rows > 1 && b < ESTIMATE_BUCKETS - 1) {
		rows = rows / 2 + rows % 2;
		b++;
	}
	return b;
}

void
estimate_add(struct estimate *e, int64_t rows, int64_t ns, int64_t now)
{
	int64_t *at = &e->ns[bucket(rows)];

	e->at_ns = now;
	if (ns < 1)
		ns = 1;
	/* A first run pays for planning; the next one is the better witness. */
	if (*at == 0 || ns < *at / 4)
		*at = ns;
	else
		*at += (ns - *at) / 8;
}

static int64_t
measured(const struct estimate *e, int64_t rows)
{
	unsigned b = bucket(rows);

	if (e->ns[b] != 0)
		return e->ns[b];
	for (unsigned i = b; i-- > 0;)
		if (e->ns[i] != 0)
			return e->ns[i] << (b - i);
	for (unsigned i = b + 1; i < ESTIMATE_BUCKETS; i++)
		if (e->ns[i] != 0)
			return e->ns[i] >> (i - b);
	return 0;
}

int64_t
estimate_get(const struct estimate *e, int64_t rows, int64_t now)
{
	int64_t lives = (now - e->at_ns) / HALF_LIFE_NS;

	return measured(e, rows) >> (lives < 0 ? 0 : lives < 30 ? lives : 30);
}

static bool
better(const struct lane *a, const struct lane *b)
{
	int64_t ta = a->backlog_ns + a->batch_ns;
	int64_t tb = b->backlog_ns + b->batch_ns;

	if (ta != tb)
		return ta < tb;
	if (a->inflight != b->inflight)
		return a->inflight < b->inflight;
	return a->used < b->used;
}

int
dispatch_pick(struct lane *lane, uint32_t n, uint32_t waiting)
{
	uint32_t best;

	if (n == 0)
		return -1;
	/*
	 * Give the waiting batches away in thought, each to its best lane,
	 * until one falls to a lane that has room: that lane gets the first
	 * batch.
	 */
	for (; waiting > 0; waiting--) {
		best = 0;
		for (uint32_t i = 1; i < n; i++)
			if (better(&lane[i], &lane[best]))
				best = i;
		if (lane[best].inflight < DISPATCH_INFLIGHT)
			return (int)best;
		lane[best].backlog_ns += lane[best].batch_ns + 1;
	}
	return -1;
}

uint32_t
dispatch_split(int64_t rows, int64_t max, int64_t *each, uint32_t *extra)
{
	int64_t n = max > 0 ? rows / max + (rows % max != 0) : 1;

	if (n < 1)
		n = 1;
	*each = rows / n;
	*extra = (uint32_t)(rows % n);
	return (uint32_t)n;
}
