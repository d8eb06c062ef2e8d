/* clinfer load, clinfer unload: a daemon's models come and go. */
#include "tool/remote.h"
#include "tool/show.h"
#include "tool/tool.h"

#define LOAD_SECONDS	600	/* a driver may compile for minutes */
#define ANSWER_MAX	((size_t)1 << 20)

static const struct remote_operands operands = { .least = 1, .most = 1 };

/* The answer has come when it is done; there is nothing in it. */
static int
change(struct remote *r, const char *model, const char *pattern, struct err *e)
{
	struct client_request q = { .method = "POST",
	    .answer_max = ANSWER_MAX };
	struct client_answer a;
	struct buf path;
	int result;

	remote_path(&path, pattern, model, NULL);
	if (buf_failed(&path)) {
		buf_done(&path);
		return err_set(e, ERR_LIMIT, "the name is too long");
	}
	q.path = path.data;
	if ((result = remote_ask_200(r, &q, &a, e)) == 0)
		client_done(&a);
	buf_done(&path);
	return result;
}

/* The versions that serve now. */
static int
show_versions(struct remote *r, const char *model, struct err *e)
{
	struct buf path;
	json_t *j, *version;
	size_t at;

	remote_path(&path, "/v2/models/%", model, NULL);
	j = remote_get(r, "GET", path.data, NULL, e);
	buf_done(&path);
	if (j == NULL)
		return -1;
	(void)show_string(stdout, model);
	(void)fputs(": loaded, version", stdout);
	json_array_foreach(json_object_get(j, "versions"), at, version) {
		(void)putchar(' ');
		if (json_is_string(version))
			(void)show_string(stdout, json_string_value(version));
	}
	(void)putchar('\n');
	json_decref(j);
	return 0;
}

int
tool_load(int argc, char **argv)
{
	struct remote r = REMOTE_INIT(LOAD_SECONDS);
	const char *model;
	struct err e;
	int c = remote_options(&r, &operands, argc, argv, &model);

	if (c != TOOL_OK)
		return tool_usage("load", c == 'h' ? TOOL_OK : c);
	if (change(&r, model, "/v2/repository/models/%/load", &e) == -1 ||
	    show_versions(&r, model, &e) == -1)
		return tool_fail(&e, model);
	return TOOL_OK;
}

int
tool_unload(int argc, char **argv)
{
	struct remote r = REMOTE_INIT(LOAD_SECONDS);
	const char *model;
	struct err e;
	int c = remote_options(&r, &operands, argc, argv, &model);

	if (c != TOOL_OK)
		return tool_usage("unload", c == 'h' ? TOOL_OK : c);
	if (change(&r, model, "/v2/repository/models/%/unload", &e) == -1)
		return tool_fail(&e, model);
	(void)show_string(stdout, model);
	(void)puts(": unloaded");
	return TOOL_OK;
}
