/*
 * build: graphs being made, and where names are looked up.  Private to model/.
 *
 * A build holds the growing arrays of one graph.  A scope is a place where
 * names mean something: the main graph, a subgraph (which sees its outer
 * scopes, through captures), or the body of an inlined function (whose nodes
 * and values go into the caller's graph, but which sees only its own names).
 */
#ifndef MODEL_BUILD_H
#define MODEL_BUILD_H

#include "model/load.h"

struct build {
	struct graph	*g;
	/* malloc'ed, moved to the pool at the end */
	struct value	*value;
	int		 n_value, cap_value;
	struct node	*node;
	int		 n_node, cap_node;
};

struct name {
	struct pb_span	 name;		/* at NULL: a free slot */
	int		 value;		/* index or NO_VALUE */
	/* false: a function's output, until a node of its body gives it */
	bool		 defined;
};

struct names {
	struct name	*slot;		/* malloc'ed, a power of two of them */
	size_t		 n, cap;
	uint64_t	 key;
};

struct scope {
	struct scope		*up;	/* where to look next, or NULL */
	struct build		*build;
	struct names		 names;
	const struct opset	*opset;
	size_t			 n_opset;
	/* of the call; NULL outside functions */
	const struct attrs	*attrs;
};

/* names.c */
struct name	*names_find(const struct names *, struct pb_span);
/* A name that is not there yet.  NULL and *err: out of memory. */
struct name	*names_add(struct names *, struct pb_span, int value,
		    bool defined, struct err *);
void		 names_done(struct names *);

/* build.c: a new value; its index, or -1. */
int	 build_value(struct load *, struct build *, const char *name,
	    struct err *);
/* A new node, zeroed, to be filled; it moves when the next is added. */
struct node *build_node(struct load *, struct build *, struct err *);
/* Say that the last node gives that value. */
void	 build_produces(struct build *, int value);

/*
 * The value of a name, captured from outer scopes if need be; fails if unknown.
 */
int	 scope_find(struct load *, struct scope *, struct pb_span name,
	    int *value, struct err *);
/* A name defined here for the first time: its new value. */
int	 scope_define(struct load *, struct scope *, struct pb_span name,
	    int *value, struct err *);

/* node.c: declare what nodes give, then read them, into the scope's build. */
int	 nodes_read(struct load *, struct scope *, struct pb_many nodes,
	    struct err *);

/* function.c */
const struct function *function_find(const struct load *,
	    const struct onnx_node *);
int	 function_call(struct load *, struct scope *, const struct function *,
	    const struct onnx_node *, struct err *);

#endif
