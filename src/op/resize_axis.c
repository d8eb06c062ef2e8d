#include "op/resize.h"

#include <math.h>

#include "op/shape.h"

static double
crop_source(const struct resize_axis *a, double i, double out)
{
	double x, last = (double)(a->in - 1);

	if (out <= 1)
		x = (a->roi[1] - a->roi[0]) * last / 2;
	else
		x = i * (a->roi[1] - a->roi[0]) * last / (out - 1);
	return x + a->roi[0] * last;
}

double
resize_source(const struct resize *r, const struct resize_axis *a, int64_t at)
{
	double i = (double)at, out = a->scale * (double)a->in;

	if (strcmp(r->coord, "align_corners") == 0)
		return out <= 1 ? 0 : i * (double)(a->in - 1) / (out - 1);
	if (strcmp(r->coord, "asymmetric") == 0)
		return i / a->scale;
	if (strcmp(r->coord, "tf_half_pixel_for_nn") == 0)
		return (i + 0.5) / a->scale;
	if (strcmp(r->coord, "tf_crop_and_resize") == 0)
		return crop_source(a, i, (double)a->out);
	if (strcmp(r->coord, "pytorch_half_pixel") == 0 && a->out <= 1)
		return -0.5;
	if (strcmp(r->coord, "half_pixel_symmetric") == 0)
		return (double)a->in / 2 * (1 - (double)a->out / out) +
		    (i + 0.5) / a->scale - 0.5;
	return (i + 0.5) / a->scale - 0.5;
}

static double
nearest(const char *how, double x)
{
	if (strcmp(how, "floor") == 0)
		return floor(x);
	if (strcmp(how, "ceil") == 0)
		return ceil(x);
	if (strcmp(how, "round_prefer_ceil") == 0)
		return floor(x + 0.5);
	return ceil(x - 0.5);
}

/* The weight of a sample at distance d. */
static double
kernel(const struct resize *r, double d)
{
	double a = r->cubic_a;

	d = fabs(d);
	if (r->mode == RESIZE_LINEAR)
		return d < 1 ? 1 - d : 0;
	if (d <= 1)
		return ((a + 2) * d - (a + 3)) * d * d + 1;
	return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* Downscaling with antialias stretches the kernel over more samples. */
static double
stretch(const struct resize *r, const struct resize_axis *a)
{
	return r->antialias && a->scale < 1 ? a->scale : 1;
}

static int
first_tap(const struct resize *r, const struct resize_axis *a)
{
	int reach = r->mode == RESIZE_CUBIC ? 2 : 1;

	return (int)floor(-reach / stretch(r, a)) + 1;
}

static void
fill_taps(const struct resize *r, struct resize_axis *a, int64_t i, double x)
{
	int first = first_tap(r, a);
	double base = floor(x), sum = 0;

	for (int t = 0; t < a->taps; t++) {
		double at = base + first + t;
		double w = kernel(r, (at - x) * stretch(r, a));

		if (r->exclude && (at < 0 || at > (double)(a->in - 1)))
			w = 0;
		at = at < 0 ? 0 : at > (double)(a->in - 1) ?
		    (double)(a->in - 1) : at;
		a->at[i * a->taps + t] = (int64_t)at;
		a->weight[i * a->taps + t] = w;
		sum += w;
	}
	if (r->exclude || stretch(r, a) != 1)
		for (int t = 0; t < a->taps; t++)
			a->weight[i * a->taps + t] /= sum;
}

static void
fill_axis(const struct resize *r, struct resize_axis *a)
{
	bool crop = strcmp(r->coord, "tf_crop_and_resize") == 0;

	for (int64_t i = 0; i < a->out; i++) {
		double x = a->same ? (double)i : resize_source(r, a, i);

		a->outside[i] = crop && !a->same &&
		    (x < 0 || x > (double)(a->in - 1));
		if (!a->same && r->mode != RESIZE_NEAREST) {
			fill_taps(r, a, i, x);
			continue;
		}
		x = a->same ? x : nearest(r->nearest, x);
		a->at[i] = x < 0 ? 0 : x > (double)(a->in - 1) ?
		    a->in - 1 : (int64_t)x;
		a->weight[i] = 1;
	}
}

int
resize_tables(struct view *v, struct resize *r, struct err *e)
{
	for (int k = 0; k < r->rank; k++) {
		struct resize_axis *a = &r->axis[k];
		size_t n;

		a->taps = a->same || a->out == 0 ||
		    r->mode == RESIZE_NEAREST ? 1 :
		    2 - 2 * first_tap(r, a);
		n = (size_t)a->out * (size_t)a->taps + 1;
		a->at = view_scratch(v, n, sizeof(*a->at), e);
		a->weight = view_scratch(v, n, sizeof(*a->weight), e);
		a->outside = view_scratch(v, n, sizeof(*a->outside), e);
		if (a->at == NULL || a->weight == NULL || a->outside == NULL)
			return -1;
		fill_axis(r, a);
	}
	return 0;
}
