#include "op/conv_host.h"

#include "op/shape.h"

int
conv_def_read(const struct view *v, int ix, int iw, struct conv_def *d,
    struct err *e)
{
	const struct shape *x, *w;

	*d = (struct conv_def){ .x = view_in(v, ix), .w = view_in(v, iw) };
	if (d->x == NULL || d->w == NULL)
		return view_error(e, "inputs missing");
	x = &d->x->shape;
	w = &d->w->shape;
	if (op_want_rank(d->x, 3, MAX_RANK, "X", e) != 0 ||
	    op_want_rank(d->w, x->rank, x->rank, "W", e) != 0 ||
	    attr_int(v->node, "group", 1, &d->group, e) != 0)
		return -1;
	if (d->group < 1 || d->group > x->dim[1] || x->dim[1] % d->group != 0 ||
	    w->dim[0] % d->group != 0 || w->dim[1] != x->dim[1] / d->group)
		return view_error(e, "%lld channels in %lld groups do not match"
		    " weights [%lld,%lld,...]", (long long)x->dim[1],
		    (long long)d->group, (long long)w->dim[0],
		    (long long)w->dim[1]);
	return window_read(v, x, w->dim + 2, &d->win, e);
}

void
conv_def_set(struct view *v, const struct conv_def *d, enum dtype t)
{
	struct shape o;
	int row = row_unless(d->x, ~1u);

	window_shape(&d->win, d->x->shape.dim[0], d->w->shape.dim[0], &o);
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i] != NULL && v->in[i] != d->x &&
		    v->in[i]->row != ROW_FREE)
			row = ROW_MIXED;
	view_set(v, 0, t, &o, row);
}

static double
zero_of(const struct val *z, size_t i)
{
	return z == NULL ? 0 : elem_f(z->type, z->data,
	    val_count(z) == 1 ? 0 : i);
}

/* The sum over one input channel: x and w from elements xo and wo on. */
static double
channel_sum(const struct conv_def *d, const int64_t *at, size_t xo, size_t wo,
    double xz, double wz)
{
	const struct window *w = &d->win;
	int64_t lo[WINDOW_RANK], hi[WINDOW_RANK], tap[WINDOW_RANK];
	double sum = 0;
	int a;

	for (int i = 0; i < w->rank; i++) {
		window_taps(w, i, at[i], 0, w->in[i], &lo[i], &hi[i]);
		if (lo[i] == hi[i])
			return 0;
		tap[i] = lo[i];
	}
	do {
		size_t xi = 0, wi = 0;

		for (int i = 0; i < w->rank; i++) {
			xi = xi * (size_t)w->in[i] + (size_t)(at[i] *
			    w->stride[i] - w->pad[i] + tap[i] * w->dilation[i]);
			wi = wi * (size_t)w->k[i] + (size_t)tap[i];
		}
		sum += (elem_f(d->x->type, d->x->data, xo + xi) - xz) *
		    (elem_f(d->w->type, d->w->data, wo + wi) - wz);
		for (a = w->rank - 1; a >= 0 && ++tap[a] == hi[a]; a--)
			tap[a] = lo[a];
	} while (a >= 0);
	return sum;
}

double
conv_def_at(const struct conv_def *d, size_t i, int64_t *m)
{
	const struct window *w = &d->win;
	int64_t channels = d->w->shape.dim[0], each = d->w->shape.dim[1];
	int64_t at[WINDOW_RANK], first;
	size_t xs, ws;
	double sum;

	for (int a = w->rank - 1; a >= 0; a--) {
		at[a] = (int64_t)(i % (size_t)w->out[a]);
		i /= (size_t)w->out[a];
	}
	*m = (int64_t)(i % (size_t)channels);
	i /= (size_t)channels;
	xs = (size_t)shape_span(&d->x->shape, 2, d->x->shape.rank);
	ws = (size_t)shape_span(&d->w->shape, 2, d->w->shape.rank);
	first = (int64_t)i * d->x->shape.dim[1] +
	    *m / (channels / d->group) * each;
	sum = d->b == NULL ? 0 :
	    elem_f(d->b->type, d->b->data, (size_t)*m);
	for (int64_t c = 0; c < each; c++)
		sum += channel_sum(d, at, (size_t)(first + c) * xs,
		    (size_t)(*m * each + c) * ws, zero_of(d->x_zero, 0),
		    zero_of(d->w_zero, (size_t)*m));
	return sum;
}
