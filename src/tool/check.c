/*
 * clinfer check: ONNX test cases, a few at a time, in processes of their own.
 *
 * A runner (runner.h) works through many cases; one that crashes, hangs or hits
 * its memory limit costs the case it was at, and another takes the rest.
 */
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "tool/child.h"
#include "tool/runner.h"
#include "tool/show.h"
#include "tool/tool.h"

#define JOBS_MAX	64
#define CASES_PER_RUNNER 40	/* drivers leak: a new process now and then */

struct test_case {
	char		*dir;
	const char	*name;		/* in dir: what is below PATH */
	bool		 passed;
	/* its second try, in a runner of its own */
	bool		 again;
	char		*reason;
};

struct job {
	struct child	 child;
	struct test_case *test;		/* what it is at; NULL: idle */
	int		 done;		/* cases since it was started */
	int64_t		 deadline;
	struct buf	 answer;
};

struct check {
	struct session_options	 session;
	struct tolerance	 tolerance;
	double			 seconds;
	double			 memory_mib;
	int			 jobs;
	bool			 verbose, json, runner;
	char			**argv;		/* of the runners */
	struct test_case	*test;
	size_t			 n, cap, next;
	size_t			 passed, failed;
};

static const struct option long_options[] = {
	SESSION_LONG,
	{ "verbose", no_argument, NULL, 'v' },
	{ "rtol", required_argument, NULL, 'r' },
	{ "atol", required_argument, NULL, 'a' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "timeout", required_argument, NULL, 't' },
	{ "memory", required_argument, NULL, 'm' },
	{ "json", no_argument, NULL, 'J' },
	{ "runner", no_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool
option(struct check *c, int opt, const char *arg)
{
	double jobs;

	switch (opt) {
	case 'v':
		return c->verbose = true;
	case 'J':
		return c->json = true;
	case 'R':
		return c->runner = true;
	case 'r':
		return tool_number(arg, 0, &c->tolerance.relative);
	case 'a':
		return tool_number(arg, 0, &c->tolerance.absolute);
	case 't':
		return tool_number(arg, 0.001, &c->seconds);
	case 'm':
		return tool_number(arg, 0, &c->memory_mib);
	case 'j':
		if (!tool_number(arg, 1, &jobs) || jobs > JOBS_MAX)
			return false;
		c->jobs = (int)jobs;
		return true;
	default:
		return session_option(&c->session, opt, arg);
	}
}

/* nftw() has no argument for its caller. */
static struct check *finding;
static size_t finding_root;

static int
add_case(const char *path)
{
	struct check *c = finding;
	size_t dir = strlen(path) - strlen("/model.onnx");
	struct test_case *t;

	if (c->n == c->cap) {
		c->cap = c->cap > 0 ? 2 * c->cap : 256;
		t = realloc(c->test, c->cap * sizeof(*t));
		if (t == NULL)
			return -1;
		c->test = t;
	}
	t = &c->test[c->n];
	*t = (struct test_case){ .dir = strndup(path, dir) };
	if (t->dir == NULL)
		return -1;
	/* A PATH that is a case itself goes by its last part. */
	t->name = dir > finding_root ? t->dir + finding_root :
	    strrchr(t->dir, '/') != NULL ? strrchr(t->dir, '/') + 1 : t->dir;
	c->n++;
	return 0;
}

static int
visit(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	if (kind != FTW_F || strcmp(path + at->base, "model.onnx") != 0 ||
	    at->base < 1)
		return 0;
	return add_case(path);
}

static int
by_dir(const void *a, const void *b)
{
	const struct test_case *x = a, *y = b;

	return strcmp(x->dir, y->dir);
}

static int
find_cases(struct check *c, char *path, struct err *e)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	finding = c;
	finding_root = n + 1;
	if (nftw(path, visit, 32, 0) != 0)
		return err_sys(e, "%s", path);
	return 0;
}

/* A case is done: reason NULL if it passed. */
static void
finish(struct check *c, struct job *j, const char *reason)
{
	struct test_case *t = j->test;

	j->test = NULL;
	t->passed = reason == NULL;
	t->reason = reason != NULL ? strdup(reason) : NULL;
	c->passed += t->passed;
	c->failed += !t->passed;
	if (c->json)
		return;
	if (!t->passed)
		show_line("FAIL %s: %s", t->name, reason);
	else if (c->verbose)
		show_line("PASS %s", t->name);
	(void)fflush(stdout);
}

static void
stop(struct job *j, struct err *e)
{
	if (j->child.pid > 0)
		(void)child_end(&j->child, e);
	j->done = 0;
	buf_clear(&j->answer);
}

static int
start(struct check *c, struct job *j, struct err *e)
{
	if (j->done == CASES_PER_RUNNER)
		stop(j, e);
	if (j->child.pid > 0)
		return 0;
	return child_start(&j->child, c->argv,
	    (size_t)(c->memory_mib * 1024 * 1024), e);
}

/* Give a case to an idle runner. */
static void
assign(struct check *c, struct job *j, struct test_case *t)
{
	struct err e;
	size_t n;

	j->test = t;
	j->deadline = clock_ns() + (int64_t)(c->seconds * (double)NS_PER_S);
	n = strlen(j->test->dir);
	if (start(c, j, &e) == -1) {
		finish(c, j, e.text);
		return;
	}
	j->done++;
	/* If it is gone already, its end is noticed where answers are read. */
	(void)(write(j->child.to, j->test->dir, n) == (ssize_t)n &&
	    write(j->child.to, "\n", 1) == 1);
}

/*
 * The runner ended.  If it had done other cases before, what they left behind
 * may be what killed it (PoCL 3.1 aborts now and then in a process that has
 * used more than 128 kernels): the case gets one more try, in a process of its
 * own.
 */
static void
gone(struct check *c, struct job *j)
{
	struct err e = { .text = "the runner ended" };
	struct test_case *t = j->test;
	bool first = j->done <= 1 || t->again;

	stop(j, &e);
	if (first) {
		finish(c, j, e.text);
		return;
	}
	(void)fprintf(stderr, "clinfer: %s: %s: trying it alone\n", t->name,
	    e.text);
	t->again = true;
	assign(c, j, t);
}

/* The runner said something, ended, or its time is over. */
static void
heed(struct check *c, struct job *j)
{
	struct err e = { .text = "the runner ended" };
	char late[64], *line;

	switch (child_wait(&j->child, &j->answer, j->deadline)) {
	case CHILD_LATE:
		child_kill(&j->child);
		stop(j, &e);
		(void)snprintf(late, sizeof(late), "no answer in %g seconds",
		    c->seconds);
		finish(c, j, late);
		return;
	case CHILD_GONE:
		gone(c, j);
		return;
	case CHILD_SAID:
		break;
	}
	line = j->answer.data;
	if (line == NULL || strchr(line, '\n') == NULL)
		return;
	*strchr(line, '\n') = '\0';
	finish(c, j, strncmp(line, "FAIL ", 5) == 0 ? line + 5 :
	    strcmp(line, "PASS") == 0 ? NULL : "the runner makes no sense");
	buf_clear(&j->answer);
}

/* Milliseconds until the first deadline. */
static int
patience(const struct job *jobs, int n)
{
	int64_t now = clock_ns(), first = INT64_MAX;

	for (int i = 0; i < n; i++)
		if (jobs[i].test != NULL && jobs[i].deadline < first)
			first = jobs[i].deadline;
	return first <= now ? 0 : (int)((first - now) / NS_PER_MS) + 1;
}

/* Wait for any busy runner; false if none is busy. */
static bool
wait_for_answers(struct check *c, struct job *jobs)
{
	struct pollfd p[JOBS_MAX];
	struct job *of[JOBS_MAX];
	nfds_t n = 0;

	for (int i = 0; i < c->jobs; i++)
		if (jobs[i].test != NULL) {
			p[n] = (struct pollfd){ jobs[i].child.from, POLLIN, 0 };
			of[n++] = &jobs[i];
		}
	if (n == 0)
		return false;
	if (poll(p, n, patience(jobs, c->jobs)) == -1 && errno != EINTR)
		return false;
	for (nfds_t i = 0; i < n; i++)
		if (p[i].revents != 0 || of[i]->deadline <= clock_ns())
			heed(c, of[i]);
	return true;
}

static void
run_all(struct check *c)
{
	struct job jobs[JOBS_MAX] = { 0 };
	struct err e;

	for (int i = 0; i < c->jobs; i++) {
		jobs[i].child = (struct child){ .to = -1, .from = -1 };
		buf_init(&jobs[i].answer, 4096);
	}
	do {
		for (int i = 0; i < c->jobs; i++)
			if (jobs[i].test == NULL && c->next < c->n)
				assign(c, &jobs[i], &c->test[c->next++]);
	} while (wait_for_answers(c, jobs) || c->next < c->n);
	for (int i = 0; i < c->jobs; i++) {
		stop(&jobs[i], &e);
		buf_done(&jobs[i].answer);
	}
}

static void
print_json(const struct check *c)
{
	(void)printf("{\"passed\":%zu,\"failed\":%zu,\"cases\":[", c->passed,
	    c->failed);
	for (size_t i = 0; i < c->n; i++) {
		(void)printf("%s{\"name\":", i > 0 ? "," : "");
		show_json_string(c->test[i].name);
		(void)printf(",\"passed\":%s", c->test[i].passed ? "true" :
		    "false");
		if (c->test[i].reason != NULL) {
			(void)printf(",\"reason\":");
			show_json_string(c->test[i].reason);
		}
		(void)printf("}");
	}
	(void)printf("]}\n");
}

/* The runners' argv: ours, without what comes after the options. */
static char **
runner_argv(int argc, char **argv, int options)
{
	char **v = calloc((size_t)argc + 3, sizeof(*v));
	int n = 0;

	if (v == NULL)
		return NULL;
	v[n++] = (char *)"clinfer";
	v[n++] = (char *)"check";
	v[n++] = (char *)"--runner";
	for (int i = 1; i < options; i++)
		v[n++] = argv[i];
	return v;
}

static int
check(struct check *c, int argc, char **argv)
{
	struct err e;

	c->argv = runner_argv(argc, argv, optind);
	for (int i = optind; i < argc; i++)
		if (find_cases(c, argv[i], &e) == -1)
			return tool_fail(&e, "check");
	if (c->argv == NULL || c->n == 0) {
		(void)fprintf(stderr, "clinfer: no test cases there\n");
		return TOOL_FAILED;
	}
	qsort(c->test, c->n, sizeof(*c->test), by_dir);
	(void)signal(SIGPIPE, SIG_IGN);
	run_all(c);
	if (c->json)
		print_json(c);
	else
		(void)printf("%zu passed, %zu failed\n", c->passed, c->failed);
	return c->failed == 0 ? TOOL_OK : TOOL_FAILED;
}

/* Most of the machine, so that a case cannot take all of it. */
static double
default_memory(void)
{
#ifdef __SANITIZE_ADDRESS__
	return 0;	/* it maps terabytes that it does not use */
#else
	return (double)sysconf(_SC_PHYS_PAGES) / 1048576.0 *
	    (double)sysconf(_SC_PAGESIZE) * 0.75;
#endif
}

int
tool_check(int argc, char **argv)
{
	struct check c = { .tolerance = { 1e-7, 1e-3 }, .seconds = 120,
	    .jobs = 2, .memory_mib = default_memory() };
	int opt, r;

	while ((opt = getopt_long(argc, argv, SESSION_SHORT "vj:h",
	    long_options, NULL)) != -1)
		if (opt == 'h' || !option(&c, opt, optarg))
			return tool_usage("check",
			    opt == 'h' ? TOOL_OK : TOOL_USAGE);
	if (c.runner)
		return runner(&c.session, &c.tolerance);
	if (optind == argc)
		return tool_usage("check", TOOL_USAGE);
	r = check(&c, argc, argv);
	for (size_t i = 0; i < c.n; i++) {
		free(c.test[i].dir);
		free(c.test[i].reason);
	}
	free(c.test);
	free(c.argv);
	return r;
}
