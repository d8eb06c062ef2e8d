/*
 * table: what models.c, version.c and ticket.c share of the table of models.
 */
#ifndef PARENT_TABLE_H
#define PARENT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "parent/models.h"
#include "parent/repo.h"

struct event;
struct parent;

struct models {
	struct parent	*parent;
	struct model	*first;
	struct version	*all;		/* that live, also retiring ones */
	uint32_t	 ids;
	struct ticket	*tickets;
	struct event	*answer;	/* tickets that are decided */
};

struct ticket {
	struct models	*models;
	struct model	*model;		/* a reference */
	bool		 decided;
	struct err	 err;		/* the first failure */
	void		(*done)(void *, const struct err *);
	void		*arg;
	struct ticket	*next, **prev;
};

/* version.c: referenced once, in no list of its model.  NULL: no memory. */
struct version	*version_new(struct model *, const struct repo_version *,
		    struct model_config *);

/* Into and out of a list that is sorted by falling number. */
void		 version_link(struct version **list, struct version *);
void		 version_unlink(struct version **list, struct version *);
struct version	*version_by_number(struct version *list, int64_t number);

/*
 * Out of its model's lists: it takes no new requests, and lives until the last
 * one it has is answered.  Gives up the table's reference.
 */
void		 version_retire(struct version *);
void		 model_put(struct model *);

/* ticket.c: NULL: no memory. */
struct ticket	*ticket_new(struct models *, struct model *,
		    void (*done)(void *, const struct err *), void *arg);

/* Its done() is called from the loop, soon. */
void		 ticket_decide(struct ticket *);

/* A version of the model is ready, or failed with that reason. */
void		 tickets_settle(struct model *, const char *failure);

/* Is any version of it still on its way? */
bool		 model_is_loading(const struct model *);

#endif
