/* Conv and ConvTranspose: rows, and the choice among device forms. */
#include "op/conv.h"

#include "op/conv_host.h"
#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"

static int
bias_check(const struct view *v, int64_t m, struct err *e)
{
	const struct val *b = view_in(v, 2);

	if (b != NULL && (b->shape.rank != 1 || b->shape.dim[0] != m))
		return view_error(e, "bias is not of %lld values",
		    (long long)m);
	return 0;
}

static int
conv_infer(struct view *v, struct err *e)
{
	struct conv_def d;

	if (conv_def_read(v, 0, 1, &d, e) != 0 ||
	    bias_check(v, d.w->shape.dim[0], e) != 0)
		return -1;
	conv_def_set(v, &d, d.x->type);
	return 0;
}

static int
conv_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	size_t n = val_count(v->out[0]);
	struct conv_def d;
	int64_t m;

	if (out == NULL || conv_def_read(v, 0, 1, &d, e) != 0)
		return -1;
	d.b = view_in(v, 2);
	for (size_t i = 0; i < n; i++)
		elem_set_f(v->out[0]->type, out, i, conv_def_at(&d, i, &m));
	return 0;
}

static void
geometry(const struct view *v, const struct window *w, int64_t group,
    struct conv *c)
{
	*c = (struct conv){
		.rank = w->rank, .n = v->in[0]->shape.dim[0],
		.c = v->in[0]->shape.dim[1], .m = v->out[0]->shape.dim[1],
		.group = group, .x = v->in[0], .w = v->in[1],
		.b = view_in(v, 2),
	};
	for (int i = 0; i < w->rank; i++) {
		c->in[i] = w->in[i];
		c->out[i] = w->out[i];
		c->k[i] = w->k[i];
		c->stride[i] = w->stride[i];
		c->dilation[i] = w->dilation[i];
		c->pad[i] = w->pad[i];
	}
}

/* Spatial axes are counted from the right: missing ones are of one element. */
static void
step_axes(struct step *s, const int64_t *x, int rank, int64_t fill)
{
	for (int i = 0; i < CONV_RANK; i++)
		step_int(s, i < CONV_RANK - rank ? fill :
		    x[i - (CONV_RANK - rank)]);
}

/* Every geometry, plain layout, one output element after the other. */
static int
generic(struct view *v, const struct conv *c, const char *kernel,
    struct plan *p, struct err *e)
{
	struct val *x = plan_as(p, c->x, LAYOUT_PLAIN, e), *y = view_result(v);
	struct step *s;

	if (x == NULL)
		return -1;
	s = plan_step(p, e, "conv_any", kernel, "%s",
	    c->b != NULL ? "-DBIAS" : "");
	if (s == NULL)
		return -1;
	step_in(s, x);
	step_in(s, c->w);
	if (c->b != NULL)
		step_in(s, c->b);
	step_out(s, y);
	step_int(s, (int64_t)val_count(v->out[0]));
	step_int(s, c->c);
	step_int(s, c->m);
	step_int(s, c->group);
	step_axes(s, c->in, c->rank, 1);
	step_axes(s, c->out, c->rank, 1);
	step_axes(s, c->k, c->rank, 1);
	step_axes(s, c->stride, c->rank, 1);
	step_axes(s, c->dilation, c->rank, 1);
	step_axes(s, c->pad, c->rank, 0);
	step_epilogue(s, v, LAYOUT_PLAIN);
	step_items(s, val_count(v->out[0]));
	return plan_end(p, s, e);
}

static bool
on_device(const struct view *v, int rank)
{
	return all_float(v) && rank <= CONV_RANK && fits_int(v->out[0]) &&
	    val_count(v->out[0]) > 0;
}

static int
choose(struct view *v, const struct conv *c, conv_form *const *forms,
    const char *kernel, struct plan *p, struct err *e)
{
	int i = 0, r;

	for (; forms[i] != NULL; i++)
		if (view_form(v, i) && (r = forms[i](v, c, p, e)) <= 0)
			return r;
	return view_form(v, i) ? generic(v, c, kernel, p, e) : 1;
}

static int
conv_plan(struct view *v, struct plan *p, struct err *e)
{
	struct conv_def d;
	struct conv c;

	if (conv_def_read(v, 0, 1, &d, e) != 0)
		return -1;
	if (!on_device(v, d.win.rank))
		return 1;
	geometry(v, &d.win, d.group, &c);
	return choose(v, &c, conv_forms, "conv_any", p, e);
}

static int
transpose_read(const struct view *v, struct window *w, int64_t *group,
    struct err *e)
{
	const struct shape *xs, *ws;

	if (op_want(v, 2, e) != 0 ||
	    op_want_rank(v->in[0], 3, MAX_RANK, "X", e) != 0 ||
	    attr_int(v->node, "group", 1, group, e) != 0)
		return -1;
	xs = &v->in[0]->shape;
	ws = &v->in[1]->shape;
	if (ws->rank != xs->rank || ws->dim[0] != xs->dim[1] || *group < 1 ||
	    xs->dim[1] % *group != 0)
		return view_error(e, "%lld channels in %lld groups do not match"
		    " the weights", (long long)xs->dim[1], (long long)*group);
	return window_read_transposed(v, xs, ws->dim + 2, w, e);
}

static int
transpose_infer(struct view *v, struct err *e)
{
	struct shape o;
	struct window w;
	int64_t group, m;
	int row;

	if (transpose_read(v, &w, &group, e) != 0)
		return -1;
	if (!dim_mul(v->in[1]->shape.dim[1], group, &m))
		return op_overflow(e);
	if (bias_check(v, m, e) != 0)
		return -1;
	window_shape(&w, v->in[0]->shape.dim[0], m, &o);
	row = row_others(v, 0, row_unless(v->in[0], ~1u));
	view_set(v, 0, v->in[0]->type, &o, row);
	return 0;
}

/* Add x * w[.., taps] for one input element and one output channel into y. */
static void
spread(const struct window *w, const int64_t *at, double x,
    const struct val *weights, size_t wo, double *y)
{
	int64_t tap[WINDOW_RANK] = { 0 };
	int a;

	do {
		size_t yi = 0, wi = 0;
		bool inside = true;

		for (int i = 0; i < w->rank; i++) {
			int64_t o = at[i] * w->stride[i] - w->pad[i] +
			    tap[i] * w->dilation[i];

			inside = inside && o >= 0 && o < w->out[i];
			yi = yi * (size_t)w->out[i] + (size_t)o;
			wi = wi * (size_t)w->k[i] + (size_t)tap[i];
		}
		if (inside)
			y[yi] += x * elem_f(weights->type, weights->data,
			    wo + wi);
		for (a = w->rank - 1; a >= 0 && ++tap[a] == w->k[a]; a--)
			tap[a] = 0;
	} while (a >= 0);
}

static int
transpose_host(struct view *v, struct err *e)
{
	const struct val *x, *wt, *b;
	size_t n, ys = 1, ws;
	struct window w;
	int64_t group, each, c_each;
	double *y;
	void *out;
	struct walk at;

	if (transpose_read(v, &w, &group, e) != 0)
		return -1;
	n = val_count(v->out[0]);
	y = view_scratch(v, n + 1, sizeof(*y), e);
	out = view_alloc(v, 0, e);
	if (y == NULL || out == NULL)
		return -1;
	x = v->in[0];
	wt = v->in[1];
	b = view_in(v, 2);
	each = wt->shape.dim[1];
	c_each = x->shape.dim[1] / group;
	for (int i = 0; i < w.rank; i++)
		ys *= (size_t)w.out[i];
	ws = (size_t)shape_span(&wt->shape, 2, wt->shape.rank);
	for (walk_init(&at, &x->shape); n > 0 && walk_more(&at);
	    walk_next(&at)) {
		int64_t c = at.at[1], first = c / c_each * each;

		for (int64_t m = 0; m < each; m++)
			spread(&w, at.at + 2, elem_f(x->type, x->data, at.i),
			    wt, (size_t)(c * each + m) * ws,
			    y + (size_t)(at.at[0] * each * group + first + m) *
			    ys);
	}
	for (size_t i = 0; i < n; i++)
		elem_set_f(v->out[0]->type, out, i, y[i] + (b == NULL ? 0 :
		    elem_f(b->type, b->data, i / ys % (size_t)(each * group))));
	return 0;
}

static int
transpose_plan(struct view *v, struct plan *p, struct err *e)
{
	struct window w;
	struct conv c;
	int64_t group;

	if (transpose_read(v, &w, &group, e) != 0)
		return -1;
	if (!on_device(v, w.rank))
		return 1;
	geometry(v, &w, group, &c);
	return choose(v, &c, conv_transpose_forms, "conv_transpose_any", p, e);
}

static int
channel_1(const struct view *v)
{
	(void)v;
	return 1;
}

OP_FAMILY(conv_ops);
const struct op conv_ops[] = {
	{ .name = "Conv", .since = 1, .types = "fdh",
	  .flags = OP_LAYOUT | OP_EPILOGUE, .infer = conv_infer,
	  .host = conv_host, .plan = conv_plan, .channel_axis = channel_1 },
	{ .name = "ConvTranspose", .since = 1, .types = "fdh",
	  .flags = OP_LAYOUT | OP_EPILOGUE, .infer = transpose_infer,
	  .host = transpose_host, .plan = transpose_plan,
	  .channel_axis = channel_1 },
	{ .name = NULL }
};
