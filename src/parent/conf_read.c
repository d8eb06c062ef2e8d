/* conf_read: configuration files; see conf.h. */
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "parent/conf_key.h"

#define VALUE_MAX	((size_t)64 << 10)

/* What ini_parse_stream()'s callbacks need. */
struct reading {
	FILE		*file;
	int		 line;		/* last read */
	struct conf	*conf;
	const char	*path;
	conf_report	*report;
	void		*arg;
	struct err	 first;		/* of the file; ERR_NONE: none yet */
	int		*set_at;	/* by key: the line that set it, or 0 */
	/* the last key and its value so far: a line more may follow */
	const struct key *key;
	int		 key_line;
	struct buf	 value;
	bool		 more;		/* this line is one */
};

static void
complain(struct reading *r, int line, struct err *e)
{
	if (line > 0)
		(void)err_prefix(e, "%s:%d", r->path, line);
	else
		(void)err_prefix(e, "%s", r->path);
	if (r->report != NULL)
		r->report(r->arg, e->text);
	if (r->first.code == ERR_NONE)
		r->first = *e;
}

/* The value of the last key is whole. */
static void
finish_key(struct reading *r)
{
	const struct key *k = r->key;
	struct err e = { .code = ERR_NONE };

	r->key = NULL;
	if (k == NULL)
		return;
	if (buf_failed(&r->value))
		(void)err_memory(&e, "value", VALUE_MAX);
	else if (key_set(r->conf, k, r->value.data, &e) == 0)
		return;
	complain(r, r->key_line, &e);
}

/* A line as libinih wants it: the rest of one that is too long is dropped. */
static void
cut_long(struct reading *r, char *text, int size)
{
	struct err e;
	int c;

	if (strlen(text) + 1 < (size_t)size || strchr(text, '\n') != NULL)
		return;
	while ((c = getc(r->file)) != EOF && c != '\n')
		;
	(void)err_set(&e, ERR_LIMIT, "longer than %d characters (a list may go "
	    "on in the next line, behind a blank)", size - 2);
	complain(r, r->line, &e);
	*text = '\0';
}

/* "[name]" with nothing behind it, unlike the beginning of an address. */
static bool
is_section(const char *at)
{
	const char *end = strchr(at, ']');

	return *at == '[' && end != NULL &&
	    strchr("#;\r\n", end[1 + strspn(end + 1, " \t")]) != NULL;
}

/*
 * Only what libinih understands reaches it: it would tell of the first mistake
 * only, and takes an indented key for more of the value above.
 */
static void
check_line(struct reading *r, char *text)
{
	char *at = text + strspn(text, " \t");
	bool indented = at > text, good;
	struct err e;

	if (strchr("#;\r\n", *at) != NULL)
		return;
	good = is_section(at) || (*at != '[' &&
	    strpbrk(at, indented ? "=" : "=:") != NULL);
	r->more = !good && indented && r->key != NULL;
	if (r->more)
		return;
	finish_key(r);
	if (good) {
		memmove(text, at, strlen(at) + 1);
		return;
	}
	(void)err_set(&e, ERR_INVALID, "neither [section] nor key = value");
	complain(r, r->line, &e);
	*text = '\0';
}

/* fgets() for libinih, which does not tell its handler the line. */
static char *
read_line(char *text, int size, void *arg)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct reading *r = arg;

	if (fgets(text, size, r->file) == NULL)
		return NULL;
	if (r->line++ == 0 && strncmp(text, mark, 3) == 0)
		memmove(text, text + 3, strlen(text + 3) + 1);
	cut_long(r, text, size);
	check_line(r, text);
	return text;
}

static int
begin_key(struct reading *r, const char *section, const char *name,
    struct err *e)
{
	const struct key *k = key_find(section, name, e);
	int *at;

	if (k == NULL)
		return -1;
	at = &r->set_at[k - conf_keys];
	if (*at != 0)
		return err_set(e, ERR_INVALID, "%s.%s is set in line %d "
		    "already", section, name, *at);
	*at = r->key_line = r->line;
	r->key = k;
	buf_done(&r->value);
	buf_init(&r->value, VALUE_MAX);
	return 0;
}

/* libinih: 1 means go on; what was wrong we have reported ourselves. */
static int
on_key(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	struct err e = { .code = ERR_NONE };

	if (!r->more && begin_key(r, section, name, &e) == -1) {
		complain(r, r->line, &e);
		return 1;
	}
	(void)buf_printf(&r->value, "%s%s", r->more ? " " : "",
	    value != NULL ? value : "");
	return 1;
}

static void
read_all(struct reading *r)
{
	struct err e;

	r->set_at = calloc(conf_n_keys, sizeof(*r->set_at));
	buf_init(&r->value, VALUE_MAX);
	if (r->set_at == NULL) {
		(void)err_memory(&e, "configuration", conf_n_keys);
		complain(r, 0, &e);
	} else if (ini_parse_stream(read_line, r, on_key, r) != 0) {
		(void)err_set(&e, ERR_INVALID, "not to be understood");
		complain(r, 0, &e);
	}
	finish_key(r);
	if (ferror(r->file)) {
		(void)err_sys(&e, "read");
		complain(r, 0, &e);
	}
	buf_done(&r->value);
	free(r->set_at);
}

int
conf_read(struct conf *c, const char *path, bool missing_ok,
    conf_report *report, void *arg, struct err *e)
{
	struct reading r = {
		.file = fopen(path, "re"), .conf = c, .path = path,
		.report = report, .arg = arg,
	};
	struct err why;

	if (r.file == NULL && errno == ENOENT && missing_ok)
		return 0;
	if (r.file == NULL) {
		(void)err_sys(&why, "open");
		complain(&r, 0, &why);
	} else {
		read_all(&r);
		(void)fclose(r.file);
	}
	if (r.first.code == ERR_NONE)
		return 0;
	if (e != NULL)
		*e = r.first;
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
	struct err why;
	int n, r = 0;

	if ((n = scandir(dir, &found, is_conf, alphasort)) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		(void)err_sys(&why, "%s", dir);
		if (report != NULL)
			report(arg, why.text);
		if (e != NULL)
			*e = why;
		return -1;
	}
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir,
		    found[i]->d_name);
		if (conf_read(c, path, false, report, arg,
		    r == 0 ? e : NULL) == -1)
			r = -1;
		free(found[i]);
	}
	free(found);
	return r;
}
