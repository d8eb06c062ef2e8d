/*
 * folders: which folders of the repositories inotify watches, for which models.
 *
 * A repository, the folders of its models, and those of their versions.  It is
 * there to be quick and no more: what it misses (limits, lost events, other
 * machines' writing, files deeper down) a scan finds.
 */
#ifndef PARENT_FOLDERS_H
#define PARENT_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "parent/conf.h"

/* One watch descriptor for one model; links may give several models one. */
struct folder {
	int		 wd;
	char		*model;		/* "": of the repository itself */
	uint32_t	 round;		/* last covered in */
};

struct folders {
	int		 fd;		/* of inotify; -1: not open */
	struct folder	*v;		/* by wd */
	size_t		 n, room;
	uint32_t	 round;
	bool		 told;		/* that a limit is reached */
};

/*
 * What happened: to a model, or with model "" to the entry of that name in a
 * repository (name "": to the repository itself); model NULL: events were lost.
 * mask is inotify's.
 */
typedef void folders_heard(void *arg, const char *model, const char *name,
		    uint32_t mask);

int		 folders_open(struct folders *, struct err *);
void		 folders_close(struct folders *);

/*
 * Watch what is there of a repository, of a model; doing so again renews what
 * was lost.  Between folders_begin() and folders_sweep() everything is covered
 * once; the latter forgets what was not.
 */
void		 folders_cover(struct folders *, const char *path,
		    const char *model);
void		 folders_cover_model(struct folders *,
		    const struct conf_list *dirs, const char *model);
void		 folders_begin(struct folders *);
void		 folders_sweep(struct folders *);

/* Tell of the events in n bytes as read from inotify. */
void		 folders_hear(struct folders *, const char *bytes, size_t n,
		    folders_heard *, void *arg);

#endif
