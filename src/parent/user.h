/*
 * user: giving up root.
 *
 * Started as root the daemon binds its ports, makes the folder it needs, and
 * then becomes an ordinary user for good.  The only place where that happens.
 */
#ifndef PARENT_USER_H
#define PARENT_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* Whom to become. */
struct user {
	const char	*name;		/* the caller's */
	uid_t		 uid;
	gid_t		 gid;
	bool		 root;		/* we are root: there is a choice */
};

/* Look the user up, if we are root.  -1: *err says what to do. */
int	 user_find(const char *name, struct user *, struct err *);

/*
 * Give the user a socket that root has just made, so that its group can use it
 * and the user take it away again.  Nothing to do if we are not root.
 */
int	 user_give(const struct user *, const char *socket_path, struct err *);

/*
 * If we are root: make the folder for caches, with its parents, belong to that
 * user unless it is there already, and become the user with all its groups.
 * "root" stays root.
 */
int	 user_become(const struct user *, const char *cache, struct err *);

#endif
