/*
 * bind: a job's descriptor on one side, a run of the engine on the other.
 *
 * The rows of all parts are joined along axis 0 into one input per name,
 * without copying; each part's rows of each output are found again in the
 * joined result.
 */
#ifndef WORKER_BIND_H
#define WORKER_BIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/signature.h"
#include "engine/engine.h"
#include "ipc/desc.h"

struct views;

/* Where an output of a run was placed. */
struct placed {
	bool		 there;
	enum dtype	 type;
	struct shape	 shape;
	uint64_t	 offset;	/* in the output arena */
	uint64_t	 bytes;
};

struct binder {
	struct io	 in[SIG_TENSORS_MAX];
	struct io_seg	*seg;			/* cap_seg of them */
	uint32_t	 cap_seg;
	uint64_t	 want[WANT_WORDS];	/* of all parts */
	struct placed	 out[SIG_TENSORS_MAX];
	struct done_part *part;			/* cap_part of them */
	struct err	*part_err;		/* their texts */
	uint32_t	 cap_part;
	struct done_output *done_out;		/* each of them per part */
	uint32_t	 cap_out, each;
};

void	 binder_done(struct binder *);

/*
 * Room for the answer to a job of a model with n_out outputs: b->part, all
 * without error and outputs.
 */
int	 binder_room(struct binder *, const struct job *, uint32_t n_out,
	    struct err *);

/*
 * Fill in[], want[] for the parts [first, first + n) of a job.
 * ERR_UNAVAILABLE: a segment is not known (yet); ERR_INTERNAL: the parts do not
 * fit together, or lie outside of their segment.
 */
int	 bind_inputs(struct binder *, const struct views *,
	    const struct signature *, const struct job *, uint32_t first,
	    uint32_t n, struct err *);

/*
 * Can rows of these types be told apart by bytes, so that parts may share a
 * run?
 */
bool	 bind_can_share(const struct signature *);

/*
 * Give each of those parts its rows of what was placed; arena: where offsets
 * count from.
 */
int	 bind_outputs(struct binder *, const unsigned char *arena,
	    const struct job *, uint32_t first, uint32_t n, struct err *);

#endif
