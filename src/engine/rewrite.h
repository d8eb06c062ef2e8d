/*
 * rewrite: changes to a graph that keep its answers.
 *
 * Each rewrite is a file and a row of the table in rewrite.c; each is
 * optional. Nodes are never moved: one that is not needed any more has no row,
 * new constants are new values behind the others.
 */
#ifndef ENGINE_REWRITE_H
#define ENGINE_REWRITE_H

#include "engine/net.h"

struct rewrite {
	struct net	*net;
	struct graph	*g;
	/* of value i: by nodes, outputs, captures */
	int		*uses;
	bool		*captured;	/* by a subgraph */
	int		 cap;		/* values there is room for */
};

typedef int	 rewrite_fn(struct rewrite *, struct err *);

rewrite_fn	 rewrite_drop, rewrite_fold, rewrite_affine;

/* The constant of a value that nobody can override, or NULL. */
const struct tensor *rewrite_const(const struct rewrite *, int value);
/* The only node that reads the value, if one does and nobody else; or -1. */
int		 rewrite_reader(const struct rewrite *, int value);
/*
 * A node does nothing any more: readers of its output 0 read `value` instead.
 */
void		 rewrite_remove(struct rewrite *, int node, int value);
/* A new float constant, zeroed, to be filled; its value index in *value. */
float		*rewrite_new_const(struct rewrite *, const char *name,
		    const struct shape *, int *value, struct err *);

#endif
