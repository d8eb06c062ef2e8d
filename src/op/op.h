/*
 * op: what an operator is.
 *
 * One row and at most three functions; nothing else in the engine knows
 * operator names.  An opset change is another row.  A new operator is a row
 * and a case; a new family is op/x.c with cl/x.cl and one line in op.c's list
 * of families.
 */
#ifndef OP_OP_H
#define OP_OP_H

#include "plan/plan.h"
#include "plan/val.h"

enum op_flag {
	OP_LAYOUT = 1,		/* plan() deals with BLOCKED inputs itself */
	OP_EPILOGUE = 2,	/* plan() applies v->epi */
	OP_RANDOM = 4,		/* gives other values each time: never folded */
	OP_HOST_CHEAP = 8,	/* on KNOWN inputs: fold, however large */
	OP_SHAPE_ONLY = 16,	/* needs shapes of inputs, never their bytes */
};

struct op {
	const char	*domain, *name;	/* domain NULL: the standard one */
	int		 since, until;	/* opsets it speaks for; until 0: on */
	/*
	 * Element types it takes, one word per input, separated by blanks, the
	 * last word for all further ones: letters f (float) d (double) h
	 * (half, bfloat16) i (signed) u (unsigned) b (bool) s (string) c
	 * (complex) x (small floats and 4-bit types), * (any).
	 */
	const char	*types;
	unsigned	 flags;
	/*
	 * Output types and shapes from inputs' types, shapes and KNOWN bytes;
	 * rows.
	 */
	int		(*infer)(struct view *, struct err *);
	/*
	 * The definition, on host memory: short, obvious, every type, no
	 * speed.
	 */
	int		(*host)(struct view *, struct err *);
	/*
	 * The speed: steps on the device.  Returns 0; 1 for "not this form,
	 * use the definition" (nothing emitted); -1 with *err.  NULL: always
	 * the definition.
	 */
	int		(*plan)(struct view *, struct plan *, struct err *);
	/* OP_EPILOGUE: which axis of output 0 is the epilogue's channel. */
	int		(*channel_axis)(const struct view *);
	/*
	 * Set: the device form is this expression, plan is NULL; infer and host
	 * are there as on every row (mostly op/pointwise.c's).
	 */
	const struct pointwise *pw;
};

/*
 * A pointwise operator is one expression, written once: compiled as C for the
 * host (in double, int64_t and uint64_t) and kept as text for the device.  In
 * it x, y, z are the inputs and attributes go by their names.  Only functions
 * that op/expr.h defines for both worlds, scalar and vector, may be used: no
 * ?: but SEL(cond, a, b), no comparison operators but LT(a, b), EQ(a, b), ...;
 * tests are used by SEL only, or are the whole expression of an operator with
 * a bool output.
 */
#define PW_ATTRS	4

struct pw_attr {
	const char	*name;
	float		 dflt;
};

struct pointwise {
	int		 arity;		/* 1..3; 0: any, folded from the left */
	const char	*text;		/* the expression as OpenCL C */
	struct pw_attr	 attr[PW_ATTRS];
	int		 n_attr;
	/* DT_NONE: as input 0; DT_BOOL: a test */
	enum dtype	 out;
	double		(*f)(double x, double y, double z, const float *attr);
	int64_t		(*i)(int64_t x, int64_t y, int64_t z,
	    const float *attr);
	uint64_t	(*u)(uint64_t x, uint64_t y, uint64_t z,
	    const float *attr);
	/*
	 * The parameters, if they are not simply the attributes of those names
	 * (Clip's bounds are inputs).  Returns 1 for "not as an expression
	 * here".
	 */
	int		(*attrs)(const struct view *, float *attr,
	    struct err *);
};

/*
 * On the device: bool inputs come as int 0 or 1; a result for a bool output is
 * whatever is not zero.  Inputs whose element types differ (Where) are the
 * row's own care: y and z have the output's type.
 */

/* The row for an operator of that opset, or NULL. */
const struct op	*op_find(const char *domain, const char *name, int opset);

/* The i-th row, NULL at the end: for listings and for tests over all rows. */
const struct op	*op_row(int i);

/* Is this element type among the row's types for input i? */
bool		 op_takes(const struct op *, int i, enum dtype);

/* A family: its rows end with a row whose name is NULL. */
#define OP_FAMILY(name)	extern const struct op name[]

#endif
