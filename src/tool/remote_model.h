/* remote_model: a model behind a daemon: what it takes, and requests to it. */
#ifndef TOOL_REMOTE_MODEL_H
#define TOOL_REMOTE_MODEL_H

#include "tool/remote.h"
#include "tool/value.h"

/* Which model. */
struct remote_model {
	const char	*name;
	const char	*version;	/* NULL: the newest */
};

/* What it takes and gives; signature_free() is the caller's. */
struct signature *remote_signature(struct remote *,
	    const struct remote_model *, struct err *);

/*
 * Which inputs may be left out: only clinferd's and Triton's configuration says
 * it; for a daemon that does not, none.
 */
void	 remote_mark_optional(struct remote *, const struct remote_model *,
	    struct signature *);

/* The outputs of one request. */
struct remote_outputs {
	struct sig_tensor *names;	/* of outputs.n */
	struct outputs	 outputs;
	char		 model[SIG_NAME_MAX], version[32];
};

/* in[]: as the signature's inputs; out lives in the pool. */
int	 remote_infer(struct remote *, const struct remote_model *,
	    const struct signature *, const struct io *in, struct pool *,
	    struct remote_outputs *, struct err *);

/* The path of a model, or of what belongs to it ("/infer"). */
int	 remote_model_path(struct buf *, const struct remote_model *,
	    const char *what, struct err *);

/* Name, type and shape of a tensor; no dimension is less than that. */
int	 remote_tensor(const json_t *, int64_t least, struct sig_tensor *,
	    struct err *);

/* "FP32", or ONNX's name where the protocol has none. */
const char *remote_type(enum dtype);

#endif
