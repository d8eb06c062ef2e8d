/*
 * user: giving up root.
 *
 * Started as root the daemon binds its ports, makes the folder it needs, and
 * then becomes an ordinary user for good.  The only place where that happens.
 */
#ifndef PARENT_USER_H
#define PARENT_USER_H

#include "base/err.h"

/*
 * If we are root: make the folder for caches, with its parents, belong to that
 * user unless it is there already, and become the user.  "root" stays root.
 * -1: *err says what to do.
 */
int	 user_become(const char *name, const char *cache, struct err *);

#endif
