#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/tree.h"
#include "ocl/tempdir.h"
#include "worker/cache.h"

/* The outermost folders stay: a driver that runs takes them for granted. */
static int
wipe(int folder, const char *name, struct err *e)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strncmp(name, TEMPDIR_PREFIX, strlen(TEMPDIR_PREFIX)) == 0 ||
	    unlinkat(folder, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "%s", name);
	return tree_empty(folder, name, e);
}

int
cache_wipe(int folder, struct err *e)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int res = 0;

	if (d == NULL) {
		res = err_sys(e, "cache");
		if (fd != -1)
			(void)close(fd);
		return res;
	}
	while (res == 0 && (entry = readdir(d)) != NULL)
		res = wipe(folder, entry->d_name, e);
	(void)closedir(d);
	return res;
}
