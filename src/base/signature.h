/*
 * signature: what a loaded model takes and gives.
 *
 * Made by the engine, sent by the worker, kept by the parent (which never sees
 * the model itself), printed by the tool.
 */
#ifndef BASE_SIGNATURE_H
#define BASE_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/shape.h"

#define SIG_TENSORS_MAX	256	/* inputs, and outputs, of one model */
#define SIG_NAME_MAX	256	/* bytes of a name, its NUL included */

struct sig_tensor {
	char		name[SIG_NAME_MAX];
	enum dtype	type;
	struct shape	shape;		/* -1: any */
	bool		has_shape;	/* false: not even the rank is known */
	bool		optional;	/* an input that may be left out */
};

struct signature {
	uint32_t	 n_in, n_out;
	/*
	 * True if axis 0 of every input and output counts independent rows:
	 * proved from the graph and then checked with numbers.  Only then may
	 * requests share a run, or one be split over several.
	 */
	bool		 batchable;
	struct sig_tensor *in;		/* n_in of them */
	struct sig_tensor *out;		/* n_out of them */
};

/* NULL if out of memory; tensors zeroed. */
struct signature *signature_new(uint32_t n_in, uint32_t n_out);
void		 signature_free(struct signature *);	/* NULL is fine */
bool		 signature_equal(const struct signature *,
		    const struct signature *);

/* The first tensor whose type is not known, or NULL. */
const struct sig_tensor *signature_untyped(const struct signature *);

/* The index of the input (output) of that name, or -1. */
int		 signature_find_in(const struct signature *, const char *name);
int		 signature_find_out(const struct signature *, const char *name);

#endif
