/*
 * stats: counters, only ever growing, of the daemon and of each model version.
 *
 * Plain numbers written by one thread; whoever prints them just reads.  Times
 * are nanoseconds.  The eight tallies of a version are those of the V2
 * statistics extension.
 */
#ifndef PARENT_STATS_H
#define PARENT_STATS_H

#include <stdint.h>

struct tally {
	uint64_t	count;
	uint64_t	ns;
};

/* Seconds: 100 us to 60 s in steps of about 2 to 2.5; the last is +Inf. */
#define HISTOGRAM_BUCKETS	19

struct histogram {
	/* per bucket, not cumulative */
	uint64_t	count[HISTOGRAM_BUCKETS];
	struct tally	all;
};

void		 tally_add(struct tally *, int64_t ns);

/* Upper bound of bucket i in ns; INT64_MAX for the last. */
int64_t		 histogram_bound(unsigned i);
void		 histogram_add(struct histogram *, int64_t ns);

/* Runs of one batch size. */
struct batch_tally {
	uint32_t	batch_size;
	struct tally	compute_input, compute_infer, compute_output;
};

struct version_stats {
	struct tally	 success, fail, queue;
	struct tally	 compute_input, compute_infer, compute_output;
	struct tally	 cache_hit, cache_miss;
	uint64_t	 inference_count; /* rows, or requests if not batched */
	uint64_t	 execution_count;	/* runs on a device */
	int64_t		 last_inference_ms;	/* since 1970; 0: never */
	uint64_t	 refused;		/* queue full */
	uint64_t	 expired;		/* deadline passed */
	uint64_t	 replayed; /* runs repeated after a worker's death */
	struct histogram latency; /* last byte in to answer made; success */
	struct histogram queued;	/* last byte in to first dispatch */
	struct batch_tally *batches;		/* by rising batch_size */
	uint32_t	 n_batches;
};

/* How one answered request spent its time. */
struct request_times {
	int64_t		 total_ns, queue_ns;
	int64_t		 input_ns, infer_ns, output_ns;
	int64_t		 rows;			/* 0: not batched */
};

void		 version_stats_done(struct version_stats *);

/* One run on a device of that many rows finished well. */
void		 version_stats_run(struct version_stats *, uint32_t rows,
		    int64_t input_ns, int64_t infer_ns, int64_t output_ns);

/* A request was answered well. */
void		 version_stats_success(struct version_stats *,
		    const struct request_times *);

/*
 * Counts an inference that the protocol refused before it was submitted; what
 * was submitted is counted by the queue.
 */
void		 version_stats_fail(struct version_stats *, int64_t ns);

/* Of the whole daemon. */
struct stats {
	uint64_t	deaths;			/* workers that ended unasked */
	uint64_t	kills;	/* of them: by us, hung or lying */
	uint64_t	restarts;
	uint64_t	rings_bad;	/* of the kills: it spoke nonsense */
	uint64_t	replays;	/* requests run again after a death */
	uint64_t	copies, copied_bytes;	/* outputs moved to the heap */
	uint64_t	reloads, reload_errors;
};

#endif
