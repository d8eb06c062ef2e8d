#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "worker/options.h"

static int
set_device(struct options *o, const char *value, struct err *e)
{
	(void)e;
	o->device = value;
	return 0;
}

static int
set_cl_dir(struct options *o, const char *value, struct err *e)
{
	(void)e;
	o->cl_dir = value;
	return 0;
}

static int
number(const char *value, uint64_t max, uint64_t *to, struct err *e)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || *value == '-' ||
	    n > max)
		return err_set(e, ERR_INVALID, "%s: no number up to %llu",
		    value, (unsigned long long)max);
	*to = n;
	return 0;
}

static int
set_id(struct options *o, const char *value, struct err *e)
{
	uint64_t n;

	if (number(value, UINT32_MAX, &n, e) == -1)
		return -1;
	o->id = (uint32_t)n;
	return 0;
}

static int
set_memory(struct options *o, const char *value, struct err *e)
{
	uint64_t n;

	if (number(value, SIZE_MAX / 2, &n, e) == -1)
		return -1;
	o->memory = (size_t)n;
	return 0;
}

static int
set_sandbox(struct options *o, const char *value, struct err *e)
{
	if (sandbox_by_name(value, &o->sandbox))
		return 0;
	return err_set(e, ERR_INVALID, "%s: want auto, required or off", value);
}

static int
add_read(struct options *o, const char *value, struct err *e)
{
	if (o->n_read == READ_DIRS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d folders",
		    READ_DIRS_MAX);
	o->read[o->n_read++] = value;
	return 0;
}

static const struct option_row {
	const char	*name;
	int		(*set)(struct options *, const char *, struct err *);
} rows[] = {
	{ "--device", set_device },
	{ "--id", set_id },
	{ "--cl-dir", set_cl_dir },
	{ "--memory", set_memory },
	{ "--sandbox", set_sandbox },
	{ "--read", add_read },
};

static const struct option_row *
find(const char *name)
{
	for (size_t i = 0; i < nitems(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

int
options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	const struct option_row *row;

	*o = (struct options){ .sandbox = SANDBOX_AUTO };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list-devices") == 0) {
			o->list = true;
			continue;
		}
		row = find(argv[i]);
		if (row == NULL)
			return err_set(e, ERR_INVALID, "%s: no such option",
			    argv[i]);
		if (++i == argc)
			return err_set(e, ERR_INVALID, "%s: wants a value",
			    row->name);
		if (row->set(o, argv[i], e) == -1)
			return err_prefix(e, "%s", row->name);
	}
	if (o->list == (o->device != NULL))
		return err_set(e, ERR_INVALID,
		    "want either --list-devices or --device NAME");
	return 0;
}
