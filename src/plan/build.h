/*
 * build: the insides of a plan, for the files of this folder only.
 *
 * Steps are numbered in the order of plan_end(); a storage lives from the
 * first step that names it to the last.  An argument keeps what it refers to,
 * so that it can be applied again when the arena moves.
 */
#ifndef PLAN_BUILD_H
#define PLAN_BUILD_H

#include "base/pool.h"
#include "plan/seal.h"

#define PLAN_POOL_MAX	((size_t)256 << 20)
#define ALIGN_BYTES	((size_t)256)
#define LIFE_END	INT32_MAX

struct storage {
	struct storage	*next;
	size_t		 bytes;		/* rounded to ALIGN_BYTES */
	/* steps; -1: before all, LIFE_END: after */
	int		 first, last;
	bool		 used;
	size_t		 at;		/* in the arena, or in buf */
	struct ocl_buf	*buf;		/* NULL: the arena */
	/* a constant's bytes until it is sealed */
	const void	*fill;
	size_t		 n_fill;
	struct storage	*place;		/* lies in that one, or NULL ... */
	size_t		 place_at;	/* ... at that byte */
};

enum arg_kind { ARG_BUF, ARG_AT, ARG_BYTES, ARG_SCRATCH, ARG_ERROR };

struct arg {
	enum arg_kind	 kind;
	struct storage	*store;
	int64_t		 offset;	/* elements */
	size_t		 size;		/* of an element; of bytes */
	unsigned char	 bytes[8];
};

#define ARGS_MAX	112

struct step {
	struct step	*next;
	struct plan	*plan;
	const char	*file, *kernel, *defines, *preamble;
	struct arg	*arg;
	int		 n_arg;
	size_t		 total, local[2];
	bool		 sized;
	struct err	 err;
	const struct node *node;
	int		 node_index, index;
	/* may be overwritten by the output ... */
	struct storage	*over;
	struct storage	*out;		/* ... which is this */
	struct view	*host;
	struct ocl_step	*ocl;
};

struct plan {
	struct pool	*pool;
	struct plan_env	 env;
	struct step	*first, **tail;
	int		 n_step;
	struct storage	*stores, **store_tail;
	const struct node *node;
	int		 node_index;
	size_t		 arena;
	/* all constants that are the plan's own */
	struct ocl_buf	*consts;
	bool		 sealed;
	bool		 checks;	/* a kernel may say FAIL() */
	/* arguments are those of; 0: none yet */
	uint64_t	 generation;
	struct step	**step;		/* sealed: in order */
	/* of device steps, in order; NULL else */
	struct ocl_step	**ocl;
	struct pool	*run;		/* HOST values of the last run */
};

size_t		 elem_size(enum dtype);	/* bytes; 0: not whole, or a string */
struct storage	*storage_new(struct plan *, size_t bytes, struct err *);
void		 storage_touch(struct storage *, int step);
/* Give v a storage for its type, shape and layout, if it has none. */
int		 val_store(struct plan *, struct val *, struct err *);
bool		 val_device_bytes(const struct plan *, const struct val *,
		    enum layout, size_t *bytes);
/* The storage of a KNOWN value, uploaded: the model's or the plan's own. */
int		 val_upload(struct plan *, struct val *, struct err *);
/* Give every storage in the arena its place; returns the bytes needed. */
size_t		 arena_place(struct plan *);
struct storage	*storage_root(struct storage *);
struct storage	*pack_get(struct packs *, const struct tensor *,
		    const char *key, size_t bytes,
		    int (*fill)(void *, size_t, const struct val *,
		    const void *), const struct val *, const void *arg,
		    struct err *);

#endif
