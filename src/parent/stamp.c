#include "parent/stamp.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FILES_MAX	4096	/* entries looked at, in one folder and below */

uint64_t
stamp_join(uint64_t a, uint64_t b)
{
	a = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);
	return a ^ a >> 32;
}

uint64_t
stamp_text(const char *s)
{
	uint64_t h = 1;

	while (*s != '\0')
		h = stamp_join(h, (unsigned char)*s++);
	return h;
}

uint64_t
stamp_file(const struct stat *st)
{
	const uint64_t parts[] = {
		(uint64_t)st->st_ino, (uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
	};
	uint64_t h = 1;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		h = stamp_join(h, parts[i]);
	return h;
}

uint64_t
stamp_path(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) ?
	    stamp_file(&st) : 0;
}

/* A sum over the entries: their order says nothing. */
static uint64_t
folder(const char *path, int depth, int (*enter)(const char *), int *left)
{
	char below[PATH_MAX];
	uint64_t sum = 0, one;
	struct dirent *d;
	struct stat st;
	DIR *open_dir = opendir(path);

	while (open_dir != NULL && (d = readdir(open_dir)) != NULL &&
	    (*left)-- > 0) {
		if (d->d_name[0] == '.' || snprintf(below, sizeof(below),
		    "%s/%s", path, d->d_name) >= PATH_MAX ||
		    stat(below, &st) == -1)
			continue;
		if (S_ISREG(st.st_mode))
			one = stamp_file(&st);
		else if (S_ISDIR(st.st_mode) && depth > 0 &&
		    (enter == NULL || enter(d->d_name)))
			one = folder(below, depth - 1, NULL, left);
		else
			continue;
		sum += stamp_join(stamp_text(d->d_name), one);
	}
	if (open_dir != NULL)
		(void)closedir(open_dir);
	return sum;
}

uint64_t
stamp_folder(const char *path, int depth, int (*enter)(const char *))
{
	int left = FILES_MAX;

	return folder(path, depth, enter, &left);
}
