#include "parent/trial.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log_journal.h"
#include "base/size.h"
#include "parent/http.h"
#include "parent/sup.h"

static int
try_user(const struct conf *c, struct err *e)
{
	if (geteuid() != 0 || getpwnam(c->server_user) != NULL)
		return 0;
	return err_set(e, ERR_NOT_FOUND, "server.user: started as root there "
	    "must be a user \"%s\" to become, and there is none",
	    c->server_user);
}

static int
try_program(const struct conf *c, struct err *e)
{
	int fd = spawn_open_program(c, e);

	if (fd == -1)
		return err_prefix(e, "worker.program");
	(void)close(fd);
	return 0;
}

static void
go_up(char *path)
{
	const char *up = dirname(path);

	memmove(path, up, strlen(up) + 1);
}

/* It is made at the start; by root also what is above it. */
static int
try_cache(const struct conf *c, struct err *e)
{
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s", c->worker_cache) >=
	    (int)sizeof(path))
		return err_set(e, ERR_LIMIT, "worker.cache: path too long");
	if (stat(path, &st) == -1 && errno == ENOENT)
		go_up(path);
	while (geteuid() == 0 && stat(path, &st) == -1 && errno == ENOENT &&
	    strchr(path, '/') != NULL)
		go_up(path);
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	else if (access(path, W_OK | X_OK) == 0)
		return 0;
	return err_sys(e, "worker.cache: %s", path);
}

static int
try_kernels(const struct conf *c, struct err *e)
{
	if (*c->engine_cl_dir == '\0' ||
	    access(c->engine_cl_dir, R_OK | X_OK) == 0)
		return 0;
	return err_sys(e, "engine.cl_dir: %s", c->engine_cl_dir);
}

static int
doubt_models(const struct conf *c, struct err *e)
{
	for (size_t i = 0; i < c->models_dir.n; i++)
		if (access(c->models_dir.v[i], R_OK | X_OK) == -1)
			return err_sys(e, "models.dir: %s", c->models_dir.v[i]);
	return 0;
}

static int
doubt_target(const struct conf *c, struct err *e)
{
	if (strcmp(c->log_target, "journal") == 0 &&
	    access(JOURNAL_SOCKET, W_OK) == -1)
		return err_sys(e, "log.target: journal: %s: standard error "
		    "takes its place", JOURNAL_SOCKET);
	if (strcmp(c->log_target, "syslog") == 0 &&
	    access("/dev/log", W_OK) == -1)
		return err_sys(e, "log.target: syslog: /dev/log");
	return 0;
}

static const struct {
	int	(*look)(const struct conf *, struct err *);
	bool	  fatal;
} looks[] = {
	{ try_user, true },
	{ try_program, true },
	{ try_cache, true },
	{ try_kernels, true },
	{ doubt_models, false },
	{ doubt_target, false },
};

bool
trial(const struct conf *c, conf_report *wrong, conf_report *doubt, void *arg)
{
	bool good = true;
	struct err e;

	for (size_t i = 0; i < c->server_listen.n; i++) {
		if (http_address_try(c->server_listen.v[i], &e) == 0)
			continue;
		(void)err_prefix(&e, "server.listen");
		wrong(arg, e.text);
		good = false;
	}
	for (size_t i = 0; i < nitems(looks); i++) {
		if (looks[i].look(c, &e) == 0)
			continue;
		(looks[i].fatal ? wrong : doubt)(arg, e.text);
		good &= !looks[i].fatal;
	}
	return good;
}
