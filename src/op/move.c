/* Movement of whole axes: what ends up where, as regions (op/region.h). */
#include "op/blocked.h"
#include "op/op.h"
#include "op/region.h"
#include "op/shape.h"

static int
transpose_perm(const struct view *v, int perm[MAX_RANK], struct err *e)
{
	int rank = v->in[0]->shape.rank;
	const int64_t *given;
	unsigned seen = 0;
	size_t n;

	if (attr_ints(v->node, "perm", &given, &n, e) != 0)
		return -1;
	for (int i = 0; i < rank; i++)
		perm[i] = rank - 1 - i;
	if (given == NULL)
		return 0;
	if (n != (size_t)rank)
		return view_error(e, "perm has %zu values, want %d", n, rank);
	for (int i = 0; i < rank; i++) {
		if (op_axis(given[i], rank, &perm[i], e) != 0)
			return -1;
		if (seen & (1u << perm[i]))
			return view_error(e, "perm has axis %d twice", perm[i]);
		seen |= 1u << perm[i];
	}
	return 0;
}

static int
transpose_infer(struct view *v, struct err *e)
{
	struct shape s;
	int perm[MAX_RANK], row;

	if (op_want(v, 1, e) != 0 || transpose_perm(v, perm, e) != 0)
		return -1;
	s.rank = v->in[0]->shape.rank;
	row = v->in[0]->row;
	for (int i = 0; i < s.rank; i++) {
		s.dim[i] = v->in[0]->shape.dim[perm[i]];
		if (v->in[0]->row == perm[i])
			row = i;
	}
	view_set(v, 0, v->in[0]->type, &s, row);
	return 0;
}

static int
transpose_region(struct view *v, int k, struct region *r, struct err *e)
{
	int64_t src[MAX_RANK], dst[MAX_RANK];
	int perm[MAX_RANK];

	if (k > 0)
		return 0;
	if (transpose_perm(v, perm, e) != 0)
		return -1;
	shape_strides(&v->in[0]->shape, src);
	shape_strides(&v->out[0]->shape, dst);
	*r = (struct region){ 0 };
	for (int i = 0; i < v->out[0]->shape.rank; i++)
		region_axis(r, v->out[0]->shape.dim[i], src[perm[i]], dst[i]);
	return 1;
}
REGION_OP(transpose)

struct slice {
	int64_t	from[MAX_RANK], step[MAX_RANK], len[MAX_RANK];
};

static int64_t
clamp(int64_t x, int64_t lo, int64_t hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

/* One axis, as Python's slices: negative positions count from the end. */
static int
slice_axis(struct slice *s, int a, int64_t dim, const int64_t given[3],
    struct err *e)
{
	int64_t from = given[0], to = given[1], step = given[2];
	int64_t lo = step < 0 ? -1 : 0, hi = step < 0 ? dim - 1 : dim;

	if (step == 0 || step == INT64_MIN)
		return view_error(e, "step %lld of axis %d", (long long)step,
		    a);
	from = clamp(from < 0 ? from + dim : from, lo < 0 ? 0 : lo, hi);
	to = clamp(to < 0 ? to + dim : to, lo, hi);
	s->from[a] = from;
	s->step[a] = step;
	if (dim == 0)
		s->len[a] = 0;
	else if (step > 0)
		s->len[a] = to > from ? (to - from - 1) / step + 1 : 0;
	else
		s->len[a] = from > to ? (from - to - 1) / -step + 1 : 0;
	return 0;
}

static int
slice_read(struct view *v, struct slice *s, struct err *e)
{
	const struct shape *x = &v->in[0]->shape;
	int64_t from[OP_INTS], to[OP_INTS], step[OP_INTS];
	int axes[MAX_RANK], n_from, n_to, n_axes, n_step;

	if (op_ints(v, "starts", 1, from, &n_from, e) != 0 ||
	    op_ints(v, "ends", 2, to, &n_to, e) != 0 ||
	    op_axes(v, "axes", 3, x->rank, axes, &n_axes, e) != 0 ||
	    op_ints(v, NULL, 4, step, &n_step, e) != 0)
		return -1;
	if (n_from < 0 || n_from != n_to || n_from > x->rank ||
	    (n_axes >= 0 && n_axes != n_from) ||
	    (n_step >= 0 && n_step != n_from))
		return view_error(e, "%d starts, %d ends, %d axes, %d steps do "
		    "not match rank %d", n_from, n_to, n_axes, n_step, x->rank);
	for (int a = 0; a < x->rank; a++) {
		s->from[a] = 0;
		s->step[a] = 1;
		s->len[a] = x->dim[a];
	}
	for (int i = 0; i < n_from; i++) {
		int a = n_axes >= 0 ? axes[i] : i;
		int64_t given[3] = { from[i], to[i],
		    n_step >= 0 ? step[i] : 1 };

		if (slice_axis(s, a, x->dim[a], given, e) != 0)
			return -1;
	}
	return 0;
}

static int
slice_infer(struct view *v, struct err *e)
{
	struct slice s;
	struct shape o;
	int row;

	if (op_want(v, 1, e) != 0 || slice_read(v, &s, e) != 0)
		return -1;
	o.rank = v->in[0]->shape.rank;
	for (int a = 0; a < o.rank; a++)
		o.dim[a] = s.len[a];
	row = v->in[0]->row;
	if (row >= 0 && (s.len[row] != v->in[0]->shape.dim[row] ||
	    s.step[row] != 1))
		row = ROW_MIXED;
	view_set(v, 0, v->in[0]->type, &o, row);
	return 0;
}

static int
slice_region(struct view *v, int k, struct region *r, struct err *e)
{
	int64_t src[MAX_RANK], dst[MAX_RANK];
	struct slice s;

	if (k > 0)
		return 0;
	if (slice_read(v, &s, e) != 0)
		return -1;
	shape_strides(&v->in[0]->shape, src);
	shape_strides(&v->out[0]->shape, dst);
	*r = (struct region){ 0 };
	for (int a = 0; a < v->in[0]->shape.rank; a++) {
		/* A step longer than the axis is taken at most once. */
		int64_t step = s.len[a] > 1 ? s.step[a] * src[a] : 0;

		region_axis(r, s.len[a], step, dst[a]);
		r->src_off += s.len[a] > 0 ? s.from[a] * src[a] : 0;
	}
	return 1;
}

static int
slice_host(struct view *v, struct err *e)
{
	return region_host(v, slice_region, e);
}

/* A slice that lies in one piece is no copy. */
static int
slice_plan(struct view *v, struct plan *p, struct err *e)
{
	struct region r;

	if (slice_region(v, 0, &r, e) < 0)
		return -1;
	region_merge(&r);
	if (v->in[0]->kind == VAL_DEVICE && (r.rank == 0 ||
	    (r.rank == 1 && r.src[0] == 1 && r.dst[0] == 1))) {
		plan_view(p, v->out[0], v->in[0], r.src_off);
		return 0;
	}
	return region_plan(v, slice_region, p, e);
}

static int
concat_infer(struct view *v, struct err *e)
{
	struct shape s;
	int axis, row;

	if (v->n_in < 1 || op_want(v, v->n_in, e) != 0)
		return view_error(e, "inputs missing");
	s = v->in[0]->shape;
	if (op_axis_attr(v, "axis", 1, s.rank, &axis, e) != 0)
		return -1;
	row = v->in[0]->row;
	for (int i = 1; i < v->n_in; i++) {
		struct shape x = v->in[i]->shape;
		int64_t add = x.rank == s.rank ? x.dim[axis] : 0;

		if (x.rank == s.rank)
			x.dim[axis] = s.dim[axis];
		if (!shape_equal(&x, &s))
			return view_error(e, "input %d's shape does not match "
			    "input 0's outside axis %d", i, axis);
		if (!dim_add(s.dim[axis], add, &s.dim[axis]))
			return op_overflow(e);
		if (v->in[i]->row != row)
			row = ROW_MIXED;
	}
	if (row == axis && v->n_in > 1)
		row = ROW_MIXED;
	view_set(v, 0, v->in[0]->type, &s, row);
	return 0;
}

static int
concat_region(struct view *v, int k, struct region *r, struct err *e)
{
	const struct shape *o = &v->out[0]->shape;
	int64_t inner, off = 0;
	int axis;

	if (k >= v->n_in)
		return 0;
	if (op_axis_attr(v, "axis", 1, o->rank, &axis, e) != 0)
		return -1;
	inner = shape_span(o, axis + 1, o->rank);
	for (int i = 0; i < k; i++)
		off += v->in[i]->shape.dim[axis];
	*r = (struct region){ .in = k, .dst_off = off * inner };
	region_axis(r, shape_span(o, 0, axis),
	    v->in[k]->shape.dim[axis] * inner, o->dim[axis] * inner);
	region_axis(r, v->in[k]->shape.dim[axis] * inner, 1, 1);
	return 1;
}

static int
concat_host(struct view *v, struct err *e)
{
	return region_host(v, concat_region, e);
}

static int
concat_plan(struct view *v, struct plan *p, struct err *e)
{
	int axis, r;

	if (op_axis_attr(v, "axis", 1, v->out[0]->shape.rank, &axis, e) != 0)
		return -1;
	r = axis == 1 && view_form(v, 0) ? concat_blocked(v, p, e) : 1;
	if (r <= 0 || !view_form(v, 1))
		return r;
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i]->kind == VAL_DEVICE && (v->in[i] = plan_as(p,
		    v->in[i], LAYOUT_PLAIN, e)) == NULL)
			return -1;
	return region_plan(v, concat_region, p, e);
}

/* The lengths of a split: given, or as equal as they go. */
static int
split_len(struct view *v, int64_t dim, int i, int64_t *off, int64_t *len,
    struct err *e)
{
	const struct val *x = view_in(v, 1);
	int64_t chunk;
	const int64_t *given = NULL;
	size_t n = 0;

	*off = 0;
	if (x != NULL) {
		if (op_known(v, 1) != 0)
			return -1;
		n = val_count(x);
	} else if (attr_ints(v->node, "split", &given, &n, e) != 0)
		return -1;
	if (x == NULL && given == NULL) {
		chunk = (dim + v->n_out - 1) / v->n_out;
		*off = clamp(chunk * i, 0, dim);
		*len = clamp(dim - *off, 0, chunk);
		return 0;
	}
	if (n != (size_t)v->n_out)
		return view_error(e, "%zu lengths for %d outputs", n, v->n_out);
	for (int k = 0; k <= i; k++) {
		*len = x != NULL ? elem_i(x->type, x->data, (size_t)k) :
		    given[k];
		if (*len < 0 || *len > dim - *off)
			return view_error(e, "length %lld of part %d of an axis"
			    " of %lld", (long long)*len, k, (long long)dim);
		if (k < i)
			*off += *len;
	}
	return 0;
}

static int
split_infer(struct view *v, struct err *e)
{
	struct shape s;
	int axis, row;

	if (op_want(v, 1, e) != 0)
		return -1;
	s = v->in[0]->shape;
	if (op_axis_attr(v, "axis", 0, s.rank, &axis, e) != 0)
		return -1;
	row = row_unless(v->in[0], 1u << axis);
	for (int i = 0; i < v->n_out; i++) {
		struct shape o = s;
		int64_t off;

		if (split_len(v, s.dim[axis], i, &off, &o.dim[axis], e) != 0)
			return -1;
		view_set(v, i, v->in[0]->type, &o, row);
	}
	return 0;
}

static int
split_region(struct view *v, int k, struct region *r, struct err *e)
{
	const struct shape *x = &v->in[0]->shape;
	int64_t inner, off, len;
	int axis;

	if (k >= v->n_out)
		return 0;
	if (op_axis_attr(v, "axis", 0, x->rank, &axis, e) != 0 ||
	    split_len(v, x->dim[axis], k, &off, &len, e) != 0)
		return -1;
	inner = shape_span(x, axis + 1, x->rank);
	*r = (struct region){ .out = k, .src_off = off * inner };
	region_axis(r, shape_span(x, 0, axis), x->dim[axis] * inner,
	    len * inner);
	region_axis(r, len * inner, 1, 1);
	return 1;
}

static int
split_host(struct view *v, struct err *e)
{
	return region_host(v, split_region, e);
}

/* Along the outermost axis every part is a view. */
static int
split_plan(struct view *v, struct plan *p, struct err *e)
{
	struct region r;
	int axis, got;

	if (op_axis_attr(v, "axis", 0, v->in[0]->shape.rank, &axis, e) != 0)
		return -1;
	if (shape_span(&v->in[0]->shape, 0, axis) != 1 ||
	    v->in[0]->kind != VAL_DEVICE)
		return region_plan(v, split_region, p, e);
	for (int k = 0; (got = split_region(v, k, &r, e)) == 1; k++)
		if (v->out[k] != NULL)
			plan_view(p, v->out[k], v->in[0], r.src_off);
	return got;
}

#define ANY	"*"

OP_FAMILY(move_ops);
const struct op move_ops[] = {
	{ .name = "Transpose", .since = 1, .types = ANY, .infer =
	  transpose_infer, .host = transpose_host, .plan = transpose_plan },
	{ .name = "Slice", .since = 1, .types = ANY, .infer = slice_infer,
	  .host = slice_host, .plan = slice_plan },
	{ .name = "Concat", .since = 1, .types = ANY, .flags = OP_LAYOUT,
	  .infer = concat_infer, .host = concat_host, .plan = concat_plan },
	{ .name = "Split", .since = 1, .types = ANY, .infer = split_infer,
	  .host = split_host, .plan = split_plan },
	{ .name = NULL }
};
