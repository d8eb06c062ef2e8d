/* Operators whose order or number of results depends on values. */
#include "op/kernel.h"
#include "op/op.h"
#include "op/reduce.h"
#include "op/shape.h"

/* -1, 0, 1: how elements a and b of x compare; NaN is the largest. */
static int
compare(const struct val *x, size_t a, size_t b)
{
	if (x->type == DT_STRING) {
		const struct string *s = x->data;
		size_t n = s[a].n < s[b].n ? s[a].n : s[b].n;
		int r = memcmp(s[a].s, s[b].s, n);

		return r != 0 ? r : (s[a].n > s[b].n) - (s[a].n < s[b].n);
	}
	if (dtype_info(x->type)->kind == 'f') {
		double p = elem_f(x->type, x->data, a);
		double q = elem_f(x->type, x->data, b);

		if (p != p || q != q)
			return (p != p) - (q != q);
		return (p > q) - (p < q);
	}
	if (x->type == DT_UINT64) {
		uint64_t p = (uint64_t)elem_i(x->type, x->data, a);
		uint64_t q = (uint64_t)elem_i(x->type, x->data, b);

		return (p > q) - (p < q);
	}
	return (elem_i(x->type, x->data, a) > elem_i(x->type, x->data, b)) -
	    (elem_i(x->type, x->data, a) < elem_i(x->type, x->data, b));
}

/* What an index sort needs: positions from `base`, `step` apart. */
struct order {
	const struct val	*x;
	size_t			 base, step;
	int			 sign;
	size_t			 n;	/* of a slice that is compared whole */
	size_t			 inner;
};

static int
by_value(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	int64_t i = *(const int64_t *)a, k = *(const int64_t *)b;
	int r = compare(o->x, o->base + (size_t)i * o->step,
	    o->base + (size_t)k * o->step);

	return r != 0 ? r * o->sign : (i > k) - (i < k);
}

static int
topk_read(struct view *v, int *axis, int64_t *k, struct err *e)
{
	int64_t raw[OP_INTS];
	int n;

	if (op_want(v, 1, e) != 0 ||
	    op_axis_attr(v, "axis", -1, v->in[0]->shape.rank, axis, e) != 0)
		return -1;
	if (view_in(v, 1) != NULL) {
		if (op_ints(v, NULL, 1, raw, &n, e) != 0)
			return -1;
		*k = n == 1 ? raw[0] : -1;
	} else if (attr_int(v->node, "k", -1, k, e) != 0)
		return -1;
	if (*k < 0 || *k > v->in[0]->shape.dim[*axis])
		return view_error(e, "k %lld of %lld", (long long)*k,
		    (long long)v->in[0]->shape.dim[*axis]);
	return 0;
}

static int
topk_infer(struct view *v, struct err *e)
{
	struct shape o;
	int64_t k;
	int axis, row;

	if (topk_read(v, &axis, &k, e) != 0)
		return -1;
	o = v->in[0]->shape;
	o.dim[axis] = k;
	row = row_unless(v->in[0], 1u << axis);
	view_set(v, 0, v->in[0]->type, &o, row);
	view_set(v, 1, DT_INT64, &o, row);
	return 0;
}

static int
topk_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	struct order order = { .x = x };
	int64_t largest, k, *rank, *index;
	void *out;
	struct line l;
	int axis;

	if (topk_read(v, &axis, &k, e) != 0 ||
	    attr_int(v->node, "largest", 1, &largest, e) != 0)
		return -1;
	l = line_of(&x->shape, axis, axis + 1);
	rank = view_scratch(v, (size_t)l.n + 1, sizeof(*rank), e);
	out = view_alloc(v, 0, e);
	index = view_alloc(v, 1, e);
	if (rank == NULL || out == NULL ||
	    (index == NULL && view_out(v, 1) != NULL))
		return -1;
	order.step = (size_t)l.inner;
	order.sign = largest ? -1 : 1;
	for (int64_t j = 0; j < l.outer * l.inner; j++) {
		size_t to = (size_t)(j / l.inner * k * l.inner + j % l.inner);

		order.base = (size_t)(j / l.inner * l.n * l.inner +
		    j % l.inner);
		for (int64_t i = 0; i < l.n; i++)
			rank[i] = i;
		qsort_r(rank, (size_t)l.n, sizeof(*rank), by_value, &order);
		for (int64_t i = 0; i < k; i++) {
			size_t at = to + (size_t)(i * l.inner);

			elem_copy(x->type, out, at, x->data, order.base +
			    (size_t)rank[i] * order.step);
			if (index != NULL)
				index[at] = rank[i];
		}
	}
	return 0;
}

static bool
truth(const struct val *x, size_t i)
{
	if (x->type == DT_STRING)
		return ((const struct string *)x->data)[i].n > 0;
	return dtype_info(x->type)->kind == 'f' ?
	    elem_f(x->type, x->data, i) != 0 :
	    elem_i(x->type, x->data, i) != 0;
}

static int
nonzero_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 2 };

	if (op_want(v, 1, e) != 0 || op_need_all(v) != 0)
		return -1;
	o.dim[0] = v->in[0]->shape.rank == 0 ? 1 : v->in[0]->shape.rank;
	for (size_t i = 0; i < val_count(v->in[0]); i++)
		o.dim[1] += truth(v->in[0], i);
	view_set(v, 0, DT_INT64, &o, row_any(v));
	return 0;
}

static int
nonzero_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	int64_t *out = view_alloc(v, 0, e), n = v->out[0]->shape.dim[1];
	int64_t found = 0;
	struct walk w;

	if (out == NULL)
		return -1;
	for (walk_init(&w, &x->shape); walk_more(&w); walk_next(&w)) {
		if (!truth(x, w.i) || found >= n)
			continue;
		for (int a = 0; a < x->shape.rank; a++)
			out[a * n + found] = w.at[a];
		found++;
	}
	return 0;
}

/* Without an axis the input is flat. */
static int
compress_line(const struct view *v, struct line *l, int *axis, struct err *e)
{
	const struct shape *x = &v->in[0]->shape;

	*axis = -1;
	*l = line_of(x, 0, x->rank);
	if (attr_find(v->node, "axis") == NULL)
		return 0;
	if (op_axis_attr(v, "axis", 0, x->rank, axis, e) != 0)
		return -1;
	*l = line_of(x, *axis, *axis + 1);
	return 0;
}

static int
compress_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 1 };
	const struct val *cond;
	int64_t kept = 0;
	struct line l;
	int axis;

	if (op_want(v, 2, e) != 0 || op_known(v, 1) != 0 ||
	    compress_line(v, &l, &axis, e) != 0)
		return -1;
	cond = v->in[1];
	for (size_t i = 0; i < val_count(cond) && (int64_t)i < l.n; i++)
		kept += truth(cond, i);
	if (axis >= 0) {
		o = v->in[0]->shape;
		o.dim[axis] = kept;
	} else
		o.dim[0] = kept;
	view_set(v, 0, v->in[0]->type, &o, axis < 0 ? row_any(v) :
	    row_others(v, 0, row_unless(v->in[0], 1u << axis)));
	return 0;
}

static int
compress_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0], *cond = v->in[1];
	void *out = view_alloc(v, 0, e);
	size_t at = 0;
	struct line l;
	int axis;

	if (out == NULL || compress_line(v, &l, &axis, e) != 0)
		return -1;
	for (int64_t o = 0; o < l.outer; o++)
		for (int64_t k = 0; k < l.n &&
		    k < (int64_t)val_count(cond); k++)
			for (int64_t i = 0; i < l.inner &&
			    truth(cond, (size_t)k); i++)
				elem_copy(x->type, out, at++, x->data,
				    (size_t)((o * l.n + k) * l.inner + i));
	return 0;
}

/* Slice a against slice b of the axis, element by element. */
static int
slice_order(const struct order *o, int64_t a, int64_t b)
{
	for (size_t i = 0; i < o->n; i++) {
		size_t at = i / o->inner * o->step + i % o->inner;
		int r = compare(o->x, at + (size_t)a * o->inner,
		    at + (size_t)b * o->inner);

		if (r != 0)
			return r;
	}
	return 0;
}

static int
by_slice(const void *a, const void *b, void *arg)
{
	int64_t i = *(const int64_t *)a, k = *(const int64_t *)b;
	int r = slice_order(arg, i, k);

	return r != 0 ? r : (i > k) - (i < k);
}

static int
by_number(const void *a, const void *b, void *arg)
{
	const int64_t *first = arg;
	int64_t i = first[*(const int64_t *)a], k = first[*(const int64_t *)b];

	return (i > k) - (i < k);
}

static int
unique_infer(struct view *v, struct err *e)
{
	return op_want(v, 1, e) != 0 ? -1 : op_need_all(v);
}

struct unique {
	int64_t	*rank;		/* positions in sorted order */
	int64_t	*group;		/* of each position, in sorted order */
	int64_t	*first, *count;	/* of each group */
	int64_t	*show;		/* groups in the order they are given out */
	int64_t	*place;		/* of a group in that order */
	int64_t	 n;
};

/* Sort positions, number the runs of equals. */
static int
unique_groups(struct view *v, struct unique *u, const struct order *o,
    int64_t n, struct err *e)
{
	size_t room = (size_t)n + 1;
	int64_t *all = view_scratch(v, 6 * room, sizeof(*all), e);

	if (all == NULL)
		return -1;
	*u = (struct unique){ all, all + room, all + 2 * room, all + 3 * room,
	    all + 4 * room, all + 5 * room, 0 };
	for (int64_t i = 0; i < n; i++)
		u->rank[i] = i;
	qsort_r(u->rank, (size_t)n, sizeof(*u->rank), by_slice,
	    (void *)(uintptr_t)o);
	for (int64_t i = 0; i < n; i++) {
		if (i == 0 || slice_order(o, u->rank[i - 1], u->rank[i]) != 0)
			u->first[u->n++] = u->rank[i];
		u->group[u->rank[i]] = u->n - 1;
		u->count[u->n - 1]++;
	}
	return 0;
}

/* Outputs 1 to 3: first indices, inverse indices, counts. */
static int
unique_lists(struct view *v, const struct unique *u, int64_t n, struct err *e)
{
	struct shape s = { 1, { u->n } }, inverse = { 1, { n } };
	int64_t *a = view_alloc_as(v, 1, DT_INT64, &s, e);
	int64_t *b = view_alloc_as(v, 2, DT_INT64, &inverse, e);
	int64_t *c = view_alloc_as(v, 3, DT_INT64, &s, e);

	if (a == NULL || b == NULL || c == NULL)
		return -1;
	for (int64_t k = 0; k < u->n; k++) {
		a[k] = u->first[u->show[k]];
		c[k] = u->count[u->show[k]];
	}
	for (int64_t i = 0; i < n; i++)
		b[i] = u->place[u->group[i]];
	return 0;
}

static int
unique_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	struct order o = { .x = x };
	struct shape s = { .rank = 1 };
	struct unique u;
	int64_t sorted;
	struct line l;
	void *out;
	size_t at = 0;
	int axis;

	if (compress_line(v, &l, &axis, e) != 0 ||
	    attr_int(v->node, "sorted", 1, &sorted, e) != 0)
		return -1;
	o.inner = (size_t)l.inner;
	o.n = (size_t)(l.outer * l.inner);
	o.step = (size_t)(l.n * l.inner);
	if (unique_groups(v, &u, &o, l.n, e) != 0)
		return -1;
	for (int64_t k = 0; k < u.n; k++)
		u.show[k] = k;
	if (!sorted)
		qsort_r(u.show, (size_t)u.n, sizeof(*u.show), by_number,
		    u.first);
	for (int64_t k = 0; k < u.n; k++)
		u.place[u.show[k]] = k;
	if (axis >= 0)
		s = x->shape;
	s.dim[axis < 0 ? 0 : axis] = u.n;
	if ((out = view_alloc_as(v, 0, x->type, &s, e)) == NULL)
		return -1;
	for (int64_t p = 0; p < l.outer; p++)
		for (int64_t k = 0; k < u.n; k++)
			for (int64_t i = 0; i < l.inner; i++)
				elem_copy(x->type, out, at++, x->data,
				    (size_t)((p * l.n + u.first[u.show[k]]) *
				    l.inner + i));
	return unique_lists(v, &u, l.n, e);
}

#define ROW(op, from, takes, id)					\
{									\
	.name = op, .since = from, .types = takes, .infer = id##_infer,	\
	.host = id##_host,						\
}

OP_FAMILY(sort_ops);
const struct op sort_ops[] = {
	ROW("TopK", 1, "fdhiu i", topk),
	ROW("NonZero", 9, "fdhiubs", nonzero),
	ROW("Compress", 9, "* b", compress),
	ROW("Unique", 11, "fdhiubs", unique),
	{ .name = NULL }
};
