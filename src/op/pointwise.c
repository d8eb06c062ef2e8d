#include "op/pointwise.h"

#include "op/shape.h"

int
pw_params(const struct view *v, const struct pointwise *p,
    float attr[PW_ATTRS], struct err *e)
{
	if (p->attrs != NULL)
		return p->attrs(v, attr, e);
	for (int i = 0; i < p->n_attr; i++)
		if (attr_float(v->node, p->attr[i].name, p->attr[i].dflt,
		    &attr[i], e) != 0)
			return -1;
	return 0;
}

int
pw_infer_as(struct view *v, int n, enum dtype type, struct err *e)
{
	struct shape s = { 0 };

	if (op_want(v, n, e) != 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (!shape_broadcast(&s, &v->in[i]->shape, &s))
			return view_error(e, "input %d does not broadcast with "
			    "those before it", i);
	view_set(v, 0, type, &s, row_broadcast(v, &s, 0, n));
	return 0;
}

int
pw_infer(struct view *v, struct err *e)
{
	const struct pointwise *p = v->op->pw;
	int n = p->arity > 0 ? p->arity : v->n_in;

	if (op_want(v, n > 0 ? n : 1, e) != 0)
		return -1;
	return pw_infer_as(v, n, p->out != DT_NONE ? p->out : v->in[0]->type,
	    e);
}

/* What to compute in: 'f' if any input is a float, 'u' if all are unsigned. */
static char
kind_of(const struct view *v, int n)
{
	bool all_u = true;

	for (int i = 0; i < n; i++) {
		char k = dtype_info(v->in[i]->type)->kind;

		if (k == 'f')
			return 'f';
		all_u = all_u && k == 'u';
	}
	return all_u ? 'u' : 'i';
}

struct apply {
	const struct pointwise	*p;
	char			 kind;
	float			 attr[PW_ATTRS];
};

/* r = f(x, y, z), element o of out; operands by their offsets. */
static void
apply_at(const struct apply *a, struct val *const *in, const int64_t *off,
    int n, enum dtype t, void *out, size_t o)
{
	if (a->kind == 'f') {
		double x[3] = { 0 };

		for (int i = 0; i < n; i++)
			x[i] = elem_f(in[i]->type, in[i]->data, (size_t)off[i]);
		elem_set_f(t, out, o, a->p->f(x[0], x[1], x[2], a->attr));
	} else {
		int64_t x[3] = { 0 };

		for (int i = 0; i < n; i++)
			x[i] = elem_i(in[i]->type, in[i]->data, (size_t)off[i]);
		elem_set_i(t, out, o, a->kind == 'i' ?
		    a->p->i(x[0], x[1], x[2], a->attr) :
		    (int64_t)a->p->u((uint64_t)x[0], (uint64_t)x[1],
		    (uint64_t)x[2], a->attr));
	}
}

/* The first operand may be the output so far: folds are made of this. */
static void
apply_walk(const struct apply *a, struct val *const *in,
    const struct shape *const *shapes, int n, enum dtype t,
    const struct shape *s, void *out)
{
	struct walk w;

	walk_init(&w, s);
	for (int i = 0; i < n; i++)
		walk_add(&w, shapes[i]);
	for (; walk_more(&w); walk_next(&w))
		apply_at(a, in, w.off, n, t, out, w.i);
}

static int
apply_init(struct apply *a, const struct view *v, const struct pointwise *p,
    struct err *e)
{
	int r;

	a->p = p;
	a->kind = kind_of(v, p->arity > 0 ? p->arity : v->n_in);
	if ((a->kind == 'f' && p->f == NULL) ||
	    (a->kind == 'i' && p->i == NULL) ||
	    (a->kind == 'u' && p->u == NULL))
		return view_error(e, "is not defined for %s",
		    dtype_info(v->in[0]->type)->onnx);
	if ((r = pw_params(v, p, a->attr, e)) > 0)
		return view_error(e, "has no such expression");
	return r;
}

/*
 * One or more operands, from the left; in double or 64-bit integers
 * throughout.
 */
static int
host_fold(struct view *v, const struct apply *a, struct err *e)
{
	const struct shape *s = &v->out[0]->shape;
	enum dtype wide = a->kind == 'f' ? DT_DOUBLE :
	    a->kind == 'i' ? DT_INT64 : DT_UINT64;
	struct val acc = { .type = wide, .shape = *s };
	size_t n = val_count(&acc);
	void *sum = view_scratch(v, n + 1, 8, e);
	void *out = view_alloc(v, 0, e);
	struct walk w;

	if (sum == NULL || out == NULL)
		return -1;
	acc.data = sum;
	walk_init(&w, s);
	for (walk_add(&w, &v->in[0]->shape); walk_more(&w); walk_next(&w))
		if (a->kind == 'f')
			elem_set_f(wide, sum, w.i, elem_f(v->in[0]->type,
			    v->in[0]->data, (size_t)w.off[0]));
		else
			elem_set_i(wide, sum, w.i, elem_i(v->in[0]->type,
			    v->in[0]->data, (size_t)w.off[0]));
	for (int i = 1; i < v->n_in; i++) {
		struct val *in[2] = { &acc, v->in[i] };
		const struct shape *shapes[2] = { s, &v->in[i]->shape };

		apply_walk(a, in, shapes, 2, wide, s, sum);
	}
	for (size_t i = 0; i < n; i++)
		if (a->kind == 'f')
			elem_set_f(v->out[0]->type, out, i, elem_f(wide, sum,
			    i));
		else
			elem_set_i(v->out[0]->type, out, i, elem_i(wide, sum,
			    i));
	return 0;
}

int
pw_host(struct view *v, struct err *e)
{
	const struct pointwise *p = v->op->pw;
	const struct shape *shapes[3];
	struct apply a = { 0 };
	void *out;

	if (apply_init(&a, v, p, e) != 0)
		return -1;
	if (p->arity == 0)
		return host_fold(v, &a, e);
	if ((out = view_alloc(v, 0, e)) == NULL)
		return -1;
	for (int i = 0; i < p->arity; i++)
		shapes[i] = &v->in[i]->shape;
	apply_walk(&a, v->in, shapes, p->arity, v->out[0]->type,
	    &v->out[0]->shape, out);
	return 0;
}

/* b's shape with ones behind, so that it lies along a's axes from "axis". */
static int
legacy_shape(const struct view *v, struct shape *b, struct err *e)
{
	const struct shape *a = &v->in[0]->shape;
	int64_t broadcast, axis;

	*b = v->in[1]->shape;
	if (attr_int(v->node, "broadcast", 0, &broadcast, e) != 0 ||
	    attr_int(v->node, "axis", a->rank - b->rank, &axis, e) != 0)
		return -1;
	if (!broadcast)
		return shape_equal(a, b) ? 0 :
		    view_error(e, "shapes differ without broadcast");
	if (axis < 0)
		axis += a->rank;
	if (axis < 0 || b->rank > a->rank || axis > a->rank - b->rank)
		return view_error(e, "broadcast axis %lld does not fit",
		    (long long)axis);
	while (b->rank < a->rank - axis)
		b->dim[b->rank++] = 1;
	return 0;
}

int
pw_legacy_infer(struct view *v, struct err *e)
{
	const struct op *now;
	struct shape b, s;

	if (op_want(v, 2, e) != 0 || legacy_shape(v, &b, e) != 0)
		return -1;
	now = op_find("", v->op->name, 13);
	s = v->in[0]->shape;
	if (!shape_broadcast(&s, &b, &b) || !shape_equal(&s, &b))
		return view_error(e, "input 1 does not broadcast to input 0");
	view_set(v, 0, now->pw->out != DT_NONE ? now->pw->out :
	    v->in[0]->type, &s, row_others(v, 0, v->in[0]->row));
	return 0;
}

int
pw_legacy_host(struct view *v, struct err *e)
{
	const struct op *now = op_find("", v->op->name, 13);
	const struct shape *shapes[2];
	struct apply a = { 0 };
	struct shape b;
	void *out;

	if (apply_init(&a, v, now->pw, e) != 0 || legacy_shape(v, &b, e) != 0 ||
	    (out = view_alloc(v, 0, e)) == NULL)
		return -1;
	shapes[0] = &v->in[0]->shape;
	shapes[1] = &b;
	apply_walk(&a, v->in, shapes, 2, v->out[0]->type, &v->out[0]->shape,
	    out);
	return 0;
}
