/*
 * net: the insides of the engine, for the files of this folder only.
 *
 * A net is a model's graph after the rewrites, with what does not depend on a
 * request: rows of operators, last uses, packed weights.  A segment is a run
 * of its nodes planned for given shapes; most nets are one segment.  Between
 * segments the values that are still needed lie in host memory (struct now).
 */
#ifndef ENGINE_NET_H
#define ENGINE_NET_H

#include "engine/engine.h"
#include "op/op.h"
#include "plan/seal.h"

#define RUN_POOL_MAX	((size_t)8 << 30)
/* Kept as KNOWN between segments. */
#define KNOWN_BYTES	((size_t)1 << 16)
#define PLAN_SCRATCH	((size_t)256 << 20)
/* A shape, a list of axes: goes into a plan's key. */
#define NEED_ITEMS	64

/* A program that was told of as not used. */
struct told {
	struct told	*next;
	char		 text[];
};

struct engine {
	struct ocl		*ocl;
	struct engine_options	 opt;
	struct plan_place	 place;
	size_t			 arena_bytes;
	size_t			 held;	/* of nets in host memory */
	/* check.c */
	struct engine_trust	 trust;
	struct told		*told;
	bool			 no_blocks;	/* plan.h: plan_may_block() */
};

/* Count host memory of a net that lives, and let go of it; engine.c. */
int		 engine_hold(struct engine *, size_t bytes, struct err *);
void		 engine_let_go(struct engine *, size_t bytes);

/*
 * How the unit of a node (check.h) is emitted, below LEVEL_ALONE: fused, from
 * that device form on; from there: by itself, from the form in excess; at
 * last: by its definition.
 */
enum { LEVEL_ALONE = 64, LEVEL_HOST = 255 };

/* What a plan (or a piece of one) was made for. */
struct segment {
	struct segment	*next;		/* newest first */
	struct plan	*plan;		/* NULL: no steps */
	unsigned char	*key;
	size_t		 n_key;
	uint64_t	 hash;
	int		 from, to;	/* nodes */
	bool		 host_next;	/* node `to` runs on the host, apart */
	struct val	*val;		/* of all values */
	/* of graph outputs, if it is the last */
	struct val	**out;
	/* values to bring in: DEVICE and HOST */
	int		*in;
	int		 n_in;
	/* values to bring out for later segments */
	int		*live;
	struct val	**live_val;
	int		 n_live;
	size_t		 bytes;
	bool		 in_use;
};

struct net {
	struct engine	*e;
	struct model	*model;
	struct graph	*g;
	size_t		 n_bytes;	/* of the file */
	size_t		 held;		/* see engine_hold() */
	struct pool	*pool;
	struct packs	*packs;
	struct signature *sig;
	int		*sig_in;	/* value of input i of the signature */
	const struct op	**row;		/* of node i */
	/* of value i: node; n_node: an output; -1 */
	int		*last_use;
	/* of this run: what is known of value i */
	struct val	*now;
	bool		*read_known;	/* value i is read while planning */
	uint8_t		*level;		/* of node i: raised by failed checks */
	struct segment	*segments;
	size_t		 segment_bytes;
	struct net_options opt;
	/* largest rounded size; 0: not batchable */
	int64_t		 batch_max;
	char		 note[ERR_TEXT];
	struct profile_line *profile;
	uint32_t	 n_profile, cap_profile;
	int64_t		*ns;
	int		 cap_ns;
};

/*
 * interp.c: graphs by definitions.  A frame is one graph being run: val[i]
 * points at the value i; those of outer graphs are found through their own
 * frames.
 */
struct frame {
	const struct frame	*up;
	const struct graph	*g;
	struct val		**val;
	int			 depth;
	size_t			 memory; /* for what is made on the way */
};

/* What a run may take now; engine.c. */
size_t		 run_memory(const struct engine *);
/* Run one node; inputs are KNOWN; outputs' bytes come from out. */
int		 interp_node(const struct frame *, const struct node *,
		    struct pool *out, struct err *);
/* Run all nodes of f->g. */
int		 interp_nodes(const struct frame *, struct pool *out,
		    struct err *);
/* The same bytes in memory from out, sequences with all that is in them. */
int		 val_copy(struct val *to, const struct val *from,
		    struct pool *out, struct err *);
/* The definition as a host step of a plan: v's memory is ready. */
int		 interp_view(const struct frame *, struct view *, struct err *);
/* infer() and host() of a view whose inputs are KNOWN. */
int		 interp_run(const struct frame *, struct view *,
		    struct pool *out, struct err *);
/* A view of a node over these values; from pool. */
struct view	*view_make(struct pool *, const struct node *,
		    const struct op *, struct val *const *val, struct err *);
/* err: node "name" (Op) in front. */
int		 node_error(struct err *, const struct node *);
bool		 node_has_graph(const struct node *);
void		 val_set_init(struct val *, const struct tensor *);
/* Do the inputs' types suit the row? */
int		 view_check_types(const struct view *, struct err *);

/*
 * walk.c: infer nodes from `from` on, and compute what can be computed.  val
 * is filled from now (VAL_KNOWN: bytes may be used, others: are there at run
 * time).
 */
struct walk_state {
	struct net	*net;
	struct pool	*pool;
	struct val	*val, **ptr;	/* ptr[i] = &val[i] */
	bool		*folded;	/* node i's outputs are KNOWN */
	int		 from, to;
	bool		 host_next;	/* node `to` runs on the host, apart */
	/* the key must hold more: read_known grew */
	bool		 again;
};

int		 walk_begin(struct walk_state *, struct net *, struct pool *,
		    int from, const struct val *now, struct err *);
int		 walk_nodes(struct walk_state *, struct err *);

/*
 * plan.c: plan nodes from `from` on.  NULL and *again: the key must hold more,
 * or other forms were chosen (check.h).
 */
struct segment	*segment_plan(struct net *, int from, const struct val *now,
		    bool *again, struct err *);
void		 segment_free(struct net *, struct segment *);

/* emit.c: steps of those nodes of a segment that are alive; their units. */
struct units;
int		 emit_nodes(struct walk_state *, struct plan *,
		    const bool *alive, const bool *kept, struct units *,
		    struct err *);

/* segment.c: the cache.  net->now[i].kind tells which bytes are in the key. */
struct segment	*segment_get(struct net *, int from, struct err *);
void		 segments_drop(struct net *);

/* rewrite.c: the table of rewrites over the graph, and what they share. */
int		 rewrite_all(struct net *, struct err *);

/* rows.c: may rows of different requests share a run? */
void		 net_prove_rows(struct net *);
int64_t		 batch_round(int64_t n);
/* Plan the shapes that will come, so that no request waits for a compiler. */
int		 net_plan_ahead(struct net *, struct err *);

/* run.c */
int		 engine_arena(struct engine *, size_t bytes, struct err *);

#endif
