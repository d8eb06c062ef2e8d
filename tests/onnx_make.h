/*
 * onnx_make: small ONNX files, written by tests.
 *
 *	struct onnx *o = onnx_new(17);
 *	onnx_input(o, "x", DT_FLOAT, 2, (int64_t[]){ -1, 64 });
 *	onnx_init(o, "w", DT_FLOAT, 2, (int64_t[]){ 64, 10 }, w);
 *	onnx_node(o, "MatMul", "x w", "y");
 *	onnx_output(o, "y", DT_FLOAT, 2, (int64_t[]){ -1, 10 });
 *	bytes = onnx_done(o, &n);
 *
 * Attributes belong to the node before them.  Out of memory aborts.
 */
#ifndef TESTS_ONNX_MAKE_H
#define TESTS_ONNX_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"

struct onnx;

struct onnx	*onnx_new(int opset);
/* Names of inputs and outputs with blanks between; "-" is one left out. */
void		 onnx_node(struct onnx *, const char *op, const char *in,
		    const char *out);
void		 onnx_attr_int(struct onnx *, const char *, int64_t);
void		 onnx_attr_float(struct onnx *, const char *, float);
void		 onnx_attr_string(struct onnx *, const char *, const char *);
void		 onnx_attr_ints(struct onnx *, const char *, int n,
		    const int64_t *);
void		 onnx_attr_tensor(struct onnx *, const char *, enum dtype,
		    int rank, const int64_t *dims, const void *);
/* sub is freed. */
void		 onnx_attr_graph(struct onnx *, const char *, struct onnx *sub);
/* rank -1: no shape; dims -1: symbolic. */
void		 onnx_input(struct onnx *, const char *, enum dtype, int rank,
		    const int64_t *dims);
void		 onnx_output(struct onnx *, const char *, enum dtype, int rank,
		    const int64_t *dims);
void		 onnx_init(struct onnx *, const char *, enum dtype, int rank,
		    const int64_t *dims, const void *);
/* The file, malloc'ed; frees o. */
void		*onnx_done(struct onnx *, size_t *n);

#endif
