/* Which nodes become one kernel. */
#include "engine/fuse.h"

/* Operands of an epilogue: of the output's shape, one per channel, or one. */
int
operand_kind(const struct val *v, const struct val *out, int axis,
    enum epi_kind *kind)
{
	int from = out->shape.rank - v->shape.rank;

	if (v->type != DT_FLOAT)
		return 1;
	if (val_count(v) == 1) {
		*kind = EPI_SCALAR;
		return 0;
	}
	if (shape_equal(&v->shape, &out->shape)) {
		*kind = EPI_SAME;
		return 0;
	}
	for (int i = 0; i < v->shape.rank; i++)
		if (v->shape.dim[i] != 1 && (i + from != axis ||
		    v->shape.dim[i] != out->shape.dim[axis]))
			return 1;
	*kind = EPI_CHANNEL;
	return 0;
}

/* Is it an expression that the device can compute? */
static bool
is_pointwise(const struct fuse_state *s, struct member *m, struct err *err)
{
	const struct view *v = m->v;
	struct err ignored;

	if (v->op->pw == NULL || v->n_out != 1 || v->out[0] == NULL ||
	    v->n_in > GROUP_IN || v->n_in < 1 ||
	    v->out[0]->kind != VAL_DEVICE ||
	    pw_type(v->out[0]->type, s->fp64) == NULL)
		return false;
	m->pw = v->op->pw;
	m->n_in = m->pw->arity > 0 ? m->pw->arity : v->n_in;
	for (int i = 0; i < m->n_in; i++)
		if (i >= v->n_in || v->in[i] == NULL ||
		    v->in[i]->kind == VAL_HOST ||
		    pw_type(v->in[i]->type, s->fp64) == NULL)
			return false;
	m->n_attr = m->pw->n_attr;
	if (m->pw->attrs != NULL)
		return m->pw->attrs(v, m->attr, err != NULL ? err :
		    &ignored) == 0;
	for (int i = 0; i < m->n_attr; i++)
		if (attr_float(v->node, m->pw->attr[i].name,
		    m->pw->attr[i].dflt, &m->attr[i], &ignored) != 0)
			return false;
	return true;
}

static bool
is_anchor(const struct view *v)
{
	if (!(v->op->flags & OP_EPILOGUE) || v->op->plan == NULL ||
	    v->op->channel_axis == NULL || v->n_out < 1 ||
	    v->out[0] == NULL || v->out[0]->type != DT_FLOAT)
		return false;
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i] != NULL && v->in[i]->kind == VAL_HOST)
			return false;
	return true;
}

/* How many of the reads of v are by members of the group? */
static int
reads_inside(const struct group *g, const struct val *v)
{
	int n = 0;

	for (int i = 0; i < g->n; i++)
		for (int k = 0; k < g->m[i].v->n_in; k++)
			n += g->m[i].v->in[k] == v;
	return n;
}

/* Put the member in front of all others. */
static void
push_front(struct group *g, const struct member *m)
{
	memmove(&g->m[1], &g->m[0], (size_t)g->n * sizeof(g->m[0]));
	g->m[0] = *m;
	g->n++;
}

/* Who makes v: a member, the anchor, or nobody here? */
static struct ref
who_makes(const struct group *g, const struct val *v)
{
	if (g->anchor >= 0 && g->anchor_view->out[0] == v)
		return (struct ref){ .i = -1 };
	for (int i = 0; i < g->n; i++)
		if (g->m[i].v->out[0] == v)
			return (struct ref){ .i = i };
	return (struct ref){ .ext = true };
}

/* Operands and references of all members; false if there are too many. */
static bool
resolve(struct group *g)
{
	struct val *v;
	struct ref r;
	int at;

	g->n_ext = 0;
	for (int i = 0; i < g->n; i++)
		for (int k = 0; k < g->m[i].n_in; k++) {
			v = g->m[i].v->in[k];
			r = who_makes(g, v);
			for (at = 0; r.ext && at < g->n_ext; at++)
				if (g->ext[at] == v)
					break;
			if (r.ext && at == GROUP_EXT)
				return false;
			if (r.ext) {
				g->ext[at] = v;
				r.i = at;
				g->n_ext += at == g->n_ext;
			}
			g->m[i].in[k] = r;
		}
	return true;
}

/* Do all members and operands suit the anchor's epilogue? */
static bool
suits_anchor(const struct group *g)
{
	int axis = g->anchor_view->op->channel_axis(g->anchor_view);
	enum epi_kind kind;

	if (g->n_ext > EPI_MAX || group_params(g) > 2 * EPI_MAX ||
	    g->out->type != DT_FLOAT || axis < 0 || axis >= g->out->shape.rank)
		return false;
	for (int i = 0; i < g->n_ext; i++)
		if (operand_kind(g->ext[i], g->out, axis, &kind) != 0)
			return false;
	for (int i = 0; i < g->n; i++)
		if (g->m[i].v->out[0]->type != DT_FLOAT)
			return false;
	return true;
}

/* Try the group with one more member, or with an anchor. */
static bool
absorb(struct group *g, const struct member *m, int anchor)
{
	struct group *trial = g + 1;	/* the caller made room for two */

	*trial = *g;
	if (anchor >= 0) {
		trial->anchor = anchor;
		trial->anchor_view = m->v;
	} else
		push_front(trial, m);
	if (!resolve(trial) ||
	    (trial->anchor >= 0 && !suits_anchor(trial)))
		return false;
	*g = *trial;
	return true;
}

static bool
candidate(const struct fuse_state *s, const struct group *g, int i)
{
	const struct node *n = &s->w->net->g->node[i];
	const struct val *v;
	int value;

	if (!s->alive[i] || s->taken[i] || s->w->folded[i] || n->n_out < 1)
		return false;
	value = n->out[0];
	if (value == NO_VALUE || s->kept[value])
		return false;
	for (int k = 1; k < n->n_out; k++)
		if (n->out[k] != NO_VALUE && (s->uses[n->out[k]] > 0 ||
		    s->kept[n->out[k]]))
			return false;
	v = &s->w->val[value];
	return s->uses[value] > 0 && reads_inside(g, v) == s->uses[value] &&
	    shape_equal(&v->shape, &g->out->shape);
}

static int
consider(struct fuse_state *s, struct group *g, int i, struct err *err)
{
	struct member m = { .node = i };
	int anchor = -1;

	m.v = view_make(s->w->pool, &s->w->net->g->node[i],
	    s->w->net->row[i], s->w->ptr, err);
	if (m.v == NULL)
		return -1;
	if (g->anchor < 0 && is_anchor(m.v))
		anchor = i;
	else if (g->n == GROUP_NODES || !is_pointwise(s, &m, NULL))
		return 0;
	if (absorb(g, &m, anchor))
		s->taken[i] = true;
	return 0;
}

#define FUSE_REACH	256	/* nodes before the root that are looked at */

int
group_make(struct fuse_state *s, int root, bool fuse, struct group **out,
    struct err *err)
{
	struct group *g = pool_array(s->scratch, 2, sizeof(*g));
	struct member m = { .node = root };
	int last = root - FUSE_REACH;

	if (g == NULL)
		return err_memory(err, "a group", sizeof(*g));
	m.v = view_make(s->w->pool, &s->w->net->g->node[root],
	    s->w->net->row[root], s->w->ptr, err);
	if (m.v == NULL)
		return -1;
	if (!is_pointwise(s, &m, err))
		return 1;
	g->anchor = -1;
	g->out = m.v->out[0];
	push_front(g, &m);
	if (!resolve(g))
		return 1;
	for (int i = root - 1; fuse && i >= s->w->from && i > last; i--)
		if (candidate(s, g, i) && consider(s, g, i, err) < 0)
			return -1;
	*out = g;
	return 0;
}
