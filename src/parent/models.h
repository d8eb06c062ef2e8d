/*
 * models: the repository, the versions of each model, and where each is loaded.
 *
 * A model is a name; a version of it is what a request binds to when it
 * arrives. A version never changes once it is loaded: a reload makes a new
 * struct version with the same number, and the old one retires when its last
 * reference goes. Others read the fields below and write none.
 */
#ifndef PARENT_MODELS_H
#define PARENT_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/signature.h"
#include "parent/modelconf.h"
#include "parent/stats.h"

struct parent;
struct models;
struct request_queue;
struct placement;

#define MODEL_NAME_MAX	256	/* bytes, the NUL included */

enum version_state {
	VERSION_LOADING, /* no worker has it yet; signature may be NULL */
	VERSION_READY,		/* at least one worker has it */
	VERSION_UNAVAILABLE,	/* failed everywhere: reason says why */
	VERSION_UNLOADING, /* takes no new requests; ends with the last one */
};

struct version {
	struct model		*model;
	int64_t			 number;
	uint32_t		 id; /* never used twice: names it to workers */
	enum version_state	 state;
	/* of VERSION_UNAVAILABLE, or why another did not replace it; or NULL */
	char			*reason;
	struct signature	*signature;	/* NULL until first loaded */
	struct model_config	*config; /* as read or made; never NULL */
	/* 0: requests are never joined or split */
	int64_t			 batch_max;
	struct version_stats	 stats;
	/* bytes in one worker, as it reports */
	size_t			 memory;

	struct version		*next;	/* of the model, newest number first */

	/* Of models.c, places.c and queue.c. */
	uint32_t		 refs;
	struct version		*all_next, **all_prev;	/* of all that live */
	char			*dir;		/* holds the model's file... */
	char			*file;		/* ...of this name */
	struct request_queue	*queue;
	struct placement	*places;	/* one per worker slot */
	/* no worker has it since; 0: one has */
	int64_t			 lost_ns;
	uint64_t		 stamp;	/* of its files: changed or not */
	/* of a replacement that killed workers; 0: none did */
	uint64_t		 deadly;
	/* an older one serves until it is ready */
	bool			 pending;
	/* by the last look at the repository */
	bool			 wanted;
};

struct model {
	char			 name[MODEL_NAME_MAX];
	struct model		*next;		/* by name */
	struct models		*models;
	struct version		*versions;	/* newest number first */
	/* why what the repository holds could not be tried; or NULL */
	char			*reason;
	/* on request; stays until loaded again, or changed */
	bool			 unloaded;

	/* Of models.c. */
	uint64_t		 seen;	/* the repository's stamp of it then */
	struct version		*pending; /* reloads: not to be seen yet */
	uint32_t		 refs;	/* the table's, and one per version */
	bool			 gone;		/* from the repository */
};

/* "READY", "LOADING", "UNLOADING", "UNAVAILABLE": as the index says it. */
const char	*version_state_name(enum version_state);

/* All models by name: for (m = models_first(x); m != NULL; m = m->next). */
struct model	*models_first(const struct models *);

/* By name; NULL if the repository has none such. */
struct model	*models_find(const struct models *, const char *name);

/*
 * The version to use: by its text ("3"), or the newest ready one if version is
 * NULL.  Texts and codes are those that clients of Triton know: ERR_NOT_FOUND
 * (no such model, version, or none available), ERR_UNAVAILABLE (known, not
 * ready). Borrowed: take a reference with version_get() to keep it past this
 * callback; a request that is submitted needs one.
 */
struct version	*models_version(const struct models *, const char *name,
		    const char *version, struct err *);

/*
 * As models_version() but finds versions in any state, for metadata and stats.
 */
struct version	*models_any_version(const struct models *, const char *name,
		    const char *version, struct err *);

/*
 * Does a worker have it, or did one within the last two seconds?  (A version
 * that was ready once stays VERSION_READY, and takes requests, while its
 * workers are replaced.)
 */
bool		 version_is_ready(const struct version *);

struct version	*version_get(struct version *);
void		 version_put(struct version *);		/* NULL is fine */

/*
 * Load (or reload) a model from the repository, or unload it.  done() is called
 * once from the loop with *err (ERR_NONE: well), unless the ticket is dropped
 * first.  A reload that fails keeps the old versions serving.
 * NULL: refused at once, *err says why.
 */
struct ticket;
struct ticket	*models_load(struct models *, const char *name,
		    void (*done)(void *arg, const struct err *), void *arg,
		    struct err *);
struct ticket	*models_unload(struct models *, const char *name,
		    void (*done)(void *arg, const struct err *), void *arg,
		    struct err *);
void		 ticket_drop(struct ticket *);	/* done() will not be called */

/* For main.c: an empty table; the whole repository, now; the end. */
struct models	*models_new(struct parent *, struct err *);
void		 models_reload(struct models *);
void		 models_free(struct models *);		/* NULL is fine */

/*
 * For watch.c.  Bring a model to what the repository holds: what is new or has
 * changed is loaded, in place of what it was; what failed is tried again; what
 * serves goes on until another is ready.  One that was unloaded on request
 * stays so until something has changed.
 */
void		 models_bring(struct models *, const char *name);

/* Is this stamp of it (repo.h) what was brought, or tried, last? */
bool		 models_seen(const struct models *, const char *name,
		    uint64_t stamp);

/* It is gone from the repository, for good. */
void		 models_retire(struct models *, const char *name);

/*
 * For places.c: every version that lives, and its state has changed for good.
 */
struct version	*models_all(const struct models *);
struct parent	*models_parent(const struct models *);
void		 models_settled(struct version *);

#endif
