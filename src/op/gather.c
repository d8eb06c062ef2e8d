/* Gather and its kin: elements chosen by indices that are data. */
#include "op/gather.h"

#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"

static int
gather_infer(struct view *v, struct err *e)
{
	const struct val *x, *i;
	struct shape o = { 0 };
	int axis, row;

	if (op_want(v, 2, e) != 0 ||
	    op_axis_attr(v, "axis", 0, v->in[0]->shape.rank, &axis, e) != 0)
		return -1;
	x = v->in[0];
	i = v->in[1];
	if (x->shape.rank + i->shape.rank - 1 > MAX_RANK)
		return view_error(e, "result of rank %d",
		    x->shape.rank + i->shape.rank - 1);
	for (int k = 0; k < axis; k++)
		o.dim[o.rank++] = x->shape.dim[k];
	for (int k = 0; k < i->shape.rank; k++)
		o.dim[o.rank++] = i->shape.dim[k];
	for (int k = axis + 1; k < x->shape.rank; k++)
		o.dim[o.rank++] = x->shape.dim[k];
	if (i->row == ROW_FREE) {
		row = row_unless(x, 1u << axis);
		row += row > axis ? i->shape.rank - 1 : 0;
	} else
		row = x->row != ROW_FREE || i->row < 0 ? ROW_MIXED :
		    i->row + axis;
	view_set(v, 0, x->type, &o, row);
	return 0;
}

static int
gather_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *ix = v->in[1];
	void *out = view_alloc(v, 0, e);
	int64_t n = (int64_t)val_count(ix), k;
	struct line l;
	int axis;

	if (out == NULL ||
	    op_axis_attr(v, "axis", 0, x->shape.rank, &axis, e) != 0)
		return -1;
	l = line_of(&x->shape, axis, axis + 1);
	for (int64_t o = 0; o < l.outer * n; o++) {
		if (op_index(elem_i(ix->type, ix->data, (size_t)(o % n)), l.n,
		    &k, e) != 0)
			return -1;
		for (int64_t i = 0; i < l.inner; i++)
			elem_copy(x->type, out, (size_t)(o * l.inner + i),
			    x->data, (size_t)((o / n * l.n + k) * l.inner + i));
	}
	return 0;
}

/* An unsigned type of the elements' size: they are only copied. */
static const char *
word(enum dtype t)
{
	switch (dtype_info(t)->bits) {
	case 8:
		return "uchar";
	case 16:
		return "ushort";
	case 32:
		return "uint";
	case 64:
		return "ulong";
	default:
		return NULL;
	}
}

int
gather_step(struct view *v, const struct line *l, bool negative,
    struct plan *p, struct err *e)
{
	const struct val *x = v->in[0], *ix = v->in[1];
	const char *t = word(x->type), *ti = cl_type(p, ix->type);
	struct step *s;

	if (t == NULL || ti == NULL || !fits_int(x) || !fits_int(v->out[0]) ||
	    x->type == DT_STRING || val_count(v->out[0]) == 0)
		return 1;
	s = plan_step(p, e, "gather", "gather", "-DT=%s -DTI=%s -DNEGATIVE=%d",
	    t, ti, negative);
	if (s == NULL)
		return -1;
	step_in(s, v->in[0]);
	step_in(s, v->in[1]);
	step_out(s, v->out[0]);
	step_int(s, (int64_t)val_count(v->out[0]));
	step_int(s, (int64_t)val_count(ix));
	step_int(s, l->n);
	step_int(s, l->inner);
	step_error_word(s, v);
	step_items(s, val_count(v->out[0]));
	return plan_end(p, s, e);
}

static int
gather_plan(struct view *v, struct plan *p, struct err *e)
{
	struct line l;
	int axis;

	if (op_axis_attr(v, "axis", 0, v->in[0]->shape.rank, &axis, e) != 0)
		return -1;
	l = line_of(&v->in[0]->shape, axis, axis + 1);
	return gather_step(v, &l, true, p, e);
}

/* Indices of the same rank, nowhere longer than the data but along the axis. */
static int
elements_axis(const struct view *v, int *axis, struct err *e)
{
	const struct shape *x, *i;

	if (op_want(v, 2, e) != 0 ||
	    op_axis_attr(v, "axis", 0, v->in[0]->shape.rank, axis, e) != 0)
		return -1;
	x = &v->in[0]->shape;
	i = &v->in[1]->shape;
	if (i->rank != x->rank)
		return view_error(e, "indices of rank %d for data of rank %d",
		    i->rank, x->rank);
	for (int k = 0; k < x->rank; k++)
		if (k != *axis && i->dim[k] > x->dim[k])
			return view_error(e,
			    "more indices than data on axis %d",
			    k);
	return 0;
}

static int
elements_infer(struct view *v, struct err *e)
{
	int axis, row;

	if (elements_axis(v, &axis, e) != 0)
		return -1;
	row = v->in[0]->row == v->in[1]->row ? row_unless(v->in[0],
	    1u << axis) : ROW_MIXED;
	view_set(v, 0, v->in[0]->type, &v->in[1]->shape, row);
	return 0;
}

static int
elements_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *ix = v->in[1];
	void *out = view_alloc(v, 0, e);
	int64_t stride[MAX_RANK], k;
	struct walk w;
	int axis;

	if (out == NULL || elements_axis(v, &axis, e) != 0)
		return -1;
	shape_strides(&x->shape, stride);
	walk_init(&w, &ix->shape);
	for (walk_add_strides(&w, stride, 0); walk_more(&w); walk_next(&w)) {
		if (op_index(elem_i(ix->type, ix->data, w.i),
		    x->shape.dim[axis], &k, e) != 0)
			return -1;
		elem_copy(x->type, out, w.i, x->data, (size_t)(w.off[0] +
		    (k - w.at[axis]) * stride[axis]));
	}
	return 0;
}

struct nd {
	int64_t	batch;		/* leading axes that both share */
	int	depth;		/* length of an index tuple */
	int64_t	slices;		/* tuples in a batch entry */
	int64_t	inner;		/* elements that a tuple names */
};

static int
nd_read(const struct view *v, struct nd *n, struct err *e)
{
	const struct shape *x, *i;

	if (op_want(v, 2, e) != 0 ||
	    attr_int(v->node, "batch_dims", 0, &n->batch, e) != 0)
		return -1;
	x = &v->in[0]->shape;
	i = &v->in[1]->shape;
	if (i->rank < 1 || n->batch < 0 || n->batch >= i->rank ||
	    i->dim[i->rank - 1] > x->rank - n->batch ||
	    i->dim[i->rank - 1] < 0)
		return view_error(e, "tuples of %lld for rank %d",
		    i->rank < 1 ? -1LL : (long long)i->dim[i->rank - 1],
		    x->rank);
	n->depth = (int)i->dim[i->rank - 1];
	for (int k = 0; k < n->batch; k++)
		if (x->dim[k] != i->dim[k])
			return view_error(e, "batch axis %d differs", k);
	n->slices = shape_span(i, (int)n->batch, i->rank - 1);
	n->inner = shape_span(x, (int)n->batch + n->depth, x->rank);
	return 0;
}

static int
gathernd_infer(struct view *v, struct err *e)
{
	const struct val *x, *i;
	struct shape o = { 0 };
	struct nd n;
	int row = ROW_MIXED, rest;

	if (nd_read(v, &n, e) != 0)
		return -1;
	x = v->in[0];
	i = v->in[1];
	rest = x->shape.rank - (int)n.batch - n.depth;
	if (i->shape.rank - 1 + rest > MAX_RANK)
		return view_error(e, "result of rank %d",
		    i->shape.rank - 1 + rest);
	for (int k = 0; k < i->shape.rank - 1; k++)
		o.dim[o.rank++] = i->shape.dim[k];
	for (int k = 0; k < rest; k++)
		o.dim[o.rank++] = x->shape.dim[(int)n.batch + n.depth + k];
	if (x->row == ROW_FREE && i->row < i->shape.rank - 1)
		row = i->row;
	else if (x->row == i->row && x->row < n.batch)
		row = x->row;
	view_set(v, 0, x->type, &o, row);
	return 0;
}

/* The element of x that tuple t of batch entry b begins at. */
static int
nd_offset(const struct nd *n, const struct shape *x, const struct val *ix,
    int64_t b, int64_t t, int64_t *out, struct err *e)
{
	int64_t at = b, k;

	for (int d = 0; d < n->depth; d++) {
		int64_t dim = x->dim[n->batch + d];

		if (op_index(elem_i(ix->type, ix->data,
		    (size_t)((b * n->slices + t) * n->depth + d)), dim, &k,
		    e) != 0)
			return -1;
		at = at * dim + k;
	}
	*out = at * n->inner;
	return 0;
}

static int
gathernd_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *ix = v->in[1];
	void *out = view_alloc(v, 0, e);
	int64_t from, batches;
	struct nd n;

	if (out == NULL || nd_read(v, &n, e) != 0)
		return -1;
	batches = shape_span(&x->shape, 0, (int)n.batch);
	for (int64_t t = 0; t < batches * n.slices; t++) {
		if (nd_offset(&n, &x->shape, ix, t / n.slices, t % n.slices,
		    &from, e) != 0)
			return -1;
		for (int64_t i = 0; i < n.inner; i++)
			elem_copy(x->type, out, (size_t)(t * n.inner + i),
			    x->data, (size_t)(from + i));
	}
	return 0;
}

/* How a value meets what is there already. */
enum join { JOIN_NONE, JOIN_ADD, JOIN_MUL, JOIN_MAX, JOIN_MIN };

static int
join_read(const struct view *v, enum join *j, struct err *e)
{
	static const char *const name[] = {
		"none", "add", "mul", "max", "min", NULL
	};
	const char *how;

	if (attr_string(v->node, "reduction", "none", &how, e) != 0)
		return -1;
	for (int i = 0; name[i] != NULL; i++)
		if (strcmp(name[i], how) == 0) {
			*j = (enum join)i;
			return 0;
		}
	return view_error(e, "reduction \"%s\"", how);
}

static double
join_f(enum join j, double a, double b)
{
	switch (j) {
	case JOIN_ADD:
		return a + b;
	case JOIN_MUL:
		return a * b;
	case JOIN_MAX:
		return a > b ? a : b;
	case JOIN_MIN:
		return a < b ? a : b;
	default:
		return b;
	}
}

static int64_t
join_i(enum join j, int64_t a, int64_t b)
{
	switch (j) {
	case JOIN_ADD:
		return (int64_t)((uint64_t)a + (uint64_t)b);
	case JOIN_MUL:
		return (int64_t)((uint64_t)a * (uint64_t)b);
	case JOIN_MAX:
		return a > b ? a : b;
	case JOIN_MIN:
		return a < b ? a : b;
	default:
		return b;
	}
}

static void
join_elem(enum join j, enum dtype t, void *out, size_t o, const void *in,
    size_t i)
{
	if (j == JOIN_NONE)
		elem_copy(t, out, o, in, i);
	else if (dtype_info(t)->kind == 'f')
		elem_set_f(t, out, o,
		    join_f(j, elem_f(t, out, o), elem_f(t, in, i)));
	else
		elem_set_i(t, out, o,
		    join_i(j, elem_i(t, out, o), elem_i(t, in, i)));
}

static int
scatter_infer(struct view *v, struct err *e)
{
	enum join j;
	int axis, row;

	if (op_want(v, 3, e) != 0 || elements_axis(v, &axis, e) != 0 ||
	    join_read(v, &j, e) != 0)
		return -1;
	if (!shape_equal(&v->in[1]->shape, &v->in[2]->shape))
		return view_error(e, "indices and updates differ in shape");
	row = v->in[0]->row == v->in[1]->row && v->in[0]->row ==
	    v->in[2]->row ? row_unless(v->in[0], 1u << axis) : ROW_MIXED;
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape, row);
	return 0;
}

static void *
copy_data(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);

	for (size_t i = 0; out != NULL && i < val_count(v->in[0]); i++)
		elem_copy(v->in[0]->type, out, i, v->in[0]->data, i);
	return out;
}

static int
scatter_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *ix = v->in[1], *u = v->in[2];
	void *out = copy_data(v, e);
	int64_t stride[MAX_RANK], k;
	struct walk w;
	enum join j;
	int axis;

	if (out == NULL || elements_axis(v, &axis, e) != 0 ||
	    join_read(v, &j, e) != 0)
		return -1;
	shape_strides(&x->shape, stride);
	walk_init(&w, &ix->shape);
	for (walk_add_strides(&w, stride, 0); walk_more(&w); walk_next(&w)) {
		if (op_index(elem_i(ix->type, ix->data, w.i),
		    x->shape.dim[axis], &k, e) != 0)
			return -1;
		join_elem(j, x->type, out, (size_t)(w.off[0] +
		    (k - w.at[axis]) * stride[axis]), u->data, w.i);
	}
	return 0;
}

static int
scatternd_infer(struct view *v, struct err *e)
{
	enum join j;
	struct nd n;

	if (op_want(v, 3, e) != 0 || nd_read(v, &n, e) != 0 ||
	    join_read(v, &j, e) != 0)
		return -1;
	if (val_count(v->in[2]) != (size_t)(n.slices * n.inner))
		return view_error(e, "%zu updates, want %lld",
		    val_count(v->in[2]), (long long)(n.slices * n.inner));
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape, row_any(v));
	return 0;
}

static int
scatternd_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *ix = v->in[1], *u = v->in[2];
	void *out = copy_data(v, e);
	enum join j;
	int64_t to;
	struct nd n;

	if (out == NULL || nd_read(v, &n, e) != 0 || join_read(v, &j, e) != 0)
		return -1;
	for (int64_t t = 0; t < n.slices; t++) {
		if (nd_offset(&n, &x->shape, ix, 0, t, &to, e) != 0)
			return -1;
		for (int64_t i = 0; i < n.inner; i++)
			join_elem(j, x->type, out, (size_t)(to + i), u->data,
			    (size_t)(t * n.inner + i));
	}
	return 0;
}

#define ROW(op, from, to, takes, id, p)					\
{									\
	.name = op, .since = from, .until = to, .types = takes,		\
	.infer = id##_infer, .host = id##_host, .plan = p,		\
}

OP_FAMILY(gather_ops);
const struct op gather_ops[] = {
	ROW("Gather", 1, 0, "* i", gather, gather_plan),
	ROW("GatherElements", 11, 0, "* i", elements, NULL),
	ROW("GatherND", 11, 0, "* i", gathernd, NULL),
	ROW("Scatter", 9, 10, "* i *", scatter, NULL),
	ROW("ScatterElements", 11, 0, "* i *", scatter, NULL),
	ROW("ScatterND", 11, 0, "* i *", scatternd, NULL),
	{ .name = NULL }
};
