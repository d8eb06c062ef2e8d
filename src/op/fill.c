/* Operators that make tensors from shapes and scalars. */
#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"

static int
shape_bounds(const struct view *v, int *from, int *to, struct err *e)
{
	int64_t a, b;
	int rank;

	if (op_want(v, 1, e) != 0)
		return -1;
	rank = v->in[0]->shape.rank;
	if (attr_int(v->node, "start", 0, &a, e) != 0 ||
	    attr_int(v->node, "end", rank, &b, e) != 0)
		return -1;
	a = a < 0 ? a + rank : a;
	b = b < 0 ? b + rank : b;
	*from = (int)(a < 0 ? 0 : a > rank ? rank : a);
	*to = (int)(b < *from ? *from : b > rank ? rank : b);
	return 0;
}

static int
shape_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 1 };
	int from, to, row;

	if (shape_bounds(v, &from, &to, e) != 0)
		return -1;
	o.dim[0] = to - from;
	/* How many rows there are is something all of them know of. */
	row = v->in[0]->row;
	row = row >= 0 && (row < from || row >= to) ? ROW_FREE :
	    row == ROW_FREE ? ROW_FREE : ROW_MIXED;
	view_set(v, 0, DT_INT64, &o, row);
	return 0;
}

static int
shape_host(struct view *v, struct err *e)
{
	int64_t *out = view_alloc(v, 0, e);
	int from, to;

	if (out == NULL || shape_bounds(v, &from, &to, e) != 0)
		return -1;
	for (int i = from; i < to; i++)
		out[i - from] = v->in[0]->shape.dim[i];
	return 0;
}

static int
size_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 0 };

	if (op_want(v, 1, e) != 0)
		return -1;
	view_set(v, 0, DT_INT64, &o,
	    v->in[0]->row == ROW_FREE ? ROW_FREE : ROW_MIXED);
	return 0;
}

static int
size_host(struct view *v, struct err *e)
{
	int64_t *out = view_alloc(v, 0, e);

	if (out == NULL)
		return -1;
	out[0] = (int64_t)val_count(v->in[0]);
	return 0;
}

static int
constant_read(const struct view *v, const struct tensor **t, struct err *e)
{
	if (attr_tensor(v->node, "value", t, e) != 0)
		return -1;
	if (*t != NULL && (*t)->count != 1)
		return view_error(e, "value has %zu elements", (*t)->count);
	return 0;
}

static int
constant_infer(struct view *v, struct err *e)
{
	struct shape s = { 0 };
	const struct tensor *t;
	int64_t want[OP_INTS];
	int n;

	if (op_want(v, 1, e) != 0 || op_ints(v, NULL, 0, want, &n, e) != 0 ||
	    constant_read(v, &t, e) != 0)
		return -1;
	if (n > MAX_RANK)
		return view_error(e, "rank %d, want at most %d", n, MAX_RANK);
	s.rank = n;
	for (int i = 0; i < n; i++)
		if ((s.dim[i] = want[i]) < 0)
			return view_error(e, "dimension %lld",
			    (long long)want[i]);
	if (op_shape_check(&s, t == NULL ? DT_FLOAT : t->type, e) != 0)
		return -1;
	view_set(v, 0, t == NULL ? DT_FLOAT : t->type, &s,
	    v->in[0]->row == ROW_FREE ? ROW_FREE : ROW_MIXED);
	return 0;
}

static int
constant_host(struct view *v, struct err *e)
{
	const struct tensor *t;
	void *out = view_alloc(v, 0, e);

	if (out == NULL || constant_read(v, &t, e) != 0)
		return -1;
	for (size_t i = 0; t != NULL && i < val_count(v->out[0]); i++)
		elem_copy(t->type, out, i, t->data, 0);
	return 0;
}

static int
constant_plan(struct view *v, struct plan *p, struct err *e)
{
	const char *type = cl_type(p, v->out[0]->type);
	size_t n = val_count(v->out[0]);
	const struct tensor *t;
	int64_t bits = 0;
	struct step *s;

	if (constant_read(v, &t, e) != 0)
		return -1;
	if (type == NULL || n == 0 || !fits_int(v->out[0]))
		return 1;
	if (t != NULL)
		memcpy(&bits, t->data, dtype_info(t->type)->bits / 8);
	type = dtype_info(v->out[0]->type)->bits == 64 ? "ulong" :
	    dtype_info(v->out[0]->type)->bits == 32 ? "uint" :
	    dtype_info(v->out[0]->type)->bits == 16 ? "ushort" : "uchar";
	s = plan_step(p, e, "move", "move_fill", "-DT=%s", type);
	if (s == NULL)
		return -1;
	step_out(s, v->out[0]);
	step_long(s, bits);
	step_int(s, (int64_t)n);
	step_items(s, n);
	return plan_end(p, s, e);
}

/* Elements of start, start + delta, ... before limit. */
static int
range_count(struct view *v, int64_t *n, struct err *e)
{
	const struct val *a, *b, *d;

	if (op_want(v, 3, e) != 0 || op_need_all(v) != 0)
		return -1;
	a = v->in[0];
	b = v->in[1];
	d = v->in[2];
	if (val_count(a) != 1 || val_count(b) != 1 || val_count(d) != 1)
		return view_error(e, "inputs are not scalars");
	*n = 0;
	if (dtype_info(a->type)->kind == 'f') {
		double count = ceil((elem_f(b->type, b->data, 0) -
		    elem_f(a->type, a->data, 0)) /
		    elem_f(d->type, d->data, 0));

		if (!(count < 0x1p48))
			return view_error(e, "the range never ends");
		*n = count > 0 ? (int64_t)count : 0;
	} else {
		int64_t x = elem_i(a->type, a->data, 0), span;
		int64_t y = elem_i(b->type, b->data, 0);
		int64_t step = elem_i(d->type, d->data, 0);

		if (step == 0 || step == INT64_MIN)
			return view_error(e, "delta %lld", (long long)step);
		if (__builtin_sub_overflow(y, x, &span))
			return op_overflow(e);
		if ((span > 0) == (step > 0) && span != 0)
			*n = (span - (step > 0 ? 1 : -1)) / step + 1;
	}
	return 0;
}

static int
range_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 1 };

	if (range_count(v, &o.dim[0], e) != 0 ||
	    op_shape_check(&o, v->in[0]->type, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &o, row_any(v));
	return 0;
}

static int
range_host(struct view *v, struct err *e)
{
	const struct val *a = v->in[0], *d = v->in[2];
	void *out = view_alloc(v, 0, e);
	int64_t n = out == NULL ? 0 : v->out[0]->shape.dim[0];
	bool real = dtype_info(a->type)->kind == 'f';

	for (int64_t i = 0; i < n; i++)
		if (real)
			elem_set_f(a->type, out, (size_t)i,
			    elem_f(a->type, a->data, 0) +
			    (double)i * elem_f(d->type, d->data, 0));
		else
			elem_set_i(a->type, out, (size_t)i,
			    elem_i(a->type, a->data, 0) +
			    i * elem_i(d->type, d->data, 0));
	return out == NULL ? -1 : 0;
}

static int
eye_infer(struct view *v, struct err *e)
{
	int64_t t;

	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 2, 2, "input", e) != 0 ||
	    attr_int(v->node, "dtype", v->in[0]->type, &t, e) != 0)
		return -1;
	if (t <= DT_NONE || t >= DT_COUNT || t == DT_STRING)
		return view_error(e, "dtype %lld", (long long)t);
	view_set(v, 0, (enum dtype)t, &v->in[0]->shape,
	    v->in[0]->row == ROW_FREE ? ROW_FREE : ROW_MIXED);
	return 0;
}

static int
eye_host(struct view *v, struct err *e)
{
	const struct shape *s = &v->in[0]->shape;
	void *out = view_alloc(v, 0, e);
	int64_t k;

	if (out == NULL || attr_int(v->node, "k", 0, &k, e) != 0)
		return -1;
	for (int64_t r = 0; r < s->dim[0]; r++) {
		int64_t c;

		if (dim_add(r, k, &c) && c >= 0 && c < s->dim[1])
			elem_set_i(v->out[0]->type, out,
			    (size_t)(r * s->dim[1] + c), 1);
	}
	return 0;
}

static int
onehot_axis(const struct view *v, int *axis, struct err *e)
{
	if (op_want(v, 3, e) != 0 ||
	    op_want_rank(v->in[0], 0, MAX_RANK - 1, "indices", e) != 0)
		return -1;
	return op_axis_attr(v, "axis", -1, v->in[0]->shape.rank + 1, axis, e);
}

static int
onehot_infer(struct view *v, struct err *e)
{
	const struct shape *x;
	struct shape o;
	double depth;
	int axis, row;

	if (onehot_axis(v, &axis, e) != 0 || op_known(v, 1) != 0 ||
	    val_scalar_f(v->in[1], &depth, e) != 0)
		return -1;
	if (!(depth >= 0 && depth < 0x1p31) || val_count(v->in[2]) != 2)
		return view_error(e, "depth %g, %zu values", depth,
		    val_count(v->in[2]));
	x = &v->in[0]->shape;
	o.rank = x->rank + 1;
	for (int i = 0; i < o.rank; i++)
		o.dim[i] = i == axis ? (int64_t)depth :
		    x->dim[i < axis ? i : i - 1];
	if (op_shape_check(&o, v->in[2]->type, e) != 0)
		return -1;
	row = v->in[0]->row;
	view_set(v, 0, v->in[2]->type, &o,
	    row_others(v, 0, row >= axis ? row + 1 : row));
	return 0;
}

static int
onehot_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *values = v->in[2];
	void *out = view_alloc(v, 0, e);
	struct line l;
	int axis;

	if (out == NULL || onehot_axis(v, &axis, e) != 0)
		return -1;
	l = line_of(&v->out[0]->shape, axis, axis + 1);
	for (size_t i = 0; i < val_count(v->out[0]); i++) {
		int64_t k = (int64_t)i / l.inner % l.n;
		int64_t at = (int64_t)i / l.inner / l.n * l.inner +
		    (int64_t)i % l.inner;
		int64_t hot = elem_i(x->type, x->data, (size_t)at);

		hot = hot < 0 && hot >= -l.n ? hot + l.n : hot;
		elem_copy(values->type, out, i, values->data, hot == k);
	}
	return 0;
}

OP_FAMILY(fill_ops);
const struct op fill_ops[] = {
	{ .name = "Shape", .since = 1, .types = "*",
	  .flags = OP_SHAPE_ONLY | OP_HOST_CHEAP, .infer = shape_infer,
	  .host = shape_host },
	{ .name = "Size", .since = 1, .types = "*",
	  .flags = OP_SHAPE_ONLY | OP_HOST_CHEAP, .infer = size_infer,
	  .host = size_host },
	{ .name = "ConstantOfShape", .since = 9, .types = "iu",
	  .infer = constant_infer, .host = constant_host,
	  .plan = constant_plan },
	{ .name = "Range", .since = 11, .types = "fdhiu", .infer = range_infer,
	  .host = range_host },
	{ .name = "EyeLike", .since = 9, .types = "fdhiub",
	  .flags = OP_SHAPE_ONLY, .infer = eye_infer, .host = eye_host },
	{ .name = "OneHot", .since = 9, .types = "fdhiu fdhiu *",
	  .infer = onehot_infer, .host = onehot_host },
	{ .name = NULL }
};
