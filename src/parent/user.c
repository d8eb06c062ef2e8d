#include "parent/user.h"

#include <errno.h>
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
make_folder(const char *path, const struct passwd *pw, struct err *e)
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
	if (lchown(part, pw->pw_uid, pw->pw_gid) == -1)
		return err_sys(e, "%s", part);
	return 0;
}

int
user_become(const char *name, const char *cache, struct err *e)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	if ((pw = getpwnam(name)) == NULL)
		return err_set(e, ERR_NOT_FOUND, "started as root, but there "
		    "is no user \"%s\" to become: name another with -u, "
		    "create it, or say -u root to stay root", name);
	if (make_folder(cache, pw, e) == -1)
		return err_prefix(e, "worker.cache");
	if (pw->pw_uid == 0) {
		log_warn("main", "running as root, as asked for");
		return 0;
	}
	if (initgroups(name, pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		return err_sys(e, "become user %s", name);
	return 0;
}
