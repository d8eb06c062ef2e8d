/* /metrics: every counter there is, as Prometheus reads it. */
#include <event2/buffer.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/size.h"
#include "ipc/segment.h"
#include "parent/api.h"
#include "parent/workers.h"

#define METRICS_MAX	((size_t)16 << 20)
#define SECONDS(ns)	((double)(ns) / (double)NS_PER_S)

static void
family(struct buf *b, const char *name, const char *type, const char *help)
{
	(void)buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    type);
}

static void
one(struct buf *b, const char *name, const char *type, const char *help,
    double v)
{
	family(b, name, type, help);
	(void)buf_printf(b, "%s %.17g\n", name, v);
}

/* A label's value: backslash, quote and newline escaped. */
static void
put_label(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			(void)buf_str(b, "\\n");
		else if (*s == '"' || *s == '\\')
			(void)buf_printf(b, "\\%c", *s);
		else
			(void)buf_add(b, s, 1);
	}
}

/* name{model="m",version="1" and whatever comes, still open. */
static void
put_version(struct buf *b, const char *name, const struct version *v)
{
	(void)buf_printf(b, "%s{model=\"", name);
	put_label(b, v->model->name);
	(void)buf_printf(b, "\",version=\"%lld\"", (long long)v->number);
}

static void
put_histogram(struct buf *b, const char *name, const struct version *v,
    const struct histogram *h)
{
	char line[64];
	uint64_t sum = 0;

	(void)snprintf(line, sizeof(line), "%s_bucket", name);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		sum += h->count[i];
		put_version(b, line, v);
		if (histogram_bound(i) == INT64_MAX)
			(void)buf_str(b, ",le=\"+Inf\"");
		else
			(void)buf_printf(b, ",le=\"%.9g\"",
			    SECONDS(histogram_bound(i)));
		(void)buf_printf(b, "} %llu\n", (unsigned long long)sum);
	}
	(void)snprintf(line, sizeof(line), "%s_sum", name);
	put_version(b, line, v);
	(void)buf_printf(b, "} %.9f\n", SECONDS(h->all.ns));
	(void)snprintf(line, sizeof(line), "%s_count", name);
	put_version(b, line, v);
	(void)buf_printf(b, "} %llu\n", (unsigned long long)sum);
}

typedef uint64_t count_of(const struct version_stats *);

static uint64_t
successes(const struct version_stats *s)
{
	return s->success.count;
}

static uint64_t
failures(const struct version_stats *s)
{
	return s->fail.count;
}

static uint64_t
refusals(const struct version_stats *s)
{
	return s->refused;
}

static uint64_t
expiries(const struct version_stats *s)
{
	return s->expired;
}

static uint64_t
replays(const struct version_stats *s)
{
	return s->replayed;
}

static uint64_t
inferences(const struct version_stats *s)
{
	return s->inference_count;
}

static uint64_t
executions(const struct version_stats *s)
{
	return s->execution_count;
}

static const struct {
	const char	*name;
	const char	*help;
	count_of	*count;
} counters[] = {
	{ "clinferd_requests_success_total", "Requests answered with outputs.",
	    successes },
	{ "clinferd_requests_failure_total", "Requests answered with an error.",
	    failures },
	{ "clinferd_requests_refused_total", "Requests refused: queue full.",
	    refusals },
	{ "clinferd_requests_expired_total", "Requests whose deadline passed.",
	    expiries },
	{ "clinferd_requests_replayed_total", "Runs repeated after a death.",
	    replays },
	{ "clinferd_inferences_total", "Rows, or requests if not batched.",
	    inferences },
	{ "clinferd_executions_total", "Runs on a device.", executions },
};

static const struct {
	const char	*name;
	const char	*help;
	size_t		 at;
} histograms[] = {
	{ "clinferd_request_seconds", "From a request's last byte to its "
	    "answer.", offsetof(struct version_stats, latency) },
	{ "clinferd_queue_seconds", "From a request's last byte to a worker.",
	    offsetof(struct version_stats, queued) },
};

static void
each_version(struct buf *b, struct models *models, size_t row, bool histogram)
{
	for (struct model *m = models_first(models); m != NULL; m = m->next) {
		for (struct version *v = m->versions; v != NULL; v = v->next) {
			if (histogram) {
				put_histogram(b, histograms[row].name, v,
				    (const void *)((const char *)&v->stats +
				    histograms[row].at));
				continue;
			}
			put_version(b, counters[row].name, v);
			(void)buf_printf(b, "} %llu\n", (unsigned long long)
			    counters[row].count(&v->stats));
		}
	}
}

static void
put_models(struct buf *b, struct models *models)
{
	for (size_t i = 0; i < nitems(counters); i++) {
		family(b, counters[i].name, "counter", counters[i].help);
		each_version(b, models, i, false);
	}
	for (size_t i = 0; i < nitems(histograms); i++) {
		family(b, histograms[i].name, "histogram", histograms[i].help);
		each_version(b, models, i, true);
	}
	family(b, "clinferd_model_ready", "gauge", "1: some worker has it.");
	for (struct model *m = models_first(models); m != NULL; m = m->next) {
		for (struct version *v = m->versions; v != NULL; v = v->next) {
			put_version(b, "clinferd_model_ready", v);
			(void)buf_printf(b, "} %d\n",
			    v->state == VERSION_READY);
		}
	}
}

static double
worker_ready(const struct worker_info *w)
{
	return w->state == WORKER_READY;
}

static double
worker_restarts(const struct worker_info *w)
{
	return w->restarts;
}

static double
worker_inflight(const struct worker_info *w)
{
	return w->inflight;
}

static double
worker_requests(const struct worker_info *w)
{
	return (double)w->requests;
}

static double
worker_batches(const struct worker_info *w)
{
	return (double)w->batches;
}

static double
worker_busy(const struct worker_info *w)
{
	return SECONDS(w->busy_ns);
}

static double
worker_holds(const struct worker_info *w)
{
	return w->holds;
}

static double
worker_demoted(const struct worker_info *w)
{
	return w->demoted;
}

static const struct {
	const char	*name, *type, *help;
	double		(*value)(const struct worker_info *);
} worker_rows[] = {
	{ "clinferd_worker_ready", "gauge", "1: takes work.", worker_ready },
	{ "clinferd_worker_restarts_total", "counter", "Times it was "
	    "restarted.", worker_restarts },
	{ "clinferd_worker_inflight", "gauge", "Batches at it.",
	    worker_inflight },
	{ "clinferd_worker_requests_total", "counter", "Requests it answered.",
	    worker_requests },
	{ "clinferd_worker_batches_total", "counter", "Batches it ran.",
	    worker_batches },
	{ "clinferd_worker_busy_seconds_total", "counter", "Time in batches.",
	    worker_busy },
	{ "clinferd_worker_holds", "gauge", "Batches with outputs in use.",
	    worker_holds },
	{ "clinferd_worker_demoted_kernels", "gauge", "Kernels that computed "
	    "wrong and are not used.", worker_demoted },
};

static void
put_workers(struct buf *b, const struct sup *sup)
{
	struct worker_info w;

	for (size_t i = 0; i < nitems(worker_rows); i++) {
		family(b, worker_rows[i].name, worker_rows[i].type,
		    worker_rows[i].help);
		for (uint32_t id = 0; id < workers_count(sup); id++) {
			if (!workers_info(sup, id, &w))
				continue;
			(void)buf_printf(b, "%s{worker=\"%u\",device=\"",
			    worker_rows[i].name, id);
			put_label(b, w.device);
			(void)buf_printf(b, "\"} %.17g\n",
			    worker_rows[i].value(&w));
		}
	}
}

static void
put_http(struct buf *b, const struct server *s)
{
	const struct http_stats *h = http_stats(s->http);
	const struct budget *budget = http_budget(s->http);

	one(b, "clinferd_connections", "gauge", "Open connections.", h->open);
	one(b, "clinferd_connections_total", "counter", "Connections accepted.",
	    (double)h->accepted);
	one(b, "clinferd_http_requests_total", "counter", "HTTP requests read.",
	    (double)h->requests);
	family(b, "clinferd_http_answers_total", "counter", "Answers by "
	    "status.");
	for (unsigned i = 2; i < nitems(h->answers); i++)
		(void)buf_printf(b, "clinferd_http_answers_total{code="
		    "\"%uxx\"} %llu\n", i, (unsigned long long)h->answers[i]);
	one(b, "clinferd_http_gone_total", "counter",
	    "Clients that left before their answer.", (double)h->gone);
	one(b, "clinferd_http_timeouts_total", "counter",
	    "Requests or answers that took too long.", (double)h->timeouts);
	one(b, "clinferd_http_received_bytes_total", "counter", "Bytes read.",
	    (double)h->bytes_in);
	one(b, "clinferd_http_sent_bytes_total", "counter", "Bytes sent.",
	    (double)h->bytes_out);
	one(b, "clinferd_memory_bytes", "gauge",
	    "Bodies, answers and shared memory.", (double)budget->used +
	    (double)(budget->arena != NULL ? arena_bytes(budget->arena) : 0));
}

/* What of our memory is in RAM now; 0: /proc does not say. */
static double
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long all, pages = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu %lu", &all, &pages) != 2)
		pages = 0;
	(void)fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void
put_parent(struct buf *b, const struct parent *p)
{
	const struct stats *s = &p->stats;
	struct rusage ru = { .ru_minflt = 0 };

	(void)getrusage(RUSAGE_SELF, &ru);
	one(b, "clinferd_worker_deaths_total", "counter",
	    "Workers that ended unasked.", (double)s->deaths);
	one(b, "clinferd_worker_kills_total", "counter",
	    "Workers killed: hung or lying.", (double)s->kills);
	one(b, "clinferd_worker_starts_again_total", "counter",
	    "Workers started again.", (double)s->restarts);
	one(b, "clinferd_replays_total", "counter",
	    "Requests run again after a death.", (double)s->replays);
	one(b, "clinferd_output_copies_total", "counter",
	    "Outputs moved to the heap.", (double)s->copies);
	one(b, "clinferd_output_copied_bytes_total", "counter",
	    "Bytes of them.", (double)s->copied_bytes);
	one(b, "clinferd_reloads_total", "counter", "Configurations read "
	    "again.", (double)s->reloads);
	one(b, "clinferd_reload_errors_total", "counter",
	    "Of these, found wrong and not taken.", (double)s->reload_errors);
	one(b, "clinferd_loop_longest_seconds", "gauge",
	    "CPU time of the longest callback of the event loop.",
	    SECONDS(loop_longest_ns()));
	one(b, "clinferd_cpu_seconds_total", "counter", "CPU time of the "
	    "parent.", (double)ru.ru_utime.tv_sec + (double)ru.ru_stime.tv_sec +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
	one(b, "clinferd_resident_bytes", "gauge", "Memory of the parent in "
	    "RAM.", resident());
	one(b, "clinferd_uptime_seconds", "gauge", "Since the start.",
	    SECONDS(clock_ns() - p->started_ns));
}

void
metrics_show(struct exchange *x)
{
	struct parent *p = x->server->parent;
	struct buf b;

	buf_init(&b, METRICS_MAX);
	put_models(&b, p->models);
	put_workers(&b, p->sup);
	put_http(&b, x->server);
	put_parent(&b, p);
	if (buf_failed(&b))
		http_error(x->call, 500, "out of memory");
	else if (evbuffer_add(http_body(x->call), b.data, b.len) == 0)
		http_send(x->call, 200, "text/plain; version=0.0.4; "
		    "charset=utf-8", NULL);
	buf_done(&b);
}
