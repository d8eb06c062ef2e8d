/* Operators that choose between values: Where, Clip. */
#include <math.h>

#include "op/pointwise.h"
#include "op/shape.h"

PW_FN(double, where_f, , SEL(NE(x, 0), y, z))
PW_FN(int64_t, where_i, , SEL(NE(x, 0), y, z))
PW_FN(uint64_t, where_u, , SEL(NE(x, 0), y, z))
static const struct pointwise pw_where = {
	.arity = 3, .text = "SEL(NE(x, 0), y, z)",
	.f = where_f, .i = where_i, .u = where_u,
};

static int
where_infer(struct view *v, struct err *e)
{
	if (op_want(v, 3, e) != 0)
		return -1;
	if (v->in[1]->type != v->in[2]->type)
		return view_error(e, "inputs 1 and 2 have different types");
	return pw_infer_as(v, 3, v->in[1]->type, e);
}

/* Of any type, so elements are copied. */
static int
where_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	const uint8_t *cond = v->in[0]->data;
	struct walk w;

	if (out == NULL)
		return -1;
	walk_init(&w, &v->out[0]->shape);
	for (int i = 0; i < 3; i++)
		walk_add(&w, &v->in[i]->shape);
	for (; walk_more(&w); walk_next(&w)) {
		int k = cond[w.off[0]] ? 1 : 2;

		elem_copy(v->out[0]->type, out, w.i, v->in[k]->data,
		    (size_t)w.off[k]);
	}
	return 0;
}

/* Bounds as floats; not an expression if they are not known or not floats. */
static int
clip_attrs(const struct view *v, float *attr, struct err *e)
{
	static const char *const name[2] = { "min", "max" };
	static const float none[2] = { -INFINITY, INFINITY };

	if (v->in[0]->type != DT_FLOAT)
		return 1;
	for (int i = 0; i < 2; i++) {
		const struct val *b = view_in(v, i + 1);
		double x;

		if (b == NULL) {
			if (attr_float(v->node, name[i], none[i], &attr[i],
			    e) != 0)
				return -1;
			continue;
		}
		if (b->data == NULL)
			return 1;
		if (val_scalar_f(b, &x, e) != 0)
			return -1;
		attr[i] = (float)x;
	}
	return 0;
}

PW_FN(double, clip_f, PW_BIND2(lo, hi), MIN(MAX(x, lo), hi))
static const struct pointwise pw_clip = {
	.arity = 1, .text = "MIN(MAX(x, lo), hi)", .f = clip_f,
	.attr = { { "lo", 0 }, { "hi", 0 } }, .n_attr = 2, .attrs = clip_attrs,
};

static int
clip_infer(struct view *v, struct err *e)
{
	if (op_want(v, 1, e) != 0)
		return -1;
	for (int i = 1; i < 3; i++)
		if (view_in(v, i) != NULL && val_count(v->in[i]) != 1)
			return view_error(e, "a bound of %zu values",
			    val_count(v->in[i]));
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape,
	    row_others(v, 0, v->in[0]->row));
	return 0;
}

static int
clip_floats(struct view *v, void *out, struct err *e)
{
	const struct val *x = v->in[0];
	double lo = -INFINITY, hi = INFINITY;
	float a, b;

	if (attr_float(v->node, "min", -INFINITY, &a, e) != 0 ||
	    attr_float(v->node, "max", INFINITY, &b, e) != 0)
		return -1;
	lo = a;
	hi = b;
	if (view_in(v, 1) != NULL)
		lo = elem_f(v->in[1]->type, v->in[1]->data, 0);
	if (view_in(v, 2) != NULL)
		hi = elem_f(v->in[2]->type, v->in[2]->data, 0);
	for (size_t i = 0; i < val_count(x); i++)
		elem_set_f(x->type, out, i, expr_min_f(expr_max_f(
		    elem_f(x->type, x->data, i), lo), hi));
	return 0;
}

/* Unsigned 64-bit values are compared as such. */
static bool
int_less(enum dtype t, int64_t a, int64_t b)
{
	return t == DT_UINT64 ? (uint64_t)a < (uint64_t)b : a < b;
}

static int
clip_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *lo = view_in(v, 1), *hi = view_in(v,
	    2);
	void *out = view_alloc(v, 0, e);

	if (out == NULL)
		return -1;
	if (dtype_info(x->type)->kind == 'f')
		return clip_floats(v, out, e);
	for (size_t i = 0; i < val_count(x); i++) {
		int64_t r = elem_i(x->type, x->data, i), b;

		if (lo != NULL && int_less(x->type, r,
		    b = elem_i(lo->type, lo->data, 0)))
			r = b;
		if (hi != NULL && int_less(x->type,
		    b = elem_i(hi->type, hi->data, 0), r))
			r = b;
		elem_set_i(x->type, out, i, r);
	}
	return 0;
}

OP_FAMILY(select_ops);
const struct op select_ops[] = {
	{ .name = "Where", .since = 9, .types = "b *", .infer = where_infer,
	  .host = where_host, .pw = &pw_where },
	{ .name = "Clip", .since = 1, .types = "fdhiu", .infer = clip_infer,
	  .host = clip_host, .pw = &pw_clip },
	{ .name = NULL }
};
