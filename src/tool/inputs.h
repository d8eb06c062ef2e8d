/* inputs: what the command line gives a model, name by name. */
#ifndef TOOL_INPUTS_H
#define TOOL_INPUTS_H

#include "engine/engine.h"
#include "tool/file.h"

#define INPUTS_MAX	64

struct inputs {
	/* NAME=FILE, NAME=@zeros, =@ones; the only input's may lack NAME= */
	const char	*given[INPUTS_MAX];
	int		 n_given;
	const char	*shape[INPUTS_MAX];	/* NAME=1x3x224x224 */
	int		 n_shape;
	bool		 all;		/* one that is not given is an error */
};

/* Another -i; false if there are too many. */
bool	 inputs_add(struct inputs *, const char *arg);

/* Another --shape; false if there are too many or it has no "=". */
bool	 inputs_add_shape(struct inputs *, const char *arg);

/*
 * The io of every input of a model's signature: a file, zeros, or ones; "any"
 * dimensions of what has only a shape come from --shape, else they are 1.
 * Optional inputs that are not given are IO_NONE.
 * types[i] says what a file for input i holds (value_types()).
 */
int	 inputs_make(const struct inputs *, const struct signature *,
	    const enum value_type *types, struct pool *, struct io *,
	    struct err *);

/* Per input and output of the signature: tensor, sequence or optional. */
struct value_types {
	enum value_type	 in[SIG_TENSORS_MAX];
	enum value_type	 out[SIG_TENSORS_MAX];
};

/* From the model itself; its bytes are read, and read again by who loads it. */
int	 value_types(struct model_file *, struct value_types *, struct err *);

#endif
