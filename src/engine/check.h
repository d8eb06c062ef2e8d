/*
 * check: is what the driver's compiler made of a kernel right?
 *
 * Compilers of OpenCL are other people's, and a wrong one gives wrong numbers
 * in silence.  So a program is compared once with the definitions, on small
 * shapes with odd tails, before a plan that needs it is used; ocl/ keeps the
 * verdict.  A plan with a program that failed is made again without it: the
 * unit that emitted it takes its next form, is taken apart, or runs on the
 * host.
 */
#ifndef ENGINE_CHECK_H
#define ENGINE_CHECK_H

#include "engine/fuse.h"

/* Steps [first, end) of a plan, and what they were emitted for. */
struct unit {
	int			 node;	/* whose level says how: net.h */
	/* of the node, or of the group's anchor; NULL: it has none */
	struct view		*v;
	const struct group	*g;	/* NULL: a node by itself */
	int			 first, end;
};

struct units {
	struct pool	*pool;		/* of groups, too */
	struct unit	*unit;		/* one per node at most */
	int		 n;
};

/*
 * Seal the plan.  1: programs in it are not to be trusted, and net->level has
 * changed; plan again.
 */
int	 check_seal(struct net *, struct plan *, const struct units *,
	    struct err *);

/*
 * trial.c: a unit with sizes of our own choice, and random numbers.
 *
 * Sizes belong to the values that the leading node reads (a group without an
 * anchor: to its result); those of all others follow.  A trial may be made for
 * the steps it has (draft), or run.
 */
#define SIZES_MAX	16

struct sizes {
	int			 n;
	const struct val	*of[SIZES_MAX];
	struct shape		 shape[SIZES_MAX];
	int64_t			 group;	/* that attribute; 0: not there */
};

struct trial;

/* The unit's own sizes.  False: it is not for trials. */
bool		 sizes_of(const struct unit *, struct sizes *);

/* NULL: such sizes do not fit together. */
struct trial	*trial_new(const struct unit *, const struct sizes *);
void		 trial_free(struct trial *);
/* Its steps in a plan that is made for it, ready for plan_find(). */
int		 trial_emit(struct trial *, struct plan *, struct err *);
/* Time of the definitions, in multiplications, roughly. */
double		 trial_cost(const struct trial *);
/*
 * Run both and compare: 1: equal; 0: not, *worst says by how much; -1: it
 * cannot be run.  facts as in plan_env.  Judges the programs that nobody has.
 */
int		 trial_run(struct net *, const struct unit *,
		    const struct sizes *, const struct ocl_facts *,
		    double *worst, struct err *);

/* numbers.c: random numbers; floats in lo + [0, range), so many integers. */
struct mix {
	double		 lo, range;
	int64_t		 from;
	uint32_t	 many;
};

void		 numbers_fill(enum dtype, void *, size_t n, const struct mix *,
		    uint32_t *seed);
/*
 * How far a is off b, 1 being the limit.  rounded: integers made of floats;
 * bytes may be rounded the other way.
 */
double		 numbers_differ(enum dtype, const void *a, const void *b,
		    size_t n, bool rounded);

/*
 * shrink.c: sizes for which the unit emits the same programs, all of the plan
 * and among them those of the steps that are wanted.  False: none that are
 * cheap enough were found.
 */
bool		 shrink(struct net *, const struct plan *, const struct unit *,
		    const bool *want, struct sizes *, struct ocl_facts *);

#endif
