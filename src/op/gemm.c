/* MatMul and Gemm: rows, and the choice among device forms. */
#include "op/gemm.h"

#include "op/kernel.h"
#include "op/matmul.h"
#include "op/op.h"
#include "op/shape.h"

/* Vectors become matrices: a row on the left, a column on the right. */
static struct shape
widen(const struct shape *s, bool right)
{
	struct shape r = *s;

	if (s->rank == 1) {
		r.rank = 2;
		r.dim[0] = right ? s->dim[0] : 1;
		r.dim[1] = right ? 1 : s->dim[0];
	}
	return r;
}

int
matmul_read(const struct view *v, int ia, int ib, struct matmul *m,
    struct err *e)
{
	const struct val *a = view_in(v, ia), *b = view_in(v, ib);
	struct shape x, y, bx, by;

	if (a == NULL || b == NULL)
		return view_error(e, "inputs missing");
	if (a->shape.rank < 1 || b->shape.rank < 1)
		return view_error(e, "a scalar is no matrix");
	x = widen(&a->shape, false);
	y = widen(&b->shape, true);
	m->m = x.dim[x.rank - 2];
	m->k = x.dim[x.rank - 1];
	m->n = y.dim[y.rank - 1];
	if (y.dim[y.rank - 2] != m->k)
		return view_error(e, "%lld columns times %lld rows",
		    (long long)m->k, (long long)y.dim[y.rank - 2]);
	bx = x;
	by = y;
	bx.rank -= 2;
	by.rank -= 2;
	if (!shape_broadcast(&bx, &by, &m->batch))
		return view_error(e, "leading axes do not broadcast");
	m->a_batch = bx;
	m->b_batch = by;
	m->out = m->batch;
	if (a->shape.rank > 1)
		m->out.dim[m->out.rank++] = m->m;
	if (b->shape.rank > 1)
		m->out.dim[m->out.rank++] = m->n;
	return 0;
}

/* Leading axes as those of a broadcast; a's own rows stay; b's columns too. */
int
matmul_row(const struct view *v, int ia, int ib, const struct matmul *m)
{
	const struct val *a = view_in(v, ia), *b = view_in(v, ib);
	int r;

	if (a->row == ROW_MIXED || b->row == ROW_MIXED)
		return ROW_MIXED;
	if (a->row == ROW_FREE && b->row == ROW_FREE)
		return ROW_FREE;
	if (a->row >= 0 && b->row >= 0) {
		/* Both batched: the same leading axis of the same extent. */
		int ra = a->row + m->batch.rank - m->a_batch.rank;
		int rb = b->row + m->batch.rank - m->b_batch.rank;

		if (a->row >= m->a_batch.rank || b->row >= m->b_batch.rank ||
		    ra != rb || a->shape.dim[a->row] != b->shape.dim[b->row])
			return ROW_MIXED;
		return ra;
	}
	if (b->row >= 0)
		return ROW_MIXED;
	if (a->shape.rank == 1 || a->row == a->shape.rank - 1)
		return ROW_MIXED;
	r = a->row + m->batch.rank - m->a_batch.rank;
	/*
	 * A constant of many matrices only goes with rows outside of its axes.
	 */
	if (a->row < m->a_batch.rank && r >= m->batch.rank - m->b_batch.rank &&
	    m->b_batch.dim[r - (m->batch.rank - m->b_batch.rank)] != 1)
		return ROW_MIXED;
	return r;
}

static int
matmul_infer(struct view *v, struct err *e)
{
	struct matmul m;

	if (matmul_read(v, 0, 1, &m, e) != 0)
		return -1;
	view_set(v, 0, v->in[0]->type, &m.out, matmul_row(v, 0, 1, &m));
	return 0;
}

double
matmul_at(const struct val *a, const struct val *b, const struct matmul *m,
    size_t ao, size_t bo, double az, double bz)
{
	double sum = 0;

	for (int64_t k = 0; k < m->k; k++)
		sum += (elem_f(a->type, a->data, ao + (size_t)k) - az) *
		    (elem_f(b->type, b->data, bo + (size_t)(k * m->n)) - bz);
	return sum;
}

void
matmul_walk(const struct matmul *m, struct walk *w)
{
	struct shape all = m->batch;
	int64_t a[MAX_RANK + 2] = { 0 }, b[MAX_RANK + 2] = { 0 };
	struct walk outer;

	/* Steps of the leading axes, in matrices, times a matrix's size. */
	walk_init(&outer, &m->batch);
	walk_add(&outer, &m->a_batch);
	walk_add(&outer, &m->b_batch);
	for (int i = 0; i < m->batch.rank; i++) {
		a[i] = outer.step[0][i] * m->m * m->k;
		b[i] = outer.step[1][i] * m->k * m->n;
	}
	a[all.rank] = m->k;
	all.dim[all.rank++] = m->m;
	b[all.rank] = 1;
	all.dim[all.rank++] = m->n;
	walk_init(w, &all);
	walk_add_strides(w, a, 0);
	walk_add_strides(w, b, 0);
}

static int
matmul_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	struct matmul m;
	struct walk w;

	if (out == NULL || matmul_read(v, 0, 1, &m, e) != 0)
		return -1;
	for (matmul_walk(&m, &w); walk_more(&w); walk_next(&w))
		elem_set_f(v->out[0]->type, out, w.i, matmul_at(v->in[0],
		    v->in[1], &m, (size_t)w.off[0], (size_t)w.off[1], 0, 0));
	return 0;
}

static void
step_gemm(struct step *s, const struct gemm *g)
{
	const int64_t a_step[2] = { g->trans_a ? 1 : g->k,
	    g->trans_a ? g->m : 1 };
	const int64_t b_step[2] = { g->trans_b ? 1 : g->n,
	    g->trans_b ? g->k : 1 };

	step_int(s, g->m);
	step_int(s, g->n);
	step_int(s, g->k);
	step_long(s, g->stride_a);
	step_long(s, g->stride_b);
	step_int(s, a_step[0]);
	step_int(s, a_step[1]);
	step_int(s, b_step[0]);
	step_int(s, b_step[1]);
	step_int(s, g->c_row);
	step_int(s, g->c_col);
	step_float(s, g->alpha);
	step_float(s, g->beta);
}

static int
generic(struct view *v, const struct gemm *g, struct plan *p, struct err *e)
{
	size_t n = (size_t)(g->batch * g->m * g->n);
	struct step *s;

	s = plan_step(p, e, "gemm_any", "gemm_any", "%s",
	    g->c != NULL ? "-DADD_C" : "");
	if (s == NULL)
		return -1;
	step_in(s, g->a);
	step_in(s, g->b);
	if (g->c != NULL)
		step_in(s, g->c);
	step_out(s, view_result(v));
	step_int(s, (int64_t)n);
	step_gemm(s, g);
	step_epilogue(s, v, LAYOUT_PLAIN);
	step_items(s, n);
	return plan_end(p, s, e);
}

static int
choose(struct view *v, const struct gemm *g, struct plan *p, struct err *e)
{
	int i = 0, r;

	for (; gemm_forms[i] != NULL; i++)
		if (view_form(v, i) && (r = gemm_forms[i](v, g, p, e)) <= 0)
			return r;
	return view_form(v, i) ? generic(v, g, p, e) : 1;
}

/* Are these leading axes one run of matrices, or a single shared one? */
static bool
one_run(const struct shape *own, const struct shape *batch, int64_t matrix,
    int64_t *stride)
{
	int64_t n = shape_span(own, 0, own->rank);

	*stride = n == 1 ? 0 : matrix;
	return n == 1 || n == shape_span(batch, 0, batch->rank);
}

static int
matmul_plan(struct view *v, struct plan *p, struct err *e)
{
	struct matmul m;
	struct gemm g = { .alpha = 1, .a = v->in[0], .b = v->in[1] };

	if (matmul_read(v, 0, 1, &m, e) != 0)
		return -1;
	g.batch = shape_span(&m.batch, 0, m.batch.rank);
	g.m = m.m;
	g.n = m.n;
	g.k = m.k;
	if (!all_float(v) || !fits_int(v->out[0]) ||
	    val_count(v->out[0]) == 0 ||
	    !one_run(&m.a_batch, &m.batch, m.m * m.k, &g.stride_a) ||
	    !one_run(&m.b_batch, &m.batch, m.k * m.n, &g.stride_b))
		return 1;
	if (g.stride_b == 0 && g.stride_a != 0) {
		g.m *= g.batch;
		g.batch = 1;
		g.stride_a = 0;
	}
	return choose(v, &g, p, e);
}

struct gemm_read {
	int64_t	ta, tb, m, n, k;
	float	alpha, beta;
};

static int
gemm_read(const struct view *v, struct gemm_read *g, struct err *e)
{
	const struct val *a, *b, *c = view_in(v, 2);
	struct shape out = { .rank = 2 }, s;

	if (op_want(v, 2, e) != 0 ||
	    attr_int(v->node, "transA", 0, &g->ta, e) != 0 ||
	    attr_int(v->node, "transB", 0, &g->tb, e) != 0 ||
	    attr_float(v->node, "alpha", 1, &g->alpha, e) != 0 ||
	    attr_float(v->node, "beta", 1, &g->beta, e) != 0)
		return -1;
	a = v->in[0];
	b = v->in[1];
	if (op_want_rank(a, 2, 2, "A", e) != 0 ||
	    op_want_rank(b, 2, 2, "B", e) != 0)
		return -1;
	g->m = a->shape.dim[g->ta ? 1 : 0];
	g->k = a->shape.dim[g->ta ? 0 : 1];
	g->n = b->shape.dim[g->tb ? 0 : 1];
	if (b->shape.dim[g->tb ? 1 : 0] != g->k)
		return view_error(e, "%lld columns times %lld rows",
		    (long long)g->k, (long long)b->shape.dim[g->tb ? 1 : 0]);
	out.dim[0] = g->m;
	out.dim[1] = g->n;
	if (c != NULL && (!shape_broadcast(&out, &c->shape, &s) ||
	    !shape_equal(&out, &s)))
		return view_error(e, "C does not broadcast to the result");
	return 0;
}

/* C's strides; an axis of one element broadcasts. */
static void
c_strides(const struct val *c, int64_t *row, int64_t *col)
{
	int r = c->shape.rank;

	*col = r >= 1 && c->shape.dim[r - 1] != 1;
	*row = r >= 2 && c->shape.dim[r - 2] != 1 ? c->shape.dim[r - 1] : 0;
}

static int
gemm_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 2 };
	struct gemm_read g;
	int row;

	if (gemm_read(v, &g, e) != 0)
		return -1;
	o.dim[0] = g.m;
	o.dim[1] = g.n;
	row = v->in[0]->row;
	if (row >= 0)
		row = row == (g.ta ? 1 : 0) ? 0 : ROW_MIXED;
	row = row_others(v, 0, row);
	if (row == 0 && view_in(v, 2) != NULL && v->in[2]->shape.rank == 2 &&
	    v->in[2]->shape.dim[0] != 1)
		row = ROW_MIXED;
	view_set(v, 0, v->in[0]->type, &o, row);
	return 0;
}

static int
gemm_host(struct view *v, struct err *e)
{
	const struct val *a = v->in[0], *b = v->in[1], *c = view_in(v, 2);
	void *out = view_alloc(v, 0, e);
	int64_t row = 0, col = 0;
	struct gemm_read g;

	if (out == NULL || gemm_read(v, &g, e) != 0)
		return -1;
	if (c != NULL)
		c_strides(c, &row, &col);
	for (int64_t o = 0; o < g.m * g.n; o++) {
		int64_t i = o / g.n, j = o % g.n;
		double sum = 0;

		for (int64_t k = 0; k < g.k; k++)
			sum += elem_f(a->type, a->data, (size_t)(g.ta ?
			    k * g.m + i : i * g.k + k)) *
			    elem_f(b->type, b->data, (size_t)(g.tb ?
			    j * g.k + k : k * g.n + j));
		sum *= g.alpha;
		if (c != NULL && g.beta != 0)
			sum += g.beta * elem_f(c->type, c->data,
			    (size_t)(i * row + j * col));
		elem_set_f(v->out[0]->type, out, (size_t)o, sum);
	}
	return 0;
}

static int
gemm_plan(struct view *v, struct plan *p, struct err *e)
{
	struct gemm_read r;
	struct gemm g = { .batch = 1, .a = v->in[0], .b = v->in[1] };

	if (gemm_read(v, &r, e) != 0)
		return -1;
	if (!all_float(v) || !fits_int(v->out[0]) || val_count(v->out[0]) == 0)
		return 1;
	g.m = r.m;
	g.n = r.n;
	g.k = r.k;
	g.trans_a = r.ta != 0;
	g.trans_b = r.tb != 0;
	g.alpha = r.alpha;
	g.beta = r.beta;
	if ((g.c = view_in(v, 2)) != NULL)
		c_strides(g.c, &g.c_row, &g.c_col);
	return choose(v, &g, p, e);
}

/* Columns, unless the right side was a vector. */
static int
last_axis(const struct view *v)
{
	return v->out[0]->shape.rank - 1;
}

OP_FAMILY(gemm_ops);
const struct op gemm_ops[] = {
	{ .name = "MatMul", .since = 1, .types = "fdhiu", .flags = OP_EPILOGUE,
	  .infer = matmul_infer, .host = matmul_host, .plan = matmul_plan,
	  .channel_axis = last_axis },
	{ .name = "Gemm", .since = 1, .types = "fdhiu", .flags = OP_EPILOGUE,
	  .infer = gemm_infer, .host = gemm_host, .plan = gemm_plan,
	  .channel_axis = last_axis },
	{ .name = NULL }
};
