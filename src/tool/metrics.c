/* clinfer metrics: a daemon's counters, in Prometheus's text form. */
#include "tool/remote.h"
#include "tool/show.h"
#include "tool/tool.h"

#define ANSWER_MAX	((size_t)64 << 20)

static const struct remote_operands operands = { .most = 1 };

/* Where the metric's name begins in a line, "# HELP name ..." included. */
static const char *
name_in(const char *line)
{
	static const char *const comments[] = { "# HELP ", "# TYPE " };

	for (int i = 0; i < 2; i++)
		if (strncmp(line, comments[i], strlen(comments[i])) == 0)
			return line + strlen(comments[i]);
	return line;
}

/* The lines of metrics whose name starts so; false if there are none. */
static bool
show(const struct buf *text, const char *prefix)
{
	const char *line = text->data, *end = line + text->len, *stop;
	bool any = false;

	for (; line != NULL && line < end; line = stop + 1) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (stop == NULL)
			stop = end;
		if (strncmp(name_in(line), prefix, strlen(prefix)) != 0)
			continue;
		any = true;
		(void)show_text(stdout, line, (size_t)(stop - line));
		(void)putchar('\n');
	}
	return any;
}

static int
metrics(struct remote *r, const char *prefix, struct err *e)
{
	struct client_request q = { .method = "GET", .path = "/metrics",
	    .answer_max = ANSWER_MAX };
	struct client_answer a;
	bool any;

	if (remote_ask_200(r, &q, &a, e) == -1)
		return -1;
	any = show(&a.body, prefix != NULL ? prefix : "");
	client_done(&a);
	if (!any)
		return err_set(e, ERR_NOT_FOUND, "%s: no metric%s%s", r->name,
		    prefix != NULL ? " starts with " : "",
		    prefix != NULL ? prefix : "");
	return 0;
}

int
tool_metrics(int argc, char **argv)
{
	struct remote r = REMOTE_INIT(10);
	const char *prefix;
	struct err e;
	int c = remote_options(&r, &operands, argc, argv, &prefix);

	if (c != TOOL_OK)
		return tool_usage("metrics", c == 'h' ? TOOL_OK : c);
	if (metrics(&r, prefix, &e) == -1)
		return tool_fail(&e, "metrics");
	return TOOL_OK;
}
