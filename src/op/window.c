#include "op/window.h"

#include "op/shape.h"

static int
read_list(const struct view *v, const char *name, int want, int64_t dflt,
    int64_t min, int64_t *out, struct err *e)
{
	const int64_t *given;
	size_t n;

	if (attr_ints(v->node, name, &given, &n, e) != 0)
		return -1;
	if (given != NULL && n != (size_t)want)
		return view_error(e, "%s has %zu values, want %d", name, n,
		    want);
	for (int i = 0; i < want; i++) {
		out[i] = given != NULL ? given[i] : dflt;
		if (out[i] < min || out[i] > INT32_MAX)
			return view_error(e, "%s has %lld", name,
			    (long long)out[i]);
	}
	return 0;
}

static int
read_common(const struct view *v, const struct shape *x, const int64_t *k,
    struct window *w, struct err *e)
{
	int64_t given[WINDOW_RANK];

	if (x->rank < 3)
		return view_error(e, "input has rank %d, want at least 3",
		    x->rank);
	*w = (struct window){ .rank = x->rank - 2 };
	if (read_list(v, "kernel_shape", w->rank, 0, 0, given, e) != 0 ||
	    read_list(v, "strides", w->rank, 1, 1, w->stride, e) != 0 ||
	    read_list(v, "dilations", w->rank, 1, 1, w->dilation, e) != 0)
		return -1;
	for (int i = 0; i < w->rank; i++) {
		w->in[i] = x->dim[i + 2];
		w->k[i] = k != NULL ? k[i] : given[i];
		if (w->k[i] < 1 || w->k[i] > INT32_MAX ||
		    w->in[i] > INT32_MAX)
			return view_error(e, "kernel of %lld over %lld",
			    (long long)w->k[i], (long long)w->in[i]);
		if (k != NULL && given[i] != 0 && given[i] != k[i])
			return view_error(e, "kernel_shape does not match the "
			    "weights");
	}
	return 0;
}

/* What the taps span. */
static int64_t
span(const struct window *w, int i)
{
	return (w->k[i] - 1) * w->dilation[i] + 1;
}

/* Pads so that out = ceil(in / stride); the odd one at the end or the front. */
static void
pad_same(struct window *w, int i, bool upper)
{
	int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
	int64_t all = (out - 1) * w->stride[i] + span(w, i) - w->in[i];

	all = all < 0 ? 0 : all;
	w->pad[i] = upper ? all / 2 : all - all / 2;
	w->pad_end[i] = all - w->pad[i];
}

static int
read_pads(const struct view *v, struct window *w, struct err *e)
{
	int64_t pads[2 * WINDOW_RANK];
	const char *mode;
	bool same;

	if (attr_string(v->node, "auto_pad", "NOTSET", &mode, e) != 0)
		return -1;
	same = strncmp(mode, "SAME_", 5) == 0;
	if (!same && strcmp(mode, "VALID") != 0 && strcmp(mode, "NOTSET") != 0)
		return view_error(e, "auto_pad \"%s\"", mode);
	if (strcmp(mode, "NOTSET") != 0) {
		for (int i = 0; same && i < w->rank; i++)
			pad_same(w, i, strcmp(mode, "SAME_UPPER") == 0);
		return 0;
	}
	if (read_list(v, "pads", 2 * w->rank, 0, 0, pads, e) != 0)
		return -1;
	for (int i = 0; i < w->rank; i++) {
		w->pad[i] = pads[i];
		w->pad_end[i] = pads[w->rank + i];
	}
	return 0;
}

int
window_read(const struct view *v, const struct shape *x, const int64_t *k,
    struct window *w, struct err *e)
{
	int64_t ceil_mode;

	if (read_common(v, x, k, w, e) != 0 || read_pads(v, w, e) != 0 ||
	    attr_int(v->node, "ceil_mode", 0, &ceil_mode, e) != 0)
		return -1;
	for (int i = 0; i < w->rank; i++) {
		int64_t room = w->in[i] + w->pad[i] + w->pad_end[i] - span(w,
		    i);

		if (room < 0)
			return view_error(e, "kernel of %lld does not fit an "
			    "extent of %lld", (long long)w->k[i],
			    (long long)w->in[i]);
		w->out[i] = room / w->stride[i] + 1;
		/* A window must begin on the input or its front padding. */
		if (ceil_mode && room % w->stride[i] != 0 &&
		    w->out[i] * w->stride[i] < w->in[i] + w->pad[i])
			w->out[i]++;
	}
	return 0;
}

/* Pads from the extents that were asked for. */
static void
pad_for_shape(struct window *w, int i, int64_t extra, int64_t want, bool upper)
{
	int64_t all = w->stride[i] * (w->in[i] - 1) + extra + span(w, i) - want;

	all = all < 0 ? 0 : all;
	w->pad[i] = upper ? all / 2 : all - all / 2;
	w->pad_end[i] = all - w->pad[i];
	w->out[i] = want;
}

int
window_read_transposed(const struct view *v, const struct shape *x,
    const int64_t *k, struct window *w, struct err *e)
{
	int64_t extra[WINDOW_RANK], want[WINDOW_RANK];
	const int64_t *given;
	const char *mode;
	size_t n;
	bool upper, same;

	if (read_common(v, x, k, w, e) != 0 || read_pads(v, w, e) != 0 ||
	    attr_ints(v->node, "output_shape", &given, &n, e) != 0 ||
	    attr_string(v->node, "auto_pad", "NOTSET", &mode, e) != 0 ||
	    read_list(v, "output_padding", w->rank, 0, 0, extra, e) != 0)
		return -1;
	if (given != NULL && n < (size_t)w->rank)
		return view_error(e, "output_shape has %zu values, want %d", n,
		    w->rank);
	upper = strcmp(mode, "SAME_UPPER") == 0;
	same = upper || strcmp(mode, "SAME_LOWER") == 0;
	for (int i = 0; i < w->rank; i++) {
		want[i] = given != NULL ? given[n - (size_t)w->rank + (size_t)i]
		    : w->in[i] * w->stride[i];
		if (want[i] < 0 || want[i] > INT32_MAX)
			return view_error(e, "output_shape has %lld",
			    (long long)want[i]);
		if (given != NULL || same) {
			pad_for_shape(w, i, extra[i], want[i], upper);
			continue;
		}
		w->out[i] = w->stride[i] * (w->in[i] - 1) + extra[i] +
		    span(w, i) - w->pad[i] - w->pad_end[i];
		if (w->out[i] < 0 || w->in[i] == 0)
			return view_error(e, "output extent %lld",
			    (long long)w->out[i]);
	}
	return 0;
}

void
window_global(const struct shape *x, struct window *w)
{
	*w = (struct window){ .rank = x->rank - 2 };
	for (int i = 0; i < w->rank; i++) {
		w->in[i] = w->k[i] = x->dim[i + 2];
		w->out[i] = w->stride[i] = w->dilation[i] = 1;
	}
}

void
window_taps(const struct window *w, int i, int64_t o, int64_t from, int64_t to,
    int64_t *lo, int64_t *hi)
{
	int64_t d = w->dilation[i], at = o * w->stride[i] - w->pad[i];

	*lo = at < from ? (from - at + d - 1) / d : 0;
	*hi = at < to ? (to - at + d - 1) / d : 0;
	*hi = *hi > w->k[i] ? w->k[i] : *hi;
	*lo = *lo > *hi ? *hi : *lo;
}

void
window_shape(const struct window *w, int64_t n, int64_t c, struct shape *s)
{
	s->rank = w->rank + 2;
	s->dim[0] = n;
	s->dim[1] = c;
	for (int i = 0; i < w->rank; i++)
		s->dim[i + 2] = w->out[i];
}
