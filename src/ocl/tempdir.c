#include "ocl/tempdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/tree.h"

#define VARIABLE	"POCL_CACHE_DIR"

/* This process's. */
static char own[PATH_MAX];	/* its path; "": it has had none */
static int own_fd = -1;		/* with the lock */
static unsigned users;

/*
 * A descriptor with the lock on it, or -1: it is another's, or none at all.
 * ours: no matter if the file system has no locks.
 */
static int
lock(int in, const char *name, bool ours)
{
	int fd = openat(in, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (flock(fd, LOCK_EX | LOCK_NB) == 0 ||
	    (ours && errno != EWOULDBLOCK)))
		return fd;
	(void)close(fd);
	return -1;
}

/* The lock goes with the last process that has it: builders, too. */
static void
sweep(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int fd;

	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL) {
		if (strncmp(entry->d_name, TEMPDIR_PREFIX,
		    strlen(TEMPDIR_PREFIX)) != 0)
			continue;
		if ((fd = lock(dirfd(d), entry->d_name, false)) == -1)
			continue;
		(void)tree_remove(dirfd(d), entry->d_name, NULL);
		(void)close(fd);
	}
	(void)closedir(d);
}

static int
make(const char *dir, struct err *e)
{
	if (own[0] != '\0')
		return mkdir(own, 0700) == 0 || errno == EEXIST ? 0 :
		    err_sys(e, "folder %s", own);
	if ((size_t)snprintf(own, sizeof(own), "%s/" TEMPDIR_PREFIX "XXXXXX",
	    dir) >= sizeof(own)) {
		own[0] = '\0';
		return err_set(e, ERR_LIMIT, "folder %s: too long a name", dir);
	}
	if (mkdtemp(own) != NULL && setenv(VARIABLE, own, 1) == 0)
		return 0;
	(void)err_sys(e, "folder %s", own);
	own[0] = '\0';
	return -1;
}

/* Somebody who sweeps may have come between making and locking. */
static bool
is_there(int fd)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && stat(own, &named) == 0 &&
	    held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static const char *
temporary(void)
{
	const char *dir = getenv("TMPDIR");

	return dir != NULL && dir[0] == '/' ? dir : "/tmp";
}

static int
take(const char *dir, struct err *e)
{
	static const struct timespec pause = { 0, 2000000 };

	for (int tries = 0; tries < 100; tries++) {
		if (make(dir, e) == -1)
			return -1;
		own_fd = lock(AT_FDCWD, own, true);
		if (own_fd != -1 && is_there(own_fd))
			return 0;
		if (own_fd != -1)
			(void)close(own_fd);
		(void)nanosleep(&pause, NULL);	/* until it is gone */
	}
	own_fd = -1;
	return err_set(e, ERR_UNAVAILABLE, "folder %s: cannot be locked", own);
}

int
tempdir_open(const char *dir, struct err *e)
{
	bool said = dir == NULL && own[0] == '\0' && getenv(VARIABLE) != NULL;

	if (users == 0 && !said) {
		if (dir == NULL)
			dir = temporary();
		else if (mkdir(dir, 0700) == -1 && errno != EEXIST)
			return err_sys(e, "cache folder %s", dir);
		sweep(dir);

		if (take(dir, e) == -1)
			return -1;
	}
	users++;
	return 0;
}

void
tempdir_close(void)
{
	if (--users > 0 || own_fd == -1)
		return;
	(void)tree_remove(AT_FDCWD, own, NULL);
	(void)close(own_fd);
	own_fd = -1;
}
