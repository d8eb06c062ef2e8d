/*
 * seal: what the engine does with a plan before and after operators fill it.
 *
 *	plan_new - plan_input* - (plan_node, op->plan())* - plan_output*
 *	- plan_seal - plan_run*, each with the arena that all plans share
 *
 * A storage is a range of the arena (lifetime known when the plan is sealed),
 * or a buffer of its own (packed weights, constants).
 */
#ifndef PLAN_SEAL_H
#define PLAN_SEAL_H

#include "plan/plan.h"

/* Packed forms of a model's constants, shared by its plans. */
struct packs;
struct packs	*packs_new(struct ocl *, struct err *);
void		 packs_free(struct packs *);		/* NULL is fine */
size_t		 packs_bytes(const struct packs *);	/* on the device */

struct plan_env {
	struct ocl	*ocl;
	struct packs	*packs;
	/*
	 * Call the definition of v's node: inputs' and outputs' memory is
	 * ready.
	 */
	int		(*host)(void *arg, struct view *v, struct err *);
	void		*arg;
	/* what operators shall take the device to be; NULL: as it is */
	const struct ocl_facts *facts;
	bool		 no_blocks;	/* see plan_may_block() */
	/* only to see which steps there would be: constants are not made */
	bool		 draft;
};

struct plan	*plan_new(const struct plan_env *, struct err *);
void		 plan_free(struct plan *);		/* NULL is fine */

/* Memory that lives as long as the plan. */
struct pool	*plan_pool(struct plan *);

/* Who emits from now on: for names, and for the error word (index + 1). */
void		 plan_node(struct plan *, const struct node *, int index);
const struct node *plan_node_now(const struct plan *);

/* v is written by the engine before the first step. */
int		 plan_input(struct plan *, struct val *, struct err *);
/* v is read by the engine after the last step; made PLAIN. */
int		 plan_output(struct plan *, struct val **, struct err *);

/* The same, in the layout that it has. */
int		 plan_keep(struct plan *, struct val *, struct err *);

/*
 * Steps and their programs, which are not built yet, so that what is known of
 * them can be asked.  Of drafts, only the steps.  Nothing can be added then.
 */
int		 plan_find(struct plan *, struct err *);
/* Places, programs; after plan_find(), or without. */
int		 plan_seal(struct plan *, struct err *);

/* bytes it needs of it */
size_t		 plan_arena(const struct plan *);
/* its own, an estimate */
size_t		 plan_bytes(const struct plan *);
int		 plan_steps(const struct plan *);

/* Where the plan runs.  generation changes whenever the buffers do. */
struct plan_place {
	struct ocl_buf	*arena;
	struct ocl_buf	*error;		/* one int */
	uint64_t	 generation;
};

/* Bytes of an input or output between host and arena. */
int		 plan_write(struct plan *, const struct plan_place *,
		    const struct val *, size_t off, const void *, size_t n,
		    struct err *);
int		 plan_read(struct plan *, const struct plan_place *,
		    const struct val *, void *, size_t n, struct err *);
/* The bytes themselves where the device's memory is the host's, else NULL. */
void		*plan_at(struct plan *, const struct plan_place *,
		    const struct val *);

/*
 * Run all steps.  ns: NULL, or plan_steps() times.  HOST values live until the
 * next run, or plan_drop().
 */
int		 plan_run(struct plan *, const struct plan_place *, int64_t *ns,
		    struct err *);
void		 plan_drop(struct plan *);

/* Of step i, after plan_find(): is its program right?  Host steps are. */
enum ocl_trust	 plan_step_trust(const struct plan *, int i);
void		 plan_step_judge(struct plan *, int i, enum ocl_trust);
/* Do two steps run the same program?  Host steps have none. */
bool		 plan_step_same(const struct plan *, int i,
		    const struct plan *, int k);
/* For people: kernel, file and defines. */
void		 plan_step_text(const struct plan *, int i, char *, size_t);

/* A float map of that shape on the host, from plain to blocks and back. */
void		 layout_block(const struct shape *, int vec,
		    const float *plain, float *blocked);
void		 layout_plain(const struct shape *, int vec,
		    const float *blocked, float *plain);

/* Kernel (or "host") and node of step i. */
const char	*plan_step_kernel(const struct plan *, int i);
const struct node *plan_step_node(const struct plan *, int i);

#endif
