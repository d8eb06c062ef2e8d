#include "tool/session.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "tool/tool.h"

static bool
set_force(struct session_options *o, const char *arg)
{
	if (strcmp(arg, "cpu") == 0)
		o->ocl.profile = FORCE_CPU;
	else if (strcmp(arg, "gpu") == 0)
		o->ocl.profile = FORCE_GPU;
	else
		return false;
	return true;
}

bool
session_option(struct session_options *o, int opt, const char *arg)
{
	double number;

	switch (opt) {
	case 'd':
		o->ocl.device = arg;
		return true;
	case 0x101:
		o->ocl.cl_dir = o->engine.cl_dir = arg;
		return true;
	case 0x102:
		o->ocl.cache_dir = arg;
		return true;
	case 0x103:
		if (!tool_number(arg, 1, &number) || number > 1024)
			return false;
		o->ocl.lanes = (int)number;
		return true;
	case 0x104:
		return set_force(o, arg);
	case 0x105:
		return o->engine.host_only = true;
	case 0x106:
		return o->engine.no_fusion = true;
	case 0x107:
		return o->engine.nan_fill = true;
	case 0x108:
		return o->engine.check = true;
	default:
		return false;
	}
}

/* The user's own cache of program binaries, if there is a place for one. */
static const char *
user_cache(char *path, size_t n)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int len;

	if (base != NULL && base[0] == '/')
		len = snprintf(path, n, "%s", base);
	else if (home != NULL && home[0] == '/')
		len = snprintf(path, n, "%s/.cache", home);
	else
		return NULL;
	if (len < 0 || (size_t)len + sizeof("/clinferd") > n)
		return NULL;
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return NULL;
	memcpy(path + len, "/clinferd", sizeof("/clinferd"));
	return mkdir(path, 0700) == 0 || errno == EEXIST ? path : NULL;
}

static void
on_demoted(void *arg, const char *line)
{
	(void)arg;
	(void)fprintf(stderr, "clinfer: %s\n", line);
}

int
session_open(struct session *s, const struct session_options *o,
    struct err *e)
{
	struct engine_options engine = o->engine;
	struct ocl_options ocl = o->ocl;
	char path[PATH_MAX];

	*s = (struct session){ NULL, NULL };
	if (ocl.cache_dir == NULL)
		ocl.cache_dir = user_cache(path, sizeof(path));
	if ((s->ocl = ocl_open(&ocl, e)) == NULL)
		return -1;
	engine.demoted = on_demoted;
	if ((s->engine = engine_new(s->ocl, &engine, e)) != NULL)
		return 0;
	session_close(s);
	return -1;
}

void
session_close(struct session *s)
{
	if (s->engine != NULL)
		engine_free(s->engine);
	ocl_close(s->ocl);
	*s = (struct session){ NULL, NULL };
}
