/*
 * What launching costs: microseconds per step in runs of equal steps, for lanes
 * and for PoCL's own threads (as a GPU), back to back and after a pause.
 *
 *	bench_launch [PROGRAMS]		also: a run of so many different kernels
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "ocl/ocl.h"

#define STEPS	60
#define N	(1 << 20)

static const struct way {
	const char	*name;
	int		 lanes;
	enum ocl_force	 force;
} ways[] = {
	{ "1 lane", 1, FORCE_CPU },
	{ "2 lanes", 2, FORCE_CPU },
	{ "all lanes", 0, FORCE_CPU },
	{ "PoCL's threads", 0, FORCE_GPU },
};

static struct err err;

static void
must(int result)
{
	if (result == -1) {
		(void)fprintf(stderr, "bench_launch: %s\n", err.text);
		exit(1);
	}
}

static struct ocl_step *
step_new(struct ocl *ocl, const char *defines, struct ocl_buf *x, int n,
    size_t pieces)
{
	const struct ocl_source src = { "t_ocl", "t_add", defines, NULL };
	struct ocl_step *s = ocl_step_new(ocl, &src, &err);
	int64_t at = 0;

	must(s == NULL ? -1 : 0);
	for (int i = 0; i < 4; i += 2) {
		must(ocl_step_buf(s, i, x, &err));
		must(ocl_step_bytes(s, i + 1, &at, sizeof(at), &err));
	}
	must(ocl_step_bytes(s, 4, &n, sizeof(n), &err));
	must(ocl_step_work(s, pieces, NULL, &err));
	return s;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Median microseconds of a step. */
static double
measure(struct ocl *ocl, struct ocl_step **step, size_t n, unsigned pause_us)
{
	double us[41];

	for (int i = 0; i < 8; i++)
		must(ocl_run(ocl, step, n, NULL, &err));
	for (size_t i = 0; i < nitems(us); i++) {
		int64_t start;

		if (pause_us > 0)
			(void)usleep(pause_us);
		start = clock_ns();
		must(ocl_run(ocl, step, n, NULL, &err));
		us[i] = (double)(clock_ns() - start) / 1e3 / (double)n;
	}
	qsort(us, nitems(us), sizeof(us[0]), by_value);
	return us[nitems(us) / 2];
}

static void
chains(struct ocl *ocl, struct ocl_buf *x, const char *name)
{
	static const int sizes[] = { 16, 1 << 14, 1 << 16, 1 << 18, 1 << 20 };
	struct ocl_step *step[STEPS];

	(void)printf("%-15s", name);
	for (size_t k = 0; k < nitems(sizes); k++) {
		size_t pieces = (size_t)sizes[k] / 2048 + 1;

		for (int i = 0; i < STEPS; i++)
			step[i] = step_new(ocl, "", x, sizes[k], pieces);
		must(ocl_build(ocl, step, STEPS, &err));
		(void)printf(" %9.2f", measure(ocl, step, STEPS, 0));
		if (k == 0)
			(void)printf(" %9.2f", measure(ocl, step, 1, 3000));
		for (int i = 0; i < STEPS; i++)
			ocl_step_free(ocl, step[i]);
	}
	(void)printf("\n");
}

static void
different(struct ocl *ocl, struct ocl_buf *x, const char *name, size_t n)
{
	struct ocl_step **step = calloc(n, sizeof(struct ocl_step *));
	int64_t start = clock_ns();
	char define[32];

	must(step == NULL ? -1 : 0);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(define, sizeof(define), "-DPLUS=%zu.0f", i);
		step[i] = step_new(ocl, define, x, 16, 1);
	}
	must(ocl_build(ocl, step, n, &err));
	(void)printf("%-15s %zu programs: built in %.0f ms, %.2f us a step\n",
	    name, n, (double)(clock_ns() - start) / 1e6,
	    measure(ocl, step, n, 0));
	for (size_t i = 0; i < n; i++)
		ocl_step_free(ocl, step[i]);
	free(step);
}

static void
bench(const struct way *w, size_t programs)
{
	const struct ocl_options o = { .lanes = w->lanes, .profile = w->force,
	    .cl_dir = TESTS_DIR "/cl" };
	struct ocl *ocl = ocl_open(&o, &err);
	struct ocl_buf *x;

	must(ocl == NULL ? -1 : 0);
	x = ocl_buf_new(ocl, N * sizeof(float), &err);
	must(x == NULL ? -1 : 0);
	if (programs > 0)
		different(ocl, x, w->name, programs);
	else
		chains(ocl, x, w->name);
	ocl_buf_free(ocl, x);
	ocl_close(ocl);
}

int
main(int argc, char **argv)
{
	size_t programs = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int status;

	if (programs == 0)
		(void)printf("%-15s %9s %9s %9s %9s %9s %9s   us a step of n "
		    "floats\n", "", "16", "16, idle", "16 Ki", "64 Ki",
		    "256 Ki", "1 Mi");
	for (size_t i = 0; i < nitems(ways); i++) {
		(void)fflush(stdout);
		/* PoCL chooses its devices once in a process. */
		if (fork() == 0) {
			bench(&ways[i], programs);
			(void)fflush(stdout);
			_exit(0);
		}
		(void)wait(&status);
	}
	return 0;
}
