/*
 * Control flow on the host: If, Loop, Scan.  Subgraphs run through the engine's
 * callback; values are handed on as they are, their bytes live as long as the
 * outputs do.
 */
#include "op/op.h"
#include "op/seq.h"
#include "op/shape.h"

/* Everything must be there before the subgraphs can run. */
static int
control_infer(struct view *v, struct err *e)
{
	(void)e;
	return op_need_all(v);
}

static int
run(struct view *v, struct graph *g, struct val **in, int n_in,
    struct val **out, int n_out, struct err *e)
{
	if (g->n_in < n_in || g->n_out < n_out)
		return view_error(e, "a subgraph of %d inputs and %d outputs, "
		    "want %d and %d", g->n_in, g->n_out, n_in, n_out);
	return v->env->run_graph(v->env->arg, g, in, n_in, out, n_out, e);
}

/* dst takes src's contents; what the planner knows of dst stays. */
static void
hand_over(struct val *dst, const struct val *src)
{
	if (dst == NULL)
		return;
	dst->form = src->form;
	dst->type = src->type;
	dst->shape = src->shape;
	dst->data = src->data;
	dst->elem = src->elem;
	dst->n_elem = src->n_elem;
	dst->row = ROW_MIXED;
}

static struct val **
fresh(struct view *v, int n, struct err *e)
{
	struct val hold = { 0 };

	return val_make(v, &hold, VALUE_SEQUENCE, n, e) != 0 ? NULL : hold.elem;
}

static bool
truth_of(const struct val *x)
{
	return x == NULL || val_count(x) < 1 ||
	    elem_i(x->type, x->data, 0) != 0;
}

static int
if_host(struct view *v, struct err *e)
{
	struct val **out = fresh(v, v->n_out, e);
	struct graph *g;

	if (out == NULL || op_want(v, 1, e) != 0 || attr_graph(v->node,
	    truth_of(v->in[0]) ? "then_branch" : "else_branch", &g, e) != 0)
		return -1;
	if (g == NULL)
		return view_error(e, "a branch is missing");
	if (run(v, g, NULL, 0, out, v->n_out, e) != 0)
		return -1;
	for (int i = 0; i < v->n_out; i++)
		hand_over(v->out[i], out[i]);
	return 0;
}

/* Tensors of equal type and shape, collected to be stacked on a new axis. */
struct stack {
	struct val	**part;
	int		 n, room;
};

static int
stack_push(struct view *v, struct stack *s, struct val *x, struct err *e)
{
	struct val **more;

	if (x->form != VALUE_TENSOR)
		return view_error(e, "only tensors can be collected");
	if (s->n > 0 && (x->type != s->part[0]->type ||
	    !shape_equal(&x->shape, &s->part[0]->shape)))
		return view_error(e, "iterations give different shapes");
	if (s->n == s->room) {
		s->room = s->room == 0 ? 16 : 2 * s->room;
		more = view_own(v, (size_t)s->room, sizeof(*more), e);
		if (more == NULL)
			return -1;
		for (int i = 0; i < s->n; i++)
			more[i] = s->part[i];
		s->part = more;
	}
	s->part[s->n++] = x;
	return 0;
}

/* Along `axis` of the result; backwards if reversed. */
static int
stack_out(struct view *v, int i, const struct stack *s, int64_t axis,
    bool reversed, struct err *e)
{
	struct shape o = { .rank = 1 };
	struct walk w;
	int64_t step[MAX_RANK], own[MAX_RANK];
	void *out;
	int a;

	if (view_out(v, i) == NULL)
		return 0;
	if (s->n == 0)
		return view_alloc_as(v, i, v->out[i]->type == DT_NONE ?
		    DT_FLOAT : v->out[i]->type, &o, e) == NULL ? -1 : 0;
	o.rank = s->part[0]->shape.rank + 1;
	if (o.rank > MAX_RANK || op_axis(axis, o.rank, &a, e) != 0)
		return view_error(e, "cannot collect along axis %lld",
		    (long long)axis);
	for (int k = 0; k < o.rank; k++)
		o.dim[k] = k == a ? s->n :
		    s->part[0]->shape.dim[k < a ? k : k - 1];
	if ((out = view_alloc_as(v, i, s->part[0]->type, &o, e)) == NULL)
		return -1;
	shape_strides(&o, own);
	for (int k = 0; k < o.rank - 1; k++)
		step[k] = own[k < a ? k : k + 1];
	for (int p = 0; p < s->n; p++) {
		int64_t at = (reversed ? s->n - 1 - p : p) * own[a];

		walk_init(&w, &s->part[p]->shape);
		walk_add_strides(&w, step, at);
		for (; walk_more(&w); walk_next(&w))
			elem_copy(s->part[0]->type, out, (size_t)w.off[0],
			    s->part[p]->data, w.i);
	}
	return 0;
}

static int
scalar_val(struct view *v, struct val *x, enum dtype t, int64_t value,
    struct err *e)
{
	void *p = view_own(v, 1, 8, e);

	if (p == NULL)
		return -1;
	elem_set_i(t, p, 0, value);
	*x = (struct val){ .kind = VAL_KNOWN, .form = VALUE_TENSOR, .type = t,
	    .row = ROW_MIXED, .data = p };
	return 0;
}

/* Iterations that a node without end may take before it is taken for one. */
#define LOOP_MAX	INT64_C(100000000)

struct loop {
	struct graph	*body;
	int		 carried, scanned;
	struct val	**in;		/* i, cond, carried... */
	struct stack	*stack;
	int64_t		 trips;
};

static int
loop_read(struct view *v, struct loop *l, struct err *e)
{
	const struct val *trips = view_in(v, 0);

	l->carried = v->n_in > 2 ? v->n_in - 2 : 0;
	l->trips = INT64_MAX;
	if (trips != NULL && val_count(trips) == 1)
		l->trips = elem_i(trips->type, trips->data, 0);
	if (attr_graph(v->node, "body", &l->body, e) != 0)
		return -1;
	if (l->body == NULL || l->body->n_in != l->carried + 2 ||
	    l->body->n_out < l->carried + 1)
		return view_error(e,
		    "the body does not match %d carried values",
		    l->carried);
	l->scanned = l->body->n_out - 1 - l->carried;
	l->in = fresh(v, l->carried + 2, e);
	l->stack = view_scratch(v, (size_t)l->scanned + 1, sizeof(*l->stack),
	    e);
	if (l->in == NULL || l->stack == NULL)
		return -1;
	for (int i = 0; i < l->carried; i++)
		if (v->in[i + 2] != NULL)
			*l->in[i + 2] = *v->in[i + 2];
	return 0;
}

static int
loop_once(struct view *v, struct loop *l, int64_t i, bool *go, struct err *e)
{
	struct val **out = fresh(v, l->body->n_out, e);

	if (out == NULL || scalar_val(v, l->in[0], DT_INT64, i, e) != 0 ||
	    scalar_val(v, l->in[1], DT_BOOL, 1, e) != 0 ||
	    run(v, l->body, l->in, l->carried + 2, out, l->body->n_out, e) != 0)
		return -1;
	*go = truth_of(out[0]);
	for (int k = 0; k < l->carried; k++)
		l->in[k + 2] = out[k + 1];
	for (int k = 0; k < l->scanned; k++)
		if (stack_push(v, &l->stack[k], out[1 + l->carried + k],
		    e) != 0)
			return -1;
	return 0;
}

static int
loop_host(struct view *v, struct err *e)
{
	struct loop l = { 0 };
	bool go = truth_of(view_in(v, 1));

	if (loop_read(v, &l, e) != 0)
		return -1;
	for (int64_t i = 0; go && i < l.trips; i++)
		if (i == LOOP_MAX || loop_once(v, &l, i, &go, e) != 0)
			return i < LOOP_MAX ? -1 : view_error(e,
			    "more than %lld iterations", (long long)LOOP_MAX);
	for (int i = 0; i < l.carried && i < v->n_out; i++)
		if (v->out[i] != NULL &&
		    seq_copy(v, v->out[i], l.in[i + 2], e) != 0)
			return -1;
	for (int i = 0; i < l.scanned && l.carried + i < v->n_out; i++)
		if (stack_out(v, l.carried + i, &l.stack[i], 0, false, e) != 0)
			return -1;
	return 0;
}

struct scan {
	struct graph	*body;
	int		 states, ins, outs;
	int64_t		 length;
	const int64_t	*in_axis, *out_axis, *in_back, *out_back;
};

static int
scan_list(const struct view *v, const char *name, int want,
    const int64_t **out, struct err *e)
{
	size_t n;

	if (attr_ints(v->node, name, out, &n, e) != 0)
		return -1;
	if (*out != NULL && n != (size_t)want)
		return view_error(e, "%s has %zu values, want %d", name, n,
		    want);
	return 0;
}

static int
scan_read(struct view *v, struct scan *s, int states, const char *back,
    struct err *e)
{
	int64_t n;

	if (attr_graph(v->node, "body", &s->body, e) != 0 ||
	    attr_int(v->node, "num_scan_inputs", 0, &n, e) != 0)
		return -1;
	if (s->body == NULL || n < 1 || n > v->n_in - states ||
	    op_want(v, v->n_in, e) != 0)
		return view_error(e, "%lld scan inputs of %d",
		    (long long)n, v->n_in);
	s->ins = (int)n;
	s->states = v->n_in - states - s->ins;
	s->outs = s->body->n_out - s->states;
	if (s->outs < 0 || s->body->n_in != s->states + s->ins)
		return view_error(e, "the body does not match");
	if (scan_list(v, "scan_input_axes", s->ins, &s->in_axis, e) != 0 ||
	    scan_list(v, "scan_output_axes", s->outs, &s->out_axis, e) != 0 ||
	    scan_list(v, back, s->ins, &s->in_back, e) != 0 ||
	    scan_list(v, "scan_output_directions", s->outs, &s->out_back,
	    e) != 0)
		return -1;
	return 0;
}

/* Element t along an axis, as a value of its own. */
static int
scan_slice(struct view *v, const struct val *x, int64_t axis, int64_t t,
    struct val *out, struct err *e)
{
	int64_t own[MAX_RANK], step[MAX_RANK];
	struct shape s = { 0 };
	struct walk w;
	void *p;
	int a;

	if (op_axis(axis, x->shape.rank, &a, e) != 0)
		return -1;
	shape_strides(&x->shape, own);
	for (int k = 0; k < x->shape.rank; k++)
		if (k != a) {
			step[s.rank] = own[k];
			s.dim[s.rank++] = x->shape.dim[k];
		}
	walk_init(&w, &s);
	walk_add_strides(&w, step, t * own[a]);
	if ((p = view_own(v, w.count + 1, sizeof(struct string), e)) == NULL)
		return -1;
	for (; walk_more(&w); walk_next(&w))
		elem_copy(x->type, p, w.i, x->data, (size_t)w.off[0]);
	*out = (struct val){ .kind = VAL_KNOWN, .form = VALUE_TENSOR,
	    .type = x->type, .shape = s, .row = ROW_MIXED, .data = p };
	return 0;
}

static int
scan_length(const struct scan *s, struct val *const *x, int64_t *n,
    struct err *e)
{
	for (int i = 0; i < s->ins; i++) {
		int a;

		if (op_axis(s->in_axis == NULL ? 0 : s->in_axis[i],
		    x[i]->shape.rank, &a, e) != 0)
			return -1;
		if (i > 0 && *n != x[i]->shape.dim[a])
			return view_error(e, "scan inputs differ in length");
		*n = x[i]->shape.dim[a];
	}
	return 0;
}

/* All steps of one scan; state: in and out; the outputs into stacks. */
static int
scan_run(struct view *v, const struct scan *s, struct val **state,
    struct val *const *x, struct stack *stack, struct err *e)
{
	int64_t n = 0;

	if (scan_length(s, x, &n, e) != 0)
		return -1;
	for (int64_t t = 0; t < n; t++) {
		struct val **in = fresh(v, s->states + s->ins, e);
		struct val **out = fresh(v, s->body->n_out, e);

		if (in == NULL || out == NULL)
			return -1;
		for (int i = 0; i < s->states; i++)
			in[i] = state[i];
		for (int i = 0; i < s->ins; i++)
			if (scan_slice(v, x[i], s->in_axis == NULL ? 0 :
			    s->in_axis[i], s->in_back != NULL &&
			    s->in_back[i] ? n - 1 - t : t, in[s->states + i],
			    e) != 0)
				return -1;
		if (run(v, s->body, in, s->states + s->ins, out,
		    s->body->n_out, e) != 0)
			return -1;
		for (int i = 0; i < s->states; i++)
			state[i] = out[i];
		for (int i = 0; i < s->outs; i++)
			if (stack_push(v, &stack[i], out[s->states + i],
			    e) != 0)
				return -1;
	}
	return 0;
}

static int
scan_host(struct view *v, struct err *e)
{
	struct scan s = { 0 };
	struct stack *stack;
	struct val **state;

	if (scan_read(v, &s, 0, "scan_input_directions", e) != 0)
		return -1;
	state = view_scratch(v, (size_t)s.states + 1, sizeof(*state), e);
	stack = view_scratch(v, (size_t)s.outs + 1, sizeof(*stack), e);
	if (state == NULL || stack == NULL)
		return -1;
	for (int i = 0; i < s.states; i++)
		state[i] = v->in[i];
	if (scan_run(v, &s, state, v->in + s.states, stack, e) != 0)
		return -1;
	for (int i = 0; i < s.states && i < v->n_out; i++)
		if (v->out[i] != NULL &&
		    seq_copy(v, v->out[i], state[i], e) != 0)
			return -1;
	for (int i = 0; i < s.outs && s.states + i < v->n_out; i++)
		if (stack_out(v, s.states + i, &stack[i],
		    s.out_axis == NULL ? 0 : s.out_axis[i],
		    s.out_back != NULL && s.out_back[i], e) != 0)
			return -1;
	return 0;
}

/*
 * Opset 8: a leading batch axis everywhere, sequence lengths first, and each
 * batch entry is a scan of its own.
 */
static int
scan8_host(struct view *v, struct err *e)
{
	struct scan s = { 0 };
	struct stack *all;
	int64_t batch;

	if (view_in(v, 0) != NULL)
		return err_set(e, ERR_UNSUPPORTED,
		    "sequence_lens is not done here");
	v->in[0] = v->in[v->n_in - 1];
	if (scan_read(v, &s, 1, "directions", e) != 0)
		return -1;
	v->in[0] = NULL;
	batch = v->in[1]->shape.rank > 0 ? v->in[1]->shape.dim[0] : 0;
	all = view_scratch(v, (size_t)s.body->n_out + 1, sizeof(*all), e);
	if (all == NULL)
		return -1;
	for (int64_t b = 0; b < batch; b++) {
		struct val **in = fresh(v, s.states + s.ins, e);
		struct stack *one = view_scratch(v, (size_t)s.outs + 1,
		    sizeof(*one), e);
		struct view sub = *v;
		struct val **got;

		if (in == NULL || one == NULL)
			return -1;
		for (int i = 0; i < s.states + s.ins; i++)
			if (scan_slice(v, v->in[i + 1], 0, b, in[i], e) != 0)
				return -1;
		got = fresh(v, s.outs, e);
		if (got == NULL ||
		    scan_run(v, &s, in, in + s.states, one, e) != 0)
			return -1;
		sub.out = got;
		sub.n_out = s.outs;
		for (int i = 0; i < s.states; i++)
			if (stack_push(v, &all[i], in[i], e) != 0)
				return -1;
		for (int i = 0; i < s.outs; i++)
			if (stack_out(&sub, i, &one[i], 0, false, e) != 0 ||
			    stack_push(v, &all[s.states + i], got[i], e) != 0)
				return -1;
	}
	for (int i = 0; i < v->n_out && i < s.body->n_out; i++)
		if (stack_out(v, i, &all[i], 0, false, e) != 0)
			return -1;
	return 0;
}

#define ROW(op, from, to, id)						\
{									\
	.name = op, .since = from, .until = to, .types = "*",		\
	.infer = control_infer, .host = id##_host,			\
}

OP_FAMILY(control_ops);
const struct op control_ops[] = {
	ROW("If", 1, 0, if),
	ROW("Loop", 1, 0, loop),
	ROW("Scan", 8, 8, scan8),
	ROW("Scan", 9, 0, scan),
	{ .name = NULL }
};
