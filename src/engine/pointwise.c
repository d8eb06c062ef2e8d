/*
 * A group of expressions as one kernel: cl/pointwise.cl with its parameters,
 * loads and stores written here.
 *
 * The output is seen as rows of its innermost axis, after axes that lie alike
 * in all operands are joined; an operand is then contiguous (stride 1 along a
 * row), one value per row (0), or anything.
 */
#include <stdio.h>

#include "base/size.h"
#include "engine/fuse.h"

#define TEXT_MAX	((size_t)1 << 16)
#define PIECE_ITEMS	4096	/* elements worth a piece of work */
#define CHUNK		16384	/* of a row */
#define PARAMS_MAX	80

struct loops {
	int		 n;			/* axes; the last is the row */
	int64_t		 dim[MAX_RANK + 1];
	int64_t		 stride[GROUP_EXT][MAX_RANK + 1];
	int		 n_op;
	struct val	*op[GROUP_EXT];		/* as read: in this layout */
	bool		 blocked;
	int64_t		 vec;
};

/* A stride along a row: one vector, again and again. */
#define LANES	(-1)

/* v seen with the output's rank: ones in front. */
static struct val *
same_rank(struct plan *p, struct val *v, int rank, struct err *err)
{
	struct val *r;
	int from = rank - v->shape.rank;

	if (from == 0)
		return v;
	if ((r = pool_get(plan_pool(p), sizeof(*r))) == NULL) {
		(void)err_memory(err, "a value", sizeof(*r));
		return NULL;
	}
	*r = *v;
	r->twin = NULL;
	r->shape.rank = rank;
	for (int i = 0; i < rank; i++)
		r->shape.dim[i] = i < from ? 1 : v->shape.dim[i - from];
	return r;
}

/* Blocked if every operand of the output's shape that is not constant is. */
static bool
all_blocked(const struct group *g, int vec)
{
	int n = 0;

	if (g->out->shape.rank < 3 || g->out->type != DT_FLOAT)
		return false;
	for (int i = 0; i < g->n_ext; i++) {
		if (g->ext[i]->type != DT_FLOAT)
			return false;
		if (!shape_equal(&g->ext[i]->shape, &g->out->shape) ||
		    g->ext[i]->kind == VAL_KNOWN)
			continue;
		if (g->ext[i]->layout != LAYOUT_BLOCKED)
			return false;
		n++;
	}
	return n > 0 && (g->out->shape.dim[1] % vec == 0 ||
	    expr_keeps_zero(g));
}

static void
plain_strides(const struct val *v, const struct shape *out, int64_t *stride)
{
	int64_t s = 1;
	int from = out->rank - v->shape.rank;

	for (int i = out->rank - 1; i >= 0; i--) {
		stride[i] = 0;
		if (i < from)
			continue;
		if (v->shape.dim[i - from] != 1)
			stride[i] = s;
		s *= v->shape.dim[i - from];
	}
}

/*
 * Axes [n][blocks][space...][vec] of an operand that is blocked, or plain over
 * them.
 */
static void
blocked_strides(const struct val *v, int64_t vec, int64_t *stride)
{
	int rank = v->shape.rank;
	int64_t s;
	bool blocked = v->layout == LAYOUT_BLOCKED;

	stride[rank] = blocked ? 1 : 0;
	s = blocked ? vec : 1;
	for (int i = rank - 1; i >= 0; i--) {
		int64_t d = i == 1 && blocked ?
		    (v->shape.dim[1] + vec - 1) / vec : v->shape.dim[i];

		stride[i] = v->shape.dim[i] == 1 ? 0 : s;
		s *= d;
	}
}

/* Join axes that follow each other in all operands; drop those of one. */
static void
join_axes(struct loops *l)
{
	int n = 0;
	bool fits;

	for (int i = 0; i < l->n; i++) {
		if (l->dim[i] == 1)
			continue;
		fits = n > 0;
		for (int k = 0; fits && k < l->n_op; k++)
			fits = l->stride[k][n - 1] ==
			    l->stride[k][i] * l->dim[i];
		if (fits) {
			l->dim[n - 1] *= l->dim[i];
			for (int k = 0; k < l->n_op; k++)
				l->stride[k][n - 1] = l->stride[k][i];
			continue;
		}
		l->dim[n] = l->dim[i];
		for (int k = 0; k < l->n_op; k++)
			l->stride[k][n] = l->stride[k][i];
		n++;
	}
	if (n == 0) {
		l->dim[n] = 1;
		for (int k = 0; k < l->n_op; k++)
			l->stride[k][n] = 0;
		n = 1;
	}
	l->n = n;
}

/*
 * Blocked maps: a row is a plane of vectors if what is the same along it is the
 * same vector each time (one value per channel), or one value.
 */
static void
join_lanes(struct loops *l)
{
	int lane = l->n - 1, space = l->n - 2;
	int64_t *s;

	if (!l->blocked || l->n < 2 || l->dim[lane] != l->vec)
		return;
	for (int k = 0; k < l->n_op; k++) {
		s = l->stride[k];
		if (s[space] != s[lane] * l->vec &&
		    (s[space] != 0 || s[lane] != 1))
			return;
	}
	for (int k = 0; k < l->n_op; k++) {
		s = l->stride[k];
		s[space] = s[space] == 0 && s[lane] == 1 ? LANES : s[lane];
	}
	l->dim[space] *= l->vec;
	l->n--;
}

static int
make_loops(const struct group *g, struct plan *p, struct loops *l,
    struct err *err)
{
	const struct shape *out = &g->out->shape;
	int64_t vec = plan_facts(p)->vec;
	struct val *v;

	l->vec = vec;
	l->blocked = all_blocked(g, (int)vec);
	l->n_op = g->n_ext;
	l->n = out->rank + l->blocked;
	for (int i = 0; i < out->rank; i++)
		l->dim[i] = out->dim[i];
	if (l->blocked) {
		l->dim[1] = (out->dim[1] + vec - 1) / vec;
		l->dim[out->rank] = vec;
	}
	for (int i = 0; i < g->n_ext; i++) {
		v = g->ext[i];
		if (l->blocked &&
		    (v = same_rank(p, v, out->rank, err)) == NULL)
			return -1;
		if ((v = plan_as(p, v, l->blocked &&
		    v->shape.dim[1] == out->dim[1] ? LAYOUT_BLOCKED :
		    LAYOUT_PLAIN, err)) == NULL)
			return -1;
		l->op[i] = v;
		if (l->blocked)
			blocked_strides(v, vec, l->stride[i]);
		else
			plain_strides(v, out, l->stride[i]);
	}
	join_axes(l);
	join_lanes(l);
	return 0;
}

/* Can a row be taken a vector at a time? */
static bool
has_vector(const struct group *g, const struct loops *l, int vec, bool fp64)
{
	int last = l->n - 1;

	if (l->dim[last] < vec || !pw_type(g->out->type, fp64)->vector)
		return false;
	for (int i = 0; i < g->n; i++)
		if (expr_mixed(&g->m[i]) ||
		    !pw_type(g->m[i].v->out[0]->type, fp64)->vector)
			return false;
	for (int i = 0; i < l->n_op; i++)
		if (l->stride[i][last] > 1 ||
		    !pw_type(l->op[i]->type, fp64)->vector)
			return false;
	return true;
}

/* #define PW_ARGS: operands, output, parameters, axes, strides. */
static void
put_args(struct buf *b, const struct group *g, const struct loops *l, bool fp64)
{
	(void)buf_str(b, "#define PW_ARGS ");
	for (int i = 0; i < l->n_op; i++)
		PUT(b, "IN(%s, a%d), ",
		    pw_type(l->op[i]->type, fp64)->mem, i);
	PUT(b, "OUT(%s, y)", pw_type(g->out->type, fp64)->mem);
	expr_params(b, g, true);
	(void)buf_str(b, ", int row_n, int chunk, int chunks, int units, "
	    "int per");
	for (int k = 0; k < l->n - 1; k++)
		PUT(b, ", int d%d", k);
	for (int i = 0; i < l->n_op; i++)
		for (int k = 0; k < l->n; k++)
			PUT(b, ", int s%d_%d", i, k);
	(void)buf_str(b, "\n#define PW_AT AT(y);");
	for (int i = 0; i < l->n_op; i++)
		PUT(b, " AT(a%d);", i);
	/* Where row `row` of each operand begins. */
	(void)buf_str(b, "\n#define PW_ROW");
	for (int i = 0; i < l->n_op; i++)
		PUT(b, " int o%d = 0;", i);
	if (l->n > 1)
		(void)buf_str(b, " int rest = row;");
	for (int k = l->n - 2; k >= 0; k--) {
		PUT(b, k > 0 ? " int k%d = rest %% d%d; rest /= d%d;"
		    : " int k%d = rest;", k, k, k);
		for (int i = 0; i < l->n_op; i++)
			PUT(b, " o%d += k%d * s%d_%d;", i, k, i, k);
	}
	(void)buf_str(b, "\n");
}

/* The value of operand k at offset i of its row. */
static void
put_load(struct buf *b, const struct loops *l, int k, int width, bool fp64)
{
	const struct pw_type *t = pw_type(l->op[k]->type, fp64);
	int64_t stride = l->stride[k][l->n - 1];
	char at[64];

	if (stride == LANES)
		(void)snprintf(at, sizeof(at), width > 1 ? "o%d" :
		    "o%d + (i & (VEC - 1))", k);
	else
		(void)snprintf(at, sizeof(at), stride == 0 ? "o%d" :
		    stride == 1 ? "o%d + i" : "o%d + i * s%d_%d", k, k,
		    l->n - 1);
	if (width > 1 && stride != 0) {
		if (strcmp(t->mem, t->calc) == 0)
			PUT(b, "vload%d(0, a%d + %s)", width, k, at);
		else
			PUT(b, "convert_%s%d(vload%d(0, a%d + %s))",
			    t->calc, width, width, k, at);
		if (l->op[k]->type == DT_BOOL)
			(void)buf_str(b, " != 0 & 1");
	} else if (width > 1)
		PUT(b, "(%s%d)(a%d[%s]%s)", t->calc, width, k, at,
		    l->op[k]->type == DT_BOOL ? " != 0" : "");
	else if (l->op[k]->type == DT_FLOAT16)
		PUT(b, "LOAD_HALF(a%d, %s)", k, at);
	else if (l->op[k]->type == DT_BFLOAT16)
		PUT(b, "load_bf16(a%d[%s])", k, at);
	else
		PUT(b, "a%d[%s]%s", k, at,
		    l->op[k]->type == DT_BOOL ? " != 0" : "");
}

/* One element, or vector, of the output. */
static void
put_step(struct buf *b, const struct group *g, const struct loops *l,
    int width, bool fp64)
{
	const struct pw_type *t = pw_type(g->out->type, fp64);
	char call[32];

	(void)snprintf(call, sizeof(call), "pw%d(", width);
	PUT(b, "#define PW_DO%s ", width > 1 ? "_VECTOR" : "");
	if (width > 1 && strcmp(t->mem, t->calc) == 0)
		PUT(b, "vstore%d(%s", width, call);
	else if (width > 1)
		PUT(b, "vstore%d(convert_%s%d(%s", width, t->mem,
		    width, call);
	else if (g->out->type == DT_FLOAT16)
		PUT(b, "STORE_HALF(%s", call);
	else if (g->out->type == DT_BFLOAT16)
		PUT(b, "y[yo + i] = store_bf16(%s", call);
	else
		PUT(b, "y[yo + i] = (%s)(%s", t->mem, call);
	for (int k = 0; k < l->n_op; k++) {
		(void)buf_str(b, k > 0 ? ", " : "");
		put_load(b, l, k, width, fp64);
	}
	expr_params(b, g, false);
	if (width > 1)
		(void)buf_str(b, strcmp(t->mem, t->calc) == 0 ?
		    "), 0, y + yo + i)" : ")), 0, y + yo + i)");
	else
		(void)buf_str(b, g->out->type == DT_FLOAT16 ?
		    "), y, yo + i)" : "))");
	(void)buf_str(b, "\n");
}

static char *
preamble(const struct group *g, const struct loops *l, struct plan *p,
    struct err *err)
{
	bool fp64 = plan_facts(p)->fp64;
	int vec = plan_facts(p)->vec;
	bool vector = has_vector(g, l, vec, fp64);
	struct buf b;
	char *text = NULL;

	buf_init(&b, TEXT_MAX);
	expr_words(&b, g);
	(void)buf_str(&b, "#define EPI_TEXT ");
	expr_function(&b, g, "pw1", 1, fp64);
	if (vector) {
		char name[16];

		(void)snprintf(name, sizeof(name), "pw%d", vec);
		(void)buf_str(&b, " ");
		expr_function(&b, g, name, vec, fp64);
	}
	(void)buf_str(&b, "\n");
	put_args(&b, g, l, fp64);
	put_step(&b, g, l, 1, fp64);
	if (vector)
		put_step(&b, g, l, vec, fp64);
	if (!buf_failed(&b))
		text = pool_strn(plan_pool(p), b.data, b.len);
	buf_done(&b);
	if (text == NULL)
		(void)err_memory(err, "an expression", TEXT_MAX);
	return text;
}

static void
step_params(struct step *s, const struct group *g)
{
	for (int i = 0; i < g->n; i++)
		for (int k = 0; k < g->m[i].n_attr; k++)
			step_float(s, g->m[i].attr[k]);
}

/*
 * Rows, in chunks where they are long, several to a piece where they are
 * short.
 */
static void
step_rows(struct step *s, const struct loops *l, const struct plan *p)
{
	bool gpu = plan_facts(p)->profile == PROFILE_GPU;
	int64_t row = l->dim[l->n - 1], rows = 1, chunk, chunks, units, per;
	int64_t piece = gpu ? 256 : PIECE_ITEMS;

	for (int k = 0; k < l->n - 1; k++)
		rows *= l->dim[k];
	chunk = gpu ? 256 : plan_facts(p)->lanes > 1 ? PIECE_ITEMS : CHUNK;
	if (chunk > row && row > 0)
		chunk = row;
	chunks = (row + chunk - 1) / chunk;
	units = rows * chunks;
	per = chunk < piece ? piece / chunk : 1;
	step_int(s, row);
	step_int(s, chunk);
	step_int(s, chunks);
	step_int(s, units);
	step_int(s, per);
	for (int k = 0; k < l->n - 1; k++)
		step_int(s, l->dim[k]);
	for (int i = 0; i < l->n_op; i++)
		for (int k = 0; k < l->n; k++)
			step_int(s, l->stride[i][k]);
	step_groups(s, (size_t)((units + per - 1) / per), 64);
}

static int
too_many(const struct group *g, const struct loops *l)
{
	return 2 * l->n_op + 8 + group_params(g) + l->n +
	    l->n_op * l->n > PARAMS_MAX;
}

int
pointwise_plan(const struct group *g, struct plan *p, struct err *err)
{
	struct loops l = { 0 };
	struct step *s;
	char *text;
	size_t n;

	if (make_loops(g, p, &l, err) < 0)
		return -1;
	if (!shape_count(&g->out->shape, &n) || n > INT32_MAX / 2 ||
	    too_many(g, &l))
		return 1;
	if ((text = preamble(g, &l, p, err)) == NULL)
		return -1;
	if ((s = plan_step(p, err, "pointwise", "pointwise", "%s", "")) == NULL)
		return -1;
	step_preamble(s, text);
	g->out->layout = l.blocked ? LAYOUT_BLOCKED : LAYOUT_PLAIN;
	for (int i = 0; i < l.n_op; i++)
		step_in(s, l.op[i]);
	step_out(s, g->out);
	for (int i = 0; i < l.n_op; i++)
		if (shape_equal(&l.op[i]->shape, &g->out->shape) &&
		    l.op[i]->type == g->out->type)
			step_over(s, l.op[i]);
	step_params(s, g);
	step_rows(s, &l, p);
	return plan_end(p, s, err);
}
