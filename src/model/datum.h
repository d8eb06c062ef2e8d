/*
 * datum: one value in a file of its own: TensorProto, SequenceProto,
 * OptionalProto.
 *
 * What test cases give to a model and expect of it.  The three messages cannot
 * be told apart by their bytes: the caller says which it is, by the value's
 * type in the model.  Data points into the file's bytes, which the caller keeps
 * (and which may be changed, as those of a model), or into the pool.
 */
#ifndef MODEL_DATUM_H
#define MODEL_DATUM_H

#include "base/buf.h"
#include "model/graph.h"

enum datum_kind { DATUM_TENSOR, DATUM_SEQUENCE, DATUM_NONE };

struct datum {
	enum datum_kind	 kind;
	struct tensor	 tensor;	/* DATUM_TENSOR */
	struct datum	*elem;		/* DATUM_SEQUENCE: n of them */
	size_t		 n;
};

/* VALUE_UNKNOWN reads a tensor. */
int	 datum_read(struct pool *, void *bytes, size_t n, enum value_type,
	    struct datum *, struct err *);

/* A TensorProto; failure shows in the buf. */
void	 datum_write_tensor(struct buf *, const struct tensor *);

#endif
