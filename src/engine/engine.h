/*
 * engine: ONNX models on one OpenCL device.
 *
 *	bytes --engine_load--> model_run --engine_run(shapes)--> outputs
 *
 * Used by clinferd-worker and by the tool's run, check and bench.  One thread
 * calls it.  An engine holds one device; models share its arena, its program
 * cache and its queue.  After an ERR_DEVICE the engine must not be used again:
 * the process should end.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"
#include "base/shape.h"
#include "base/signature.h"
#include "model/graph.h"

struct engine;
struct net;			/* a loaded model, ready to run */
struct ocl;			/* ocl/ocl.h: an opened device */

struct engine_options {
	/* read kernels from here, not the built-in */
	const char	*cl_dir;
	bool		 no_fusion;	/* every rewrite off: tests compare */
	/* fill buffers with NaN before each run: tests */
	bool		 nan_fill;
	/* run everything with the definitions: tests */
	bool		 host_only;
	bool		 profile;	/* time every step */
	/* of plans kept per model; 0: default */
	size_t		 plan_bytes;
	/*
	 * Of all models together, host and device, and of what a run needs on
	 * top, but for plans (plan_bytes) and while a model is read; 0: what
	 * there is.
	 */
	size_t		 memory_max;
	/*
	 * Told within net_load() and net_run() when planning and compiling for
	 * new shapes begins and ends, so that a supervisor can allow for it;
	 * or NULL.
	 */
	void		(*planning)(void *arg, bool begins);
	void		*planning_arg;
	/*
	 * Compare each program once with the definitions before it is used.
	 * One that fails is not: slower forms take its place, and demoted() is
	 * told, once for each, with a line for a log.
	 */
	bool		 check;
	void		(*demoted)(void *arg, const char *line);
	void		*demoted_arg;
};

/*
 * The engine keeps the pointer to the opened device; the caller closes it
 * last.
 */
struct engine	*engine_new(struct ocl *, const struct engine_options *,
		    struct err *);
void		 engine_free(struct engine *);

/* Bytes of memory_max that are left: at least 1; SIZE_MAX: not limited. */
size_t		 engine_room(const struct engine *);

/* Programs so far, with the option `check`. */
struct engine_trust {
	unsigned	 good;		/* compared here, and right */
	unsigned	 bad;		/* wrong, here or in an earlier life */
	unsigned	 unchecked;	/* used, but no small case was found */
};
const struct engine_trust *engine_trust(const struct engine *);

struct net_options {
	/* check and plan up to here; 0: as it comes */
	int64_t		 batch_max;
	bool		 prepare_sizes;	/* plan the usual batch sizes at load */
};

/*
 * Load, prepare and check a model.  Owns bytes as model_load() does.  Errors
 * name the node and what is not supported.
 */
struct net	*net_load(struct engine *, void *bytes, size_t n,
		    const struct model_source *, const struct net_options *,
		    struct err *);
void		 net_free(struct net *);

const struct signature *net_signature(const struct net *);
/* bytes, host and device */
size_t		 net_memory(const struct net *);
/* Why the net is not batchable, or "": one line for a log. */
const char	*net_note(const struct net *);

/*
 * One input or output of a run.  An input's rows may come from several places
 * (members of a batch): segs are joined along axis 0 in order.  Strings:
 * uint32 little-endian length + bytes each, as V2 BYTES.
 * Sequences and optionals: type kind below, elems their tensors.
 */
struct io_seg {
	const void	*data;
	size_t		 bytes;
};

enum io_kind { IO_TENSOR, IO_SEQUENCE, IO_NONE };

struct io {
	enum io_kind	 kind;		/* IO_NONE: optional input absent */
	enum dtype	 type;
	struct shape	 shape;		/* of all segs joined */
	struct io_seg	*seg;
	uint32_t	 n_seg;
	struct io	*elems;		/* IO_SEQUENCE */
	uint32_t	 n_elems;
};

/*
 * Gives the place for bytes of output i, to be filled before net_run()
 * returns; NULL means no memory (the run fails with ERR_MEMORY).  Called once
 * per wanted output, when its shape is known.
 */
struct run_sink {
	void	*(*place)(void *arg, uint32_t i, const struct io *shape_of,
		    size_t bytes);
	void	*arg;
};

/*
 * One inference.  in: n_in of the signature.  want: bit i set = output i
 * wanted. The sink receives each wanted output's type, shape and bytes.
 * Failures that are the request's own (a bad shape, an index out of range, too
 * much memory) leave the net as it was; ERR_DEVICE does not.
 */
int		 net_run(struct net *, const struct io *in, uint32_t n_in,
		    const uint64_t *want, const struct run_sink *,
		    struct err *);

/* For engine_options.profile: steps of the last run by time, as text lines. */
struct profile_line {
	const char	*kernel, *node;
	int64_t		 ns;
};
uint32_t	 net_profile(const struct net *, const struct profile_line **);

/*
 * What of a model would not run, without a device: calls found(arg, node, why)
 * for each node; returns their number.
 */
int		 engine_unsupported(const struct model *,
		    void (*found)(void *arg, const struct node *,
		    const char *why),
		    void *arg);

#endif
