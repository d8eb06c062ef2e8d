/* Resize and Upsample. */
#include "op/resize.h"

#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/region.h"
#include "op/shape.h"

/* Where an opset keeps its inputs, and how it reads what is not said. */
struct resize_form {
	int		 roi, scales, sizes;	/* input numbers; -1: none */
	const char	*coord, *nearest;
};

static const struct resize_form
form_11 = { 1, 2, 3, "half_pixel", "round_prefer_floor" },
form_10 = { -1, 1, -1, "asymmetric", "floor" };

static int
read_mode(const struct view *v, const struct resize_form *f, struct resize *r,
    struct err *e)
{
	const char *mode;

	if (attr_string(v->node, "mode", "nearest", &mode, e) != 0 ||
	    attr_string(v->node, "coordinate_transformation_mode", f->coord,
	    &r->coord, e) != 0 ||
	    attr_string(v->node, "nearest_mode", f->nearest, &r->nearest,
	    e) != 0 ||
	    attr_float(v->node, "cubic_coeff_a", -0.75f, &r->cubic_a, e) != 0 ||
	    attr_float(v->node, "extrapolation_value", 0, &r->extrapolation,
	    e) != 0 ||
	    attr_int(v->node, "exclude_outside", 0, &r->exclude, e) != 0 ||
	    attr_int(v->node, "antialias", 0, &r->antialias, e) != 0)
		return -1;
	r->mode = strcmp(mode, "cubic") == 0 ? RESIZE_CUBIC :
	    strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0 ?
	    RESIZE_LINEAR : RESIZE_NEAREST;
	return 0;
}

/* A KNOWN input's floats, one per axis; *n 0 if it is left out or empty. */
static int
read_floats(struct view *v, int i, double *out, int max, int *n,
    struct err *e)
{
	const struct val *x = i < 0 ? NULL : view_in(v, i);

	*n = 0;
	if (x == NULL || val_count(x) == 0)
		return 0;
	if (op_known(v, i) != 0)
		return -1;
	if (val_count(x) > (size_t)max)
		return view_error(e, "input %d has %zu values, want %d", i,
		    val_count(x), max);
	*n = (int)val_count(x);
	for (int k = 0; k < *n; k++)
		out[k] = elem_f(x->type, x->data, (size_t)k);
	return 0;
}

static int
axis_scale(struct resize_axis *a, double scale, struct err *e)
{
	double out = floor((double)a->in * scale);

	if (!(scale > 0) || !(out < 0x1p31) || scale < 1e-6)
		return view_error(e, "scale %g", scale);
	a->scale = scale;
	a->out = (int64_t)out;
	a->same = scale == 1;
	return 0;
}

static int
axis_size(struct resize_axis *a, double size, double scale, struct err *e)
{
	if (!(size >= 0 && size < 0x1p31) || a->in == 0)
		return view_error(e, "size %g", size);
	a->out = scale > 0 ? (int64_t)floor(scale * (double)a->in + 0.5) :
	    (int64_t)size;
	a->scale = scale > 0 ? scale : (double)a->out / (double)a->in;
	a->same = a->out == a->in;
	return a->scale >= 1e-6 || a->out == 0 ? 0 :
	    view_error(e, "size %g of %lld", size, (long long)a->in);
}

/* keep_aspect_ratio_policy: the one scale for all axes, or 0. */
static int
common_scale(const struct view *v, const struct resize *r, const double *size,
    const int *axes, int n, double *scale, struct err *e)
{
	const char *how;
	bool larger;

	*scale = 0;
	if (attr_string(v->node, "keep_aspect_ratio_policy", "stretch", &how,
	    e) != 0)
		return -1;
	if (strcmp(how, "stretch") == 0)
		return 0;
	larger = strcmp(how, "not_smaller") == 0;
	for (int i = 0; i < n; i++) {
		double s = size[i] / (double)r->axis[axes[i]].in;

		if (i == 0 || (larger ? s > *scale : s < *scale))
			*scale = s;
	}
	return 0;
}

static int
resize_read(struct view *v, const struct resize_form *f, struct resize *r,
    struct err *e)
{
	double scales[MAX_RANK], sizes[MAX_RANK], roi[2 * MAX_RANK];
	double common = 0;
	int axes[MAX_RANK], n_axes, n_scales, n_sizes, n_roi, n;

	if (op_want(v, 1, e) != 0)
		return -1;
	*r = (struct resize){ .rank = v->in[0]->shape.rank };
	if (read_mode(v, f, r, e) != 0 ||
	    op_axes(v, "axes", -1, r->rank, axes, &n_axes, e) != 0 ||
	    read_floats(v, f->roi, roi, 2 * MAX_RANK, &n_roi, e) != 0 ||
	    read_floats(v, f->scales, scales, MAX_RANK, &n_scales, e) != 0 ||
	    read_floats(v, f->sizes, sizes, MAX_RANK, &n_sizes, e) != 0)
		return -1;
	for (int i = 0; i < r->rank; i++) {
		r->axis[i].in = r->axis[i].out = v->in[0]->shape.dim[i];
		r->axis[i].scale = 1;
		r->axis[i].same = true;
		r->axis[i].roi[1] = 1;
	}
	n = n_axes < 0 ? r->rank : n_axes;
	for (int i = 0; n_axes < 0 && i < n; i++)
		axes[i] = i;
	if (n_scales != (n_sizes > 0 ? 0 : n) || (n_sizes > 0 &&
	    n_sizes != n) ||
	    (n_roi > 0 && n_roi != 2 * n))
		return view_error(e, "%d scales, %d sizes, %d roi for %d axes",
		    n_scales, n_sizes, n_roi, n);
	if (n_sizes > 0 &&
	    common_scale(v, r, sizes, axes, n, &common, e) != 0)
		return -1;
	for (int i = 0; i < n; i++) {
		struct resize_axis *a = &r->axis[axes[i]];

		if (n_roi > 0) {
			a->roi[0] = roi[i];
			a->roi[1] = roi[n + i];
		}
		if ((n_sizes > 0 ? axis_size(a, sizes[i], common, e) :
		    axis_scale(a, scales[i], e)) != 0)
			return -1;
		if (n_roi > 0 && strcmp(r->coord, "tf_crop_and_resize") == 0)
			a->same = a->same && a->roi[0] == 0 && a->roi[1] == 1;
	}
	return 0;
}

static int
resize_infer(struct view *v, const struct resize_form *f, struct err *e)
{
	struct resize r;
	struct shape o;
	int row;

	if (resize_read(v, f, &r, e) != 0)
		return -1;
	o.rank = r.rank;
	row = v->in[0]->row;
	for (int i = 0; i < r.rank; i++) {
		o.dim[i] = r.axis[i].out;
		if (row == i && !r.axis[i].same)
			row = ROW_MIXED;
		if (o.dim[i] > 0 && r.axis[i].in == 0)
			return view_error(e, "axis %d is empty", i);
	}
	view_set(v, 0, v->in[0]->type, &o, row);
	return 0;
}

/* One element: over all combinations of taps. */
static double
resize_at(const struct resize *r, const struct val *x, const int64_t *stride,
    const int64_t *at)
{
	int tap[MAX_RANK] = { 0 }, a;
	double sum = 0;

	for (int k = 0; k < r->rank; k++)
		if (r->axis[k].outside[at[k]])
			return r->extrapolation;
	do {
		size_t from = 0;
		double w = 1;

		for (int k = 0; k < r->rank; k++) {
			const struct resize_axis *ax = &r->axis[k];
			int64_t t = at[k] * ax->taps + tap[k];

			from += (size_t)(ax->at[t] * stride[k]);
			w *= ax->weight[t];
		}
		if (w != 0)
			sum += w * elem_f(x->type, x->data, from);
		for (a = r->rank - 1; a >= 0; a--) {
			if (++tap[a] < r->axis[a].taps)
				break;
			tap[a] = 0;
		}
	} while (a >= 0);
	return sum;
}

static int
resize_host(struct view *v, const struct resize_form *f, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	int64_t stride[MAX_RANK];
	struct resize r;
	struct walk w;

	if (out == NULL || resize_read(v, f, &r, e) != 0 ||
	    resize_tables(v, &r, e) != 0)
		return -1;
	shape_strides(&x->shape, stride);
	for (walk_init(&w, &v->out[0]->shape); walk_more(&w); walk_next(&w))
		elem_set_f(x->type, out, w.i, resize_at(&r, x, stride, w.at));
	return 0;
}

/* Nearest by whole factors, from the front: every element is repeated. */
static bool
repeats(const struct resize *r)
{
	if (r->mode != RESIZE_NEAREST || strcmp(r->coord, "asymmetric") != 0 ||
	    strcmp(r->nearest, "floor") != 0)
		return false;
	for (int i = 0; i < r->rank; i++)
		if (r->axis[i].in == 0 ||
		    r->axis[i].out % r->axis[i].in != 0 ||
		    r->axis[i].scale !=
		    (double)(r->axis[i].out / r->axis[i].in))
			return false;
	return true;
}

static int
repeat_region(struct view *v, int k, struct region *r, struct err *e)
{
	const struct shape *x = &v->in[0]->shape, *o = &v->out[0]->shape;
	int64_t src[MAX_RANK], dst[MAX_RANK];

	(void)e;
	if (k > 0)
		return 0;
	shape_strides(x, src);
	shape_strides(o, dst);
	*r = (struct region){ 0 };
	for (int i = 0; i < x->rank; i++) {
		int64_t times = o->dim[i] / x->dim[i];

		region_axis(r, x->dim[i], src[i], dst[i] * times);
		region_axis(r, times, 0, dst[i]);
	}
	return 1;
}

/* Source positions are linear in i: the kernel gets slope and offset. */
static void
step_axis(struct step *s, const struct resize *r, const struct resize_axis *a)
{
	double from = a->same || a->out == 0 ? 0 : resize_source(r, a, 0);
	double next = a->same || a->out < 2 ? from + 1 : resize_source(r, a, 1);

	step_int(s, a->in);
	step_int(s, a->out);
	step_float(s, (float)(next - from));
	step_float(s, (float)from);
}

/* Linear along the last two axes. */
static int
resize_plan(struct view *v, const struct resize_form *f, struct plan *p,
    struct err *e)
{
	struct resize r;
	struct step *s;

	if (resize_read(v, f, &r, e) != 0)
		return -1;
	if (val_count(v->out[0]) == 0 || !fits_int(v->out[0]))
		return 1;
	if (repeats(&r))
		return region_plan(v, repeat_region, p, e);
	if (r.mode != RESIZE_LINEAR || r.rank < 2 || r.antialias ||
	    r.exclude || v->in[0]->type != DT_FLOAT ||
	    strcmp(r.coord, "tf_crop_and_resize") == 0)
		return 1;
	for (int i = 0; i < r.rank - 2; i++)
		if (!r.axis[i].same)
			return 1;
	s = plan_step(p, e, "resize", "resize_linear", " ");
	if (s == NULL)
		return -1;
	step_in(s, v->in[0]);
	step_out(s, v->out[0]);
	step_int(s, (int64_t)val_count(v->out[0]));
	step_axis(s, &r, &r.axis[r.rank - 2]);
	step_axis(s, &r, &r.axis[r.rank - 1]);
	step_items(s, val_count(v->out[0]));
	return plan_end(p, s, e);
}

#define RESIZE(name, form)						\
static int								\
name##_infer(struct view *v, struct err *e)				\
{									\
	return resize_infer(v, &form, e);				\
}									\
									\
static int								\
name##_host(struct view *v, struct err *e)				\
{									\
	return resize_host(v, &form, e);				\
}									\
									\
static int								\
name##_plan(struct view *v, struct plan *p, struct err *e)		\
{									\
	return resize_plan(v, &form, p, e);				\
}

RESIZE(now, form_11)
RESIZE(old, form_10)

#define ROW(op, from, to, id)						\
{									\
	.name = op, .since = from, .until = to, .types = "fdhiu *",	\
	.infer = id##_infer, .host = id##_host, .plan = id##_plan,	\
}

OP_FAMILY(resize_ops);
const struct op resize_ops[] = {
	ROW("Resize", 11, 0, now),
	ROW("Resize", 10, 10, old),
	ROW("Upsample", 9, 10, old),
	{ .name = NULL }
};
