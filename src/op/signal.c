/* Signals: windows, DFT, STFT, the mel scale. */
#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"

/* a0 - a1 cos(2 pi i / n) + a2 cos(4 pi i / n) */
static int
window_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 1 };
	int64_t raw[OP_INTS], t;
	int n;

	if (op_want(v, 1, e) != 0 || op_ints(v, NULL, 0, raw, &n, e) != 0 ||
	    attr_int(v->node, "output_datatype", DT_FLOAT, &t, e) != 0)
		return -1;
	if (n != 1 || raw[0] < 0 || t <= DT_NONE || t >= DT_COUNT)
		return view_error(e, "size or type are not right");
	o.dim[0] = raw[0];
	if (op_shape_check(&o, (enum dtype)t, e) != 0)
		return -1;
	view_set(v, 0, (enum dtype)t, &o, row_any(v));
	return 0;
}

static int
window_host(struct view *v, double a0, double a1, double a2, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	int64_t periodic, size = v->out[0]->shape.dim[0];
	double n;

	if (out == NULL || attr_int(v->node, "periodic", 1, &periodic, e) != 0)
		return -1;
	n = (double)(periodic ? size : size - 1);
	for (int64_t i = 0; i < size; i++) {
		double x = n > 0 ? 2 * M_PI * (double)i / n : 0;

		elem_set_f(v->out[0]->type, out, (size_t)i,
		    a0 - a1 * cos(x) + a2 * cos(2 * x));
	}
	return 0;
}

static int
hann_host(struct view *v, struct err *e)
{
	return window_host(v, 0.5, 0.5, 0, e);
}

static int
hamming_host(struct view *v, struct err *e)
{
	return window_host(v, 25.0 / 46, 21.0 / 46, 0, e);
}

static int
blackman_host(struct view *v, struct err *e)
{
	return window_host(v, 0.42, 0.5, 0.08, e);
}

/* One transform of n points: in(k) to out(k), both as (re, im). */
static void
transform(const double *in, double *out, int64_t n, int64_t bins, bool inverse)
{
	double sign = inverse ? 1 : -1, by = inverse ? (double)n : 1;

	for (int64_t b = 0; b < bins; b++) {
		double re = 0, im = 0;

		for (int64_t k = 0; k < n; k++) {
			/* b * k modulo n keeps the angle exact. */
			double a = sign * 2 * M_PI *
			    (double)((b % n) * k % n) / (double)n;
			double c = cos(a), s = sin(a);

			re += in[2 * k] * c - in[2 * k + 1] * s;
			im += in[2 * k] * s + in[2 * k + 1] * c;
		}
		out[2 * b] = re / by;
		out[2 * b + 1] = im / by;
	}
}

struct dft {
	int64_t		n, bins;	/* points taken, results kept */
	int64_t		inverse, onesided;
	int		axis;
	struct line	l;		/* of x, in complex or real numbers */
	int		parts;		/* 1: real input, 2: complex */
};

/* Before opset 20 the axis is an attribute, then an input. */
static int
dft_read(struct view *v, int64_t dflt_axis, struct dft *d, struct err *e)
{
	const struct shape *x;
	int64_t raw[OP_INTS], axis;
	int n, n_axis;

	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 2, MAX_RANK, "input", e) != 0 ||
	    attr_int(v->node, "inverse", 0, &d->inverse, e) != 0 ||
	    attr_int(v->node, "onesided", 0, &d->onesided, e) != 0 ||
	    attr_int(v->node, "axis", dflt_axis, &axis, e) != 0 ||
	    op_ints(v, NULL, 1, raw, &n, e) != 0)
		return -1;
	x = &v->in[0]->shape;
	d->n = n == 1 ? raw[0] : -1;
	if (op_ints(v, NULL, 2, raw, &n_axis, e) != 0)
		return -1;
	if (n_axis == 1)
		axis = raw[0];
	d->parts = (int)x->dim[x->rank - 1];
	if (op_axis(axis, x->rank, &d->axis, e) != 0)
		return -1;
	if (d->axis == x->rank - 1 || (d->parts != 1 && d->parts != 2))
		return view_error(e, "axis %d of rank %d, last axis of %d",
		    d->axis, x->rank, d->parts);
	if (n != 1)
		d->n = x->dim[d->axis];
	if (d->n < 1 || d->n > INT32_MAX)
		return view_error(e, "%lld points", (long long)d->n);
	d->bins = d->onesided ? d->n / 2 + 1 : d->n;
	d->l = line_of(x, d->axis, d->axis + 1);
	d->l.inner /= d->parts;
	return 0;
}

static int
dft_infer_as(struct view *v, int64_t dflt, struct err *e)
{
	struct shape o;
	struct dft d;

	if (dft_read(v, dflt, &d, e) != 0)
		return -1;
	o = v->in[0]->shape;
	o.dim[d.axis] = d.bins;
	o.dim[o.rank - 1] = 2;
	view_set(v, 0, v->in[0]->type, &o, row_others(v, 0,
	    row_unless(v->in[0], 1u << d.axis | 1u << (o.rank - 1))));
	return 0;
}

static int
dft_host_as(struct view *v, int64_t dflt, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	double *in, *res;
	struct dft d;

	if (out == NULL || dft_read(v, dflt, &d, e) != 0)
		return -1;
	in = view_scratch(v, 2 * (size_t)d.n, sizeof(*in), e);
	res = view_scratch(v, 2 * (size_t)d.bins, sizeof(*res), e);
	if (in == NULL || res == NULL)
		return -1;
	for (int64_t j = 0; j < d.l.outer * d.l.inner; j++) {
		int64_t o = j / d.l.inner, i = j % d.l.inner;

		for (int64_t k = 0; k < d.n; k++)
			for (int p = 0; p < 2; p++)
				in[2 * k + p] = k >= d.l.n || p >= d.parts ? 0 :
				    elem_f(x->type, x->data, (size_t)
				    (((o * d.l.n + k) * d.l.inner + i) *
				    d.parts + p));
		transform(in, res, d.n, d.bins, d.inverse != 0);
		for (int64_t k = 0; k < d.bins; k++)
			for (int p = 0; p < 2; p++)
				elem_set_f(x->type, out, (size_t)(((o * d.bins +
				    k) * d.l.inner + i) * 2 + p),
				    res[2 * k + p]);
	}
	return 0;
}

static int
dft_17_infer(struct view *v, struct err *e)
{
	return dft_infer_as(v, 1, e);
}

static int
dft_17_host(struct view *v, struct err *e)
{
	return dft_host_as(v, 1, e);
}

static int
dft_infer(struct view *v, struct err *e)
{
	return dft_infer_as(v, -2, e);
}

static int
dft_host(struct view *v, struct err *e)
{
	return dft_host_as(v, -2, e);
}

struct stft {
	int64_t			 step, n, bins, frames, onesided;
	const struct val	*window;
	int			 parts;
};

static int
stft_read(struct view *v, struct stft *s, struct err *e)
{
	const struct shape *x;
	int64_t step[OP_INTS], len[OP_INTS];
	int n_step, n_len;

	if (op_want(v, 2, e) != 0 ||
	    op_want_rank(v->in[0], 2, 3, "signal", e) != 0 ||
	    op_ints(v, NULL, 1, step, &n_step, e) != 0 ||
	    op_ints(v, NULL, 3, len, &n_len, e) != 0 ||
	    attr_int(v->node, "onesided", 1, &s->onesided, e) != 0)
		return -1;
	x = &v->in[0]->shape;
	s->window = view_in(v, 2);
	s->parts = x->rank == 3 ? (int)x->dim[2] : 1;
	s->step = n_step == 1 ? step[0] : 0;
	s->n = n_len == 1 ? len[0] : s->window != NULL ?
	    (int64_t)val_count(s->window) : 0;
	if (s->step < 1 || s->n < 1 || s->n > x->dim[1] || s->parts < 1 ||
	    s->parts > 2 || (s->window != NULL &&
	    val_count(s->window) != (size_t)s->n))
		return view_error(e, "frames of %lld every %lld of %lld",
		    (long long)s->n, (long long)s->step,
		    (long long)x->dim[1]);
	s->frames = (x->dim[1] - s->n) / s->step + 1;
	s->bins = s->onesided ? s->n / 2 + 1 : s->n;
	return 0;
}

static int
stft_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 4 };
	struct stft s;

	if (stft_read(v, &s, e) != 0)
		return -1;
	o.dim[0] = v->in[0]->shape.dim[0];
	o.dim[1] = s.frames;
	o.dim[2] = s.bins;
	o.dim[3] = 2;
	view_set(v, 0, v->in[0]->type, &o,
	    row_others(v, 0, row_unless(v->in[0], ~1u)));
	return 0;
}

static int
stft_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	double *in, *res;
	struct stft s;

	if (out == NULL || stft_read(v, &s, e) != 0)
		return -1;
	in = view_scratch(v, 2 * (size_t)s.n, sizeof(*in), e);
	res = view_scratch(v, 2 * (size_t)s.bins, sizeof(*res), e);
	if (in == NULL || res == NULL)
		return -1;
	for (int64_t j = 0; j < x->shape.dim[0] * s.frames; j++) {
		int64_t at = j / s.frames * x->shape.dim[1] +
		    j % s.frames * s.step;

		for (int64_t k = 0; k < s.n; k++)
			for (int p = 0; p < s.parts; p++)
				in[2 * k + p] = (s.window == NULL ? 1 :
				    elem_f(s.window->type, s.window->data,
				    (size_t)k)) * elem_f(x->type, x->data,
				    (size_t)((at + k) * s.parts + p));
		transform(in, res, s.n, s.bins, false);
		for (int64_t k = 0; k < 2 * s.bins; k++)
			elem_set_f(x->type, out, (size_t)(j * 2 * s.bins + k),
			    res[k]);
	}
	return 0;
}

/* num_mel_bins, dft_length, sample_rate, lower and upper edge in Hz. */
static int
mel_read(struct view *v, double x[5], struct err *e)
{
	if (op_want(v, 5, e) != 0 || op_need_all(v) != 0)
		return -1;
	for (int i = 0; i < 5; i++)
		if (val_scalar_f(v->in[i], &x[i], e) != 0)
			return -1;
	if (!(x[0] >= 0 && x[0] < 1e6 && x[1] >= 1 && x[1] < 1e9 && x[2] > 0 &&
	    x[3] >= 0 && x[4] >= x[3]))
		return view_error(e, "sizes or frequencies are not right");
	return 0;
}

static int
mel_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 2 };
	double x[5];
	int64_t t;

	if (mel_read(v, x, e) != 0 ||
	    attr_int(v->node, "output_datatype", DT_FLOAT, &t, e) != 0)
		return -1;
	if (t <= DT_NONE || t >= DT_COUNT)
		return view_error(e, "output_datatype %lld", (long long)t);
	o.dim[0] = (int64_t)x[1] / 2 + 1;
	o.dim[1] = (int64_t)x[0];
	view_set(v, 0, (enum dtype)t, &o, row_any(v));
	return 0;
}

static double
to_mel(double hz)
{
	return 2595 * log10(1 + hz / 700);
}

/*
 * Triangles over the spectrum's bins, their corners equally far apart in mel.
 */
static int
mel_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	int64_t bins, cols, *edge;
	double x[5], lo, step;

	if (out == NULL || mel_read(v, x, e) != 0)
		return -1;
	bins = v->out[0]->shape.dim[0];
	cols = v->out[0]->shape.dim[1];
	edge = view_scratch(v, (size_t)cols + 2, sizeof(*edge), e);
	if (edge == NULL)
		return -1;
	lo = to_mel(x[3]);
	step = (to_mel(x[4]) - lo) / (double)(cols + 2);
	for (int64_t i = 0; i < cols + 2; i++) {
		double hz = 700 * (pow(10, (lo + (double)i * step) / 2595) - 1);

		/* Far beyond the last bin is all the same. */
		hz = floor((x[1] + 1) * hz / x[2]);
		edge[i] = hz < 1e15 ? (int64_t)hz : (int64_t)1e15;
	}
	for (int64_t c = 0; c < cols; c++) {
		int64_t a = edge[c], m = edge[c + 1], b = edge[c + 2];

		for (int64_t k = a; k < bins && (k < b || k == m); k++) {
			double w = k < m ? (double)(k - a) / (double)(m - a) :
			    k == m ? 1 : (double)(b - k) / (double)(b - m);

			elem_set_f(v->out[0]->type, out,
			    (size_t)(k * cols + c), w);
		}
	}
	return 0;
}

#define ROW(op, from, to, takes, i, h)					\
{									\
	.name = op, .since = from, .until = to, .types = takes,		\
	.infer = i##_infer, .host = h##_host,				\
}

OP_FAMILY(signal_ops);
const struct op signal_ops[] = {
	ROW("HannWindow", 17, 0, "i", window, hann),
	ROW("HammingWindow", 17, 0, "i", window, hamming),
	ROW("BlackmanWindow", 17, 0, "i", window, blackman),
	ROW("DFT", 17, 19, "fdh i", dft_17, dft_17),
	ROW("DFT", 20, 0, "fdh i", dft, dft),
	ROW("STFT", 17, 0, "fdh i fdh i", stft, stft),
	ROW("MelWeightMatrix", 17, 0, "i i i fdh fdh", mel, mel),
	{ .name = NULL }
};
