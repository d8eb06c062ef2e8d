/*
 * Sampling of images at places that are data: RoiAlign, GridSample, unpooling.
 */
#include <math.h>

#include "op/op.h"
#include "op/shape.h"
#include "op/window.h"

struct roi {
	int64_t		 oh, ow, ratio;
	float		 scale;
	bool		 max;
	double		 half;		/* what coordinates are shifted by */
	const char	*coord;
};

static int
roi_read(const struct view *v, const char *dflt, struct roi *r, struct err *e)
{
	const char *mode;

	if (op_want(v, 3, e) != 0 ||
	    op_want_rank(v->in[0], 4, 4, "X", e) != 0 ||
	    op_want_rank(v->in[1], 2, 2, "rois", e) != 0 ||
	    attr_int(v->node, "output_height", 1, &r->oh, e) != 0 ||
	    attr_int(v->node, "output_width", 1, &r->ow, e) != 0 ||
	    attr_int(v->node, "sampling_ratio", 0, &r->ratio, e) != 0 ||
	    attr_float(v->node, "spatial_scale", 1, &r->scale, e) != 0 ||
	    attr_string(v->node, "mode", "avg", &mode, e) != 0 ||
	    attr_string(v->node, "coordinate_transformation_mode", dflt,
	    &r->coord, e) != 0)
		return -1;
	r->max = strcmp(mode, "max") == 0;
	r->half = strcmp(r->coord, "half_pixel") == 0 ? 0.5 : 0;
	if (r->oh < 1 || r->ow < 1 || r->oh > INT16_MAX || r->ow > INT16_MAX ||
	    r->ratio < 0 || r->ratio > 1024 ||
	    v->in[1]->shape.dim[1] != 4 ||
	    val_count(v->in[2]) != (size_t)v->in[1]->shape.dim[0])
		return view_error(e, "output %lld by %lld, ratio %lld, %zu "
		    "batch indices", (long long)r->oh, (long long)r->ow,
		    (long long)r->ratio, val_count(v->in[2]));
	return 0;
}

static int
roi_infer_as(struct view *v, const char *dflt, struct err *e)
{
	struct shape o = { .rank = 4 };
	struct roi r;

	if (roi_read(v, dflt, &r, e) != 0)
		return -1;
	o.dim[0] = v->in[1]->shape.dim[0];
	o.dim[1] = v->in[0]->shape.dim[1];
	o.dim[2] = r.oh;
	o.dim[3] = r.ow;
	view_set(v, 0, v->in[0]->type, &o, row_any(v));
	return 0;
}

/* The four neighbours of a point in a plane, and their weights. */
struct quad {
	size_t	at[4];
	double	w[4];
};

/* Torchvision's rule: a pixel outside counts as the border, further out 0. */
static void
quad_at(double y, double x, int64_t h, int64_t w, struct quad *q)
{
	int64_t y0, x0, y1, x1;
	double fy, fx;

	memset(q, 0, sizeof(*q));
	if (!(y >= -1 && y <= (double)h && x >= -1 && x <= (double)w))
		return;
	y = y < 0 ? 0 : y;
	x = x < 0 ? 0 : x;
	y0 = (int64_t)y;
	x0 = (int64_t)x;
	if (y0 >= h - 1) {
		y0 = h - 1;
		y = (double)y0;
	}
	if (x0 >= w - 1) {
		x0 = w - 1;
		x = (double)x0;
	}
	y1 = y0 < h - 1 ? y0 + 1 : y0;
	x1 = x0 < w - 1 ? x0 + 1 : x0;
	fy = y - (double)y0;
	fx = x - (double)x0;
	*q = (struct quad){
		{ (size_t)(y0 * w + x0), (size_t)(y0 * w + x1),
		  (size_t)(y1 * w + x0), (size_t)(y1 * w + x1) },
		{ (1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx },
	};
}

/* One cell: an average of samples, or the largest weighted corner. */
static double
roi_cell(const struct roi *r, const struct val *x, size_t plane, double y0,
    double x0, double bh, double bw, int64_t gh, int64_t gw)
{
	double sum = 0, top = -INFINITY;
	struct quad q;

	for (int64_t i = 0; i < gh; i++)
		for (int64_t k = 0; k < gw; k++) {
			quad_at(y0 + ((double)i + 0.5) * bh / (double)gh,
			    x0 + ((double)k + 0.5) * bw / (double)gw,
			    x->shape.dim[2], x->shape.dim[3], &q);
			for (int c = 0; c < 4; c++) {
				double p = q.w[c] * elem_f(x->type, x->data,
				    plane + q.at[c]);

				sum += p;
				top = p > top ? p : top;
			}
		}
	return r->max ? top : sum / (double)(gh * gw);
}

static int64_t
grid_of(const struct roi *r, double size, int64_t out, int64_t limit)
{
	double n = ceil(size / (double)out);

	if (r->ratio > 0)
		return r->ratio;
	/* A box larger than the image by far is sampled no finer than that. */
	n = n > (double)(4 * limit + 4) ? (double)(4 * limit + 4) : n;
	return n < 1 ? 1 : (int64_t)n;
}

static void
roi_one(const struct view *v, const struct roi *r, int64_t k, int64_t image,
    void *out)
{
	const struct val *x = v->in[0], *b = v->in[1];
	int64_t channels = x->shape.dim[1], gh, gw;
	double box[4], h, w;

	for (int i = 0; i < 4; i++)
		box[i] = elem_f(b->type, b->data, (size_t)(k * 4 + i)) *
		    r->scale - r->half;
	w = box[2] - box[0];
	h = box[3] - box[1];
	if (r->half == 0) {
		w = fmax(w, 1);
		h = fmax(h, 1);
	}
	gh = grid_of(r, h, r->oh, x->shape.dim[2]);
	gw = grid_of(r, w, r->ow, x->shape.dim[3]);
	h /= (double)r->oh;
	w /= (double)r->ow;
	for (int64_t i = 0; i < channels * r->oh * r->ow; i++) {
		int64_t c = i / r->ow / r->oh;
		size_t plane = (size_t)((image * channels + c) *
		    x->shape.dim[2] * x->shape.dim[3]);

		elem_set_f(x->type, out,
		    (size_t)(k * channels * r->oh * r->ow + i),
		    roi_cell(r, x, plane,
		    box[1] + (double)(i / r->ow % r->oh) * h,
		    box[0] + (double)(i % r->ow) * w, h, w, gh, gw));
	}
}

static int
roi_host_as(struct view *v, const char *dflt, struct err *e)
{
	const struct val *which = v->in[2];
	void *out = view_alloc(v, 0, e);
	struct roi r;

	if (out == NULL || roi_read(v, dflt, &r, e) != 0)
		return -1;
	if (v->in[0]->shape.dim[2] == 0 || v->in[0]->shape.dim[3] == 0)
		return view_error(e, "X has no pixels");
	for (int64_t k = 0; k < v->in[1]->shape.dim[0]; k++) {
		int64_t image = elem_i(which->type, which->data, (size_t)k);

		if (image < 0 || image >= v->in[0]->shape.dim[0])
			return view_error(e, "batch index %lld",
			    (long long)image);
		roi_one(v, &r, k, image, out);
	}
	return 0;
}

static int
roi_infer(struct view *v, struct err *e)
{
	return roi_infer_as(v, "half_pixel", e);
}

static int
roi_host(struct view *v, struct err *e)
{
	return roi_host_as(v, "half_pixel", e);
}

static int
roi_old_infer(struct view *v, struct err *e)
{
	return roi_infer_as(v, "output_half_pixel", e);
}

static int
roi_old_host(struct view *v, struct err *e)
{
	return roi_host_as(v, "output_half_pixel", e);
}

/* X: batch, 1, h, w boxes of MaxRoiPool are (image, x1, y1, x2, y2). */
static int
roipool_read(const struct view *v, int64_t out[2], float *scale, struct err *e)
{
	const int64_t *given;
	size_t n;

	if (op_want(v, 2, e) != 0 ||
	    op_want_rank(v->in[0], 4, 4, "X", e) != 0 ||
	    op_want_rank(v->in[1], 2, 2, "rois", e) != 0 ||
	    attr_ints(v->node, "pooled_shape", &given, &n, e) != 0 ||
	    attr_float(v->node, "spatial_scale", 1, scale, e) != 0)
		return -1;
	if (given == NULL || n != 2 || given[0] < 1 || given[1] < 1 ||
	    given[0] > INT16_MAX || given[1] > INT16_MAX ||
	    v->in[1]->shape.dim[1] != 5)
		return view_error(e, "pooled_shape or rois are not right");
	out[0] = given[0];
	out[1] = given[1];
	return 0;
}

static int
roipool_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 4 };
	float scale;

	if (roipool_read(v, o.dim + 2, &scale, e) != 0)
		return -1;
	o.dim[0] = v->in[1]->shape.dim[0];
	o.dim[1] = v->in[0]->shape.dim[1];
	view_set(v, 0, v->in[0]->type, &o, row_any(v));
	return 0;
}

/* Bin i of n over [from, from + size): [lo, hi) within the image. */
static void
bin(int64_t i, int64_t n, double from, double size, int64_t limit, int64_t *lo,
    int64_t *hi)
{
	double a = floor((double)i * size / (double)n) + from;
	double b = ceil((double)(i + 1) * size / (double)n) + from;

	*lo = a < 0 ? 0 : a > (double)limit ? limit : (int64_t)a;
	*hi = b < 0 ? 0 : b > (double)limit ? limit : (int64_t)b;
}

static int
roipool_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *b = v->in[1];
	void *out = view_alloc(v, 0, e);
	struct walk w;
	int64_t o[2];
	float scale;

	if (out == NULL || roipool_read(v, o, &scale, e) != 0)
		return -1;
	for (walk_init(&w, &v->out[0]->shape); walk_more(&w); walk_next(&w)) {
		double roi[5], top = -INFINITY;
		int64_t y0, y1, x0, x1, image;

		for (int i = 0; i < 5; i++)
			roi[i] = elem_f(b->type, b->data,
			    (size_t)(w.at[0] * 5 + i));
		for (int i = 1; i < 5; i++)
			roi[i] = round(roi[i] * scale);
		if (!(roi[0] >= 0 && roi[0] < (double)x->shape.dim[0]))
			return view_error(e, "batch index %g", roi[0]);
		image = (int64_t)roi[0];
		bin(w.at[2], o[0], roi[2], fmax(roi[4] - roi[2] + 1, 1),
		    x->shape.dim[2], &y0, &y1);
		bin(w.at[3], o[1], roi[1], fmax(roi[3] - roi[1] + 1, 1),
		    x->shape.dim[3], &x0, &x1);
		for (int64_t i = y0; i < y1; i++)
			for (int64_t k = x0; k < x1; k++)
				top = fmax(top, elem_f(x->type, x->data,
				    (size_t)(((image * x->shape.dim[1] +
				    w.at[1]) * x->shape.dim[2] + i) *
				    x->shape.dim[3] + k)));
		elem_set_f(x->type, out, w.i, y0 < y1 && x0 < x1 ? top : 0);
	}
	return 0;
}

static int
unpool_shape(struct view *v, struct shape *o, struct err *e)
{
	int64_t given[OP_INTS], pads[2 * WINDOW_RANK] = { 0 };
	const int64_t *k, *s, *p;
	size_t nk, ns, np;
	int n;

	if (op_want(v, 2, e) != 0 ||
	    op_want_rank(v->in[0], 3, MAX_RANK, "X", e) != 0 ||
	    op_ints(v, NULL, 2, given, &n, e) != 0 ||
	    attr_ints(v->node, "kernel_shape", &k, &nk, e) != 0 ||
	    attr_ints(v->node, "strides", &s, &ns, e) != 0 ||
	    attr_ints(v->node, "pads", &p, &np, e) != 0)
		return -1;
	*o = v->in[0]->shape;
	if (!shape_equal(o, &v->in[1]->shape) || nk != (size_t)o->rank - 2 ||
	    (s != NULL && ns != nk) || (p != NULL && np != 2 * nk) ||
	    (n >= 0 && n != o->rank))
		return view_error(e, "kernel_shape, strides, pads or shapes do "
		    "not match");
	for (size_t i = 0; p != NULL && i < np; i++)
		if ((pads[i] = p[i]) < 0 || p[i] > INT32_MAX)
			return view_error(e, "pads has %lld", (long long)p[i]);
	for (int i = 0; i < o->rank - 2; i++) {
		int64_t step = s != NULL ? s[i] : 1, d;

		if (!dim_mul(o->dim[i + 2] - 1, step, &d) ||
		    !dim_add(d, k[i], &d) || !dim_add(d, -pads[i], &d) ||
		    !dim_add(d, -pads[(size_t)i + nk], &d) || d < 0)
			return op_overflow(e);
		o->dim[i + 2] = d;
	}
	for (int i = 0; i < n; i++)
		o->dim[i] = given[i];
	return op_shape_check(o, v->in[0]->type, e);
}

static int
unpool_infer(struct view *v, struct err *e)
{
	struct shape o;

	if (unpool_shape(v, &o, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &o, row_any(v));
	return 0;
}

/*
 * Indices count in the shape that was pooled: the one without output_shape.
 * In a larger output the element keeps its coordinates.
 */
static int
unpool_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *ix = v->in[1];
	void *out = view_alloc(v, 0, e);
	struct view inner = *v;
	int64_t stride[MAX_RANK];
	struct shape was;

	if (out == NULL)
		return -1;
	inner.n_in = 2;
	if (unpool_shape(&inner, &was, e) != 0)
		return -1;
	shape_strides(&v->out[0]->shape, stride);
	for (size_t i = 0; i < val_count(x); i++) {
		int64_t at = elem_i(ix->type, ix->data, i), to = 0;

		if (at < 0)
			return view_error(e, "index %lld", (long long)at);
		for (int a = was.rank - 1; a >= 0; a--) {
			int64_t k = a == 0 || was.dim[a] == 0 ? at :
			    at % was.dim[a];

			if (was.dim[a] == 0 || k >= v->out[0]->shape.dim[a])
				return view_error(e,
				    "an index is out of range");
			to += k * stride[a];
			at /= was.dim[a];
		}
		elem_copy(x->type, out, (size_t)to, x->data, i);
	}
	return 0;
}

#define ROW(op, from, to, takes, id)					\
{									\
	.name = op, .since = from, .until = to, .types = takes,		\
	.infer = id##_infer, .host = id##_host,				\
}

OP_FAMILY(spatial_ops);
const struct op spatial_ops[] = {
	ROW("RoiAlign", 10, 15, "fdh fdh i", roi_old),
	ROW("RoiAlign", 16, 0, "fdh fdh i", roi),
	ROW("MaxRoiPool", 1, 0, "fdh", roipool),
	ROW("MaxUnpool", 9, 0, "fdh i i", unpool),
	{ .name = NULL }
};
