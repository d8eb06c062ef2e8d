/*
 * op_help: one node, its values and its definition, without a graph.
 *
 * Tensors and attributes are written as text:
 *
 *	f[2,2]: 1 2 3 4		float; d double, i int64, n int32, u uint8,
 *				c int8, b bool; "-" is an input left out
 *	axis=1 alpha=0.5 pads=[0,1] mode=reflect scales=[0.5,2.0] keys={a,b}
 */
#ifndef TESTS_OP_HELP_H
#define TESTS_OP_HELP_H

#include "base/pool.h"
#include "op/op.h"
#include "plan/host_mem.h"

#define OP_INPUTS	8
#define OP_OUTPUTS	4

struct op_case {
	struct pool	*pool;
	struct host_mem	 mem;
	struct node	 node;
	struct attr	 attr[20];
	struct val	 val[OP_INPUTS + OP_OUTPUTS];
	struct val	*in[OP_INPUTS], *out[OP_OUTPUTS];
	struct view	 view;
	struct err	 err;
};

void	 op_case_open(struct op_case *, const char *domain, const char *op,
	    int opset);
void	 op_case_close(struct op_case *);
/* Bytes that live as long as the case. */
void	*op_case_get(struct op_case *, size_t);
void	 op_case_attrs(struct op_case *, const char *text);
/* Inputs, separated by ';'. */
void	 op_case_inputs(struct op_case *, const char *text);
/* A tensor from text into v; ends after it. */
const char *op_case_val(struct op_case *, const char *text, struct val *);
void	 op_case_outputs(struct op_case *, int n);
/* infer() and host(): 0, or -1 with c->err. */
int	 op_case_run(struct op_case *);

#endif
