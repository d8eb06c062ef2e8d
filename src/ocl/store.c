#include "ocl/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX	4096
#define BYTES_MAX	((uint64_t)1 << 30)
#define FILE_MAX	((uint64_t)256 << 20)

#define SUFFIX		".clbin"
#define NAME_BYTES	(2 * SHA256_BYTES + sizeof(SUFFIX))

/* What a file begins with.  Only this machine reads it: native byte order. */
struct head {
	char		magic[8];
	uint8_t		key[SHA256_BYTES];
	uint64_t	length;			/* of what follows */
	uint8_t		sum[SHA256_BYTES];	/* of what follows */
};
static const char magic[8] = "clbin 1";

struct store {
	int		 fd;			/* the folder */
	size_t		 files_max;
	uint64_t	 bytes_max;
};

static void
name_of(const uint8_t key[SHA256_BYTES], char name[NAME_BYTES])
{
	for (int i = 0; i < SHA256_BYTES; i++)
		(void)snprintf(name + 2 * (size_t)i, 3, "%02x", key[i]);
	memcpy(name + 2 * SHA256_BYTES, SUFFIX, sizeof(SUFFIX));
}

static bool
is_ours(const struct stat *st, mode_t others)
{
	return st->st_uid == geteuid() && (st->st_mode & others) == 0;
}

struct store *
store_open(const char *dir, struct err *err)
{
	struct store *s = NULL;
	struct stat st;
	int fd;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		(void)err_sys(err, "cache folder %s", dir);
		return NULL;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		(void)err_sys(err, "cache folder %s", dir);
	else if (!is_ours(&st, S_IWGRP | S_IWOTH))
		(void)err_set(err, ERR_INVALID, "cache folder %s: belongs to "
		    "another user, or others may write to it", dir);
	else if ((s = malloc(sizeof(*s))) == NULL)
		(void)err_memory(err, "a cache", sizeof(*s));
	if (s == NULL) {
		if (fd != -1)
			(void)close(fd);
		return NULL;
	}
	*s = (struct store){ fd, FILES_MAX, BYTES_MAX };
	return s;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	(void)close(s->fd);
	free(s);
}

void
store_limit(struct store *s, size_t files, uint64_t bytes)
{
	s->files_max = files;
	s->bytes_max = bytes;
}

static bool
read_all(int fd, void *to, size_t n)
{
	char *p = to;
	ssize_t got;

	while (n > 0) {
		got = read(fd, p, n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static bool
write_all(int fd, const void *from, size_t n)
{
	const char *p = from;
	ssize_t put;

	while (n > 0) {
		put = write(fd, p, n);
		if (put == -1 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		p += put;
		n -= (size_t)put;
	}
	return true;
}

static void
sum_of(const void *data, size_t n, uint8_t out[SHA256_BYTES])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, data, n);
	sha256_end(&h, out);
}

/* The file's bytes if all about it is as we would have written it, or NULL. */
static void *
read_file(int fd, const uint8_t key[SHA256_BYTES], size_t *n)
{
	uint8_t sum[SHA256_BYTES];
	struct head h;
	struct stat st;
	void *data;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    !is_ours(&st, S_IRWXG | S_IRWXO) || !read_all(fd, &h, sizeof(h)))
		return NULL;
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 ||
	    memcmp(h.key, key, sizeof(h.key)) != 0 || h.length == 0 ||
	    h.length > FILE_MAX || (uint64_t)st.st_size != sizeof(h) + h.length)
		return NULL;
	*n = (size_t)h.length;
	if ((data = malloc(*n)) == NULL)
		return NULL;
	if (read_all(fd, data, *n)) {
		sum_of(data, *n, sum);
		if (memcmp(sum, h.sum, sizeof(sum)) == 0)
			return data;
	}
	free(data);
	return NULL;
}

enum store_result
store_get(struct store *s, const uint8_t key[SHA256_BYTES], void **data,
    size_t *n)
{
	char name[NAME_BYTES];
	int fd;

	name_of(key, name);
	/* Not blocking: somebody's FIFO is not worth waiting for. */
	fd = openat(s->fd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return STORE_NONE;
	*data = fd == -1 ? NULL : read_file(fd, key, n);
	if (*data == NULL)
		(void)unlinkat(s->fd, name, 0);
	else
		(void)futimens(fd, NULL);	/* used now; see trim() */
	if (fd != -1)
		(void)close(fd);
	return *data == NULL ? STORE_DAMAGED : STORE_FOUND;
}

/*
 * What trim() looks for: everything of ours in the folder, and what is oldest.
 */
struct survey {
	size_t		 files;
	uint64_t	 bytes;
	struct timespec	 oldest;
	char		 name[NAME_BYTES];	/* of the oldest; "": none */
};

static bool
older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec :
	    a->tv_nsec < b->tv_nsec;
}

static void
survey_file(struct survey *v, int dir, const char *name)
{
	size_t n = strlen(name);
	struct stat st;

	if (n + 1 != NAME_BYTES ||
	    strcmp(name + n + 1 - sizeof(SUFFIX), SUFFIX) != 0 ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	v->files++;
	v->bytes += (uint64_t)st.st_size;
	if (v->name[0] == '\0' || older(&st.st_mtim, &v->oldest)) {
		v->oldest = st.st_mtim;
		memcpy(v->name, name, NAME_BYTES);
	}
}

static int
survey(struct store *s, struct survey *v)
{
	int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *d;

	*v = (struct survey){ 0 };
	if (fd == -1)
		return -1;
	if ((d = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return -1;
	}
	while ((e = readdir(d)) != NULL)
		survey_file(v, s->fd, e->d_name);
	(void)closedir(d);
	return 0;
}

/* Remove the oldest until the rest is within bounds. */
static void
trim(struct store *s)
{
	struct survey v;

	while (survey(s, &v) == 0 && v.name[0] != '\0' &&
	    (v.files > s->files_max || v.bytes > s->bytes_max))
		if (unlinkat(s->fd, v.name, 0) == -1)
			return;
}

static int
write_file(struct store *s, const char *temp, const struct head *h,
    const void *data)
{
	int fd = openat(s->fd, temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool ok;

	if (fd == -1)
		return -1;
	ok = write_all(fd, h, sizeof(*h)) &&
	    write_all(fd, data, (size_t)h->length);
	if (close(fd) == -1)
		ok = false;
	return ok ? 0 : -1;
}

int
store_put(struct store *s, const uint8_t key[SHA256_BYTES], const void *data,
    size_t n, struct err *err)
{
	char name[NAME_BYTES], temp[NAME_BYTES + 16];
	struct head h = { .length = n };

	if (n == 0 || n > FILE_MAX)
		return err_set(err, ERR_LIMIT, "a binary of %zu bytes", n);
	name_of(key, name);
	(void)snprintf(temp, sizeof(temp), "%s.%d", name, (int)getpid());
	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.key, key, sizeof(h.key));
	sum_of(data, n, h.sum);
	(void)unlinkat(s->fd, temp, 0);
	if (write_file(s, temp, &h, data) == -1 ||
	    renameat(s->fd, temp, s->fd, name) == -1) {
		(void)err_sys(err, "cache file %s", name);
		(void)unlinkat(s->fd, temp, 0);
		return -1;
	}
	trim(s);
	return 0;
}
