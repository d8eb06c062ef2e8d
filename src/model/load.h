/*
 * load: what the files that turn ONNX bytes into a graph share.  Private to
 * model/.
 *
 * A struct load lives as long as one model_load().  What it allocates is the
 * model's and is charged to a budget in proportion to the file, so that a small
 * file cannot ask for much: a model is refused, not the machine filled.
 */
#ifndef MODEL_LOAD_H
#define MODEL_LOAD_H

#include "model/graph.h"
#include "model/onnx.h"

struct function;
struct scope;

struct load {
	struct pool		*pool;
	/* bytes we may still allocate */
	size_t			 budget;
	char			*file;		/* writable: see tensor.c */
	const struct model_source *source;
	const struct function	*functions;
	size_t			 n_functions;
	int64_t			 ir_version;
	uint64_t		 key;		/* of the hash of names */
	int			 depth;		/* graphs and calls we are in */
	int			 calls;		/* functions we are in */
	size_t			 parameters;
};

struct opset {
	const char	*domain;
	int		 version;
};

/* Attributes that a function body may refer to. */
struct attrs {
	const struct attr	*attr;
	size_t			 n;
	/* looked at next; may be NULL */
	const struct attrs	*dflt;
};

/* Set the budget for a file of n bytes. */
void	 load_budget(struct load *, size_t n);

/* n zeroed things of that size; NULL and *err over the budget. */
void	*load_get(struct load *, size_t n, size_t size, struct err *);

/* A C string of a name: UTF-8 without NUL.  NULL and *err if it is not. */
const char *load_name(struct load *, struct pb_span, struct err *);

/* A domain's name, "" for the standard one. */
const char *load_domain(struct load *, struct pb_span, struct err *);

/* The opsets of a model or function. */
int	 load_opsets(struct load *, struct pb_many, struct opset **, size_t *n,
	    struct err *);

/* Down one level of nesting and up again; fails at MODEL_DEPTH_MAX. */
int	 load_enter(struct load *, struct err *);
void	 load_leave(struct load *);

/* tensor.c: TensorProto and SparseTensorProto. */
int	 tensor_read(struct load *, struct pb_span, struct tensor *,
	    struct err *);
int	 tensor_read_sparse(struct load *, struct pb_span, struct tensor *,
	    struct err *);
int	 tensor_strings(struct load *, struct pb_many, struct string **,
	    struct err *);

/*
 * type.c: fills type, elem and shape of a value from a TypeProto (may be
 * absent).
 */
int	 type_read(struct load *, struct pb_span, struct value *, struct err *);

/*
 * attr.c: the attributes of a node of op (for messages) in a scope, by
 * position. Those that refer to an attribute the call does not have are left
 * out.
 */
int	 attr_read_all(struct load *, struct scope *, struct pb_many,
	    struct attr **, int *n, struct err *);

/* build.c: a GraphProto whose names may come from up (NULL: the main graph). */
int	 graph_read(struct load *, struct scope *up, const struct opset *,
	    size_t n_opset, struct pb_span, struct graph *, struct err *);

/*
 * order.c: put nodes where each follows its inputs; fails if there is a cycle.
 */
int	 graph_order(struct graph *, struct err *);

/* function.c: all functions of a model. */
int	 function_read_all(struct load *, struct pb_many, struct err *);

#endif
