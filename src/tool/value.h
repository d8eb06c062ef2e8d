/*
 * value: inputs and outputs of runs in this process.
 *
 * Inputs come from files or are filled; outputs are caught and turned into
 * datums, which can be printed, saved and compared with what a test case
 * expects.
 */
#ifndef TOOL_VALUE_H
#define TOOL_VALUE_H

#include "base/signature.h"
#include "engine/engine.h"
#include "model/datum.h"

/*
 * What the engine takes, from a datum; it points into the datum and the pool.
 */
int	 value_io(struct pool *, const struct datum *, struct io *,
	    struct err *);

/*
 * An input from a file: .npy, or a message of ONNX (then type says which).  The
 * file's bytes stay in the pool.
 */
int	 value_file(struct pool *, const char *path, enum value_type,
	    struct datum *, struct err *);

/* A tensor whose elements are all that number (0 or 1); strings are empty. */
int	 value_fill(struct pool *, enum dtype, const struct shape *, int number,
	    struct datum *, struct err *);

/* The outputs of one run. */
struct outputs {
	struct pool	*pool;
	/* n of them, as the signature's outputs */
	struct datum	*datum;
	uint32_t	 n;
	/* what the engine has placed, as it came */
	struct caught	*caught;
};

/* Run with in[]; out's datums are in the pool. */
int	 value_run(struct net *, const struct io *in, uint32_t n_in,
	    struct pool *, struct outputs *out, struct err *);

/*
 * A tensor from bytes as they go over HTTP (strings: as io_seg), copied into
 * the pool.
 */
int	 value_bytes(struct pool *, enum dtype, const struct shape *,
	    const void *bytes, size_t n, struct datum *, struct err *);

/* "name float[1,10]: 0.1 0.2 ..." on standard output. */
void	 value_print(const char *name, const struct datum *);

/* dir/name.npy, or .pb where NumPy has no such type. */
int	 value_save(const char *dir, const char *name, const struct datum *,
	    struct err *);

/* All of them, named as names[] is; the folder is made if need be. */
int	 value_save_all(const char *dir, const struct sig_tensor *names,
	    const struct outputs *, struct err *);

#endif
