#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX	32

static int	empty(int in, const char *name, int depth, struct err *);

static int
remove_entry(int in, const char *name, int depth, struct err *e)
{
	if (unlinkat(in, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "%s", name);
	if (depth == DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "%s: too deep", name);
	if (empty(in, name, depth + 1, e) == -1)
		return -1;
	if (unlinkat(in, name, AT_REMOVEDIR) == -1 && errno != ENOENT)
		return err_sys(e, "%s", name);
	return 0;
}

static int
empty(int in, const char *name, int depth, struct err *e)
{
	int fd = openat(in, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int res = 0;

	if (d == NULL) {
		res = errno == ENOENT ? 0 : err_sys(e, "%s", name);
		if (fd != -1)
			(void)close(fd);
		return res;
	}
	while (res == 0 && (entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			res = remove_entry(dirfd(d), entry->d_name, depth, e);
	(void)closedir(d);
	return res;
}

int
tree_remove(int in, const char *name, struct err *e)
{
	return remove_entry(in, name, 0, e);
}

int
tree_empty(int in, const char *name, struct err *e)
{
	return empty(in, name, 0, e);
}
