#include "parent/repo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "parent/models.h"
#include "parent/stamp.h"

#define SUFFIX		".onnx"
#define FILE_DEFAULT	"model.onnx"
#define CONFIG		"config.pbtxt"
#define FOLDERS		2	/* a version's files lie so deep at most */

static bool
join(char path[PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX;
}

int64_t
repo_version_number(const char *name)
{
	int64_t n = 0;

	if (*name < '1' || *name > '9')
		return 0;
	for (; *name != '\0'; name++) {
		if (*name < '0' || *name > '9' || n > INT64_MAX / 10 - 1)
			return 0;
		n = n * 10 + (*name - '0');
	}
	return n;
}

/* Is it fit to be a model's name?  Cuts the suffix of a plain file. */
static bool
name_of(const char *entry, char name[MODEL_NAME_MAX])
{
	size_t n = strlen(entry);

	if (*entry == '.' || n >= MODEL_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)entry[i] < 0x20 || entry[i] == 0x7f ||
		    entry[i] == '\\')
			return false;
	memcpy(name, entry, n + 1);
	return true;
}

static bool
is_dir(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return join(path, dir, name) && stat(path, &st) == 0 &&
	    S_ISDIR(st.st_mode);
}

static bool
is_file(const char *dir, const char *name, struct stat *st)
{
	char path[PATH_MAX];

	return join(path, dir, name) && stat(path, st) == 0 &&
	    S_ISREG(st->st_mode);
}

/* The model that an entry of a repository is, if it is one. */
static bool
entry_model(const char *dir, const char *entry, char name[MODEL_NAME_MAX])
{
	size_t n = strlen(entry), cut = sizeof(SUFFIX) - 1;
	struct stat st;

	if (!name_of(entry, name))
		return false;
	if (is_dir(dir, entry))
		return true;
	if (n <= cut || strcmp(entry + n - cut, SUFFIX) != 0 ||
	    !is_file(dir, entry, &st))
		return false;
	name[n - cut] = '\0';
	return true;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
add_names(const char *dir, struct conf_list *names, struct err *e)
{
	char name[MODEL_NAME_MAX];
	struct dirent *d;
	DIR *open_dir = opendir(dir);
	int r = 0;

	if (open_dir == NULL)
		return err_sys(e, "%s", dir);
	while (r == 0 && (d = readdir(open_dir)) != NULL) {
		if (!entry_model(dir, d->d_name, name))
			continue;
		if (names->n == REPO_MODELS_MAX)
			r = err_set(e, ERR_LIMIT, "%s: more than %d models",
			    dir, REPO_MODELS_MAX);
		else if (conf_list_add(names, name) == -1)
			r = err_memory(e, "names", names->n);
	}
	(void)closedir(open_dir);
	return r;
}

static void
sort_unique(struct conf_list *l)
{
	size_t n = 0;

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(char *), by_name);
	for (size_t i = 0; i < l->n; i++) {
		if (n > 0 && strcmp(l->v[n - 1], l->v[i]) == 0)
			free(l->v[i]);
		else
			l->v[n++] = l->v[i];
	}
	l->n = n;
}

int
repo_names(const struct conf_list *dirs, struct conf_list *names,
    conf_report *warn, void *arg, struct err *e)
{
	int good = 0;

	for (size_t i = 0; i < dirs->n; i++) {
		if (add_names(dirs->v[i], names, e) == 0)
			good++;
		else
			warn(arg, e->text);
	}
	sort_unique(names);
	return good > 0 || dirs->n == 0 ? 0 : -1;
}

void
repo_model_done(struct repo_model *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		free(m->version[i].dir);
		free(m->version[i].file);
	}
	free(m->version);
	modelconf_put(m->config);
	memset(m, 0, sizeof(*m));
}

static int
add_version(struct repo_model *m, int64_t number, const char *dir,
    const char *file, uint64_t stamp, struct err *e)
{
	struct repo_version *v;

	if (m->n == REPO_VERSIONS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d versions",
		    REPO_VERSIONS_MAX);
	v = reallocarray(m->version, m->n + 1, sizeof(*v));
	if (v == NULL)
		return err_memory(e, "versions", m->n);
	m->version = v;
	v += m->n;
	v->number = number;
	v->dir = strdup(dir);
	v->file = strdup(file);
	v->stamp = stamp;
	m->n++;
	if (v->dir == NULL || v->file == NULL)
		return err_memory(e, "versions", strlen(dir));
	return 0;
}

/*
 * The text of config.pbtxt, malloc'ed; or NULL: there is none, or *err.  It may
 * be a link to anywhere.
 */
static char *
config_text(int dir, size_t *n, struct err *e)
{
	int fd = openat(dir, CONFIG, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text = NULL;
	ssize_t got = -1;

	e->code = ERR_NONE;
	if (fd == -1 && errno != ENOENT)
		(void)err_sys(e, CONFIG);
	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (size_t)st.st_size > REPO_CONFIG_MAX)
		(void)err_set(e, ERR_LIMIT, CONFIG ": no file of at most %zu "
		    "bytes", REPO_CONFIG_MAX);
	else if ((text = malloc((size_t)st.st_size + 1)) == NULL)
		(void)err_memory(e, CONFIG, (size_t)st.st_size);
	else if ((got = read(fd, text, (size_t)st.st_size)) == -1)
		(void)err_sys(e, CONFIG ": read");
	(void)close(fd);
	if (got == -1) {
		free(text);
		return NULL;
	}
	*n = (size_t)got;
	return text;
}

/* What config.pbtxt says; without one, what holds then. */
static int
config_from(int dir, const char *name, struct repo_model *m, conf_report *warn,
    void *arg, struct err *e)
{
	size_t n = 0;
	char *text = config_text(dir, &n, e);

	if (text == NULL && e->code != ERR_NONE)
		return -1;
	if (text == NULL) {
		m->config = modelconf_new();
		return m->config != NULL ? 0 : err_memory(e, CONFIG, 1);
	}
	m->config = modelconf_parse(text, n, name, warn, arg, e);
	free(text);
	return m->config != NULL ? 0 : err_prefix(e, CONFIG);
}

static uint64_t
stamp_in(const char *dir, const char *file)
{
	char path[PATH_MAX];

	return join(path, dir, file) ? stamp_path(path) : 0;
}

/*
 * It and the label files it names.  The stamp is of both, taken before they are
 * read, so that what changes meanwhile is noticed.
 */
static int
read_config(const char *dir, const char *name, struct repo_model *m,
    uint64_t *stamp, conf_report *warn, void *arg, struct err *e)
{
	int r, fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return err_sys(e, "%s", dir);
	*stamp = stamp_in(dir, CONFIG);
	r = config_from(fd, name, m, warn, arg, e);
	for (uint32_t i = 0; r == 0 && i < m->config->n_out; i++)
		if (m->config->out[i].labels != NULL)
			*stamp = stamp_join(*stamp,
			    stamp_in(dir, m->config->out[i].labels));
	if (r == 0 && modelconf_read_labels(m->config, fd, e) == -1)
		r = err_prefix(e, CONFIG);
	(void)close(fd);
	return r;
}

static int
by_newest(const void *a, const void *b)
{
	const struct repo_version *x = a, *y = b;

	return (x->number < y->number) - (x->number > y->number);
}

static bool
chosen(const struct model_config *c, int64_t number, uint32_t rank)
{
	if (c->policy == POLICY_ALL)
		return true;
	if (c->policy == POLICY_LATEST)
		return rank < c->latest;
	for (uint32_t i = 0; i < c->n_specific; i++)
		if (c->specific[i] == number)
			return true;
	return false;
}

/* Newest first, and only those that the policy chooses. */
static void
apply_policy(struct repo_model *m)
{
	uint32_t n = 0;

	if (m->n > 0)
		qsort(m->version, m->n, sizeof(*m->version), by_newest);
	for (uint32_t i = 0; i < m->n; i++) {
		if (chosen(m->config, m->version[i].number, i)) {
			m->version[n++] = m->version[i];
			continue;
		}
		free(m->version[i].dir);
		free(m->version[i].file);
	}
	m->n = n;
}

/* The numbered folders below dir that hold a model's file. */
static int
read_versions(const char *dir, struct repo_model *m, uint64_t stamp,
    conf_report *warn, void *arg, struct err *e)
{
	const char *file = m->config->file != NULL ? m->config->file :
	    FILE_DEFAULT;
	char path[PATH_MAX], text[PATH_MAX + 64];
	struct dirent *d;
	struct stat st;
	DIR *open_dir = opendir(dir);
	int64_t number;
	int r = 0;

	if (open_dir == NULL)
		return err_sys(e, "%s", dir);
	while (r == 0 && (d = readdir(open_dir)) != NULL) {
		if ((number = repo_version_number(d->d_name)) == 0)
			continue;
		if (join(path, dir, d->d_name) && is_file(path, file, &st)) {
			r = add_version(m, number, path, file,
			    stamp_join(stamp, stamp_folder(path, FOLDERS,
			    NULL)), e);
			continue;
		}
		(void)snprintf(text, sizeof(text), "%s: no %s", path, file);
		warn(arg, text);
	}
	(void)closedir(open_dir);
	if (r == 0 && m->n == 0)
		r = err_set(e, ERR_INVALID, "no version folder with %s", file);
	return r;
}

static int
read_folder(const char *repo, const char *name, struct repo_model *m,
    conf_report *warn, void *arg, struct err *e)
{
	char dir[PATH_MAX];
	uint64_t stamp = 0;

	if (!join(dir, repo, name))
		return err_set(e, ERR_LIMIT, "path too long");
	if (read_config(dir, name, m, &stamp, warn, arg, e) == -1 ||
	    read_versions(dir, m, stamp, warn, arg, e) == -1)
		return -1;
	apply_policy(m);
	return m->n > 0 ? 0 : err_set(e, ERR_INVALID,
	    "version_policy chooses no version that is there");
}

/* Of a plain file, and of those that exporters write its weights to. */
static uint64_t
plain_stamp(const char *repo, const char *name)
{
	static const char *const suffixes[] = { SUFFIX, SUFFIX ".data",
	    SUFFIX "_data", ".data", ".bin" };
	char file[MODEL_NAME_MAX + sizeof(SUFFIX ".data")];
	uint64_t h = 1;

	for (size_t i = 0; i < nitems(suffixes); i++) {
		(void)snprintf(file, sizeof(file), "%s%s", name, suffixes[i]);
		h = stamp_join(h, stamp_in(repo, file));
	}
	return h;
}

static int
read_plain(const char *repo, const char *name, const char *file,
    struct repo_model *m, struct err *e)
{
	if ((m->config = modelconf_new()) == NULL)
		return err_memory(e, "model", 1);
	return add_version(m, 1, repo, file, plain_stamp(repo, name), e);
}

int
repo_read(const struct conf_list *dirs, const char *name,
    struct repo_model *m, conf_report *warn, void *arg, struct err *e)
{
	char file[MODEL_NAME_MAX + sizeof(SUFFIX)], checked[MODEL_NAME_MAX];
	char text[PATH_MAX];
	struct stat st;
	int r;

	memset(m, 0, sizeof(*m));
	if (!name_of(name, checked) || strchr(name, '/') != NULL)
		return err_set(e, ERR_NOT_FOUND, "'%s' is no model's name",
		    name);
	(void)snprintf(file, sizeof(file), "%s" SUFFIX, name);
	for (size_t i = 0; i < dirs->n; i++) {
		bool plain = is_file(dirs->v[i], file, &st);

		if (is_dir(dirs->v[i], name)) {
			(void)snprintf(text, sizeof(text), "%s/%s is not used:"
			    " the folder %s is", dirs->v[i], file, name);
			if (plain)
				warn(arg, text);
			r = read_folder(dirs->v[i], name, m, warn, arg, e);
		} else if (plain)
			r = read_plain(dirs->v[i], name, file, m, e);
		else
			continue;
		if (r == -1)
			repo_model_done(m);
		return r;
	}
	return err_set(e, ERR_NOT_FOUND, "no model '%s' in the repository",
	    name);
}

static int
is_version(const char *name)
{
	return repo_version_number(name) != 0;
}

/* Can nobody tell whether there is something of that path? */
static bool
is_dark(const char *path)
{
	struct stat st;

	return stat(path, &st) == -1 && errno != ENOENT && errno != ENOTDIR &&
	    errno != ELOOP;
}

enum repo_there
repo_stamp(const struct conf_list *dirs, const char *name, uint64_t *stamp)
{
	char checked[MODEL_NAME_MAX], file[MODEL_NAME_MAX + sizeof(SUFFIX)];
	char path[PATH_MAX], plain[PATH_MAX];
	struct stat st;
	enum repo_there there = REPO_ABSENT;

	if (!name_of(name, checked) || strchr(name, '/') != NULL)
		return REPO_ABSENT;
	(void)snprintf(file, sizeof(file), "%s" SUFFIX, name);
	for (size_t i = 0; i < dirs->n; i++) {
		*stamp = i + 1;
		if (!join(path, dirs->v[i], name) ||
		    !join(plain, dirs->v[i], file))
			continue;
		if (is_dir(dirs->v[i], name)) {
			*stamp = stamp_join(*stamp, stamp_folder(path,
			    1 + FOLDERS, is_version));
			return REPO_THERE;
		}
		if (is_file(dirs->v[i], file, &st)) {
			*stamp = stamp_join(*stamp, plain_stamp(dirs->v[i],
			    name));
			return REPO_THERE;
		}
		if (is_dark(path) || is_dark(plain) ||
		    !is_dir(dirs->v[i], "."))
			there = REPO_UNKNOWN;
	}
	return there;
}
