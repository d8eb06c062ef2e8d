/* Operators that give the same elements another shape, or only pass them on. */
#include "op/op.h"
#include "op/region.h"
#include "op/seq.h"
#include "op/shape.h"

/* The rows' axis in another shape of the same elements in the same order. */
static int
reshaped_row(const struct val *x, const struct shape *o)
{
	int64_t before;

	if (x->row < 0)
		return x->row;
	before = shape_span(&x->shape, 0, x->row);
	for (int i = 0; i < o->rank; i++)
		if (o->dim[i] == x->shape.dim[x->row] &&
		    shape_span(o, 0, i) == before)
			return i;
	return ROW_MIXED;
}

static int
reshape_set(struct view *v, const struct shape *s, struct err *e)
{
	size_t a, b;

	if (!shape_count(&v->in[0]->shape, &a) || !shape_count(s, &b) || a != b)
		return view_error(e, "the new shape has another number of "
		    "elements");
	view_set(v, 0, v->in[0]->type, s, reshaped_row(v->in[0], s));
	return 0;
}

/* 0: as in the input (unless allowzero); -1: what is left. */
static int
reshape_infer(struct view *v, struct err *e)
{
	struct shape s = { 0 };
	int64_t want[OP_INTS], zero, all = 1, given = 1;
	int n, fill = -1;
	size_t count;

	if (op_want(v, 1, e) != 0 || op_ints(v, "shape", 1, want, &n, e) != 0 ||
	    attr_int(v->node, "allowzero", 0, &zero, e) != 0)
		return -1;
	if (n < 0 || n > MAX_RANK)
		return view_error(e, "a shape of rank %d", n);
	s.rank = n;
	for (int i = 0; i < n; i++) {
		s.dim[i] = want[i];
		if (want[i] == 0 && !zero) {
			if (i >= v->in[0]->shape.rank)
				return view_error(e, "0 for axis %d, which the "
				    "input has not", i);
			s.dim[i] = v->in[0]->shape.dim[i];
		}
		if (want[i] == -1) {
			if (fill >= 0)
				return view_error(e, "two dimensions of -1");
			fill = i;
		} else if (s.dim[i] < 0 || !dim_mul(given, s.dim[i], &given))
			return view_error(e, "dimension %lld",
			    (long long)want[i]);
	}
	if (!shape_count(&v->in[0]->shape, &count))
		return op_overflow(e);
	all = (int64_t)count;
	if (fill >= 0) {
		if (given == 0 ? all != 0 : all % given != 0)
			return view_error(e, "%lld elements do not fill the "
			    "shape", (long long)all);
		s.dim[fill] = given == 0 ? 0 : all / given;
	}
	return reshape_set(v, &s, e);
}

static int
flatten_infer(struct view *v, struct err *e)
{
	const struct shape *x;
	struct shape s = { .rank = 2 };
	int64_t axis;

	if (op_want(v, 1, e) != 0 || attr_int(v->node, "axis", 1, &axis,
	    e) != 0)
		return -1;
	x = &v->in[0]->shape;
	if (axis < 0)
		axis += x->rank;
	if (axis < 0 || axis > x->rank)
		return view_error(e, "axis %lld of rank %d", (long long)axis,
		    x->rank);
	s.dim[0] = shape_span(x, 0, (int)axis);
	s.dim[1] = shape_span(x, (int)axis, x->rank);
	return reshape_set(v, &s, e);
}

static int
squeeze_infer(struct view *v, struct err *e)
{
	struct shape s = { 0 };
	int axes[MAX_RANK], n;
	unsigned drop = 0;

	if (op_want(v, 1, e) != 0 ||
	    op_axes(v, "axes", 1, v->in[0]->shape.rank, axes, &n, e) != 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (v->in[0]->shape.dim[axes[i]] != 1)
			return view_error(e, "axis %d is not of one element",
			    axes[i]);
		drop |= 1u << axes[i];
	}
	for (int i = 0; i < v->in[0]->shape.rank; i++)
		if (n < 0 ? v->in[0]->shape.dim[i] != 1 : !(drop & (1u << i)))
			s.dim[s.rank++] = v->in[0]->shape.dim[i];
	return reshape_set(v, &s, e);
}

static int
unsqueeze_infer(struct view *v, struct err *e)
{
	struct shape s = { 0 };
	int64_t raw[OP_INTS];
	int n, from = 0;
	unsigned add = 0;

	if (op_want(v, 1, e) != 0 || op_ints(v, "axes", 1, raw, &n, e) != 0)
		return -1;
	if (n < 0 || n + v->in[0]->shape.rank > MAX_RANK)
		return view_error(e, "%d axes more than rank %d", n,
		    v->in[0]->shape.rank);
	s.rank = v->in[0]->shape.rank + n;
	for (int i = 0; i < n; i++) {
		int a;

		if (op_axis(raw[i], s.rank, &a, e) != 0)
			return -1;
		if (add & (1u << a))
			return view_error(e, "axis %d twice", a);
		add |= 1u << a;
	}
	for (int i = 0; i < s.rank; i++)
		s.dim[i] = add & (1u << i) ? 1 : v->in[0]->shape.dim[from++];
	return reshape_set(v, &s, e);
}

static int
identity_infer(struct view *v, struct err *e)
{
	if (op_want(v, 1, e) != 0)
		return -1;
	if (v->in[0]->form != VALUE_TENSOR)
		return op_known(v, 0);
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape, v->in[0]->row);
	return 0;
}

static int
identity_host(struct view *v, struct err *e)
{
	if (v->in[0]->form != VALUE_TENSOR)
		return seq_copy(v, v->out[0], v->in[0], e);
	return same_host(v, e);
}

/* Inference: nothing is dropped.  Training with ratio 0 is the same. */
static int
dropout_infer(struct view *v, struct err *e)
{
	double ratio = 0.5, training = 0;

	if (op_want(v, 1, e) != 0)
		return -1;
	if (view_in(v, 2) != NULL && (op_known(v, 2) != 0 ||
	    val_scalar_f(view_in(v, 2), &training, e) != 0))
		return -1;
	if (training != 0 && view_in(v, 1) != NULL && (op_known(v, 1) != 0 ||
	    val_scalar_f(view_in(v, 1), &ratio, e) != 0))
		return -1;
	if (training != 0 && ratio != 0)
		return err_set(e, ERR_UNSUPPORTED, "training is not done here");
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape, v->in[0]->row);
	view_set(v, 1, DT_BOOL, &v->in[0]->shape, v->in[0]->row);
	return 0;
}

static int
dropout_host(struct view *v, struct err *e)
{
	size_t n = val_count(v->in[0]);
	uint8_t *mask;

	if (same_host(v, e) != 0)
		return -1;
	if (view_out(v, 1) == NULL)
		return 0;
	if ((mask = view_alloc(v, 1, e)) == NULL)
		return -1;
	memset(mask, 1, n);
	return 0;
}

static int
dropout_plan(struct view *v, struct plan *p, struct err *e)
{
	(void)e;
	if (view_out(v, 1) != NULL || v->in[0]->kind != VAL_DEVICE)
		return 1;
	plan_view(p, v->out[0], v->in[0], 0);
	return 0;
}

#define ANY	"*"
#define SAME(op, from, how)						\
{									\
	.name = op, .since = from, .types = ANY, .infer = how##_infer,	\
	.host = same_host, .plan = same_plan,				\
}

OP_FAMILY(views_ops);
const struct op views_ops[] = {
	SAME("Reshape", 1, reshape),
	SAME("Flatten", 1, flatten),
	SAME("Squeeze", 1, squeeze),
	SAME("Unsqueeze", 1, unsqueeze),
	{ .name = "Identity", .since = 1, .types = ANY, .infer = identity_infer,
	  .host = identity_host, .plan = same_plan },
	{ .name = "Dropout", .since = 1, .types = ANY, .infer = dropout_infer,
	  .host = dropout_host, .plan = dropout_plan },
	{ .name = NULL }
};
