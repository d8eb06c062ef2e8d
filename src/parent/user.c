#include "parent/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* A folder and those above it; only one that is new changes hands. */
static int
make_folder(const char *path, const struct user *u, struct err *e)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return err_set(e, ERR_LIMIT, "%s: path too long", path);
	for (char *slash = part; (slash = strchr(slash + 1, '/')) != NULL;) {
		*slash = '\0';
		if (mkdir(part, 0755) == -1 && errno != EEXIST)
			return err_sys(e, "%s", part);
		*slash = '/';
	}
	if (mkdir(part, 0755) == -1)
		return errno == EEXIST ? 0 : err_sys(e, "%s", part);
	/* Nobody else can have put a link in a folder of root's. */
	if (lchown(part, u->uid, u->gid) == -1)
		return err_sys(e, "%s", part);
	return 0;
}

int
user_find(const char *name, struct user *u, struct err *e)
{
	const struct passwd *pw;

	memset(u, 0, sizeof(*u));
	u->name = name;
	u->root = geteuid() == 0;
	if (!u->root)
		return 0;
	if ((pw = getpwnam(name)) == NULL)
		return err_set(e, ERR_NOT_FOUND, "started as root, but there "
		    "is no user \"%s\" to become: name another with -u, "
		    "create it, or say -u root to stay root", name);
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	return 0;
}

int
user_give(const struct user *u, const char *path, struct err *e)
{
	struct stat st;
	int fd, r;

	if (!u->root)
		return 0;
	/* In a folder of somebody else's it may be another file by now. */
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) == -1 || !S_ISSOCK(st.st_mode) || st.st_nlink != 1)
		r = err_set(e, ERR_INVALID, "%s: not the socket that was made",
		    path);
	else if ((r = fchownat(fd, "", u->uid, u->gid, AT_EMPTY_PATH)) == -1)
		r = err_sys(e, "%s", path);
	(void)close(fd);
	return r;
}

int
user_become(const struct user *u, const char *cache, struct err *e)
{
	if (!u->root)
		return 0;
	if (make_folder(cache, u, e) == -1)
		return err_prefix(e, "worker.cache");
	if (u->uid == 0) {
		log_warn("main", "running as root, as asked for");
		return 0;
	}
	if (initgroups(u->name, u->gid) == -1 ||
	    setresgid(u->gid, u->gid, u->gid) == -1 ||
	    setresuid(u->uid, u->uid, u->uid) == -1)
		return err_sys(e, "become user %s", u->name);
	return 0;
}
