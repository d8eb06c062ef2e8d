/* conf_read: configuration files; see conf.h. */
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parent/conf.h"

/* What ini_parse()'s callback needs. */
struct reading {
	FILE		*file;
	int		 line;		/* last read */
	struct conf	*conf;
	const char	*path;
	conf_report	*report;
	void		*arg;
	struct err	*first;	/* of the file; code ERR_NONE: none yet */
};

/* fgets() for libinih, which does not tell its handler the line. */
static char *
read_line(char *text, int size, void *arg)
{
	struct reading *r = arg;
	char *got = fgets(text, size, r->file);

	if (got != NULL)
		r->line++;
	return got;
}

static void
complain(struct reading *r, int line, struct err *e)
{
	if (line > 0)
		(void)err_prefix(e, "%s:%d", r->path, line);
	else
		(void)err_prefix(e, "%s", r->path);
	if (r->report != NULL)
		r->report(r->arg, e->text);
	if (r->first->code == ERR_NONE)
		*r->first = *e;
}

/* libinih: 1 means go on; what was wrong we have reported ourselves. */
static int
on_key(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	struct err e = { .code = ERR_NONE };

	if (value == NULL)
		value = "";
	if (conf_set_key(r->conf, section, name, value, &e) == -1)
		complain(r, r->line, &e);
	return 1;
}

int
conf_read(struct conf *c, const char *path, bool missing_ok,
    conf_report *report, void *arg, struct err *e)
{
	struct err first = { .code = ERR_NONE }, syntax;
	struct reading r = {
		.file = fopen(path, "re"), .conf = c, .path = path,
		.report = report, .arg = arg, .first = &first,
	};
	int line;

	if (r.file == NULL && errno == ENOENT && missing_ok)
		return 0;
	if (r.file == NULL) {
		(void)err_sys(&syntax, "open");
		complain(&r, 0, &syntax);
	} else {
		line = ini_parse_stream(read_line, &r, on_key, &r);
		(void)fclose(r.file);
		if (line != 0) {
			(void)err_set(&syntax, ERR_INVALID, "neither [section] "
			    "nor key = value");
			complain(&r, line, &syntax);
		}
	}
	if (first.code == ERR_NONE)
		return 0;
	if (e != NULL)
		*e = first;
	return -1;
}

static int
is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 &&
	    strcmp(d->d_name + n - 5, ".conf") == 0;
}

int
conf_read_dir(struct conf *c, const char *dir, conf_report *report, void *arg,
    struct err *e)
{
	struct dirent **found = NULL;
	char path[PATH_MAX];
	int n, r = 0;

	if ((n = scandir(dir, &found, is_conf, alphasort)) == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
		    err_sys(e, "%s", dir);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir,
		    found[i]->d_name);
		if (conf_read(c, path, true, report, arg,
		    r == 0 ? e : NULL) == -1)
			r = -1;
		free(found[i]);
	}
	free(found);
	return r;
}
