/* A group with an anchor: its kernel with the expression behind it. */
#include <stdio.h>

#include "engine/fuse.h"

#define TEXT_MAX	((size_t)1 << 16)

/* The operands of one call: elements, or vectors of them. */
static void
put_operands(struct buf *b, const struct epilogue *e, int width)
{
	for (int i = 0; i < e->n; i++) {
		if (e->operand[i].kind == EPI_SCALAR)
			PUT(b, ", epi_e%d[epi_e%d_at]", i, i);
		else if (width == 1)
			PUT(b, ", epi_e%d[epi_e%d_at + (%s)]", i, i,
			    e->operand[i].kind == EPI_SAME ? "same" : "chan");
		else if (e->operand[i].kind == EPI_SAME)
			PUT(b, ", vload%d(0, epi_e%d + epi_e%d_at + (same))",
			    width, i, i);
		else
			PUT(b, ", EPI_CHAN%d(epi_e%d, epi_e%d_at + (chan))",
			    width, i, i);
	}
}

static void
put_form(struct buf *b, const struct group *g, const struct epilogue *e,
    int width)
{
	char w[12] = "";

	if (width > 1)
		(void)snprintf(w, sizeof(w), "%d", width);
	PUT(b, "#define EPI%s(v, same, chan) EPI_MASK%s("
	    "epi%d(v", w, w, width);
	put_operands(b, e, width);
	expr_params(b, g, false);
	(void)buf_str(b, "), chan)\n");
}

/*
 * Lanes past the last channel must stay zero: where the expression would not
 * keep them so, epi_c, the number of channels, follows the parameters.
 */
static void
put_masks(struct buf *b, const struct epilogue *e, bool lanes)
{
	static const char *const iota[] = {
		"(int4)(0, 1, 2, 3)", "(int8)(0, 1, 2, 3, 4, 5, 6, 7)",
		"(int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)",
	};

	PUT(b, lanes ? "#if 1\n" : "#ifdef EPI_BLOCKED\n");
	for (int i = 0, w = 4; w <= 16; i++, w *= 2)
		PUT(b, "#define EPI_CHAN%d(e, at) "
		    "vload%d(0, (e) + (at))\n", w, w);
	(void)buf_str(b, "#else\n");
	for (int w = 4; w <= 16; w *= 2)
		PUT(b, "#define EPI_CHAN%d(e, at) "
		    "((float%d)((e)[at]))\n", w, w);
	(void)buf_str(b, "#endif\n");
	if (e->mask) {
		(void)buf_str(b, "#ifdef EPI_BLOCKED\n#define EPI_MASK(v, c) "
		    "SEL((c) < epi_c, v, 0.0f)\n");
		for (int i = 0, w = 4; w <= 16; i++, w *= 2)
			PUT(b, "#define EPI_MASK%d(v, c) SEL((c) + "
			    "%s < epi_c, v, (float%d)(0.0f))\n", w, iota[i], w);
		(void)buf_str(b, "#define EPI_MASK_ARG , int epi_c\n#endif\n");
	}
	(void)buf_str(b, "#ifndef EPI_MASK_ARG\n#define EPI_MASK_ARG\n"
	    "#define EPI_MASK(v, c) (v)\n");
	for (int w = 4; w <= 16; w *= 2)
		PUT(b, "#define EPI_MASK%d(v, c) (v)\n", w);
	(void)buf_str(b, "#endif\n");
}

static char *
preamble(const struct group *g, const struct epilogue *e, bool lanes,
    struct plan *p, struct err *err)
{
	bool fp64 = plan_facts(p)->fp64;
	int width[2] = { 1, plan_facts(p)->vec };
	struct buf b;
	char name[16];
	char *text = NULL;

	buf_init(&b, TEXT_MAX);
	put_masks(&b, e, lanes);
	(void)buf_str(&b, "#define EPI_TEXT");
	for (int i = 0; i < 2; i++) {
		(void)snprintf(name, sizeof(name), "epi%d", width[i]);
		(void)buf_str(&b, " ");
		expr_function(&b, g, name, width[i], fp64);
	}
	(void)buf_str(&b, "\n#define EPI_ARGS");
	for (int i = 0; i < e->n; i++)
		PUT(&b, ", IN(float, epi_e%d)", i);
	expr_params(&b, g, true);
	(void)buf_str(&b, " EPI_MASK_ARG\n");
	for (int i = 0; i < 2; i++)
		put_form(&b, g, e, width[i]);
	if (!buf_failed(&b))
		text = pool_strn(plan_pool(p), b.data, b.len);
	buf_done(&b);
	if (text == NULL)
		(void)err_memory(err, "an expression", TEXT_MAX);
	return text;
}

static int
fill(struct epilogue *e, const struct group *g, int axis, struct plan *p)
{
	bool own = false;

	e->n = g->n_ext;
	for (int i = 0; i < g->n_ext; i++) {
		if (operand_kind(g->ext[i], g->out, axis,
		    &e->operand[i].kind) != 0)
			return 1;
		e->operand[i].v = g->ext[i];
		own |= e->operand[i].kind == EPI_CHANNEL &&
		    g->ext[i]->kind != VAL_KNOWN;
	}
	for (int i = 0; i < g->n; i++)
		for (int k = 0; k < g->m[i].n_attr; k++)
			e->param[e->n_param++] = g->m[i].attr[k];
	e->mask = g->out->shape.rank >= 2 &&
	    g->out->shape.dim[1] % plan_facts(p)->vec != 0 &&
	    (own || !expr_keeps_zero(g));
	e->out = g->out;
	return 0;
}

int
epilogue_plan(const struct group *g, struct plan *p, struct err *err)
{
	struct view *v = g->anchor_view;
	struct epilogue *e = pool_get(plan_pool(p), sizeof(*e));
	int axis = v->op->channel_axis(v), r;

	if (e == NULL)
		return err_memory(err, "an epilogue", sizeof(*e));
	if (fill(e, g, axis, p) != 0)
		return 1;
	e->preamble = preamble(g, e, axis == g->out->shape.rank - 1, p, err);
	if (e->preamble == NULL)
		return -1;
	e->defines = pool_str(plan_pool(p), "-DEPILOGUE=1");
	if (e->defines == NULL)
		return err_memory(err, "an epilogue", 0);
	v->epi = e;
	r = v->op->plan(v, p, err);
	v->epi = NULL;
	return r;
}
