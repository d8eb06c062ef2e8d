#include "tool/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/size.h"

/* n bytes from there into memory; fewer are an error. */
static int
read_all(int fd, void *to, size_t n, off_t from, struct err *e)
{
	ssize_t r;

	for (size_t at = 0; at < n; at += (size_t)r) {
		r = pread(fd, (char *)to + at, n - at, from + (off_t)at);
		if (r < 0 && errno == EINTR)
			r = 0;
		else if (r < 0)
			return err_sys(e, "read");
		else if (r == 0)
			return err_set(e, ERR_INVALID, "ends after %zu bytes "
			    "of %zu", at, n);
	}
	return 0;
}

static int
read_fd(int fd, void **bytes, size_t *n, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "stat");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "not a file");
	*n = (size_t)st.st_size;
	if ((*bytes = malloc(*n > 0 ? *n : 1)) == NULL)
		return err_memory(e, "a file", *n);
	if (read_all(fd, *bytes, *n, 0, e) == 0)
		return 0;
	free(*bytes);
	*bytes = NULL;
	return -1;
}

int
file_read(const char *path, void **bytes, size_t *n, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd == -1)
		return err_sys(e, "%s", path);
	r = read_fd(fd, bytes, n, e);
	(void)close(fd);
	return r == -1 ? err_prefix(e, "%s", path) : 0;
}

/* External data: a file beneath the model's folder, by no detour. */
static int
external(void *arg, const char *name, size_t off, size_t len, void *into,
    struct err *e)
{
	const struct model_file *f = arg;
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int fd, r;

	if (off > SSIZE_MAX)
		return err_set(e, ERR_INVALID, "%s: offset %zu", name, off);
	fd = (int)syscall(SYS_openat2, f->folder, name, &how, sizeof(how));
	if (fd == -1)
		return err_sys(e, "external data \"%s\"", name);
	r = read_all(fd, into, len, (off_t)off, e);
	(void)close(fd);
	return r == -1 ? err_prefix(e, "external data \"%s\"", name) : 0;
}

static bool
is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The folder's highest version with a model in it; 0: none. */
static long
newest(const char *dir)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *d = opendir(dir);
	long best = 0, version;
	char *end;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		version = strtol(entry->d_name, &end, 10);
		if (*end == '\0' && version > best &&
		    snprintf(path, sizeof(path), "%s/%ld/model.onnx", dir,
		    version) < (int)sizeof(path) && is_file(path))
			best = version;
	}
	if (d != NULL)
		(void)closedir(d);
	return best;
}

/* Which file MODEL means; malloc'ed. */
static char *
resolve(const char *model, struct err *e)
{
	struct stat st;
	char *path = NULL;
	long version;
	int r;

	if (stat(model, &st) == -1) {
		(void)err_sys(e, "%s", model);
		return NULL;
	}
	if (!S_ISDIR(st.st_mode))
		return strdup(model);
	if (asprintf(&path, "%s/model.onnx", model) != -1 && is_file(path))
		return path;
	free(path);
	if ((version = newest(model)) == 0) {
		(void)err_set(e, ERR_NOT_FOUND, "%s: no model.onnx in it",
		    model);
		return NULL;
	}
	r = asprintf(&path, "%s/%ld/model.onnx", model, version);
	return r == -1 ? NULL : path;
}

int
model_file_open(struct model_file *f, const char *model, struct err *e)
{
	char *slash, *dir;

	*f = (struct model_file){ .folder = -1 };
	if ((f->path = resolve(model, e)) == NULL)
		return -1;
	if ((dir = strdup(f->path)) == NULL)
		return err_memory(e, "a path", strlen(f->path));
	slash = strrchr(dir, '/');
	if (slash != NULL)
		slash[1] = '\0';
	f->folder = open(slash != NULL ? dir : ".",
	    O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (f->folder == -1) {
		(void)err_sys(e, "%s: its folder", f->path);
		model_file_close(f);
		return -1;
	}
	f->source = (struct model_source){ external, f };
	if (file_read(f->path, &f->bytes, &f->n, e) == 0)
		return 0;
	model_file_close(f);
	return -1;
}

void
model_file_close(struct model_file *f)
{
	free(f->path);
	free(f->bytes);
	if (f->folder != -1)
		(void)close(f->folder);
	*f = (struct model_file){ .folder = -1 };
}
