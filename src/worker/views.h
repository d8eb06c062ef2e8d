/*
 * views: the segments of the request arena that the parent has passed, mapped
 * read-only.
 */
#ifndef WORKER_VIEWS_H
#define WORKER_VIEWS_H

#include <stdint.h>

#include "base/err.h"

struct view;

struct views {
	struct view	*view;		/* n of them, in any order */
	uint32_t	 n, cap;
};

/* Takes the descriptor over, also on failure. */
int		 views_add_own(struct views *, uint32_t id, uint64_t bytes,
		    int fd, struct err *);

/* -1: there is no such segment. */
int		 views_drop(struct views *, uint32_t id, struct err *);
void		 views_done(struct views *);

enum view_result { VIEW_OK, VIEW_UNKNOWN, VIEW_OUTSIDE };

/* Where [offset, offset + bytes) of a segment lies; no bytes: somewhere. */
enum view_result views_find(const struct views *, uint32_t id, uint64_t offset,
		    uint64_t bytes, const void **at);

#endif
