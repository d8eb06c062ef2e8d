/*
 * plan: the builder that operators emit their steps through.
 *
 * An operator's plan() says which kernel, which arguments, how much work.  It
 * never sees buffers: a tensor argument is a val, and the plan knows from the
 * order of the calls how long each storage is needed.  When all nodes have
 * spoken the engine seals the plan: storages get their places in one arena,
 * programs are built, arguments applied.  Running it is then enqueueing,
 * nothing else.
 *
 * A tensor argument takes two kernel parameters: the buffer and the element
 * offset in it as a cl long.  cl/common.h spells them
 *
 *	IN(T, x)	__global const T *restrict x, long x_at
 *	OUT(T, x)	__global T *restrict x, long x_at
 *
 * without commas around them, and kernels begin with x += x_at (macro AT(x)).
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "ocl/ocl.h"
#include "plan/val.h"

struct plan;
struct step;

const struct ocl_facts *plan_facts(const struct plan *);
/*
 * May values become BLOCKED?  Not where the kernels that change layouts were
 * found to be wrong.
 */
bool		 plan_may_block(const struct plan *);

/*
 * Kernel `kernel` of cl/<file>.cl with these defines (printf); NULL with *err.
 */
struct step	*plan_step(struct plan *, struct err *, const char *file,
		    const char *kernel, const char *defines, ...) PRINTF(5, 6);

/*
 * Arguments, in the kernel's order.  Errors are kept in the step and reported
 * by plan_end(), so that calls can be strung together.
 */
void	 step_in(struct step *, struct val *);	/* KNOWN: uploaded, plain */
/* gets a storage if it has none */
void	 step_out(struct step *, struct val *);
void	 step_int(struct step *, int64_t);	/* as cl int; checked to fit */
void	 step_long(struct step *, int64_t);
void	 step_float(struct step *, float);
/*
 * Two parameters, too, with the offset in floats: IN(float, w), OUT(float, t).
 */
void	 step_pack(struct step *, struct storage *);
/* shared by all instances */
void	 step_temp(struct step *, struct storage *);
/* Memory of each instance alone, CPU profile only, once: SCRATCH(T, x). */
void	 step_scratch(struct step *, size_t bytes);
/*
 * Hint: the output may lie where v does, if nobody reads v afterwards.  Only
 * if each element (or vector) is read before its place is written, by one and
 * the same work-item, and v is read nowhere else.
 */
void	 step_over(struct step *, struct val *v);

/*
 * CPU: pieces; GPU: groups of that many work-items (0: a default of the
 * device).
 */
void	 step_groups(struct step *, size_t total, size_t local);
void	 step_groups_2d(struct step *, size_t total, size_t l0, size_t l1);
/* n independent elements, whatever the profile: cl/common.h FOR_ITEMS(i, n). */
void	 step_items(struct step *, size_t n);

/* Source text before the kernel's file; must live as long as the plan. */
void	 step_preamble(struct step *, const char *);

int	 plan_end(struct plan *, struct step *, struct err *);

/* Work memory between steps of one node. */
struct storage	*plan_temp(struct plan *, size_t bytes, struct err *);

/*
 * A constant in the form a kernel wants, made once per model when first asked
 * and shared by all plans: key says which form ("conv-nchwc nb=2").  fill
 * writes bytes to dst (zeroed) from the constant's own.  v must be KNOWN.
 */
struct storage	*plan_packed(struct plan *, const struct val *v,
		    const char *key, size_t bytes,
		    int (*fill)(void *dst, size_t bytes, const struct val *v,
		    const void *arg), const void *arg, struct err *);

/*
 * The value in that layout: itself, or its twin, made by a reorder step where
 * there is none yet.  Inputs of operators without OP_LAYOUT are made PLAIN by
 * the planner before plan() is called.
 */
struct val	*plan_as(struct plan *, struct val *, enum layout,
		    struct err *);

/*
 * out is a piece of another value's memory: no kernel.  out->store = of->store
 * at that element offset (from of's own beginning), layout kept.
 */
void	 plan_view(struct plan *, struct val *out, struct val *of,
	    int64_t offset);

/*
 * The other way round: v, which earlier steps have made, shall lie in `whole`
 * from that element on, so that it need not be copied there.  False if it
 * cannot, and nothing is changed: v is an input, a constant, or part of
 * something already.
 */
bool	 plan_adopt(struct plan *, struct val *v, struct val *whole,
	    int64_t offset);

/* An unnamed DEVICE value inside one node's plan (a converted operand, say). */
struct val	*plan_new_val(struct plan *, enum dtype, const struct shape *,
		    struct err *);

/*
 * A step that runs on the host between device steps: the engine brings v's
 * inputs to host memory, calls the node's host(), and takes the outputs back.
 * The fallback of every operator; an operator may ask for it, too.
 */
int	 plan_host(struct plan *, struct view *, struct err *);

/*
 * A kernel met an index from data that was out of range: kernels that check
 * take two parameters, cl/common.h's ERR_WORD ("__global int *err, int
 * err_code"), and store err_code in *err.  The code is the node's place in the
 * graph plus one.
 */
void	 step_error_word(struct step *, const struct view *);

/*
 * What follows a kernel's result before it is stored: a fused expression.
 *
 * The kernel's source says EPI_ARGS at the end of its parameters (before WORK)
 * and
 *	v = EPI(v, same, chan)
 * for each element or vector it is about to store: `same` is the element
 * offset of v in its output (from the output's beginning), `chan` its channel
 * index.  Without an epilogue both are empty.  The form for native vectors
 * (VFLOAT) is VEPI.  There `same` is the offset of its first element and the
 * others follow; their channels follow one another, too, if the layout is
 * BLOCKED or the channel axis is the last one, else all elements are of the
 * one channel `chan`. Operands are of three kinds; an operator that takes
 * epilogues says which axis of its output is "chan" (op.h).
 *
 * The preamble is compiled before the kernel's file and so before cl/common.h.
 * It only defines macros: EPI_TEXT (functions: common.h places it after its
 * own), EPI_ARGS (begins with a comma: "k(IN(float, x), OUT(float, y), int n
 * EPI_ARGS WORK)") and the EPI forms.  common.h defines those that are not.
 */
enum epi_kind { EPI_SAME, EPI_CHANNEL, EPI_SCALAR };

#define EPI_MAX		6

struct epilogue {
	/* OpenCL C: defines EPI, EPI_ARGS, ... */
	char		*preamble;
	/* "-DEPILOGUE=<hash>": part of the key */
	char		*defines;
	int		 n;
	struct {
		enum epi_kind	 kind;
		struct val	*v;
	} operand[EPI_MAX];
	/* attributes as floats, after the operands */
	int		 n_param;
	float		 param[2 * EPI_MAX];
	/*
	 * BLOCKED: lanes past the last channel must be made zero again; epi_c
	 * comes last
	 */
	bool		 mask;
	/* the value to store instead of the node's */
	struct val	*out;
};

/*
 * plan() of an operator with OP_EPILOGUE: the value to write (the epilogue's,
 * or the node's own output 0), and the epilogue's arguments, to be called last
 * before step_groups().  layout: how the kernel writes; SAME operands are
 * brought to it, CHANNEL operands are padded to a multiple of vec.
 */
struct val	*view_result(const struct view *);
void		 step_epilogue(struct step *, const struct view *,
		    enum layout);

#endif
