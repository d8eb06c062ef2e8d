/* clinfer status: is a daemon well, and which models has it? */
#include "tool/remote.h"
#include "tool/show.h"
#include "tool/tool.h"
#include "tool/workers.h"

struct status {
	json_t	*server;	/* its name and version */
	bool	 live, ready;
	char	 why[ERR_TEXT];	/* not ready */
	json_t	*models;	/* the repository's index */
	json_t	*workers;
};

/* Health answers 400, and its body says why, where it is not so. */
static int
health(struct remote *r, const char *path, bool *well, char why[ERR_TEXT],
    struct err *e)
{
	int status;
	json_t *j = remote_get(r, "GET", path, &status, e);

	if (j == NULL)
		return -1;
	*well = status == 200;
	if (!*well && why != NULL)
		(void)snprintf(why, ERR_TEXT, "%s", remote_text(j, "error"));
	json_decref(j);
	return 0;
}

static json_t *
models_get(struct remote *r, struct err *e)
{
	json_t *j = remote_get(r, "POST", "/v2/repository/index", NULL, e);

	if (j == NULL || json_is_array(j))
		return j;
	(void)err_set(e, ERR_INVALID, "%s: its answer is no list of models",
	    r->name);
	json_decref(j);
	return NULL;
}

static int
ask(struct remote *r, struct status *s, struct err *e)
{
	if ((s->server = remote_get(r, "GET", "/v2", NULL, e)) == NULL ||
	    health(r, "/v2/health/live", &s->live, NULL, e) == -1 ||
	    health(r, "/v2/health/ready", &s->ready, s->why, e) == -1 ||
	    (s->models = models_get(r, e)) == NULL ||
	    (s->workers = workers_get(r, e)) == NULL)
		return -1;
	return 0;
}

static void
show_models(const json_t *models)
{
	json_t *rows, *m;
	size_t at;

	if (json_array_size(models) == 0) {
		(void)puts("no models");
		return;
	}
	rows = json_pack("[[s,s,s,s]]", "model", "version", "state", "reason");
	json_array_foreach(models, at, m)
		(void)json_array_append_new(rows, json_pack("[s,s,s,s]",
		    remote_text(m, "name"), remote_text(m, "version"),
		    remote_text(m, "state"), remote_text(m, "reason")));
	show_table_own(rows);
}

static void
show_workers(const json_t *workers)
{
	long long ready = 0, restarts = 0, requests = 0, demoted = 0;
	const json_t *w;
	size_t at;

	json_array_foreach(workers, at, w) {
		ready += strcmp(remote_text(w, "state"), "ready") == 0;
		restarts += json_integer_value(json_object_get(w, "restarts"));
		requests += json_integer_value(json_object_get(w, "requests"));
		demoted += json_integer_value(json_object_get(w, "demoted"));
	}
	(void)printf("workers: %lld of %zu ready, %lld restarts, "
	    "%lld requests\n", ready, json_array_size(workers), restarts,
	    requests);
	if (demoted > 0)
		(void)printf("kernels: %lld compute wrong and are not used; "
		    "see the log\n", demoted);
}

static void
show(const struct remote *r, const struct status *s)
{
	(void)show_string(stdout, remote_text(s->server, "name"));
	(void)putchar(' ');
	(void)show_string(stdout, remote_text(s->server, "version"));
	(void)printf(" at %s: %s, %s", r->name, s->live ? "live" : "not live",
	    s->ready ? "ready" : "not ready");
	if (s->why[0] != '\0') {
		(void)fputs(": ", stdout);
		(void)show_string(stdout, s->why);
	}
	(void)putchar('\n');
	show_models(s->models);
	show_workers(s->workers);
}

static void
show_as_json(const struct remote *r, const struct status *s)
{
	json_t *j = json_pack("{s:s,s:s,s:s,s:b,s:b,s:O,s:O}",
	    "url", r->name, "name", remote_text(s->server, "name"),
	    "version", remote_text(s->server, "version"), "live", (int)s->live,
	    "ready", (int)s->ready, "models", s->models, "workers", s->workers);

	if (j != NULL && s->why[0] != '\0')
		(void)json_object_set_new(j, "error", json_string(s->why));
	show_json(j);
	json_decref(j);
}

/* One of each name, for completion and other scripts. */
static int
show_names(struct remote *r, struct err *e)
{
	json_t *models = models_get(r, e), *m;
	const char *last = "";
	size_t at;

	if (models == NULL)
		return -1;
	json_array_foreach(models, at, m) {
		const char *name = remote_text(m, "name");

		if (strcmp(name, last) != 0) {
			(void)show_string(stdout, name);
			(void)putchar('\n');
		}
		last = name;
	}
	json_decref(models);
	return 0;
}

static int
status(struct remote *r, struct err *e)
{
	struct status s = { .server = NULL };
	int result = ask(r, &s, e);

	if (result == 0 && r->json)
		show_as_json(r, &s);
	else if (result == 0)
		show(r, &s);
	json_decref(s.workers);
	json_decref(s.models);
	json_decref(s.server);
	if (result == -1)
		return tool_fail(e, "status");
	return s.live && s.ready ? TOOL_OK : TOOL_FAILED;
}

int
tool_status(int argc, char **argv)
{
	static const struct option options[] = {
		REMOTE_LONG,
		REMOTE_JSON,
		{ "names", no_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	struct remote r = REMOTE_INIT(10);
	bool names = false;
	struct err e;
	int c;

	while ((c = getopt_long(argc, argv, REMOTE_SHORT, options, NULL)) !=
	    -1) {
		if (c != 'n' && (c == 'h' || !remote_option(&r, c, optarg)))
			return tool_usage("status",
			    c == 'h' ? TOOL_OK : TOOL_USAGE);
		names |= c == 'n';
	}
	if (optind != argc)
		return tool_usage("status", TOOL_USAGE);
	if (names)
		return show_names(&r, &e) == -1 ? tool_fail(&e, "status") :
		    TOOL_OK;
	return status(&r, &e);
}
