#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "worker/cache.h"

enum { DEPTH_MAX = 16 };

/* A stream of a folder in it, "." for itself; links are not followed. */
static DIR *
open_folder(int in, const char *name)
{
	int fd = openat(in, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;

	if (d == NULL && fd != -1)
		(void)close(fd);
	return d;
}

static void
tidy(int in, const char *name)
{
	DIR *d = open_folder(in, name);
	struct dirent *entry;

	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, "tempfile_", 9) == 0)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	(void)closedir(d);
}

void
cache_tidy(int folder)
{
	tidy(folder, ".");
	tidy(folder, "pocl");
}

static int	wipe(int in, const char *name, int depth, struct err *);

static int
wipe_entry(int in, const char *name, int depth, struct err *e)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    unlinkat(in, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "cache: %s", name);
	if (depth == DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "cache: %s: too deep", name);
	if (wipe(in, name, depth + 1, e) == -1)
		return -1;
	/* The outermost stay: a driver that runs takes them for granted. */
	if (depth > 0 && unlinkat(in, name, AT_REMOVEDIR) == -1)
		return err_sys(e, "cache: %s", name);
	return 0;
}

static int
wipe(int in, const char *name, int depth, struct err *e)
{
	DIR *d = open_folder(in, name);
	struct dirent *entry;
	int res = 0;

	if (d == NULL)
		return err_sys(e, "cache: %s", name);
	while (res == 0 && (entry = readdir(d)) != NULL)
		res = wipe_entry(dirfd(d), entry->d_name, depth, e);
	(void)closedir(d);
	return res;
}

int
cache_wipe(int folder, struct err *e)
{
	return wipe(folder, ".", 0, e);
}
