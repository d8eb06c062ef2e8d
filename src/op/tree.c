/* ai.onnx.ml: ensembles of decision trees, as lists of nodes and leaves. */
#include <math.h>

#include "op/ml.h"
#include "op/op.h"
#include "op/shape.h"

enum mode { LEAF, LEQ, LT, GTE, GT, EQ, NEQ, MODES };

static const char *const mode_name[MODES] = {
	"LEAF", "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT",
	"BRANCH_EQ", "BRANCH_NEQ",
};

struct list {
	const int64_t	*v;
	size_t		 n;
};

/* Where a node or leaf entry is found: sorted by tree, then node. */
struct key {
	int64_t	tree, node;
	int64_t	at;
};

struct branch {
	enum mode	 mode;
	int64_t		 feature;
	float		 value;
	bool		 missing;	/* NaN goes where true goes */
	int64_t		 yes, no;	/* branches */
	int64_t		 first, last;	/* a leaf's entries, of the sorted */
};

struct trees {
	struct branch	*branch;
	int64_t		 n;
	int64_t		*root;		/* first node of each tree */
	int64_t		 n_root;
	struct key	*leaf;		/* entries by (tree, node) */
	struct list	 id;		/* of targets or classes */
	struct floats	 weight, base;
	int64_t		 width;		/* results in a row */
	const char	*post;
};

static int
by_key(const void *a, const void *b)
{
	const struct key *p = a, *q = b;

	if (p->tree != q->tree)
		return p->tree < q->tree ? -1 : 1;
	if (p->node != q->node)
		return p->node < q->node ? -1 : 1;
	return (p->at > q->at) - (p->at < q->at);
}

/* The first entry of (tree, node) in a sorted list, or -1. */
static int64_t
find(const struct key *k, int64_t n, int64_t tree, int64_t node)
{
	const struct key want = { tree, node, -1 };
	int64_t lo = 0, hi = n;

	while (lo < hi) {
		int64_t mid = lo + (hi - lo) / 2;

		if (by_key(&k[mid], &want) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && k[lo].tree == tree && k[lo].node == node ? lo : -1;
}

static struct key *
sorted(struct view *v, const struct list *tree, const struct list *node,
    struct err *e)
{
	struct key *k = view_scratch(v, tree->n + 1, sizeof(*k), e);

	for (size_t i = 0; k != NULL && i < tree->n; i++)
		k[i] = (struct key){ tree->v[i], node->v[i], (int64_t)i };
	if (k != NULL)
		qsort(k, tree->n, sizeof(*k), by_key);
	return k;
}

static int
read_ints(const struct view *v, const char *name, size_t want,
    struct list *l, struct err *e)
{
	if (attr_ints(v->node, name, &l->v, &l->n, e) != 0)
		return -1;
	if (l->n != want)
		return view_error(e, "%s has %zu values, want %zu", name, l->n,
		    want);
	return 0;
}

static int
read_modes(const struct view *v, struct trees *t, struct err *e)
{
	const struct attr *a = attr_find(v->node, "nodes_modes");

	if (a == NULL || a->type != ATTR_STRINGS || a->n != (size_t)t->n)
		return view_error(e, "nodes_modes are not %lld strings",
		    (long long)t->n);
	for (int64_t i = 0; i < t->n; i++) {
		int m = 0;

		while (m < MODES && strcmp(mode_name[m], a->strings[i].s) != 0)
			m++;
		if (m == MODES)
			return err_set(e, ERR_UNSUPPORTED, "mode \"%s\"",
			    a->strings[i].s);
		t->branch[i].mode = (enum mode)m;
	}
	return 0;
}

/* Features and children of every branch; all of them exist. */
static int
read_branches(struct view *v, struct trees *t, const struct key *order,
    const struct list *tree, int64_t features, struct err *e)
{
	struct list feature, yes, no, missing;
	struct floats value;
	size_t n = (size_t)t->n;

	if (read_ints(v, "nodes_featureids", n, &feature, e) != 0 ||
	    read_ints(v, "nodes_truenodeids", n, &yes, e) != 0 ||
	    read_ints(v, "nodes_falsenodeids", n, &no, e) != 0 ||
	    attr_ints(v->node, "nodes_missing_value_tracks_true", &missing.v,
	    &missing.n, e) != 0 ||
	    attr_floats(v->node, "nodes_values", &value.v, &value.n, e) != 0)
		return -1;
	if (value.n != n || (missing.n != 0 && missing.n != n))
		return view_error(e, "%zu node values, %zu ways for missing "
		    "ones, want %zu", value.n, missing.n, n);
	for (size_t i = 0; i < n; i++) {
		struct branch *b = &t->branch[i];

		b->feature = feature.v[i];
		b->value = value.v[i];
		b->missing = missing.n != 0 && missing.v[i] != 0;
		if (b->mode == LEAF)
			continue;
		b->yes = find(order, t->n, tree->v[i], yes.v[i]);
		b->no = find(order, t->n, tree->v[i], no.v[i]);
		if (b->yes < 0 || b->no < 0 || b->feature < 0 ||
		    b->feature >= features)
			return view_error(e, "node %zu has no such child or "
			    "feature", i);
		b->yes = order[b->yes].at;
		b->no = order[b->no].at;
	}
	return 0;
}

/* The entries that each leaf adds, by attributes of those names. */
static int
read_leaves(struct view *v, struct trees *t, const struct list *tree,
    const struct list *node, const char *const name[4], struct err *e)
{
	struct list lt, ln;

	if (attr_floats(v->node, name[3], &t->weight.v, &t->weight.n, e) != 0 ||
	    read_ints(v, name[0], t->weight.n, &lt, e) != 0 ||
	    read_ints(v, name[1], t->weight.n, &ln, e) != 0 ||
	    read_ints(v, name[2], t->weight.n, &t->id, e) != 0 ||
	    (t->leaf = sorted(v, &lt, &ln, e)) == NULL)
		return -1;
	for (size_t i = 0; i < t->id.n; i++)
		if (t->id.v[i] < 0 || t->id.v[i] >= t->width)
			return view_error(e, "%s has %lld of %lld", name[2],
			    (long long)t->id.v[i], (long long)t->width);
	for (int64_t i = 0; i < t->n; i++) {
		struct branch *b = &t->branch[i];
		int64_t n = (int64_t)t->weight.n;

		b->first = b->last = b->mode == LEAF ?
		    find(t->leaf, n, tree->v[i], node->v[i]) : -1;
		while (b->first >= 0 && b->last < n &&
		    t->leaf[b->last].tree == tree->v[i] &&
		    t->leaf[b->last].node == node->v[i])
			b->last++;
	}
	return 0;
}

static int
trees_read(struct view *v, struct trees *t, const char *const name[4],
    struct err *e)
{
	struct list tree, node;
	const struct key *order;

	if (attr_ints(v->node, "nodes_treeids", &tree.v, &tree.n, e) != 0 ||
	    read_ints(v, "nodes_nodeids", tree.n, &node, e) != 0 ||
	    attr_floats(v->node, "base_values", &t->base.v, &t->base.n,
	    e) != 0 ||
	    attr_string(v->node, "post_transform", "NONE", &t->post, e) != 0)
		return -1;
	if (t->base.n != 0 && t->base.n != (size_t)t->width && t->base.n != 1)
		return view_error(e, "%zu base_values for %lld results",
		    t->base.n, (long long)t->width);
	t->n = (int64_t)tree.n;
	t->branch = view_scratch(v, tree.n + 1, sizeof(*t->branch), e);
	t->root = view_scratch(v, tree.n + 1, sizeof(*t->root), e);
	if (t->branch == NULL || t->root == NULL ||
	    (order = sorted(v, &tree, &node, e)) == NULL ||
	    read_modes(v, t, e) != 0 ||
	    read_branches(v, t, order, &tree, ml_features(v->in[0]), e) != 0 ||
	    read_leaves(v, t, &tree, &node, name, e) != 0)
		return -1;
	/* A tree begins with the node that is listed first. */
	for (int64_t i = 0; i < t->n; i++)
		if (i == 0 || tree.v[i] != tree.v[i - 1])
			t->root[t->n_root++] = i;
	return 0;
}

static bool
goes_yes(const struct branch *b, float x)
{
	if (isnan(x))
		return b->missing;
	switch (b->mode) {
	case LEQ:
		return x <= b->value;
	case LT:
		return x < b->value;
	case GTE:
		return x >= b->value;
	case GT:
		return x > b->value;
	case EQ:
		return x == b->value;
	default:
		return x != b->value;
	}
}

/* The leaf that row r reaches; a cycle ends after as many steps as nodes. */
static const struct branch *
descend(const struct trees *t, int64_t at, const struct val *x, int64_t row)
{
	for (int64_t steps = 0; steps <= t->n; steps++) {
		const struct branch *b = &t->branch[at];

		if (b->mode == LEAF)
			return b;
		at = goes_yes(b, (float)elem_f(x->type, x->data,
		    (size_t)(row + b->feature))) ? b->yes : b->no;
	}
	return NULL;
}

enum how { SUM, AVERAGE, MINIMUM, MAXIMUM };

static double
joined(enum how how, double a, double b, bool first)
{
	if (how == MINIMUM)
		return first || b < a ? b : a;
	if (how == MAXIMUM)
		return first || b > a ? b : a;
	return a + b;
}

/* All trees for one row: y[width], hit[k] if any leaf spoke of k. */
static int
row_scores(const struct trees *t, enum how how, const struct val *x,
    int64_t row, double *y, bool *hit, struct err *e)
{
	for (int64_t k = 0; k < t->width; k++) {
		y[k] = 0;
		hit[k] = false;
	}
	for (int64_t i = 0; i < t->n_root; i++) {
		const struct branch *b = descend(t, t->root[i], x, row);

		if (b == NULL)
			return view_error(e, "a tree has a cycle");
		for (int64_t k = b->first; k >= 0 && k < b->last; k++) {
			int64_t at = t->leaf[k].at, id = t->id.v[at];

			y[id] = joined(how, y[id], t->weight.v[at], !hit[id]);
			hit[id] = true;
		}
	}
	for (int64_t k = 0; k < t->width; k++) {
		if (how == AVERAGE && t->n_root > 0)
			y[k] /= (double)t->n_root;
		if (t->base.n > 0 && (t->base.n > 1 || t->width == 1))
			y[k] += t->base.v[k];
	}
	return 0;
}

static const char *const target_names[4] = {
	"target_treeids", "target_nodeids", "target_ids", "target_weights"
};
static const char *const class_names[4] = {
	"class_treeids", "class_nodeids", "class_ids", "class_weights"
};

static int64_t
rows_of(const struct val *x)
{
	return x->shape.rank == 1 ? 1 : x->shape.dim[0];
}

static int
width_ok(const struct view *v, int64_t width, struct err *e)
{
	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 1, 2, "X", e) != 0)
		return -1;
	if (width < 1 || width > INT32_MAX)
		return view_error(e, "%lld results", (long long)width);
	return 0;
}

static int
regressor_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 2 };

	if (attr_int(v->node, "n_targets", 1, &o.dim[1], e) != 0 ||
	    width_ok(v, o.dim[1], e) != 0)
		return -1;
	o.dim[0] = rows_of(v->in[0]);
	view_set(v, 0, DT_FLOAT, &o, v->in[0]->shape.rank == 2 ?
	    row_unless(v->in[0], 2) : row_any(v));
	return 0;
}

static int
regressor_host(struct view *v, struct err *e)
{
	static const char *const name[] = { "SUM", "AVERAGE", "MIN", "MAX" };
	float *out = view_alloc(v, 0, e);
	struct trees t = { 0 };
	const char *how;
	int m = 0;
	double *y;
	bool *hit;

	if (out == NULL || attr_string(v->node, "aggregate_function", "SUM",
	    &how, e) != 0)
		return -1;
	t.width = v->out[0]->shape.dim[1];
	while (m < 4 && strcmp(name[m], how) != 0)
		m++;
	if (m == 4)
		return view_error(e, "aggregate_function \"%s\"", how);
	y = view_scratch(v, (size_t)t.width, sizeof(*y), e);
	hit = view_scratch(v, (size_t)t.width, sizeof(*hit), e);
	if (y == NULL || hit == NULL || trees_read(v, &t, target_names, e) != 0)
		return -1;
	for (int64_t r = 0; r < rows_of(v->in[0]); r++) {
		if (row_scores(&t, (enum how)m, v->in[0],
		    r * ml_features(v->in[0]), y, hit, e) != 0 ||
		    ml_post_transform(t.post, y, t.width, e) != 0)
			return -1;
		for (int64_t k = 0; k < t.width; k++)
			out[r * t.width + k] = (float)y[k];
	}
	return 0;
}

static int
classifier_infer(struct view *v, struct err *e)
{
	struct shape o = { .rank = 2 }, one = { .rank = 1 };
	struct labels l;
	int row;

	if (labels_read(v, "classlabels_int64s", &l, e) != 0 ||
	    width_ok(v, l.n, e) != 0)
		return -1;
	o.dim[0] = one.dim[0] = rows_of(v->in[0]);
	o.dim[1] = l.n;
	row = v->in[0]->shape.rank == 2 ? row_unless(v->in[0], 2) : row_any(v);
	view_set(v, 0, l.strings != NULL ? DT_STRING : DT_INT64, &one, row);
	view_set(v, 1, DT_FLOAT, &o, row);
	return 0;
}

/* Two labels, but leaves speak of one class only: how sure, or which sign. */
static bool
one_class(const struct trees *t, bool *positive)
{
	*positive = true;
	for (size_t i = 0; i < t->id.n; i++) {
		if (t->id.v[i] != t->id.v[0])
			return false;
		*positive = *positive && t->weight.v[i] >= 0;
	}
	return t->width == 2 && t->id.n > 0;
}

static int64_t
best_class(const struct trees *t, double *y)
{
	int64_t best = 0, id;
	bool positive;
	double s;

	if (one_class(t, &positive)) {
		id = t->id.v[0];
		s = y[id] + (t->base.n == 1 ? t->base.v[0] : 0);
		y[1] = s;
		y[0] = positive ? 1 - s : -s;
		return positive ? s > 0.5 : s > 0;
	}
	for (int64_t k = 1; k < t->width; k++)
		best = y[k] > y[best] ? k : best;
	return best;
}

static int
classifier_host(struct view *v, struct err *e)
{
	void *label = view_alloc(v, 0, e);
	float *out = view_alloc(v, 1, e);
	struct trees t = { 0 };
	struct labels l;
	double *y;
	bool *hit;

	if (label == NULL || (out == NULL && view_out(v, 1) != NULL) ||
	    labels_read(v, "classlabels_int64s", &l, e) != 0)
		return -1;
	t.width = l.n;
	y = view_scratch(v, (size_t)t.width + 1, sizeof(*y), e);
	hit = view_scratch(v, (size_t)t.width + 1, sizeof(*hit), e);
	if (y == NULL || hit == NULL || trees_read(v, &t, class_names, e) != 0)
		return -1;
	for (int64_t r = 0; r < rows_of(v->in[0]); r++) {
		if (row_scores(&t, SUM, v->in[0], r * ml_features(v->in[0]), y,
		    hit, e) != 0)
			return -1;
		labels_set(&l, label, r, best_class(&t, y));
		if (ml_post_transform(t.post, y, t.width, e) != 0)
			return -1;
		for (int64_t k = 0; out != NULL && k < t.width; k++)
			out[r * t.width + k] = (float)y[k];
	}
	return 0;
}

#define ROW(op, id)							\
{									\
	.domain = "ai.onnx.ml", .name = op, .since = 1, .types = "fdiu", \
	.infer = id##_infer, .host = id##_host,				\
}

OP_FAMILY(tree_ops);
const struct op tree_ops[] = {
	ROW("TreeEnsembleRegressor", regressor),
	ROW("TreeEnsembleClassifier", classifier),
	{ .name = NULL }
};
