/* The table of routes: to add one, add a row. */
#include "base/size.h"
#include "parent/api.h"

#define MODEL	"/v2/models/*"
#define VERSION	"/v2/models/*/versions/#"

static const struct route routes[] = {
	{ HTTP_POST, CLASS_INFER, MODEL "/infer", BODY_INFER, infer_run },
	{ HTTP_POST, CLASS_INFER, VERSION "/infer", BODY_INFER, infer_run },
	{ HTTP_GET, CLASS_INFO, "/v2/health/live", BODY_NONE, info_live },
	{ HTTP_GET, CLASS_INFO, "/v2/health/ready", BODY_NONE, info_ready },
	{ HTTP_GET, CLASS_METRICS, "/metrics", BODY_NONE, metrics_show },
	{ HTTP_GET, CLASS_INFO, "/", BODY_NONE, info_server },
	{ HTTP_GET, CLASS_INFO, "/v2", BODY_NONE, info_server },
	{ HTTP_GET, CLASS_INFO, "/v2/workers", BODY_NONE, info_workers },
	{ HTTP_GET, CLASS_INFO, "/v2/models", BODY_NONE, info_models },
	/* Before the names: a model called "stats" is shadowed. */
	{ HTTP_GET, CLASS_INFO, "/v2/models/stats", BODY_NONE, info_all_stats },
	{ HTTP_GET, CLASS_INFO, MODEL, BODY_NONE, info_model },
	{ HTTP_GET, CLASS_INFO, VERSION, BODY_NONE, info_model },
	{ HTTP_GET, CLASS_INFO, MODEL "/ready", BODY_NONE, info_model_ready },
	{ HTTP_GET, CLASS_INFO, VERSION "/ready", BODY_NONE, info_model_ready },
	{ HTTP_GET, CLASS_INFO, MODEL "/config", BODY_NONE, info_config },
	{ HTTP_GET, CLASS_INFO, VERSION "/config", BODY_NONE, info_config },
	{ HTTP_GET, CLASS_INFO, MODEL "/stats", BODY_NONE, info_stats },
	{ HTTP_GET, CLASS_INFO, VERSION "/stats", BODY_NONE, info_stats },
	{ HTTP_POST, CLASS_INFO, "/v2/repository/index", BODY_TEXT,
	    repository_index },
	{ HTTP_POST, CLASS_INFO, "/v2/repository/?/index", BODY_TEXT,
	    repository_index },
	{ HTTP_POST, CLASS_CONTROL, "/v2/repository/models/*/load", BODY_TEXT,
	    repository_load },
	{ HTTP_POST, CLASS_CONTROL, "/v2/repository/models/*/unload", BODY_TEXT,
	    repository_unload },
	{ HTTP_POST, CLASS_CONTROL, "/v2/repository/?/models/*/load", BODY_TEXT,
	    repository_named },
	{ HTTP_POST, CLASS_CONTROL, "/v2/repository/?/models/*/unload",
	    BODY_TEXT, repository_named },
};

/* The bytes up to the next slash; at least one, or none is at NULL. */
static struct text
take_word(struct text *path)
{
	const char *slash = memchr(path->at, '/', path->n);
	struct text w = { path->at, path->n };

	if (slash != NULL)
		w.n = (size_t)(slash - path->at);
	if (w.n == 0)
		w.at = NULL;
	path->at += w.n;
	path->n -= w.n;
	return w;
}

static bool
is_number(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
	return t.n > 0 && t.n < 20;
}

static bool
matches(const char *pattern, struct text path, struct text *name,
    struct text *number)
{
	struct text word;

	for (; *pattern != '\0'; pattern++) {
		if (strchr("*#?", *pattern) == NULL) {
			if (path.n == 0 || *path.at != *pattern)
				return false;
			path.at++;
			path.n--;
			continue;
		}
		word = take_word(&path);
		if (word.at == NULL || (*pattern == '#' && !is_number(word)))
			return false;
		if (*pattern == '*')
			*name = word;
		else if (*pattern == '#')
			*number = word;
	}
	return path.n == 0;
}

const struct route *
route_find(enum http_method method, struct text path, struct text *name,
    struct text *number, int *status)
{
	if (method == HTTP_HEAD)
		method = HTTP_GET;
	*status = 404;
	for (size_t i = 0; i < nitems(routes); i++) {
		*name = *number = (struct text){ NULL, 0 };
		if (!matches(routes[i].pattern, path, name, number))
			continue;
		if (routes[i].method == method)
			return &routes[i];
		*status = 405;
	}
	return NULL;
}
