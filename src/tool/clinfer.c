/* clinfer: picks the command. */
#include "tool/tool.h"

#include <math.h>

#include "base/size.h"
#include "config.h"
#include "tool/show.h"
#include "tool/url.h"

struct command {
	const char	*name;
	int		(*run)(int, char **);
	const char	*usage;
};

/* Those that work in this process. */
static const struct command local[] = {
	{ "devices", tool_devices,
	    "devices [--json]\n"
	    "  The OpenCL devices, as workers would see them.\n" },
	{ "inspect", tool_inspect,
	    "inspect [--json] MODEL\n"
	    "  Inputs, outputs, operators, parameters, what is not supported "
	    "and where.\n" },
	{ "run", tool_run,
	    "run [-d DEVICE] [-i [NAME=]FILE]... [-o DIR] MODEL\n"
	    "  One inference in this process.\n"
	    "  -i, --input NAME=FILE  .npy, .pb (TensorProto), @zeros, @ones\n"
	    "  --shape NAME=DIMS      for what the model leaves open\n"
	    "  -o, --output DIR       save the outputs there as .npy or .pb\n"
	    "  -d, --device DEVICE    a substring of its name\n" },
	{ "check", tool_check,
	    "check [-v] [--json] [--rtol X] [--atol X] [-d DEVICE] PATH...\n"
	    "  Run the ONNX test cases found below each PATH.\n"
	    "  -v, --verbose          name the cases that pass, too\n"
	    "  --rtol X, --atol X     tolerance where a case gives none "
	    "(1e-3, 1e-7)\n"
	    "  -d, --device DEVICE    a substring of its name\n"
	    "  -j, --jobs N           so many at a time (2)\n"
	    "  --timeout S            for one case (120)\n"
	    "  --memory MIB           for one runner\n" },
	{ "bench", tool_bench,
	    "bench [--json] [-d DEVICE] [-i [NAME=]FILE]... "
	    "[--shape NAME=1x3x224x224]...\n"
	    "            [--seconds S] [--profile] MODEL\n"
	    "  Time inference in this process.\n"
	    "  -i, --input NAME=FILE  as for run; ones where only a shape is "
	    "known\n"
	    "  --shape NAME=DIMS      for what the model leaves open\n"
	    "  --seconds S            so long (2)\n"
	    "  --profile              list the kernels by time\n" },
};

/* Those that ask a daemon. */
static const struct command remote[] = {
	{ "infer", tool_infer,
	    "infer [-u URL] [-i [NAME=]FILE]... [-o DIR] [--json] MODEL\n"
	    "  One inference by a daemon.\n"
	    "  -i, --input NAME=FILE  .npy, .pb (TensorProto), @zeros, @ones\n"
	    "  --shape NAME=DIMS      of @zeros and @ones, where the model "
	    "leaves it open\n"
	    "  -o, --output DIR       save the outputs there as .npy or .pb\n"
	    "  --version N            of the model, not the newest\n"
	    "  --json                 print the answer as JSON\n" },
	{ "status", tool_status,
	    "status [-u URL] [--json | --names]\n"
	    "  Is it ready, and which models has it?  Fails if it is not.\n"
	    "  --names                only the names of its models\n" },
	{ "workers", tool_workers,
	    "workers [-u URL] [--json]\n"
	    "  Its worker processes.\n" },
	{ "load", tool_load,
	    "load [-u URL] MODEL\n"
	    "  Load a model of its repository, or load it again.\n" },
	{ "unload", tool_unload,
	    "unload [-u URL] MODEL\n"
	    "  Unload a model; requests that are there are answered.\n" },
	{ "metrics", tool_metrics,
	    "metrics [-u URL] [PREFIX]\n"
	    "  Its metrics, as Prometheus reads them; those that start with "
	    "PREFIX.\n" },
};

static const struct group {
	const char		*what;
	const struct command	*command;
	size_t			 n;
	const char		*common;	/* options of all of them */
} groups[] = {
	{ "In this process; MODEL is a file or a folder of a model "
	    "repository:", local, nitems(local), "" },
	{ "By a running daemon; MODEL is its name there:", remote,
	    nitems(remote),
	    "  -u, --url URL          http://HOST:PORT or unix:/path\n"
	    "                         (" URL_DEFAULT ")\n"
	    "  --timeout S            for its answer (10; infer 60; load, "
	    "unload 600)\n" },
};

static void
usage(FILE *f)
{
	(void)fputs("usage: clinfer COMMAND ...\n", f);
	for (size_t i = 0; i < nitems(groups); i++) {
		(void)fprintf(f, "\n%s\n\n", groups[i].what);
		for (size_t k = 0; k < groups[i].n; k++)
			(void)fprintf(f, "clinfer %s",
			    groups[i].command[k].usage);
		if (*groups[i].common != '\0')
			(void)fprintf(f, "all of these\n%s",
			    groups[i].common);
	}
}

/* NULL: there is none such. */
static const struct command *
find(const char *name, const struct group **group)
{
	for (size_t i = 0; i < nitems(groups); i++)
		for (size_t k = 0; k < groups[i].n; k++) {
			*group = &groups[i];
			if (strcmp(groups[i].command[k].name, name) == 0)
				return &groups[i].command[k];
		}
	return NULL;
}

int
tool_usage(const char *command, int status)
{
	FILE *f = status == TOOL_USAGE ? stderr : stdout;
	const struct group *g;
	const struct command *c = find(command, &g);

	(void)fprintf(f, "usage: clinfer %s%s", c->usage, g->common);
	return status;
}

int
tool_fail(const struct err *e, const char *what)
{
	(void)fputs("clinfer: ", stderr);
	(void)show_string(stderr, what);
	(void)fputs(": ", stderr);
	(void)show_string(stderr, e->text);
	(void)fputc('\n', stderr);
	return TOOL_FAILED;
}

bool
tool_number(const char *text, double min, double *out)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end != '\0' || !isfinite(v) || v < min)
		return false;
	*out = v;
	return true;
}

/* A full disk is a failure, too. */
static int
written(int status)
{
	struct err e;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)err_sys(&e, "write");
	return tool_fail(&e, "standard output");
}

int
main(int argc, char **argv)
{
	const struct command *c;
	const struct group *g;

	if (argc < 2) {
		usage(stderr);
		return TOOL_USAGE;
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return TOOL_OK;
	}
	if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0) {
		(void)puts("clinfer " PACKAGE_VERSION);
		return TOOL_OK;
	}
	if ((c = find(argv[1], &g)) != NULL)
		return written(c->run(argc - 1, argv + 1));
	(void)fprintf(stderr, "clinfer: no command \"%s\"; clinfer -h lists "
	    "them\n", argv[1]);
	return TOOL_USAGE;
}
