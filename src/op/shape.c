#include "op/shape.h"

#include <string.h>

#include "base/size.h"

int
op_axis(int64_t axis, int rank, int *out, struct err *e)
{
	if (axis < -rank || axis >= rank)
		return view_error(e, "axis %lld, want one of rank %d",
		    (long long)axis, rank);
	*out = (int)(axis < 0 ? axis + rank : axis);
	return 0;
}

int
op_axis_attr(const struct view *v, const char *name, int64_t dflt, int rank,
    int *out, struct err *e)
{
	int64_t axis;

	if (attr_int(v->node, name, dflt, &axis, e) != 0)
		return -1;
	return op_axis(axis, rank, out, e);
}

int
op_known(struct view *v, int i)
{
	const struct val *x = view_in(v, i);

	if (x == NULL || x->kind == VAL_KNOWN || x->data != NULL ||
	    x->elem != NULL)
		return 0;
	return view_need(v, i);
}

int
op_ints(struct view *v, const char *attr, int input, int64_t out[OP_INTS],
    int *n, struct err *e)
{
	const struct val *x = input >= 0 ? view_in(v, input) : NULL;
	const int64_t *a = NULL;
	size_t count = 0;

	*n = -1;
	if (x != NULL) {
		if (op_known(v, input) != 0)
			return -1;
		if (val_ints(x, out, OP_INTS, &count, e) != 0)
			return -1;
		*n = (int)count;
		return 0;
	}
	if (attr == NULL)
		return 0;
	if (attr_ints(v->node, attr, &a, &count, e) != 0)
		return -1;
	if (count > OP_INTS)
		return view_error(e, "%s has %zu values, want at most %d",
		    attr, count, OP_INTS);
	if (a == NULL)
		return 0;
	memcpy(out, a, count * sizeof(*a));
	*n = (int)count;
	return 0;
}

int
op_axes(struct view *v, const char *attr, int input, int rank,
    int axes[MAX_RANK], int *n, struct err *e)
{
	int64_t raw[OP_INTS];
	unsigned seen = 0;

	if (op_ints(v, attr, input, raw, n, e) != 0)
		return -1;
	if (*n > MAX_RANK)
		return view_error(e, "%d axes, want at most %d", *n, MAX_RANK);
	for (int i = 0; i < *n; i++) {
		if (op_axis(raw[i], rank, &axes[i], e) != 0)
			return -1;
		if (seen & (1u << axes[i]))
			return view_error(e, "axis %d twice", axes[i]);
		seen |= 1u << axes[i];
	}
	return 0;
}

int64_t
shape_span(const struct shape *s, int from, int to)
{
	int64_t n = 1;

	for (int i = from; i < to; i++)
		if (s->dim[i] == 0 || !dim_mul(n, s->dim[i], &n))
			return 0;
	return n;
}

bool
dim_add(int64_t a, int64_t b, int64_t *out)
{
	return !__builtin_add_overflow(a, b, out);
}

bool
dim_mul(int64_t a, int64_t b, int64_t *out)
{
	return !__builtin_mul_overflow(a, b, out);
}

int
op_overflow(struct err *e)
{
	return view_error(e, "sizes overflow");
}

int
op_shape_check(const struct shape *s, enum dtype t, struct err *e)
{
	size_t n;

	if (!shape_count(s, &n) || n > (SIZE_MAX >> 8) / sizeof(struct string))
		return op_overflow(e);
	if (t != DT_STRING && !dtype_bytes(t, n, &n))
		return op_overflow(e);
	return 0;
}

int
op_want(const struct view *v, int n_in, struct err *e)
{
	for (int i = 0; i < n_in; i++)
		if (view_in(v, i) == NULL)
			return view_error(e, "input %d is missing", i);
	return 0;
}

int
op_want_rank(const struct val *x, int min, int max, const char *what,
    struct err *e)
{
	if (x->shape.rank < min || x->shape.rank > max)
		return view_error(e, "%s has rank %d, want %d to %d", what,
		    x->shape.rank, min, max);
	return 0;
}

/* One input's say on where the rows of what it broadcasts to are. */
static int
row_of(const struct val *x, const struct shape *out)
{
	int at = x->row;

	if (at < 0)
		return at;
	at += out->rank - x->shape.rank;
	if (at < 0 || at >= out->rank || x->shape.dim[x->row] != out->dim[at])
		return ROW_MIXED;
	return at;
}

int
row_broadcast(const struct view *v, const struct shape *out, int first,
    int last)
{
	int row = ROW_FREE;

	for (int i = first; i < last && i < v->n_in; i++) {
		int r = v->in[i] == NULL ? ROW_FREE : row_of(v->in[i], out);

		if (r == ROW_FREE)
			continue;
		if (r == ROW_MIXED || (row != ROW_FREE && row != r))
			return ROW_MIXED;
		row = r;
	}
	if (row == ROW_FREE)
		return row;
	/* A constant that is as long as this batch happens to be is no rule. */
	for (int i = first; i < last && i < v->n_in; i++) {
		const struct val *x = v->in[i];
		int at = x == NULL ? -1 : row - (out->rank - x->shape.rank);

		if (at >= 0 && x->row == ROW_FREE && x->shape.dim[at] != 1)
			return ROW_MIXED;
	}
	return row;
}

int
row_others(const struct view *v, int but, int row)
{
	for (int i = 0; i < v->n_in; i++)
		if (i != but && v->in[i] != NULL && v->in[i]->row != ROW_FREE)
			return ROW_MIXED;
	return row;
}

int
row_any(const struct view *v)
{
	return row_others(v, -1, ROW_FREE);
}

int
row_unless(const struct val *x, unsigned axes)
{
	if (x->row < 0)
		return x->row;
	return axes & (1u << x->row) ? ROW_MIXED : x->row;
}

void
walk_init(struct walk *w, const struct shape *s)
{
	memset(w, 0, sizeof(*w));
	w->shape = *s;
	if (!shape_count(s, &w->count))
		w->count = 0;
}

void
walk_add_strides(struct walk *w, const int64_t *stride, int64_t off)
{
	for (int i = 0; i < w->shape.rank; i++)
		w->step[w->n][i] = stride[i];
	w->off[w->n++] = off;
}

void
walk_add(struct walk *w, const struct shape *s)
{
	int64_t own[MAX_RANK], stride[MAX_RANK] = { 0 };
	int skip = w->shape.rank - s->rank;

	shape_strides(s, own);
	for (int i = 0; i < s->rank; i++)
		if (skip + i >= 0)
			stride[skip + i] = s->dim[i] == 1 ? 0 : own[i];
	walk_add_strides(w, stride, 0);
}

void
walk_next(struct walk *w)
{
	w->i++;
	for (int a = w->shape.rank - 1; a >= 0; a--) {
		for (int k = 0; k < w->n; k++)
			w->off[k] += w->step[k][a];
		if (++w->at[a] < w->shape.dim[a])
			return;
		for (int k = 0; k < w->n; k++)
			w->off[k] -= w->step[k][a] * w->shape.dim[a];
		w->at[a] = 0;
	}
}

/* Four bits share bytes: those go through the accessors. */
void
elem_copy(enum dtype t, void *dst, size_t j, const void *src, size_t i)
{
	size_t size = dtype_info(t)->bits / 8;

	if (t == DT_STRING)
		((struct string *)dst)[j] = ((const struct string *)src)[i];
	else if (size == 0)
		elem_set_i(t, dst, j, elem_i(t, src, i));
	else
		memcpy((char *)dst + j * size, (const char *)src + i * size,
		    size);
}

int
op_need_all(struct view *v)
{
	for (int i = 0; i < v->n_in; i++)
		if (op_known(v, i) != 0)
			return -1;
	return 0;
}

int
op_index(int64_t i, int64_t n, int64_t *out, struct err *e)
{
	if (i < -n || i >= n)
		return view_error(e, "index %lld, want one of %lld",
		    (long long)i, (long long)n);
	*out = i < 0 ? i + n : i;
	return 0;
}
