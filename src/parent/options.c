#include "parent/options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "config.h"

static const char usage[] =
"usage: clinferd [-c FILE] [-m DIR]... [-l ADDRESS]... [-d DEVICES] [-w N]\n"
"                [-s SECTION.KEY=VALUE]... [-u USER] [-t] [-v] [-V] [-h]\n"
"  -c, --config FILE     configuration (default: " CONFIG_FILE ")\n"
"  -m, --models DIR      model repository; may be repeated\n"
"                        (default: " MODELS_DIR "\n"
"                        and " EXAMPLE_DIR ")\n"
"  -l, --listen ADDRESS  host:port, [v6]:port or unix:/path; may be repeated\n"
"                        (default: 127.0.0.1:8000)\n"
"  -d, --devices LIST    auto (all GPUs and accelerators, else the CPU), all,\n"
"                        gpu, cpu, or substrings of names like\n"
"                        \"platform/device#k\"\n"
"  -w, --workers N       workers per device (default: 1)\n"
"  -s, --set S.K=V       any configuration key\n"
"  -u, --user USER       when started as root: the user to become\n"
"                        (default: _clinferd)\n"
"  -t, --test            check the configuration and exit 0 or 1\n"
"      --print-config    print all keys with their defaults; =mdoc: as the\n"
"                        list of clinferd.conf(5)\n"
"  -v, --verbose         log more\n"
"  -V, --version         print the version\n"
"  -h, --help            print this\n";

static const struct option longs[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "models", required_argument, NULL, 'm' },
	{ "listen", required_argument, NULL, 'l' },
	{ "devices", required_argument, NULL, 'd' },
	{ "workers", required_argument, NULL, 'w' },
	{ "set", required_argument, NULL, 's' },
	{ "user", required_argument, NULL, 'u' },
	{ "test", no_argument, NULL, 't' },
	{ "print-config", optional_argument, NULL, 'P' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Options that are another way to write a key. */
static const struct {
	int		 letter;
	const char	*key;
	bool		 list;		/* repeated ones add up */
} keys[] = {
	{ 'm', "models.dir", true },
	{ 'l', "server.listen", true },
	{ 'd', "worker.devices", false },
	{ 'w', "worker.count", false },
	{ 'u', "server.user", false },
};

/* Add to the assignment of a list that is there already, or make one. */
static int
assign(struct options *o, const char *key, const char *value, bool list)
{
	size_t n = strlen(key);
	char *text;
	int r;

	for (size_t i = 0; list && i < o->set.n; i++) {
		if (strncmp(o->set.v[i], key, n) != 0 ||
		    o->set.v[i][n] != '=')
			continue;
		if (asprintf(&text, "%s \"%s\"", o->set.v[i], value) == -1)
			return -1;
		free(o->set.v[i]);
		o->set.v[i] = text;
		return 0;
	}
	if (asprintf(&text, list ? "%s=\"%s\"" : "%s=%s", key, value) == -1)
		return -1;
	r = conf_list_add(&o->set, text);
	free(text);
	return r;
}

/* A mistake in a value is wrong usage: found before anything else happens. */
static bool
value_is_good(const struct options *o)
{
	struct conf *c = conf_new();
	struct err e;
	bool good = c != NULL;

	for (size_t i = 0; good && i < o->set.n; i++)
		if (conf_set(c, o->set.v[i], &e) == -1) {
			(void)fprintf(stderr, "clinferd: %s\n", e.text);
			good = false;
		}
	conf_free(c);
	return good;
}

static int
take_key(struct options *o, int letter, const char *value)
{
	for (size_t i = 0; i < nitems(keys); i++)
		if (keys[i].letter == letter)
			return assign(o, keys[i].key, value, keys[i].list);
	return conf_list_add(&o->set, value);
}

static enum options_do
wrong(void)
{
	(void)fprintf(stderr, "try: clinferd --help\n");
	return DO_USAGE;
}

enum options_do
options_parse(int argc, char **argv, struct options *o)
{
	enum options_do what = DO_RUN;
	int c;

	memset(o, 0, sizeof(*o));
	o->config = CONFIG_FILE;
	while ((c = getopt_long(argc, argv, "c:m:l:d:w:s:u:tvVh", longs,
	    NULL)) != -1) {
		if (c == '?')
			return wrong();
		if (c == 'h')
			return fputs(usage, stdout) == EOF ? DO_USAGE : DO_EXIT;
		if (c == 'V')
			return puts("clinferd " PACKAGE_VERSION) == EOF ?
			    DO_USAGE : DO_EXIT;
		if (c == 't')
			what = DO_TEST;
		else if (c == 'P' && optarg == NULL)
			what = DO_PRINT;
		else if (c == 'P' && strcmp(optarg, "mdoc") == 0)
			what = DO_PRINT_MDOC;
		else if (c == 'P')
			return wrong();
		else if (c == 'v')
			o->verbose = true;
		else if (c == 'c') {
			o->config = optarg;
			o->config_given = true;
		} else if (take_key(o, c, optarg) == -1)
			return wrong();
	}
	if (optind < argc) {
		(void)fprintf(stderr, "clinferd: what is \"%s\"?\n",
		    argv[optind]);
		return wrong();
	}
	return value_is_good(o) ? what : wrong();
}

void
options_done(struct options *o)
{
	conf_list_free(&o->set);
}

struct conf *
options_conf(const struct options *o, conf_report *report, void *arg)
{
	struct conf *c = conf_new();
	char dir[PATH_MAX];
	const char *slash = strrchr(o->config, '/');
	bool good = c != NULL;
	struct err e;
	int n;

	if (!good)
		return NULL;
	n = snprintf(dir, sizeof(dir), "%.*s/conf.d",
	    slash != NULL ? (int)(slash - o->config) : 1,
	    slash != NULL ? o->config : ".");
	good &= conf_read(c, o->config, !o->config_given, report, arg, &e) == 0;
	if (n > 0 && (size_t)n < sizeof(dir))
		good &= conf_read_dir(c, dir, report, arg, &e) == 0;
	for (size_t i = 0; i < o->set.n; i++)
		good &= conf_set(c, o->set.v[i], &e) == 0;
	if (o->verbose)
		good &= conf_set(c, "log.level=debug", &e) == 0;
	if (good)
		return c;
	conf_free(c);
	return NULL;
}
