/* clinfer bench: time inference in this process. */
#include <getopt.h>

#include "base/clock.h"
#include "tool/inputs.h"
#include "tool/session.h"
#include "tool/show.h"
#include "tool/tool.h"
#include "tool/value.h"

#define RUNS_MAX	1000000

struct bench {
	struct session_options	 session;
	struct inputs		 inputs;
	double			 seconds;
	bool			 json;
	const char		*model;

	struct session		 s;
	struct net		*net;
	struct value_types	 types;
	struct io		 in[SIG_TENSORS_MAX];
	int64_t			 load_ns, first_ns;
	int64_t			*ns;		/* of each run */
	size_t			 runs;
};

static const struct option long_options[] = {
	SESSION_LONG,
	{ "input", required_argument, NULL, 'i' },
	{ "shape", required_argument, NULL, 's' },
	{ "seconds", required_argument, NULL, 't' },
	{ "profile", no_argument, NULL, 'p' },
	{ "json", no_argument, NULL, 'J' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool
option(struct bench *b, int opt, const char *arg)
{
	switch (opt) {
	case 'i':
		return inputs_add(&b->inputs, arg);
	case 's':
		return inputs_add_shape(&b->inputs, arg);
	case 't':
		return tool_number(arg, 0, &b->seconds);
	case 'p':
		return b->session.engine.profile = true;
	case 'J':
		return b->json = true;
	default:
		return session_option(&b->session, opt, arg);
	}
}

/* Outputs go where they went the last time: what is timed is the inference. */
struct drain {
	void	*bytes[SIG_TENSORS_MAX];
	size_t	 size[SIG_TENSORS_MAX];
};

static void *
drain_place(void *arg, uint32_t i, const struct io *shape_of, size_t bytes)
{
	struct drain *d = arg;

	(void)shape_of;
	if (d->bytes[i] == NULL || d->size[i] < bytes) {
		free(d->bytes[i]);
		d->bytes[i] = malloc(bytes > 0 ? bytes : 1);
		d->size[i] = bytes;
	}
	return d->bytes[i];
}

static int
run_once(struct bench *b, struct drain *d, int64_t *ns, struct err *e)
{
	struct run_sink sink = { drain_place, d };
	uint64_t want[(SIG_TENSORS_MAX + 63) / 64];
	int64_t start = clock_ns();

	memset(want, 0xff, sizeof(want));
	if (net_run(b->net, b->in, net_signature(b->net)->n_in, want, &sink,
	    e) == -1)
		return -1;
	*ns = clock_ns() - start;
	return 0;
}

static int
measure(struct bench *b, struct err *e)
{
	struct drain d = { { NULL }, { 0 } };
	int64_t end;
	int r = run_once(b, &d, &b->first_ns, e);

	end = clock_ns() + (int64_t)(b->seconds * (double)NS_PER_S);
	while (r == 0 && b->runs < RUNS_MAX &&
	    (b->runs == 0 || clock_ns() < end))
		if ((r = run_once(b, &d, &b->ns[b->runs], e)) == 0)
			b->runs++;
	for (size_t i = 0; i < SIG_TENSORS_MAX; i++)
		free(d.bytes[i]);
	return r;
}

static int
ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double
ms(int64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

static void
print_profile(const struct bench *b)
{
	const struct profile_line *line;
	uint32_t n = net_profile(b->net, &line);
	int64_t all = 0;

	for (uint32_t i = 0; i < n; i++)
		all += line[i].ns;
	for (uint32_t i = 0; i < n; i++)
		show_line("%9.3f ms %5.1f %%  %-24s %s", ms(line[i].ns),
		    all > 0 ? 100.0 * (double)line[i].ns / (double)all : 0.0,
		    line[i].kernel, line[i].node);
}

static void
print(const struct bench *b)
{
	const char *device = ocl_facts(b->s.ocl)->name;
	double median, p99;

	qsort(b->ns, b->runs, sizeof(*b->ns), ascending);
	median = ms(b->ns[b->runs / 2]);
	p99 = ms(b->ns[(b->runs - 1) * 99 / 100]);
	if (!b->json) {
		(void)printf("%s\nload %.1f ms, first run %.1f ms\n%zu runs: "
		    "median %.3f ms, least %.3f ms, 99 %% %.3f ms\n", device,
		    ms(b->load_ns), ms(b->first_ns), b->runs, median,
		    ms(b->ns[0]), p99);
		return;
	}
	(void)printf("{\"device\":");
	show_json_string(device);
	(void)printf(",\"load_ms\":%.3f,\"first_ms\":%.3f,\"runs\":%zu,"
	    "\"median_ms\":%.4f,\"min_ms\":%.4f,\"p99_ms\":%.4f}\n",
	    ms(b->load_ns), ms(b->first_ns), b->runs, median, ms(b->ns[0]),
	    p99);
}

static int
bench(struct bench *b, struct model_file *f, struct pool *pool, struct err *e)
{
	struct net_options options = { 0 };
	int64_t start;

	if (model_file_open(f, b->model, e) == -1 ||
	    value_types(f, &b->types, e) == -1 ||
	    session_open(&b->s, &b->session, e) == -1)
		return -1;
	start = clock_ns();
	b->net = net_load(b->s.engine, f->bytes, f->n, &f->source, &options,
	    e);
	if (b->net == NULL)
		return -1;
	f->bytes = NULL;
	b->load_ns = clock_ns() - start;
	if (inputs_make(&b->inputs, net_signature(b->net), b->types.in, pool,
	    b->in, e) == -1 || measure(b, e) == -1)
		return -1;
	print(b);
	if (b->session.engine.profile)
		print_profile(b);
	return 0;
}

int
tool_bench(int argc, char **argv)
{
	struct bench b = { .seconds = 2, .session.engine.check = true };
	struct model_file f = { .folder = -1 };
	struct pool *pool;
	struct err e;
	int opt, r = TOOL_OK;

	while ((opt = getopt_long(argc, argv, SESSION_SHORT "i:h",
	    long_options, NULL)) != -1)
		if (opt == 'h' || !option(&b, opt, optarg))
			return tool_usage("bench",
			    opt == 'h' ? TOOL_OK : TOOL_USAGE);
	if (optind + 1 != argc)
		return tool_usage("bench", TOOL_USAGE);
	b.model = argv[optind];
	pool = pool_new(SIZE_MAX / 2);
	b.ns = calloc(RUNS_MAX, sizeof(*b.ns));
	if (pool == NULL || b.ns == NULL)
		r = TOOL_FAILED;
	else if (bench(&b, &f, pool, &e) == -1)
		r = tool_fail(&e, b.model);
	if (b.net != NULL)
		net_free(b.net);
	session_close(&b.s);
	model_file_close(&f);
	pool_free(pool);
	free(b.ns);
	return r;
}
