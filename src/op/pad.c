/* Pad, Trilu, ReverseSequence: elements by position. */
#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/region.h"
#include "op/shape.h"

enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP };

struct pad {
	int64_t		before[MAX_RANK];
	struct shape	out;
	enum pad_mode	mode;
};

static int
pad_mode(const struct view *v, struct pad *p, struct err *e)
{
	static const char *const name[] = {
		"constant", "reflect", "edge", "wrap", NULL
	};
	const char *how;

	if (attr_string(v->node, "mode", "constant", &how, e) != 0)
		return -1;
	for (int i = 0; name[i] != NULL; i++)
		if (strcmp(name[i], how) == 0) {
			p->mode = (enum pad_mode)i;
			return 0;
		}
	return view_error(e, "mode \"%s\"", how);
}

static int
pad_read(struct view *v, struct pad *p, struct err *e)
{
	const struct shape *x;
	int64_t pads[OP_INTS];
	int axes[MAX_RANK], n, n_axes;

	if (op_want(v, 1, e) != 0)
		return -1;
	x = &v->in[0]->shape;
	if (op_ints(v, "pads", 1, pads, &n, e) != 0 ||
	    op_axes(v, NULL, 3, x->rank, axes, &n_axes, e) != 0 ||
	    pad_mode(v, p, e) != 0)
		return -1;
	if (n_axes < 0) {
		n_axes = x->rank;
		for (int i = 0; i < n_axes; i++)
			axes[i] = i;
	}
	if (n != 2 * n_axes)
		return view_error(e, "%d pads for %d axes", n, n_axes);
	p->out = *x;
	memset(p->before, 0, sizeof(p->before));
	for (int i = 0; i < n_axes; i++) {
		int64_t *dim = &p->out.dim[axes[i]];

		p->before[axes[i]] = pads[i];
		if (!dim_add(*dim, pads[i], dim) ||
		    !dim_add(*dim, pads[n_axes + i], dim) || *dim < 0 ||
		    pads[i] < -INT32_MAX || pads[i] > INT32_MAX)
			return view_error(e, "pads %lld and %lld for %lld",
			    (long long)pads[i], (long long)pads[n_axes + i],
			    (long long)x->dim[axes[i]]);
		if (*dim > 0 && x->dim[axes[i]] == 0 &&
		    p->mode != PAD_CONSTANT)
			return view_error(e, "nothing to repeat on axis %d",
			    axes[i]);
	}
	return 0;
}

static int
pad_infer(struct view *v, struct err *e)
{
	struct pad p;
	int row;

	if (pad_read(v, &p, e) != 0 ||
	    op_shape_check(&p.out, v->in[0]->type, e) != 0)
		return -1;
	row = v->in[0]->row;
	if (row >= 0 && (p.before[row] != 0 ||
	    p.out.dim[row] != v->in[0]->shape.dim[row]))
		row = ROW_MIXED;
	view_set(v, 0, v->in[0]->type, &p.out, row);
	return 0;
}

/* Which input position an output position repeats; -1: none. */
static int64_t
pad_source(enum pad_mode mode, int64_t i, int64_t n)
{
	if (i >= 0 && i < n)
		return i;
	switch (mode) {
	case PAD_EDGE:
		return i < 0 ? 0 : n - 1;
	case PAD_WRAP:
		return (i % n + n) % n;
	case PAD_REFLECT:
		if (n == 1)
			return 0;
		i = (i % (2 * n - 2) + 2 * n - 2) % (2 * n - 2);
		return i < n ? i : 2 * n - 2 - i;
	default:
		return -1;
	}
}

/* The value around: an input or, before opset 11, an attribute. */
static int
pad_fill(const struct view *v, void *out, struct err *e)
{
	const struct val *c = view_in(v, 2);
	enum dtype t = v->in[0]->type;
	float value;

	if (attr_float(v->node, "value", 0, &value, e) != 0)
		return -1;
	if (c == NULL && value == 0)
		return 0;
	for (size_t i = 0; i < val_count(v->out[0]); i++)
		if (c != NULL)
			elem_copy(t, out, i, c->data, 0);
		else
			elem_set_f(t, out, i, value);
	return 0;
}

static int
pad_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	int64_t stride[MAX_RANK];
	struct pad p;
	struct walk w;

	if (out == NULL || pad_read(v, &p, e) != 0)
		return -1;
	if (view_in(v, 2) != NULL && val_count(v->in[2]) != 1)
		return view_error(e, "constant_value is not one value");
	if (p.mode == PAD_CONSTANT && pad_fill(v, out, e) != 0)
		return -1;
	shape_strides(&x->shape, stride);
	for (walk_init(&w, &p.out); walk_more(&w); walk_next(&w)) {
		int64_t from = 0;

		for (int a = 0; a < p.out.rank && from >= 0; a++) {
			int64_t k = pad_source(p.mode, w.at[a] - p.before[a],
			    x->shape.dim[a]);

			from = k < 0 ? -1 : from + k * stride[a];
		}
		if (from >= 0)
			elem_copy(x->type, out, w.i, x->data, (size_t)from);
	}
	return 0;
}

/* The part of the input that is not cut away. */
static int
pad_region(struct view *v, int k, struct region *r, struct err *e)
{
	const struct shape *x = &v->in[0]->shape, *o = &v->out[0]->shape;
	int64_t src[MAX_RANK], dst[MAX_RANK];
	struct pad p;

	if (k > 0)
		return 0;
	if (pad_read(v, &p, e) != 0)
		return -1;
	shape_strides(x, src);
	shape_strides(o, dst);
	*r = (struct region){ 0 };
	for (int a = 0; a < x->rank; a++) {
		int64_t lo = p.before[a] < 0 ? -p.before[a] : 0;
		int64_t hi = o->dim[a] - p.before[a];

		hi = hi > x->dim[a] ? x->dim[a] : hi;
		hi = hi < lo ? lo : hi;
		r->src_off += lo * src[a];
		r->dst_off += (lo + p.before[a]) * dst[a];
		region_axis(r, hi - lo, src[a], dst[a]);
	}
	return 1;
}

/* Floats around a constant: the value everywhere, then the input over it. */
static int
pad_plan(struct view *v, struct plan *p, struct err *e)
{
	const struct val *c = view_in(v, 2);
	float value;
	int32_t bits;
	struct step *s;
	struct pad pad;

	if (pad_read(v, &pad, e) != 0 ||
	    attr_float(v->node, "value", 0, &value, e) != 0)
		return -1;
	if (pad.mode != PAD_CONSTANT || v->in[0]->type != DT_FLOAT ||
	    !fits_int(v->in[0]) || !fits_int(v->out[0]) ||
	    val_count(v->out[0]) == 0 || (c != NULL && c->data == NULL))
		return 1;
	if (c != NULL && val_count(c) != 1)
		return view_error(e, "constant_value is not one value");
	if (c != NULL)
		value = (float)elem_f(c->type, c->data, 0);
	memcpy(&bits, &value, sizeof(bits));
	s = plan_step(p, e, "move", "move_fill", "-DT=uint");
	if (s == NULL)
		return -1;
	step_out(s, v->out[0]);
	step_long(s, bits);
	step_int(s, (int64_t)val_count(v->out[0]));
	step_items(s, val_count(v->out[0]));
	if (plan_end(p, s, e) != 0)
		return -1;
	return region_plan(v, pad_region, p, e) < 0 ? -1 : 0;
}

static int
trilu_infer(struct view *v, struct err *e)
{
	int row;

	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 2, MAX_RANK, "input", e) != 0)
		return -1;
	row = row_others(v, 0, row_unless(v->in[0],
	    3u << (v->in[0]->shape.rank - 2)));
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape, row);
	return 0;
}

static int
trilu_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *kin = view_in(v, 1);
	void *out = view_alloc(v, 0, e);
	int64_t upper, k = 0, rows, cols;

	if (out == NULL || attr_int(v->node, "upper", 1, &upper, e) != 0)
		return -1;
	if (kin != NULL && val_count(kin) == 1)
		k = elem_i(kin->type, kin->data, 0);
	k = k < -INT32_MAX ? -INT32_MAX : k > INT32_MAX ? INT32_MAX : k;
	rows = x->shape.dim[x->shape.rank - 2];
	cols = x->shape.dim[x->shape.rank - 1];
	for (size_t i = 0; i < val_count(x); i++) {
		int64_t c = (int64_t)i % cols, r = (int64_t)i / cols % rows;

		if (upper ? c - r >= k : c - r <= k)
			elem_copy(x->type, out, i, x->data, i);
	}
	return 0;
}

static int
reverse_read(const struct view *v, int64_t *batch, int64_t *time,
    struct err *e)
{
	if (op_want(v, 2, e) != 0 ||
	    op_want_rank(v->in[0], 2, MAX_RANK, "input", e) != 0 ||
	    attr_int(v->node, "batch_axis", 1, batch, e) != 0 ||
	    attr_int(v->node, "time_axis", 0, time, e) != 0)
		return -1;
	if (*batch < 0 || *batch > 1 || *time != 1 - *batch)
		return view_error(e, "batch_axis %lld, time_axis %lld",
		    (long long)*batch, (long long)*time);
	if (val_count(v->in[1]) != (size_t)v->in[0]->shape.dim[*batch])
		return view_error(e, "%zu lengths", val_count(v->in[1]));
	return 0;
}

static int
reverse_infer(struct view *v, struct err *e)
{
	int64_t batch, time;
	int row;

	if (reverse_read(v, &batch, &time, e) != 0)
		return -1;
	row = row_unless(v->in[0], 1u << time);
	if (v->in[1]->row != ROW_FREE && (row != batch || v->in[1]->row != 0))
		row = ROW_MIXED;
	view_set(v, 0, v->in[0]->type, &v->in[0]->shape, row);
	return 0;
}

static int
reverse_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *len = v->in[1];
	void *out = view_alloc(v, 0, e);
	int64_t batch, time, stride[MAX_RANK];
	struct walk w;

	if (out == NULL || reverse_read(v, &batch, &time, e) != 0)
		return -1;
	shape_strides(&x->shape, stride);
	for (walk_init(&w, &x->shape); walk_more(&w); walk_next(&w)) {
		int64_t n = elem_i(len->type, len->data,
		    (size_t)w.at[batch]);
		int64_t t = w.at[time], from = t;

		if (n < 0 || n > x->shape.dim[time])
			return view_error(e, "length %lld", (long long)n);
		if (t < n)
			from = n - 1 - t;
		elem_copy(x->type, out, w.i, x->data,
		    (size_t)((int64_t)w.i + (from - t) * stride[time]));
	}
	return 0;
}

OP_FAMILY(pad_ops);
const struct op pad_ops[] = {
	{ .name = "Pad", .since = 2, .types = "* i * i", .infer = pad_infer,
	  .host = pad_host, .plan = pad_plan },
	{ .name = "Trilu", .since = 14, .types = "*", .infer = trilu_infer,
	  .host = trilu_host },
	{ .name = "ReverseSequence", .since = 10, .types = "* i",
	  .infer = reverse_infer, .host = reverse_host },
	{ .name = NULL }
};
