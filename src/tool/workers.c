/* clinfer workers: the processes behind a daemon, as a table. */
#include "tool/workers.h"

#include "base/size.h"
#include "tool/show.h"
#include "tool/tool.h"

static const char *const columns[] = { "id", "device", "pid", "state",
    "restarts", "inflight", "requests", "death" };
static const struct remote_operands operands = { .json = true };

json_t *
workers_get(struct remote *r, struct err *e)
{
	json_t *j = remote_get(r, "GET", "/v2/workers", NULL, e);
	json_t *list = json_object_get(j, "workers");

	if (j != NULL && !json_is_array(list))
		(void)err_set(e, ERR_INVALID, "%s: its answer has no list of "
		    "workers", r->name);
	list = json_is_array(list) ? json_incref(list) : NULL;
	json_decref(j);
	return list;
}

/* Strings as they are, numbers in decimals; nothing for what is not there. */
static json_t *
as_string(const json_t *value)
{
	char text[24] = "";

	if (json_is_string(value))
		return json_string(json_string_value(value));
	if (json_is_integer(value))
		(void)snprintf(text, sizeof(text), "%lld",
		    (long long)json_integer_value(value));
	return json_string(text);
}

static void
show(const json_t *list)
{
	json_t *rows = json_array(), *row = json_array(), *worker;
	size_t at;

	for (size_t i = 0; i < nitems(columns); i++)
		(void)json_array_append_new(row, json_string(columns[i]));
	(void)json_array_append_new(rows, row);
	json_array_foreach(list, at, worker) {
		row = json_array();
		for (size_t i = 0; i < nitems(columns); i++)
			(void)json_array_append_new(row,
			    as_string(json_object_get(worker, columns[i])));
		(void)json_array_append_new(rows, row);
	}
	show_table_own(rows);
}

int
tool_workers(int argc, char **argv)
{
	struct remote r = REMOTE_INIT(10);
	struct err e;
	json_t *list;
	int c = remote_options(&r, &operands, argc, argv, NULL);

	if (c != TOOL_OK)
		return tool_usage("workers", c == 'h' ? TOOL_OK : c);
	if ((list = workers_get(&r, &e)) == NULL)
		return tool_fail(&e, "workers");
	if (r.json) {
		json_t *j = json_pack("{s:O}", "workers", list);

		show_json(j);
		json_decref(j);
	} else if (json_array_size(list) == 0)
		(void)puts("no workers");
	else
		show(list);
	json_decref(list);
	return TOOL_OK;
}
