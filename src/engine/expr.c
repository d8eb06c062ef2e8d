/* The text of fused expressions. */
#include <math.h>
#include <stdio.h>

#include "base/size.h"
#include "engine/fuse.h"

static const struct pw_type types[DT_COUNT] = {
	[DT_FLOAT] = { "float", "float", true },
	[DT_BOOL] = { "uchar", "int", true },
	[DT_INT32] = { "int", "int", true },
	[DT_UINT32] = { "uint", "uint", true },
	[DT_INT8] = { "char", "int", true },
	[DT_INT16] = { "short", "int", true },
	[DT_UINT8] = { "uchar", "int", true },
	[DT_UINT16] = { "ushort", "int", true },
	[DT_INT64] = { "long", "long", false },
	[DT_UINT64] = { "ulong", "ulong", false },
	[DT_FLOAT16] = { "half", "float", false },
	[DT_BFLOAT16] = { "ushort", "float", false },
};
static const struct pw_type type_double = { "double", "double", false };

const struct pw_type *
pw_type(enum dtype t, bool fp64)
{
	if (t == DT_DOUBLE)
		return fp64 ? &type_double : NULL;
	if (t <= DT_NONE || t >= DT_COUNT || types[t].mem == NULL)
		return NULL;
	return &types[t];
}

static const char *
width_text(int width, char text[12])
{
	text[0] = '\0';
	if (width > 1)
		(void)snprintf(text, 12, "%d", width);
	return text;
}

int
group_params(const struct group *g)
{
	int n = 0;

	for (int i = 0; i < g->n; i++)
		n += g->m[i].n_attr;
	return n;
}

void
expr_params(struct buf *b, const struct group *g, bool declare)
{
	for (int i = 0; i < group_params(g); i++)
		PUT(b, ", %sepi_p%d", declare ? "float " : "", i);
}

static void
put_ref(struct buf *b, struct ref r)
{
	if (r.ext)
		PUT(b, "e%d", r.i);
	else if (r.i < 0)
		(void)buf_str(b, "v");
	else
		PUT(b, "t%d", r.i);
}

/*
 * The type that input i is computed in: its own, but where two operands differ
 * (Pow) they meet in the wider kind, as in the definition.
 */
const struct pw_type *
expr_type(const struct member *m, int i, bool fp64)
{
	enum dtype a = m->v->in[0]->type, b;

	if (m->pw->arity != 2 || (b = m->v->in[1]->type) == a)
		return pw_type(m->v->in[i]->type, fp64);
	if (a == DT_DOUBLE || b == DT_DOUBLE)
		return &type_double;
	if (dtype_info(a)->kind == 'f' || dtype_info(b)->kind == 'f')
		return pw_type(DT_FLOAT, fp64);
	return pw_type(DT_INT64, fp64);
}

bool
expr_mixed(const struct member *m)
{
	return m->pw->arity == 2 &&
	    m->v->in[0]->type != m->v->in[1]->type;
}

/*
 * The expression's value in the type that the output is computed in: tests
 * become 0 or 1, and small integers wrap as they would in memory.
 */
static void
put_result(struct buf *b, const struct member *m, int width, bool fp64)
{
	enum dtype in = m->v->in[m->n_in > 1 ? 1 : 0]->type;
	enum dtype out = m->v->out[0]->type;
	const struct pw_type *t = pw_type(out, fp64);
	char w[12];

	(void)width_text(width, w);
	if (out == DT_BOOL)
		PUT(b, width > 1 ? "(((%s) != 0) & 1)" :
		    "((%s) != 0)", m->pw->text);
	else if (out != in && width > 1)
		PUT(b, "convert_%s%s(convert_%s%s(%s))", t->calc, w,
		    strcmp(t->calc, "int") == 0 &&
		    strcmp(t->mem, "int") != 0 ? t->mem : t->calc, w,
		    m->pw->text);
	else if (strcmp(t->calc, "int") == 0 && strcmp(t->mem, "int") != 0)
		PUT(b, "convert_int%s(convert_%s%s(%s))", w, t->mem,
		    w, m->pw->text);
	else if (out != in || expr_mixed(m))
		PUT(b, "(%s)(%s)", t->calc, m->pw->text);
	else
		PUT(b, "(%s)", m->pw->text);
}

/* One application: { T x = ..; T y = ..; t = TEXT; } */
static void
put_apply(struct buf *b, const struct member *m, int at, const struct ref *in,
    int n, int param, int width, bool fp64)
{
	static const char *const name[] = { "x", "y", "z" };
	char w[12];

	(void)width_text(width, w);
	(void)buf_str(b, "{ ");
	for (int i = 0; i < n; i++) {
		PUT(b, "%s%s %s = ",
		    expr_type(m, i, fp64)->calc, w, name[i]);
		put_ref(b, in[i]);
		(void)buf_str(b, "; ");
	}
	for (int i = 0; i < m->n_attr; i++)
		PUT(b, "const float %s = epi_p%d; ", m->pw->attr[i].name,
		    param + i);
	PUT(b, "t%d = ", at);
	put_result(b, m, width, fp64);
	(void)buf_str(b, "; } ");
}

/* An operator of any number of operands is applied from the left. */
static void
put_member(struct buf *b, const struct member *m, int at, int param, int width,
    bool fp64)
{
	char w[12];
	struct ref pair[2] = { m->in[0] };

	PUT(b, "%s%s t%d; ",
	    pw_type(m->v->out[0]->type, fp64)->calc, width_text(width, w), at);
	if (m->pw->arity > 0) {
		put_apply(b, m, at, m->in, m->n_in, param, width, fp64);
		return;
	}
	PUT(b, "t%d = ", at);
	put_ref(b, m->in[0]);
	(void)buf_str(b, "; ");
	for (int i = 1; i < m->n_in; i++) {
		pair[0] = (struct ref){ .i = at };
		pair[1] = m->in[i];
		put_apply(b, m, at, pair, 2, param, width, fp64);
	}
}

void
expr_function(struct buf *b, const struct group *g, const char *name,
    int width, bool fp64)
{
	char w[12];
	const char *sep = "";
	int param = 0;

	(void)width_text(width, w);
	PUT(b, "INLINE %s%s %s(", pw_type(g->out->type, fp64)->calc,
	    w, name);
	if (g->anchor >= 0) {
		PUT(b, "float%s v", w);
		sep = ", ";
	}
	for (int i = 0; i < g->n_ext; i++) {
		PUT(b, "%s%s%s e%d", sep,
		    pw_type(g->ext[i]->type, fp64)->calc, w, i);
		sep = ", ";
	}
	expr_params(b, g, true);
	(void)buf_str(b, ") { ");
	for (int i = 0; i < g->n; i++) {
		put_member(b, &g->m[i], i, param, width, fp64);
		param += g->m[i].n_attr;
	}
	PUT(b, "return t%d; }", g->n - 1);
}

void
expr_words(struct buf *b, const struct group *g)
{
	bool integer = false, wide = false;
	enum dtype t;

	for (int i = 0; i < g->n; i++)
		for (int k = 0; k < g->m[i].n_in; k++) {
			t = g->m[i].v->in[k]->type;
			wide |= t == DT_DOUBLE;
			integer |= dtype_info(t)->kind != 'f';
		}
	if (integer)
		(void)buf_str(b, "#define EXPR_INT 1\n");
	if (wide)
		(void)buf_str(b, "#define EXPR_DOUBLE 1\n");
}

static double
ref_at_zero(const struct group *g, struct ref r, const double *t)
{
	const struct val *v;
	int at;

	if (!r.ext)
		return r.i < 0 ? 0 : t[r.i];
	v = g->ext[r.i];
	if (shape_equal(&v->shape, &g->out->shape))
		return 0;
	if (v->kind == VAL_KNOWN && val_count(v) == 1)
		return elem_f(v->type, v->data, 0);
	/* One per channel: it is blocked, too, and padded with zeros. */
	at = v->shape.rank - (g->out->shape.rank - 1);
	return at >= 0 && at < v->shape.rank &&
	    v->shape.dim[at] == g->out->shape.dim[1] ? 0 : (double)NAN;
}

/* The host's form of the expressions, with what such lanes hold. */
bool
expr_keeps_zero(const struct group *g)
{
	double t[GROUP_NODES], x[3];
	const struct member *m;
	int n;

	for (int i = 0; i < g->n; i++) {
		m = &g->m[i];
		if (m->pw->f == NULL)
			return false;
		n = m->pw->arity > 0 ? m->n_in : 2;
		t[i] = ref_at_zero(g, m->in[0], t);
		for (int k = n - 1; k < m->n_in; k += n > 1 ? n - 1 : 1) {
			x[0] = t[i];
			x[1] = n > 1 ? ref_at_zero(g, m->in[m->pw->arity > 0 ?
			    1 : k], t) : 0;
			x[2] = n > 2 ? ref_at_zero(g, m->in[2], t) : 0;
			t[i] = m->pw->f(x[0], x[1], x[2], m->attr);
		}
	}
	return g->n > 0 && t[g->n - 1] == 0;
}
