/* Sequences and optionals, on the host. */
#include "op/op.h"
#include "op/seq.h"
#include "op/shape.h"

static int
need_infer(struct view *v, struct err *e)
{
	(void)e;
	return op_need_all(v);
}

static int
want_form(const struct view *v, int i, enum value_type form, struct err *e)
{
	const struct val *x = view_in(v, i);

	if (x == NULL || x->form != form)
		return view_error(e, "input %d is not %s", i,
		    form == VALUE_SEQUENCE ? "a sequence" : "a tensor");
	return 0;
}

/* The integer in input i; dflt if it is left out. */
static int
int_input(const struct view *v, int i, int64_t dflt, int64_t *out,
    struct err *e)
{
	const struct val *x = view_in(v, i);

	*out = dflt;
	if (x == NULL)
		return 0;
	if (x->form != VALUE_TENSOR || val_count(x) != 1)
		return view_error(e, "input %d is not one integer", i);
	*out = elem_i(x->type, x->data, 0);
	return 0;
}

static int
empty_host(struct view *v, struct err *e)
{
	int64_t t;

	if (attr_int(v->node, "dtype", DT_FLOAT, &t, e) != 0)
		return -1;
	v->out[0]->type = (enum dtype)t;
	return val_make(v, v->out[0], VALUE_SEQUENCE, 0, e);
}

static int
construct_host(struct view *v, struct err *e)
{
	if (op_want(v, v->n_in, e) != 0 ||
	    val_make(v, v->out[0], VALUE_SEQUENCE, v->n_in, e) != 0)
		return -1;
	for (int i = 0; i < v->n_in; i++)
		if (want_form(v, i, VALUE_TENSOR, e) != 0 ||
		    seq_copy(v, v->out[0]->elem[i], v->in[i], e) != 0)
			return -1;
	v->out[0]->type = v->n_in > 0 ? v->in[0]->type : DT_FLOAT;
	return 0;
}

static int
insert_host(struct view *v, struct err *e)
{
	const struct val *s = view_in(v, 0);
	int64_t at;
	int n;

	if (want_form(v, 0, VALUE_SEQUENCE, e) != 0 ||
	    want_form(v, 1, VALUE_TENSOR, e) != 0)
		return -1;
	n = s->n_elem;
	if (int_input(v, 2, n, &at, e) != 0)
		return -1;
	if (at < -n || at > n)
		return view_error(e, "position %lld in a sequence of %d",
		    (long long)at, n);
	at = at < 0 ? at + n : at;
	if (val_make(v, v->out[0], VALUE_SEQUENCE, n + 1, e) != 0)
		return -1;
	v->out[0]->type = v->in[1]->type;
	for (int i = 0; i <= n; i++)
		if (seq_copy(v, v->out[0]->elem[i], i == at ? v->in[1] :
		    s->elem[i < at ? i : i - 1], e) != 0)
			return -1;
	return 0;
}

static int
erase_host(struct view *v, struct err *e)
{
	const struct val *s = view_in(v, 0);
	int64_t at;
	int n;

	if (want_form(v, 0, VALUE_SEQUENCE, e) != 0)
		return -1;
	n = s->n_elem;
	if (int_input(v, 1, -1, &at, e) != 0 || op_index(at, n, &at, e) != 0 ||
	    val_make(v, v->out[0], VALUE_SEQUENCE, n - 1, e) != 0)
		return -1;
	v->out[0]->type = s->type;
	for (int i = 0; i < n - 1; i++)
		if (seq_copy(v, v->out[0]->elem[i], s->elem[i < at ? i : i + 1],
		    e) != 0)
			return -1;
	return 0;
}

static int
at_host(struct view *v, struct err *e)
{
	const struct val *s = view_in(v, 0);
	int64_t at;

	if (want_form(v, 0, VALUE_SEQUENCE, e) != 0 ||
	    int_input(v, 1, 0, &at, e) != 0 ||
	    op_index(at, s->n_elem, &at, e) != 0)
		return -1;
	return seq_copy(v, v->out[0], s->elem[at], e);
}

static int
length_host(struct view *v, struct err *e)
{
	struct shape one = { .rank = 0 };
	int64_t *out;

	if (want_form(v, 0, VALUE_SEQUENCE, e) != 0 ||
	    (out = view_alloc_as(v, 0, DT_INT64, &one, e)) == NULL)
		return -1;
	*out = v->in[0]->n_elem;
	return 0;
}

/* A copy of [from, from + n) of x's axis, without the axis if it is dropped. */
static int
take(struct view *v, const struct val *x, int axis, int64_t from, int64_t n,
    bool drop, struct val *out, struct err *e)
{
	int64_t step[MAX_RANK];
	struct shape s = x->shape;
	struct walk w;
	void *p;

	s.dim[axis] = n;
	shape_strides(&x->shape, step);
	walk_init(&w, &s);
	walk_add_strides(&w, step, from * step[axis]);
	if ((p = view_own(v, w.count + 1, sizeof(struct string), e)) == NULL)
		return -1;
	for (; walk_more(&w); walk_next(&w))
		elem_copy(x->type, p, w.i, x->data, (size_t)w.off[0]);
	for (int k = axis; drop && k < s.rank - 1; k++)
		s.dim[k] = s.dim[k + 1];
	s.rank -= drop;
	*out = (struct val){ .kind = VAL_KNOWN, .form = VALUE_TENSOR,
	    .type = x->type, .shape = s, .row = ROW_MIXED, .data = p };
	return 0;
}

/* How many parts: given lengths, or pieces of one length (1 if unsaid). */
static int
split_parts(const struct val *x, int64_t dim, int64_t *each, int64_t *parts,
    struct err *e)
{
	*each = 1;
	if (x != NULL && x->shape.rank > 0) {
		*parts = (int64_t)val_count(x);
		return 0;
	}
	if (x != NULL)
		*each = elem_i(x->type, x->data, 0);
	if (*each < 1 || *each > INT32_MAX)
		return view_error(e, "parts of %lld", (long long)*each);
	*parts = (dim + *each - 1) / *each;
	return 0;
}

static int
split_host(struct view *v, struct err *e)
{
	const struct val *x = view_in(v, 0), *list = view_in(v, 1);
	int64_t keep, dim, each, parts = 0, from = 0;
	bool drop;
	int axis;

	if (want_form(v, 0, VALUE_TENSOR, e) != 0 ||
	    op_axis_attr(v, "axis", 0, x->shape.rank, &axis, e) != 0 ||
	    attr_int(v->node, "keepdims", 1, &keep, e) != 0)
		return -1;
	dim = x->shape.dim[axis];
	drop = list == NULL && !keep;
	if (split_parts(list, dim, &each, &parts, e) != 0 ||
	    val_make(v, v->out[0], VALUE_SEQUENCE, (int)parts, e) != 0)
		return -1;
	v->out[0]->type = x->type;
	for (int64_t i = 0; i < parts; i++, from += each) {
		if (list != NULL && list->shape.rank > 0)
			each = elem_i(list->type, list->data, (size_t)i);
		else if (each > dim - from)
			each = dim - from;
		if (each < 0 || each > dim - from)
			return view_error(e, "a part of %lld with %lld left",
			    (long long)each, (long long)(dim - from));
		if (take(v, x, axis, from, each, drop, v->out[0]->elem[i],
		    e) != 0)
			return -1;
	}
	return from == dim ? 0 : view_error(e, "parts of %lld in all for an "
	    "axis of %lld", (long long)from, (long long)dim);
}

/* The joined shape; new_axis puts the parts beside each other on one. */
static int
joined(const struct val *s, bool stack, int64_t axis, struct shape *o, int *a,
    struct err *e)
{
	if (s->n_elem < 1)
		return view_error(e, "the sequence is empty");
	*o = s->elem[0]->shape;
	if (op_axis(axis, o->rank + stack, a, e) != 0)
		return -1;
	for (int i = 1; i < s->n_elem; i++) {
		struct shape x = s->elem[i]->shape;

		if (x.rank != o->rank || s->elem[i]->type != s->elem[0]->type)
			return view_error(e,
			    "the tensors differ in rank or type");
		if (!stack) {
			if (!dim_add(o->dim[*a], x.dim[*a], &o->dim[*a]))
				return op_overflow(e);
			x.dim[*a] = o->dim[*a];
		}
		if (!shape_equal(&x, o))
			return view_error(e, "the tensors differ in shape");
	}
	if (!stack)
		return 0;
	if (o->rank == MAX_RANK)
		return view_error(e, "rank %d", o->rank + 1);
	for (int k = o->rank++; k > *a; k--)
		o->dim[k] = o->dim[k - 1];
	o->dim[*a] = s->n_elem;
	return 0;
}

static int
concat_host(struct view *v, struct err *e)
{
	const struct val *s = view_in(v, 0);
	int64_t axis, stack, inner, off = 0, row;
	struct shape o;
	void *out;
	int a;

	if (want_form(v, 0, VALUE_SEQUENCE, e) != 0 ||
	    attr_int(v->node, "axis", 0, &axis, e) != 0 ||
	    attr_int(v->node, "new_axis", 0, &stack, e) != 0 ||
	    joined(s, stack != 0, axis, &o, &a, e) != 0 ||
	    (out = view_alloc_as(v, 0, s->elem[0]->type, &o, e)) == NULL)
		return -1;
	inner = shape_span(&o, a + 1, o.rank);
	row = inner * o.dim[a];
	for (int i = 0; i < s->n_elem; i++) {
		const struct val *x = s->elem[i];
		int64_t n = (stack ? 1 : x->shape.dim[a]) * inner;

		for (size_t k = 0; k < val_count(x); k++)
			elem_copy(x->type, out, (size_t)((int64_t)k / n * row +
			    off + (int64_t)k % n), x->data, k);
		off += n;
	}
	return 0;
}

/* SequenceMap: the body once for each position. */
static int
map_host(struct view *v, struct err *e)
{
	struct graph *g;
	int n;

	if (want_form(v, 0, VALUE_SEQUENCE, e) != 0 ||
	    attr_graph(v->node, "body", &g, e) != 0)
		return -1;
	if (g == NULL || g->n_in < v->n_in || g->n_out < v->n_out ||
	    op_want(v, v->n_in, e) != 0)
		return view_error(e, "the body does not match");
	n = v->in[0]->n_elem;
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i]->form == VALUE_SEQUENCE && v->in[i]->n_elem != n)
			return view_error(e, "sequences differ in length");
	for (int k = 0; k < v->n_out; k++)
		if (val_make(v, v->out[k], VALUE_SEQUENCE, n, e) != 0)
			return -1;
	for (int i = 0; i < n; i++) {
		struct val **in = view_scratch(v, (size_t)v->n_in,
		    sizeof(*in), e);
		struct val **out = view_scratch(v, (size_t)v->n_out,
		    sizeof(*out), e);

		if (in == NULL || out == NULL)
			return -1;
		for (int k = 0; k < v->n_in; k++)
			in[k] = v->in[k]->form == VALUE_SEQUENCE ?
			    v->in[k]->elem[i] : v->in[k];
		for (int k = 0; k < v->n_out; k++)
			out[k] = v->out[k]->elem[i];
		if (v->env->run_graph(v->env->arg, g, in, v->n_in, out,
		    v->n_out, e) != 0)
			return -1;
		for (int k = 0; k < v->n_out; k++)
			v->out[k]->type = out[k]->type;
	}
	return 0;
}

static int
optional_host(struct view *v, struct err *e)
{
	const struct val *x = view_in(v, 0);

	if (val_make(v, v->out[0], VALUE_OPTIONAL, x != NULL, e) != 0)
		return -1;
	if (x == NULL)
		return 0;
	v->out[0]->type = x->type;
	return seq_copy(v, v->out[0]->elem[0], x, e);
}

static int
has_host(struct view *v, struct err *e)
{
	const struct val *x = view_in(v, 0);
	struct shape one = { .rank = 0 };
	uint8_t *out = view_alloc_as(v, 0, DT_BOOL, &one, e);

	if (out == NULL)
		return -1;
	*out = x != NULL && (x->form != VALUE_OPTIONAL || x->n_elem > 0);
	return 0;
}

static int
get_host(struct view *v, struct err *e)
{
	const struct val *x = view_in(v, 0);

	if (x == NULL || (x->form == VALUE_OPTIONAL && x->n_elem == 0))
		return view_error(e, "the optional is empty");
	return seq_copy(v, v->out[0],
	    x->form == VALUE_OPTIONAL ? x->elem[0] : x, e);
}

#define ROW(op, from, id)						\
{									\
	.name = op, .since = from, .types = "*", .infer = need_infer,	\
	.host = id##_host,						\
}

OP_FAMILY(sequence_ops);
const struct op sequence_ops[] = {
	ROW("SequenceEmpty", 11, empty),
	ROW("SequenceConstruct", 11, construct),
	ROW("SequenceInsert", 11, insert),
	ROW("SequenceErase", 11, erase),
	ROW("SequenceAt", 11, at),
	ROW("SequenceLength", 11, length),
	ROW("SplitToSequence", 11, split),
	ROW("ConcatFromSequence", 11, concat),
	ROW("SequenceMap", 17, map),
	ROW("Optional", 15, optional),
	ROW("OptionalHasElement", 15, has),
	ROW("OptionalGetElement", 15, get),
	{ .name = NULL }
};
