/*
 * val: what is known of a value while planning, and the view an operator has
 * of its node.
 *
 * A value is one of three: KNOWN (its bytes are there: a constant, or computed
 * from shapes and other known values), DEVICE (its shape is known, its bytes
 * will be in device memory when the plan runs), HOST (its shape is known, its
 * bytes will be in host memory then).
 */
#ifndef PLAN_VAL_H
#define PLAN_VAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"
#include "base/shape.h"
#include "model/graph.h"

enum val_kind { VAL_UNKNOWN, VAL_KNOWN, VAL_DEVICE, VAL_HOST };

/*
 * Where the rows of a batched input lie in a value: an axis, or one of these.
 * FREE: it does not depend on the rows at all (constants).  MIXED: an element
 * may depend on several rows; whatever is computed from it is mixed, too.
 */
enum { ROW_FREE = -1, ROW_MIXED = -2 };

/*
 * How elements lie in device memory.  PLAIN: row-major, packed.  BLOCKED, rank
 * >= 3 and float only: channels (axis 1) in blocks of facts.vec, the block
 * innermost: [N][ceil(C/vec)][spatial...][vec]; lanes past C hold zeros,
 * always.
 */
enum layout { LAYOUT_PLAIN, LAYOUT_BLOCKED };

struct storage;				/* plan/plan.h */

struct val {
	enum val_kind	 kind;
	enum value_type	 form;		/* tensor, sequence, optional */
	enum dtype	 type;
	struct shape	 shape;
	int		 row;		/* axis, ROW_FREE or ROW_MIXED */

	/*
	 * KNOWN, and during a node's host(): its bytes (strings: struct
	 * string[]).
	 */
	const void	*data;
	const struct tensor *init;	/* if it is a constant of the model: its
					   identity, for packed forms of it */

	/* DEVICE: element offset into a storage, and the layout there. */
	struct storage	*store;
	int64_t		 offset;
	enum layout	 layout;
	/* the same in the other layout, if made */
	struct val	*twin;

	/* VALUE_SEQUENCE, VALUE_OPTIONAL: what is in it. */
	struct val	**elem;
	int		 n_elem;
};

struct op;				/* op/op.h */
struct epilogue;			/* plan/plan.h */
struct host_mem;			/* who owns what host() allocates */

/*
 * What an operator's functions get: the node, and its values.  in[i] and out[i]
 * are NULL where an optional one is left out; i beyond n_in is never read: use
 * view_in().
 */
struct view {
	const struct node	*node;
	const struct op		*op;
	struct val		**in, **out;
	int			 n_in, n_out;
	int			 needs;		/* set by view_need() */
	/* plan(): device forms to pass over, and which was tried last */
	int			 skip, form;
	const struct epilogue	*epi;		/* plan() only; NULL: none */
	struct host_mem		*mem;		/* host() only */
	const struct view_env	*env;		/* the engine's callbacks */
};

static inline struct val *
view_in(const struct view *v, int i)
{
	return i < v->n_in ? v->in[i] : NULL;
}

static inline struct val *
view_out(const struct view *v, int i)
{
	return i < v->n_out ? v->out[i] : NULL;
}

/*
 * plan() of an operator with several device forms, before each in turn: may
 * form i be tried?  Those before it failed their check on this device.  An
 * operator that never asks has one form; asking for one more than there are
 * and returning 1 leads to the definition.
 */
bool	 view_form(struct view *, int i);

/*
 * infer(): "I cannot tell without the bytes of input i".  Returns -1 for
 * return view_need(v, i): the planner ends the segment before this node, runs
 * what it has, and asks again with that input KNOWN (as host data).
 */
int	 view_need(struct view *, int i);

/* infer(): set output i; nothing happens if it is left out. */
void	 view_set(struct view *, int i, enum dtype, const struct shape *,
	    int row);

/*
 * Errors of an operator: names nothing (the engine puts node and model in
 * front).
 */
int	 view_error(struct err *, const char *fmt, ...) PRINTF(2, 3);

/*
 * host(): memory for output i of the type and shape inference gave, or (for
 * outputs whose shape only host() knows: inference asked for the inputs it
 * depends on, then set dimensions of -1 or not the output at all) of those
 * given.  Zeroed; NULL with *err
 * if there is no memory.  The bytes become out[i]->data.
 */
void	*view_alloc(struct view *, int i, struct err *);
void	*view_alloc_as(struct view *, int i, enum dtype, const struct shape *,
	    struct err *);
/* host(): scratch of this call. */
void	*view_scratch(struct view *, size_t n, size_t size, struct err *);
/*
 * host(): memory that lives as long as the outputs, zeroed.  For sequences and
 * optionals, which host() makes whole: out[i]->form, ->elem (vals and their
 * data from here, type and shape set), ->n_elem.
 */
void	*view_own(struct view *, size_t n, size_t size, struct err *);
/* host(): a copy of string bytes that lives as long as the outputs. */
const char *view_string(struct view *, const char *, size_t n, struct err *);

/*
 * host() of control flow: run a subgraph.  in: values for its inputs; out:
 * filled with its outputs (data in host memory, valid as long as the node's
 * outputs).
 */
struct view_env {
	int	(*run_graph)(void *arg, struct graph *, struct val **in,
		    int n_in, struct val **out, int n_out, struct err *);
	void	*arg;
};

/*
 * Generic element access for definitions: any numeric type through one pair per
 * accumulator type.  get converts (floats truncate to ints as C does, bool is
 * 0/1); set rounds to the type (float16 and smaller: to nearest even) and wraps
 * integers.
 */
double	 elem_f(enum dtype, const void *data, size_t i);
int64_t	 elem_i(enum dtype, const void *data, size_t i);
void	 elem_set_f(enum dtype, void *data, size_t i, double);
void	 elem_set_i(enum dtype, void *data, size_t i, int64_t);

/* A KNOWN value's elements as int64 into out (at most max); -1 with *err. */
int	 val_ints(const struct val *, int64_t *out, size_t max, size_t *n,
	    struct err *);
/* The only element of a KNOWN value. */
int	 val_scalar_f(const struct val *, double *, struct err *);

size_t	 val_count(const struct val *);	/* elements of a concrete shape */

#endif
