/* Movement that repeats or rearranges elements, as regions. */
#include "op/op.h"
#include "op/region.h"
#include "op/shape.h"

static int
expand_infer(struct view *v, struct err *e)
{
	struct shape s = { 0 };
	int64_t want[OP_INTS];
	int n, row;

	if (op_want(v, 2, e) != 0 || op_ints(v, NULL, 1, want, &n, e) != 0)
		return -1;
	if (n > MAX_RANK)
		return view_error(e, "rank %d, want at most %d", n, MAX_RANK);
	s.rank = n;
	for (int i = 0; i < n; i++)
		if ((s.dim[i] = want[i]) < 0)
			return view_error(e, "dimension %lld",
			    (long long)want[i]);
	if (!shape_broadcast(&s, &v->in[0]->shape, &s) ||
	    op_shape_check(&s, v->in[0]->type, e) != 0)
		return view_error(e, "shapes do not broadcast");
	row = row_broadcast(v, &s, 0, 1);
	view_set(v, 0, v->in[0]->type, &s, row);
	return 0;
}

static int
expand_region(struct view *v, int k, struct region *r, struct err *e)
{
	const struct shape *x = &v->in[0]->shape, *o = &v->out[0]->shape;
	int64_t src[MAX_RANK], dst[MAX_RANK];
	int skip = o->rank - x->rank;

	(void)e;
	if (k > 0)
		return 0;
	shape_strides(x, src);
	shape_strides(o, dst);
	*r = (struct region){ 0 };
	for (int i = 0; i < o->rank; i++)
		region_axis(r, o->dim[i], i < skip || x->dim[i - skip] == 1 ?
		    0 : src[i - skip], dst[i]);
	return 1;
}
REGION_OP(expand)

/* Opset 6: a list of repeats; before: how many times along which one axis. */
static int
tile_reps(struct view *v, int64_t reps[OP_INTS], struct err *e)
{
	int rank = v->in[0]->shape.rank, n, n_axis;
	int64_t axis[OP_INTS];

	if (op_ints(v, NULL, 1, reps, &n, e) != 0 ||
	    op_ints(v, NULL, 2, axis, &n_axis, e) != 0)
		return -1;
	if (n_axis == 1 && n == 1) {
		int64_t times = reps[0];
		int a;

		if (op_axis(axis[0], rank, &a, e) != 0)
			return -1;
		for (int i = 0; i < rank; i++)
			reps[i] = i == a ? times : 1;
		n = rank;
	}
	if (n != rank)
		return view_error(e, "%d repeats for rank %d", n, rank);
	for (int i = 0; i < n; i++)
		if (reps[i] < 0)
			return view_error(e, "repeats %lld",
			    (long long)reps[i]);
	return 0;
}

static int
tile_infer(struct view *v, struct err *e)
{
	int64_t reps[OP_INTS];
	struct shape s;
	int row;

	if (op_want(v, 2, e) != 0 || tile_reps(v, reps, e) != 0)
		return -1;
	s = v->in[0]->shape;
	for (int i = 0; i < s.rank; i++)
		if (!dim_mul(s.dim[i], reps[i], &s.dim[i]))
			return op_overflow(e);
	row = v->in[0]->row;
	if (row >= 0 && reps[row] != 1)
		row = ROW_MIXED;
	view_set(v, 0, v->in[0]->type, &s, row);
	return 0;
}

static int
tile_region(struct view *v, int k, struct region *r, struct err *e)
{
	const struct shape *x = &v->in[0]->shape;
	int64_t reps[OP_INTS], src[MAX_RANK], dst[MAX_RANK];

	if (k > 0)
		return 0;
	if (tile_reps(v, reps, e) != 0)
		return -1;
	shape_strides(x, src);
	shape_strides(&v->out[0]->shape, dst);
	*r = (struct region){ 0 };
	for (int i = 0; i < x->rank; i++) {
		region_axis(r, reps[i], 0, dst[i] * x->dim[i]);
		region_axis(r, x->dim[i], src[i], dst[i]);
	}
	return 1;
}
REGION_OP(tile)

static int
block_size(const struct view *v, int64_t *b, struct err *e)
{
	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 4, 4, "input 0", e) != 0 ||
	    attr_int(v->node, "blocksize", 0, b, e) != 0)
		return -1;
	if (*b < 1 || *b > INT16_MAX)
		return view_error(e, "blocksize %lld", (long long)*b);
	return 0;
}

static int
depth_infer(struct view *v, struct err *e)
{
	struct shape s;
	int64_t b;

	if (block_size(v, &b, e) != 0)
		return -1;
	s = v->in[0]->shape;
	if (s.dim[1] % (b * b) != 0)
		return view_error(e, "%lld channels, want a multiple of %lld",
		    (long long)s.dim[1], (long long)(b * b));
	s.dim[1] /= b * b;
	if (!dim_mul(s.dim[2], b, &s.dim[2]) || !dim_mul(s.dim[3], b,
	    &s.dim[3]))
		return op_overflow(e);
	view_set(v, 0, v->in[0]->type, &s, row_unless(v->in[0], 0xe));
	return 0;
}

/* Axes (n, c, h, bh, w, bw) of the output; DCR has the blocks outside c. */
static int
depth_region(struct view *v, int k, struct region *r, struct err *e)
{
	const struct shape *x = &v->in[0]->shape, *o = &v->out[0]->shape;
	int64_t src[MAX_RANK], dst[MAX_RANK], b, sc, sb;
	const char *mode;

	if (k > 0)
		return 0;
	if (block_size(v, &b, e) != 0 ||
	    attr_string(v->node, "mode", "DCR", &mode, e) != 0)
		return -1;
	shape_strides(x, src);
	shape_strides(o, dst);
	sc = strcmp(mode, "CRD") == 0 ? b * b * src[1] : src[1];
	sb = strcmp(mode, "CRD") == 0 ? src[1] : o->dim[1] * src[1];
	*r = (struct region){ 0 };
	region_axis(r, x->dim[0], src[0], dst[0]);
	region_axis(r, o->dim[1], sc, dst[1]);
	region_axis(r, x->dim[2], src[2], dst[2] * b);
	region_axis(r, b, sb * b, dst[2]);
	region_axis(r, x->dim[3], src[3], dst[3] * b);
	region_axis(r, b, sb, dst[3]);
	return 1;
}
REGION_OP(depth)

static int
space_infer(struct view *v, struct err *e)
{
	struct shape s;
	int64_t b;

	if (block_size(v, &b, e) != 0)
		return -1;
	s = v->in[0]->shape;
	if (s.dim[2] % b != 0 || s.dim[3] % b != 0)
		return view_error(e,
		    "extents %lld, %lld, want multiples of %lld",
		    (long long)s.dim[2], (long long)s.dim[3], (long long)b);
	if (!dim_mul(s.dim[1], b * b, &s.dim[1]))
		return op_overflow(e);
	s.dim[2] /= b;
	s.dim[3] /= b;
	view_set(v, 0, v->in[0]->type, &s, row_unless(v->in[0], 0xe));
	return 0;
}

static int
space_region(struct view *v, int k, struct region *r, struct err *e)
{
	const struct shape *x = &v->in[0]->shape, *o = &v->out[0]->shape;
	int64_t src[MAX_RANK], dst[MAX_RANK], b;

	if (k > 0)
		return 0;
	if (block_size(v, &b, e) != 0)
		return -1;
	shape_strides(x, src);
	shape_strides(o, dst);
	*r = (struct region){ 0 };
	region_axis(r, x->dim[0], src[0], dst[0]);
	region_axis(r, b, src[2], dst[1] * x->dim[1] * b);
	region_axis(r, b, src[3], dst[1] * x->dim[1]);
	region_axis(r, x->dim[1], src[1], dst[1]);
	region_axis(r, o->dim[2], src[2] * b, dst[2]);
	region_axis(r, o->dim[3], src[3] * b, dst[3]);
	return 1;
}
REGION_OP(space)

#define ANY	"*"

OP_FAMILY(repeat_ops);
const struct op repeat_ops[] = {
	{ .name = "Expand", .since = 8, .types = ANY, .infer = expand_infer,
	  .host = expand_host, .plan = expand_plan },
	{ .name = "Tile", .since = 1, .types = ANY, .infer = tile_infer,
	  .host = tile_host, .plan = tile_plan },
	{ .name = "DepthToSpace", .since = 1, .types = ANY, .infer =
	    depth_infer,
	  .host = depth_host, .plan = depth_plan },
	{ .name = "SpaceToDepth", .since = 1, .types = ANY, .infer =
	    space_infer,
	  .host = space_host, .plan = space_plan },
	{ .name = NULL }
};
