/*
 * graph: an ONNX model after loading, everything checked once.
 *
 * After model_load() succeeds, later stages need not defend themselves against
 * the file: every name is resolved to a value index, nodes are in an order in
 * which each follows its inputs, attributes have the type they claim, tensors
 * have as many bytes as type and shape say, depth and counts are within limits.
 * What an operator makes of its attributes and shapes is still its own
 * business.
 *
 * All of it lives in the model's pool; tensor data points into the file's bytes
 * (kept by the model) or into the pool where the file's form needs converting.
 *
 * Source: onnx.proto (ONNX IR version 3 to 13).
 */
#ifndef MODEL_GRAPH_H
#define MODEL_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/shape.h"
#include "base/signature.h"

#define NO_VALUE	(-1)	/* an optional input or output left out */

struct string {
	/* NUL behind, but may hold NULs: see n */
	const char	*s;
	size_t		 n;
};

/* A constant.  Read-only. */
struct tensor {
	const char	*name;
	enum dtype	 type;
	struct shape	 shape;
	size_t		 count;		/* elements */
	/* of data; strings: count * sizeof(struct string) */
	size_t		 bytes;
	/* little-endian, packed; strings: struct string[] */
	const void	*data;
};

enum attr_type {
	ATTR_FLOAT = 1, ATTR_INT, ATTR_STRING, ATTR_TENSOR, ATTR_GRAPH,
	ATTR_FLOATS, ATTR_INTS, ATTR_STRINGS, ATTR_TENSORS, ATTR_GRAPHS,
	ATTR_SPARSE, ATTR_TYPE = 13,
};

struct attr {
	const char	*name;
	enum attr_type	 type;
	size_t		 n;		/* of the plural forms */
	union {
		float			 f;
		int64_t			 i;
		struct string		 s;
		const float		*floats;
		const int64_t		*ints;
		const struct string	*strings;
		const struct tensor	*t;		/* one, or n of them */
		struct graph		*g;		/* one, or n of them */
		/* its type, elem, shape */
		const struct value	*type_of;
	};
};

struct node {
	/* never NULL; made up if the file has none */
	const char	*name;
	const char	*op;		/* "Conv" */
	/* "" for the standard one ("ai.onnx") */
	const char	*domain;
	/* version of that domain in this model */
	int		 opset;
	int		 n_in, n_out, n_attr;
	int		*in, *out;	/* value indices or NO_VALUE */
	struct attr	*attr;
};

enum value_type {
	VALUE_TENSOR,
	VALUE_SEQUENCE,			/* of tensors of elem */
	VALUE_OPTIONAL,			/* of a tensor or sequence */
	/* the file does not say; inference will */
	VALUE_UNKNOWN,
};

struct value {
	const char		*name;	/* never NULL */
	enum value_type		 type;
	enum dtype		 elem;	/* DT_NONE: not said */
	bool			 has_shape;
	struct shape		 shape;	/* -1: symbolic or not said */
	const char		*dim_name[MAX_RANK];	/* dim_param or NULL */
	/* constant, or the default of an input */
	const struct tensor	*init;
	/* node index; -1: input, constant, capture */
	int			 producer;
	/* index in the parent's values it captures; -1 if it is our own */
	int			 outer;
};

struct graph {
	const char	*name;
	struct graph	*parent;	/* NULL: the main graph */
	struct value	*value;
	int		 n_value;
	struct node	*node;		/* in executable order */
	int		 n_node;
	/*
	 * Value indices; an input with init is optional unless the IR version
	 * makes it a constant.
	 */
	int		*in, *out;
	int		 n_in, n_out;
};

struct model {
	struct pool	*pool;
	void		*bytes;		/* the file, if it was given to us */
	const char	*producer;
	int64_t		 ir_version;
	int		 opset;		/* of the standard domain */
	struct graph	*graph;
	size_t		 parameters;	/* elements of all initializers */
};

/*
 * Where a model's external tensor data comes from: fill a malloc'ed buffer with
 * bytes [off, off + len) of the file `name` beside the model (never outside its
 * folder), or fail.  NULL: external data is refused.
 */
struct model_source {
	int	(*external)(void *arg, const char *name, size_t off,
		    size_t len, void *into, struct err *);
	void	*arg;
};

/*
 * Read an ONNX file of n bytes.  On success the model owns bytes (malloc'ed)
 * and frees it; on failure (NULL, *err) the caller still does.  Model-local
 * functions are inlined, constants (Constant nodes) become initializers. Memory
 * beyond the file itself is bounded: MODEL_POOL_MAX.
 */
struct model	*model_load(void *bytes, size_t n, const struct model_source *,
		    struct err *);
void		 model_free(struct model *);		/* NULL is fine */

#define MODEL_POOL_MAX	((size_t)1 << 30)
#define MODEL_DEPTH_MAX	32		/* graphs within graphs */

/*
 * Attribute access for operators: absent gives the default, a wrong type fails.
 */
const struct attr *attr_find(const struct node *, const char *name);
int	 attr_int(const struct node *, const char *, int64_t dflt, int64_t *,
	    struct err *);
int	 attr_float(const struct node *, const char *, float dflt, float *,
	    struct err *);
/* "" and so on: dflt may be NULL. */
int	 attr_string(const struct node *, const char *, const char *dflt,
	    const char **, struct err *);
/* *v NULL and *n 0 if absent. */
int	 attr_ints(const struct node *node, const char *name, const int64_t **v,
	    size_t *n, struct err *);
int	 attr_floats(const struct node *node, const char *name, const float **v,
	    size_t *n, struct err *);
int	 attr_tensor(const struct node *, const char *, const struct tensor **,
	    struct err *);
int	 attr_graph(const struct node *, const char *, struct graph **,
	    struct err *);

#endif
