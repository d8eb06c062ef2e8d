#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/size.h"

/* One component at a time, no links: for a kernel without openat2. */
static int
walk(int dir, const char *name, int flags)
{
	char part[NAME_MAX + 1];
	const char *end;
	int fd = dir, next;

	for (;; name = end + strspn(end, "/")) {
		end = name + strcspn(name, "/");
		if (end == name || end - name > NAME_MAX ||
		    (end - name == 2 && memcmp(name, "..", 2) == 0)) {
			errno = EXDEV;
			next = -1;
		} else {
			memcpy(part, name, (size_t)(end - name));
			part[end - name] = '\0';
			next = openat(fd, part, O_CLOEXEC | O_NOFOLLOW |
			    (*end == '\0' ? flags : O_PATH | O_DIRECTORY));
		}
		if (fd != dir)
			(void)close(fd);
		if (next == -1 || *end == '\0')
			return next;
		fd = next;
	}
}

int
beneath_open(int dir, const char *name, int flags, struct err *e)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd == -1 && errno == ENOSYS)
		fd = walk(dir, name, flags);
	if (fd != -1)
		return fd;
	if (errno == EXDEV || errno == ELOOP)
		return err_set(e, ERR_INVALID,
		    "%s: leads out of its folder", name);
	/* A sandbox that is older than the folder says this, too. */
	if (errno == EACCES)
		return err_set(e, ERR_UNAVAILABLE, "%s: permission denied",
		    name);
	if (errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, "%s", name);
	return err_set(e, ERR_NOT_FOUND, "%s: no such file", name);
}

int
beneath_parent(int dir, const char *name, const char **base, struct err *e)
{
	const char *slash = strrchr(name, '/');
	char path[PATH_MAX];

	*base = slash != NULL ? slash + 1 : name;
	if (slash == NULL || slash == name)
		return beneath_open(dir, ".", O_PATH | O_DIRECTORY, e);
	if ((size_t)(slash - name) >= sizeof(path))
		return err_set(e, ERR_LIMIT, "%s: too long a path", name);
	memcpy(path, name, (size_t)(slash - name));
	path[slash - name] = '\0';
	return beneath_open(dir, path, O_PATH | O_DIRECTORY, e);
}

static int
read_all(int fd, void *into, size_t n, size_t off, const char *name,
    struct err *e)
{
	unsigned char *to = into;
	ssize_t got;

	for (size_t done = 0; done < n; done += (size_t)got) {
		got = pread(fd, to + done, n - done, (off_t)(off + done));
		if (got == -1 && errno == EINTR)
			got = 0;
		else if (got == -1)
			return err_sys(e, "%s: read", name);
		else if (got == 0)
			return err_set(e, ERR_INVALID,
			    "%s: ends at byte %zu, want %zu", name, off + done,
			    off + n);
	}
	return 0;
}

/* An open regular file and its size. */
static int
open_file(int dir, const char *name, size_t *bytes, struct err *e)
{
	struct stat st;
	int fd = beneath_open(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, e);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		(void)err_sys(e, "%s", name);
	else if (!S_ISREG(st.st_mode))
		(void)err_set(e, ERR_INVALID, "%s: no regular file", name);
	else {
		*bytes = (size_t)st.st_size;
		return fd;
	}
	(void)close(fd);
	return -1;
}

void *
beneath_read(int dir, const char *name, size_t max, size_t *n, struct err *e)
{
	size_t bytes = 0;
	int fd = open_file(dir, name, &bytes, e);
	void *into = NULL;

	if (fd == -1)
		return NULL;
	if (bytes > max)
		(void)err_set(e, ERR_LIMIT, "%s: %zu bytes, limit %zu", name,
		    bytes, max);
	else if ((into = malloc(bytes > 0 ? bytes : 1)) == NULL)
		(void)err_memory(e, name, bytes);
	else if (read_all(fd, into, bytes, 0, name, e) == -1) {
		free(into);
		into = NULL;
	}
	(void)close(fd);
	if (into != NULL)
		*n = bytes;
	return into;
}

int
beneath_read_at(int dir, const char *name, size_t off, size_t len, void *into,
    struct err *e)
{
	size_t bytes = 0;
	int fd = open_file(dir, name, &bytes, e);
	int res;

	if (fd == -1)
		return -1;
	if (size_within(off, len, bytes))
		res = read_all(fd, into, len, off, name, e);
	else
		res = err_set(e, ERR_INVALID,
		    "%s: %zu bytes at %zu, but it has %zu", name, len, off,
		    bytes);
	(void)close(fd);
	return res;
}
