/*
 * landlock: which files, sockets and processes a worker reaches.
 *
 * Numbers are given here, not taken from the system's header, which on an older
 * system knows less than the kernel that this runs on.
 */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "worker/sandbox.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset	444
#define SYS_landlock_add_rule		445
#define SYS_landlock_restrict_self	446
#endif

enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1, LINK_DEPTH = 1 };

#define FS_EXECUTE	(UINT64_C(1) << 0)
#define FS_WRITE_FILE	(UINT64_C(1) << 1)
#define FS_READ_FILE	(UINT64_C(1) << 2)
#define FS_READ_DIR	(UINT64_C(1) << 3)
#define FS_TRUNCATE	(UINT64_C(1) << 14)
#define FS_IOCTL_DEV	(UINT64_C(1) << 15)

#define FS_READ		(FS_READ_FILE | FS_READ_DIR)
#define FS_RUN		(FS_READ | FS_EXECUTE)
#define FS_DEVICE	(FS_READ | FS_WRITE_FILE | FS_IOCTL_DEV)
#define FS_ALL		((UINT64_C(1) << 16) - 1)
#define FS_CACHE	(FS_ALL & ~(FS_IOCTL_DEV | FS_EXECUTE | FS_MAKE_NODES))
#define FS_MAKE_NODES	(UINT64_C(1) << 6 | UINT64_C(1) << 11)
/* What may be allowed on something that is not a folder. */
#define FS_ON_FILE	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | \
			    FS_TRUNCATE | FS_IOCTL_DEV)

#define NET_TCP		UINT64_C(3)	/* bind, connect */
#define SCOPE_ALL	UINT64_C(3)	/* abstract sockets, signals */

/* What each version of the interface knows, from 1 up. */
static const struct abi {
	uint64_t	fs, net, scoped;
	size_t		size;		/* of struct ruleset */
} abis[] = {
	{ (1 << 13) - 1, 0, 0, 8 },
	{ (1 << 14) - 1, 0, 0, 8 },
	{ (1 << 15) - 1, 0, 0, 8 },
	{ (1 << 15) - 1, NET_TCP, 0, 16 },
	{ (1 << 16) - 1, NET_TCP, 0, 16 },
	{ (1 << 16) - 1, NET_TCP, SCOPE_ALL, 24 },
};

struct ruleset {
	uint64_t	fs, net, scoped;
};

struct rule {
	uint64_t	allowed;
	int32_t		fd;
} __attribute__((packed));

/* Where drivers and the tools they start live, and what they ask about. */
static const struct place {
	const char	*path;
	uint64_t	 allow;
} places[] = {
	{ "/usr", FS_RUN },
	{ "/bin", FS_RUN },
	{ "/sbin", FS_RUN },
	{ "/lib", FS_RUN },
	{ "/lib32", FS_RUN },
	{ "/lib64", FS_RUN },
	{ "/opt", FS_RUN },
	{ "/proc", FS_READ },
	{ "/sys", FS_READ },
	{ "/etc/OpenCL", FS_READ },
	{ "/etc/alternatives", FS_READ },
	{ "/etc/drirc", FS_READ },
	{ "/etc/ld.so.cache", FS_READ },
	{ "/etc/ld.so.conf", FS_READ },
	{ "/etc/ld.so.conf.d", FS_READ },
	{ "/etc/ld.so.preload", FS_READ },
	{ "/etc/localtime", FS_READ },
	{ "/etc/nvidia", FS_READ },
	{ "/dev/null", FS_DEVICE },
	{ "/dev/zero", FS_DEVICE },
	{ "/dev/random", FS_READ },
	{ "/dev/urandom", FS_READ },
	{ "/dev/dri", FS_DEVICE },
	{ "/dev/kfd", FS_DEVICE },
};

/* NVIDIA's driver names its threads in /proc and shares memory with itself. */
static const struct place nvidia[] = {
	{ "/proc", FS_READ | FS_WRITE_FILE },
	{ "/dev/shm", FS_ALL & ~(FS_EXECUTE | FS_MAKE_NODES) },
	{ "/dev/nvidiactl", FS_DEVICE },
	{ "/dev/nvidia-uvm", FS_DEVICE },
	{ "/dev/nvidia-uvm-tools", FS_DEVICE },
	{ "/dev/nvidia-caps", FS_DEVICE },
};

enum { NVIDIA_CARDS = 32 };

struct landlock {
	int			 set;
	const struct abi	*abi;
};

static int
allow_fd(const struct landlock *l, int fd, uint64_t allow, struct err *e)
{
	struct rule r = { .allowed = allow & l->abi->fs, .fd = fd };
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "landlock: fstat");
	if (!S_ISDIR(st.st_mode))
		r.allowed &= FS_ON_FILE;
	if (syscall(SYS_landlock_add_rule, l->set, RULE_PATH_BENEATH, &r,
	    0) == -1)
		return err_sys(e, "landlock: add rule");
	return 0;
}

/* What is not there needs no rule. */
static int
allow(const struct landlock *l, const char *path, uint64_t what, struct err *e)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	int res;

	if (fd == -1)
		return 0;
	res = allow_fd(l, fd, what, e);
	(void)close(fd);
	return res == 0 ? 0 : err_prefix(e, "%s", path);
}

static int
allow_places(const struct landlock *l, const struct place *p, size_t n,
    struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (allow(l, p[i].path, p[i].allow, e) == -1)
			return -1;
	return 0;
}

static int
allow_nvidia(const struct landlock *l, struct err *e)
{
	char path[32];

	if (access("/dev/nvidiactl", F_OK) == -1)
		return 0;
	for (int i = 0; i < NVIDIA_CARDS; i++) {
		(void)snprintf(path, sizeof(path), "/dev/nvidia%d", i);
		if (allow(l, path, FS_DEVICE, e) == -1)
			return -1;
	}
	return allow_places(l, nvidia, nitems(nvidia), e);
}

/*
 * Of an ICD file: the folder of the library it names, if it names one by path.
 */
static int
allow_library(const struct landlock *l, const char *icd, struct err *e)
{
	char line[4096], *slash;
	FILE *f = fopen(icd, "re");
	int res = 0;

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL && line[0] == '/') {
		slash = strrchr(line, '/');
		slash[slash == line] = '\0';
		res = allow(l, line, FS_RUN, e);
	}
	(void)fclose(f);
	return res;
}

static int
allow_driver(const struct landlock *l, struct err *e)
{
	const char *icd = getenv("OCL_ICD_VENDORS");

	if (icd == NULL || icd[0] != '/')
		return 0;
	if (allow(l, icd, FS_READ, e) == -1)
		return -1;
	return allow_library(l, icd, e);
}

/*
 * A model repository, and where links in it lead that stand for a model or a
 * version: what lies elsewhere is often linked into place.
 */
static int
allow_linked(const struct landlock *l, const char *path, int depth,
    struct err *e)
{
	char name[PATH_MAX];
	DIR *d = opendir(path);
	struct dirent *entry;
	struct stat st;
	int res = 0;

	while (d != NULL && res == 0 && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.' || (size_t)snprintf(name,
		    sizeof(name), "%s/%s", path, entry->d_name) >=
		    sizeof(name) || lstat(name, &st) == -1)
			continue;
		if (S_ISLNK(st.st_mode))
			res = allow(l, name, FS_READ, e);
		else if (S_ISDIR(st.st_mode) && depth < LINK_DEPTH)
			res = allow_linked(l, name, depth + 1, e);
	}
	if (d != NULL)
		(void)closedir(d);
	return res;
}

static int
allow_models(const struct landlock *l, const char *path, struct err *e)
{
	if (allow(l, path, FS_READ, e) == -1)
		return -1;
	return allow_linked(l, path, 0, e);
}

static int
allow_paths(const struct landlock *l, const struct sandbox_paths *p,
    struct err *e)
{
	if (p->cache != -1 && allow_fd(l, p->cache, FS_CACHE, e) == -1)
		return err_prefix(e, "cache");
	if (p->cl_dir != NULL && allow(l, p->cl_dir, FS_READ, e) == -1)
		return -1;
	for (uint32_t i = 0; i < p->n_read; i++)
		if (allow_models(l, p->read[i], e) == -1)
			return -1;
	return 0;
}

static int
allow_all(const struct landlock *l, const struct sandbox_paths *p,
    struct err *e)
{
	if (allow_places(l, places, nitems(places), e) == -1 ||
	    allow_nvidia(l, e) == -1 || allow_driver(l, e) == -1)
		return -1;
	return allow_paths(l, p, e);
}

int
landlock_enter(const struct sandbox_paths *paths, int *abi, struct err *e)
{
	struct landlock l;
	struct ruleset r;
	long has = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    CREATE_VERSION);
	int res = -1;

	if (has < 1)
		return err_sys(e, "landlock");
	l.abi = &abis[has <= (long)nitems(abis) ? has - 1 :
	    (long)nitems(abis) - 1];
	r = (struct ruleset){ l.abi->fs, l.abi->net, l.abi->scoped };
	l.set = (int)syscall(SYS_landlock_create_ruleset, &r, l.abi->size, 0);
	if (l.set == -1)
		return err_sys(e, "landlock: ruleset");
	if (allow_all(&l, paths, e) == 0) {
		res = (int)syscall(SYS_landlock_restrict_self, l.set, 0);
		if (res == -1)
			(void)err_sys(e, "landlock: restrict");
	}
	(void)close(l.set);
	if (res == 0)
		*abi = (int)has;
	return res;
}
