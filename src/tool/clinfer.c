/* clinfer: picks the command. */
#include "tool/tool.h"

#include <math.h>

#include "base/size.h"
#include "config.h"

static const struct {
	const char	*name;
	int		(*run)(int, char **);
	const char	*usage;
} commands[] = {
	{ "devices", tool_devices,
	    "devices [--json]\n"
	    "  The OpenCL devices, as workers would see them.\n" },
	{ "inspect", tool_inspect,
	    "inspect [--json] MODEL\n"
	    "  Inputs, outputs, operators, parameters, what is not supported "
	    "and where.\n" },
	{ "run", tool_run,
	    "run [-d DEVICE] [-i NAME=FILE]... [-o DIR] MODEL\n"
	    "  One inference in this process.\n"
	    "  -i, --input NAME=FILE  .npy, .pb (TensorProto), @zeros, @ones\n"
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
	    "bench [--json] [-d DEVICE] [-i NAME=FILE]... "
	    "[--shape NAME=1x3x224x224]...\n"
	    "            [--seconds S] [--profile] MODEL\n"
	    "  Time inference in this process.\n"
	    "  -i, --input NAME=FILE  as for run; ones where only a shape is "
	    "known\n"
	    "  --shape NAME=DIMS      for what the model leaves open\n"
	    "  --seconds S            so long (2)\n"
	    "  --profile              list the kernels by time\n" },
};

static void
usage(FILE *f)
{
	(void)fputs("usage: clinfer COMMAND ...\n\n", f);
	for (size_t i = 0; i < nitems(commands); i++)
		(void)fprintf(f, "clinfer %s", commands[i].usage);
	(void)fputs("\nMODEL is a file or a folder of a model repository.\n",
	    f);
}

int
tool_usage(const char *command, int status)
{
	FILE *f = status == TOOL_USAGE ? stderr : stdout;

	for (size_t i = 0; i < nitems(commands); i++)
		if (strcmp(commands[i].name, command) == 0)
			(void)fprintf(f, "usage: clinfer %s",
			    commands[i].usage);
	return status;
}

int
tool_fail(const struct err *e, const char *what)
{
	(void)fprintf(stderr, "clinfer: %s: %s\n", what, e->text);
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

void
tool_json_string(const char *s)
{
	(void)putchar('"');
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20)
			(void)printf("\\u%04x", (unsigned char)*s);
		else {
			if (*s == '"' || *s == '\\')
				(void)putchar('\\');
			(void)putchar(*s);
		}
	}
	(void)putchar('"');
}

int
main(int argc, char **argv)
{
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
	for (size_t i = 0; i < nitems(commands); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	(void)fprintf(stderr, "clinfer: no command \"%s\"\n", argv[1]);
	usage(stderr);
	return TOOL_USAGE;
}
