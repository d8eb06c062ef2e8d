#include "parent/folders.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "parent/repo.h"

#define EVENTS	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
		    IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | \
		    IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

int
folders_open(struct folders *f, struct err *e)
{
	memset(f, 0, sizeof(*f));
	f->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return f->fd != -1 ? 0 : err_sys(e, "inotify");
}

void
folders_close(struct folders *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].model);
	free(f->v);
	if (f->fd != -1)
		(void)close(f->fd);
	memset(f, 0, sizeof(*f));
	f->fd = -1;
}

/* The first of that descriptor, or where it would be. */
static size_t
place_of(const struct folders *f, int wd)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (f->v[middle].wd < wd)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
make_room(struct folders *f)
{
	size_t room = f->room > 0 ? 2 * f->room : 16;
	struct folder *more;

	if (f->n < f->room)
		return 0;
	if ((more = reallocarray(f->v, room, sizeof(*more))) == NULL)
		return -1;
	f->v = more;
	f->room = room;
	return 0;
}

static int
add(struct folders *f, int wd, const char *model)
{
	size_t at = place_of(f, wd);
	char *copy;

	for (size_t i = at; i < f->n && f->v[i].wd == wd; i++)
		if (strcmp(f->v[i].model, model) == 0) {
			f->v[i].round = f->round;
			return 0;
		}
	if (make_room(f) == -1 || (copy = strdup(model)) == NULL)
		return -1;
	memmove(&f->v[at + 1], &f->v[at], (f->n - at) * sizeof(*f->v));
	f->v[at] = (struct folder){ wd, copy, f->round };
	f->n++;
	return 0;
}

static void
forget(struct folders *f, size_t at)
{
	free(f->v[at].model);
	f->n--;
	memmove(&f->v[at], &f->v[at + 1], (f->n - at) * sizeof(*f->v));
}

/* Of a limit, once; that a folder is not there is no news. */
static void
tell(struct folders *f, int error)
{
	if (f->told || (error != ENOSPC && error != ENOMEM))
		return;
	log_warn("watch", "inotify: %s (sysctl fs.inotify.max_user_watches): "
	    "some changes are found later", strerror(error));
	f->told = true;
}

void
folders_cover(struct folders *f, const char *path, const char *model)
{
	int wd;

	if (f->fd == -1)
		return;
	if ((wd = inotify_add_watch(f->fd, path, EVENTS)) == -1) {
		tell(f, errno);
		return;
	}
	if (add(f, wd, model) == -1)
		tell(f, ENOMEM);
}

static void
cover_versions(struct folders *f, const char *dir, const char *model)
{
	char path[PATH_MAX];
	struct dirent *d;
	DIR *open_dir = opendir(dir);

	while (open_dir != NULL && (d = readdir(open_dir)) != NULL)
		if (repo_version_number(d->d_name) != 0 && snprintf(path,
		    sizeof(path), "%s/%s", dir, d->d_name) < PATH_MAX)
			folders_cover(f, path, model);
	if (open_dir != NULL)
		(void)closedir(open_dir);
}

void
folders_cover_model(struct folders *f, const struct conf_list *dirs,
    const char *model)
{
	char path[PATH_MAX];

	for (size_t i = 0; f->fd != -1 && i < dirs->n; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dirs->v[i],
		    model) >= PATH_MAX)
			continue;
		/* First the folder: what comes into it later is told. */
		folders_cover(f, path, model);
		cover_versions(f, path, model);
	}
}

void
folders_begin(struct folders *f)
{
	f->round++;
}

static bool
is_shared(const struct folders *f, size_t at)
{
	int wd = f->v[at].wd;

	return (at > 0 && f->v[at - 1].wd == wd) ||
	    (at + 1 < f->n && f->v[at + 1].wd == wd);
}

void
folders_sweep(struct folders *f)
{
	for (size_t i = f->n; i-- > 0;) {
		if (f->v[i].round == f->round)
			continue;
		if (!is_shared(f, i))
			(void)inotify_rm_watch(f->fd, f->v[i].wd);
		forget(f, i);
	}
}

/* One event, told to all whose folder it is. */
static void
hear_one(struct folders *f, const struct inotify_event *ev, const char *name,
    folders_heard *heard, void *arg)
{
	size_t at = place_of(f, ev->wd);
	char model[256];

	if (ev->mask & IN_Q_OVERFLOW) {
		heard(arg, NULL, "", ev->mask);
		return;
	}
	/* Who hears it may cover more: only the order by wd stays. */
	for (size_t i = 0; at + i < f->n && f->v[at + i].wd == ev->wd; i++) {
		(void)snprintf(model, sizeof(model), "%s", f->v[at + i].model);
		heard(arg, model, name, ev->mask);
		at = place_of(f, ev->wd);
	}
	while (ev->mask & IN_IGNORED && at < f->n && f->v[at].wd == ev->wd)
		forget(f, at);
}

void
folders_hear(struct folders *f, const char *bytes, size_t n,
    folders_heard *heard, void *arg)
{
	struct inotify_event ev;

	for (size_t at = 0; n - at >= sizeof(ev); at += sizeof(ev) + ev.len) {
		memcpy(&ev, bytes + at, sizeof(ev));
		if (ev.len > n - at - sizeof(ev))
			return;
		hear_one(f, &ev, ev.len > 0 ? bytes + at + sizeof(ev) : "",
		    heard, arg);
	}
}
