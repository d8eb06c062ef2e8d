/*
 * pointwise: rows that are one expression (op.h, expr.h).
 *
 * EXPR and its kin make the C functions and the text of one expression under an
 * id; PW_ROW makes the row.  inferring and defining are generic.
 */
#ifndef OP_POINTWISE_H
#define OP_POINTWISE_H

#include "op/expr.h"
#include "op/op.h"

/* Broadcast shapes; the expression's type or the first input's. */
int	 pw_infer(struct view *, struct err *);
int	 pw_host(struct view *, struct err *);
/* Output 0: that type, what the first n inputs broadcast to. */
int	 pw_infer_as(struct view *, int n, enum dtype, struct err *);
/* Opset 1 to 6: the second input is laid along "axis" if "broadcast" is set. */
int	 pw_legacy_infer(struct view *, struct err *);
int	 pw_legacy_host(struct view *, struct err *);
/* The expression's parameters: from its attrs() or the node's attributes. */
int	 pw_params(const struct view *, const struct pointwise *,
	    float attr[PW_ATTRS], struct err *);

#define PW_FN(T, name, bind, expr)					\
static T								\
name(T x, T y, T z, const float *attr)					\
{									\
	bind								\
	(void)x;							\
	(void)y;							\
	(void)z;							\
	(void)attr;							\
	return expr;							\
}

#define PW_BIND1(a)		const float a = attr[0];
#define PW_BIND2(a, b)		const float a = attr[0]; \
				const float b = attr[1];

#define PW_ALL(id, expr)						\
PW_FN(double, id##_f, , expr)						\
PW_FN(int64_t, id##_i, , expr)						\
PW_FN(uint64_t, id##_u, , expr)

/* Any number; the same for tests, whose result is a bool. */
#define EXPR(id, n, expr)						\
PW_ALL(id, expr)							\
static const struct pointwise pw_##id = {				\
	.arity = n, .text = #expr, .f = id##_f, .i = id##_i, .u = id##_u, \
};
#define TEST(id, n, expr)						\
PW_ALL(id, expr)							\
static const struct pointwise pw_##id = {				\
	.arity = n, .text = #expr, .f = id##_f, .i = id##_i, .u = id##_u, \
	.out = DT_BOOL,							\
};
/* Integers and bools only. */
#define EXPR_INT(id, n, expr)						\
PW_FN(int64_t, id##_i, , expr)						\
PW_FN(uint64_t, id##_u, , expr)						\
static const struct pointwise pw_##id = {				\
	.arity = n, .text = #expr, .i = id##_i, .u = id##_u,		\
};
#define TEST_INT(id, n, expr)						\
PW_FN(int64_t, id##_i, , expr)						\
PW_FN(uint64_t, id##_u, , expr)						\
static const struct pointwise pw_##id = {				\
	.arity = n, .text = #expr, .i = id##_i, .u = id##_u,		\
	.out = DT_BOOL,							\
};
/* Floats only, with none, one, two attributes. */
#define EXPR_F(id, n, expr)						\
PW_FN(double, id##_f, , expr)						\
static const struct pointwise pw_##id = {				\
	.arity = n, .text = #expr, .f = id##_f,				\
};
#define EXPR_F1(id, n, a, da, expr)					\
PW_FN(double, id##_f, PW_BIND1(a), expr)				\
static const struct pointwise pw_##id = {				\
	.arity = n, .text = #expr, .attr = { { #a, da } }, .n_attr = 1,	\
	.f = id##_f,							\
};
#define EXPR_F2(id, n, a, da, b, db, expr)				\
PW_FN(double, id##_f, PW_BIND2(a, b), expr)				\
static const struct pointwise pw_##id = {				\
	.arity = n, .text = #expr,					\
	.attr = { { #a, da }, { #b, db } }, .n_attr = 2, .f = id##_f,	\
};

#define PW_ROW(op, from, to, takes, id)					\
{									\
	.name = op, .since = from, .until = to, .types = takes,		\
	.infer = pw_infer, .host = pw_host, .pw = &pw_##id,		\
}
#define PW_LEGACY(op, takes, id)					\
{									\
	.name = op, .since = 1, .until = 6, .types = takes,		\
	.infer = pw_legacy_infer, .host = pw_legacy_host,		\
}

#endif
