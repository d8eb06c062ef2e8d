/*
 * fuse: nodes that become one kernel.
 *
 * A group ends in its root, the only node whose output anybody else sees.  All
 * members have the root's shape.  Members are pointwise (op.h: pw), but for at
 * most one, the anchor, whose kernel takes the others as its epilogue.
 * Operands from outside the group are broadcast to its shape.
 */
#ifndef ENGINE_FUSE_H
#define ENGINE_FUSE_H

#include "base/buf.h"
#include "engine/net.h"

#define GROUP_NODES	16
#define GROUP_EXT	8
#define GROUP_IN	8	/* inputs of one pointwise node */

/* What a member reads: a temporary of another member, or an operand. */
struct ref {
	bool		 ext;
	/* member or operand; the anchor is -1 */
	int		 i;
};

struct member {
	int		 node;
	struct view	*v;
	const struct pointwise *pw;
	float		 attr[PW_ATTRS];
	struct ref	 in[GROUP_IN];
	int		 n_in;
	int		 n_attr;
};

struct group {
	int		 n;
	struct member	 m[GROUP_NODES];	/* in the order of the graph */
	int		 anchor;	/* node, or -1 */
	struct view	*anchor_view;
	int		 n_ext;
	struct val	*ext[GROUP_EXT];
	struct val	*out;		/* the root's output */
};

/*
 * Collect the group that ends in node root; taken[] marks its members.  fuse
 * false: the root alone.  uses[i]: how often living nodes read value i.
 * Returns 1 if the root is not an expression that the device can compute.
 */
struct fuse_state {
	struct walk_state	*w;
	struct units		*units;		/* check.h */
	struct pool		*scratch;	/* groups: units' */
	const bool		*alive, *kept;
	bool			*taken;		/* by a group, not its root */
	int			*uses;
	bool			 fp64;
};

int		 group_make(struct fuse_state *, int root, bool fuse,
		    struct group **, struct err *);

/* How operand i lies to the group's output. */
int		 operand_kind(const struct val *operand, const struct val *out,
		    int channel_axis, enum epi_kind *);

/* Text is checked at its end: buf_failed(). */
#define PUT(...)	((void)buf_printf(__VA_ARGS__))

/* expr.c: the group's expression as OpenCL C. */

/* OpenCL's names for an element type: in memory, and computed with; or NULL. */
struct pw_type {
	const char	*mem, *calc;
	/* computed in 32 bits: has a vector form */
	bool		 vector;
};
const struct pw_type *pw_type(enum dtype, bool fp64);

/*
 * A function `name` of vectors of width (1: scalars) from v (if there is an
 * anchor), the operands and the parameters to the root's value, on one line.
 */
void		 expr_function(struct buf *, const struct group *,
		    const char *name, int width, bool fp64);
/* Two operands of different types are computed in a third: no vector form. */
const struct pw_type *expr_type(const struct member *, int i, bool fp64);
bool		 expr_mixed(const struct member *);

/*
 * What the expression needs of cl/common.h beside floats: lines of the
 * preamble.
 */
void		 expr_words(struct buf *, const struct group *);
/* ", float epi_p0, float epi_p1": declared, or passed. */
void		 expr_params(struct buf *, const struct group *, bool declare);
int		 group_params(const struct group *);
/* Does the expression map zeros to zero, for lanes past the last channel? */
bool		 expr_keeps_zero(const struct group *);

/* pointwise.c: a group without an anchor, as one kernel. */
int		 pointwise_plan(const struct group *, struct plan *,
		    struct err *);

/* epilogue.c: the anchor's kernel with the rest behind it; 1: it has none. */
int		 epilogue_plan(const struct group *, struct plan *,
		    struct err *);

#endif
