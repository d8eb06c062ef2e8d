/* A unit of a plan made small: its values, its steps, its right answer. */
#include "engine/check.h"

#include <math.h>
#include <stdlib.h>

#include "base/size.h"

#define TRIAL_VALS	64
#define TRIAL_POOL	((size_t)64 << 20)

struct trial {
	struct pool		*pool;
	const struct unit	*unit;
	/* values of the unit, and ours */
	int			 n;
	const struct val	*of[TRIAL_VALS];
	struct val		*val[TRIAL_VALS];
	bool			 made[TRIAL_VALS];	/* by a node of it */
	struct node		 node;			/* the leading one */
	const struct node	*name;			/* for errors */
	struct view		*lead;			/* or NULL */
	struct group		*g;			/* or NULL */
};

bool
sizes_of(const struct unit *u, struct sizes *z)
{
	const struct view *v = u->v;
	const struct attr *a;
	int k;

	*z = (struct sizes){ 0 };
	if (v == NULL) {
		z->of[0] = u->g->out;
		z->shape[0] = u->g->out->shape;
		z->n = 1;
		return true;
	}
	if (v->op->flags & OP_RANDOM)
		return false;
	for (int i = 0; i < v->n_in; i++) {
		for (k = 0; k < z->n && z->of[k] != v->in[i]; k++)
			;
		if (v->in[i] == NULL || k < z->n)
			continue;
		if (k == SIZES_MAX || v->in[i]->form != VALUE_TENSOR)
			return false;
		z->of[k] = v->in[i];
		z->shape[k] = v->in[i]->shape;
		z->n++;
	}
	a = attr_find(v->node, "group");
	if (a != NULL && a->type == ATTR_INT)
		z->group = a->i;
	return true;
}

/* Ours for that value; a new one gets the shape. */
static struct val *
take(struct trial *t, const struct val *of, const struct shape *shape,
    bool made)
{
	struct val *v;
	int i;

	for (i = 0; i < t->n; i++)
		if (t->of[i] == of)
			return t->val[i];
	if (i == TRIAL_VALS || (v = pool_get(t->pool, sizeof(*v))) == NULL)
		return NULL;
	v->row = ROW_FREE;
	if (!made) {
		v->kind = of->kind;
		v->form = of->form;
		v->type = of->type;
		v->layout = of->layout;
		v->data = of->data;
		v->shape = *shape;
	}
	t->of[i] = of;
	t->val[i] = v;
	t->made[i] = made;
	t->n++;
	return v;
}

/* An operand of a group lies to the result as it did. */
static struct shape
operand_shape(const struct val *of, const struct val *was,
    const struct shape *out)
{
	int from = was->shape.rank - of->shape.rank;
	struct shape s = of->shape;

	if (shape_equal(&of->shape, &was->shape))
		return *out;
	for (int i = 0; i < s.rank; i++)
		if (s.dim[i] != 1 && from + i >= 0)
			s.dim[i] = out->dim[from + i];
	return s;
}

static struct view *
copy_view(struct trial *t, const struct view *from)
{
	struct view *v = pool_get(t->pool, sizeof(*v));

	if (v == NULL)
		return NULL;
	*v = *from;
	v->epi = NULL;
	v->in = pool_array(t->pool, (size_t)v->n_in + 1, sizeof(*v->in));
	v->out = pool_array(t->pool, (size_t)v->n_out + 1, sizeof(*v->out));
	return v->in == NULL || v->out == NULL ? NULL : v;
}

/* Outputs, by inference from the inputs. */
static bool
infer(struct trial *t, struct view *v, const struct view *from)
{
	struct err ignored;

	for (int i = 0; i < v->n_out; i++)
		if (from->out[i] != NULL && (v->out[i] = take(t, from->out[i],
		    NULL, true)) == NULL)
			return false;
	if (view_check_types(v, &ignored) != 0 ||
	    v->op->infer(v, &ignored) != 0)
		return false;
	for (int i = 0; i < v->n_out; i++) {
		if (v->out[i] == NULL)
			continue;
		if (v->out[i]->shape.rank != from->out[i]->shape.rank ||
		    v->out[i]->type != from->out[i]->type ||
		    val_count(v->out[i]) == 0)
			return false;
		v->out[i]->kind = from->out[i]->kind;
	}
	return true;
}

/* The leading node with its inputs' sizes, and another number of groups. */
static bool
make_lead(struct trial *t, const struct sizes *z)
{
	const struct view *from = t->unit->v;
	struct attr *a;
	int k;

	if ((t->lead = copy_view(t, from)) == NULL)
		return false;
	t->node = *from->node;
	a = pool_array(t->pool, (size_t)t->node.n_attr + 1, sizeof(*a));
	if (a == NULL)
		return false;
	for (int i = 0; i < t->node.n_attr; i++) {
		a[i] = from->node->attr[i];
		if (z->group != 0 && strcmp(a[i].name, "group") == 0)
			a[i].i = z->group;
	}
	t->node.attr = a;
	t->lead->node = t->name = &t->node;
	for (int i = 0; i < from->n_in; i++) {
		for (k = 0; k < z->n && z->of[k] != from->in[i]; k++)
			;
		if (from->in[i] != NULL && (t->lead->in[i] = take(t,
		    from->in[i], &z->shape[k], false)) == NULL)
			return false;
	}
	return infer(t, t->lead, from);
}

static bool
make_member(struct trial *t, struct member *m, const struct val *was,
    const struct shape *out)
{
	const struct view *from = m->v;
	struct shape s;

	if ((m->v = copy_view(t, from)) == NULL)
		return false;
	for (int i = 0; i < from->n_in; i++) {
		if (from->in[i] == NULL)
			continue;
		s = operand_shape(from->in[i], was, out);
		if ((m->v->in[i] = take(t, from->in[i], &s, false)) == NULL)
			return false;
		if (!shape_equal(&m->v->in[i]->shape, &s))
			return false;
	}
	return infer(t, m->v, from) && shape_equal(&m->v->out[0]->shape, out);
}

static bool
make_group(struct trial *t, const struct sizes *z)
{
	const struct group *from = t->unit->g;
	const struct shape *out = t->lead == NULL ? &z->shape[0] :
	    &t->lead->out[0]->shape;

	if ((t->g = pool_get(t->pool, sizeof(*t->g))) == NULL)
		return false;
	*t->g = *from;
	t->g->anchor_view = t->lead;
	if (t->lead == NULL)
		t->name = from->m[0].v->node;
	for (int i = 0; i < t->g->n; i++)
		if (!make_member(t, &t->g->m[i], from->out, out))
			return false;
	for (int i = 0; i < t->g->n_ext; i++)
		if ((t->g->ext[i] = take(t, from->ext[i], NULL, true)) == NULL)
			return false;
	t->g->out = take(t, from->out, NULL, true);
	return t->g->out != NULL;
}

struct trial *
trial_new(const struct unit *u, const struct sizes *z)
{
	struct pool *pool = pool_new(TRIAL_POOL);
	struct trial *t = pool == NULL ? NULL : pool_get(pool, sizeof(*t));

	if (t == NULL) {
		pool_free(pool);
		return NULL;
	}
	t->pool = pool;
	t->unit = u;
	if ((u->v == NULL || make_lead(t, z)) &&
	    (u->g == NULL || make_group(t, z)))
		return t;
	trial_free(t);
	return NULL;
}

void
trial_free(struct trial *t)
{
	if (t != NULL)
		pool_free(t->pool);
}

double
trial_cost(const struct trial *t)
{
	const struct view *v = t->lead;
	double n = 0, out;
	int axis;

	for (int i = 0; i < t->n; i++)
		n += 8 * (double)val_count(t->val[i]);
	if (v == NULL || v->op->channel_axis == NULL || v->n_in < 2)
		return n;
	/* Each weight is used for each result of its channel. */
	axis = v->op->channel_axis(v);
	out = (double)val_count(v->out[0]);
	if (axis >= 0 && axis < v->out[0]->shape.rank)
		out /= (double)v->out[0]->shape.dim[axis];
	return n + out * (double)val_count(v->in[1]);
}

int
trial_emit(struct trial *t, struct plan *p, struct err *err)
{
	struct group *g = t->g;
	struct view *v = t->lead;

	for (int i = 0; i < t->n; i++)
		if (!t->made[i] && t->val[i]->kind == VAL_DEVICE &&
		    plan_input(p, t->val[i], err) < 0)
			return -1;
	plan_node(p, t->name, 0);
	if (g != NULL) {
		if ((v != NULL ? epilogue_plan(g, p, err) :
		    pointwise_plan(g, p, err)) != 0)
			return -1;
		return plan_keep(p, g->out, err);
	}
	if (v->op->plan(v, p, err) != 0)
		return -1;
	for (int i = 0; i < v->n_out; i++)
		if (v->out[i] != NULL && v->out[i]->kind == VAL_DEVICE &&
		    plan_keep(p, v->out[i], err) < 0)
			return -1;
	return 0;
}

/* Do floats become integers?  What does not fit them then is undefined. */
static bool
truncates(const struct trial *t)
{
	bool from = false, to = false;
	char kind;

	for (int i = 0; i < t->n; i++) {
		kind = dtype_info(t->val[i]->type)->kind;
		from |= kind == 'f';
		to |= t->made[i] && (kind == 'i' || kind == 'u');
	}
	return from && to;
}

/*
 * Weights lie around zero; vectors of constants may be deviations or scales,
 * so they are positive; integers may be indices where a node leads.
 */
static struct mix
mix_of(const struct trial *t, const struct val *v)
{
	bool known = v->kind == VAL_KNOWN, vector = v->shape.rank <= 1;
	bool index = t->lead != NULL || dtype_info(v->type)->kind == 'b';
	struct mix m = { -1.5, 4, 0, 2 };

	if (truncates(t))
		m = (struct mix){ 0.25, 2, !index, 2 };
	else if (!index)
		m = (struct mix){ -1.5, 4,
		    dtype_info(v->type)->kind == 'i' ? -4 : 0, 13 };
	if (known && (vector || !truncates(t))) {
		m.lo = vector ? 0.25 : -1;
		m.range = vector ? 1 : 2;
	}
	return m;
}

/* Constants that are few (one per axis), or no floats, mean something. */
static bool
keeps_data(const struct val *v)
{
	return v->kind == VAL_KNOWN && (val_count(v) <= MAX_RANK ||
	    dtype_info(v->type)->kind != 'f');
}

static int
fill_all(struct trial *t, struct err *err)
{
	uint32_t seed = 1;
	struct mix m;
	size_t n;
	void *p;

	for (int i = 0; i < t->n; i++) {
		struct val *v = t->val[i];

		if (t->made[i] || keeps_data(v))
			continue;
		if (!shape_bytes(&v->shape, v->type, &n) ||
		    (p = pool_get(t->pool, n)) == NULL)
			return err_memory(err, "a check", 0);
		m = mix_of(t, v);
		numbers_fill(v->type, p, val_count(v), &m, &seed);
		v->data = p;
	}
	return 0;
}

/* The same numbers through the definitions. */
static int
define(struct trial *t, const struct trial *from, struct err *err)
{
	struct frame f = { .memory = TRIAL_POOL };

	for (int i = 0; i < t->n; i++)
		if (!t->made[i]) {
			t->val[i]->data = from->val[i]->data;
			t->val[i]->kind = VAL_KNOWN;
			t->val[i]->layout = LAYOUT_PLAIN;
		}
	if (t->lead != NULL && interp_run(&f, t->lead, t->pool, err) < 0)
		return -1;
	for (int i = 0; t->g != NULL && i < t->g->n; i++)
		if (interp_run(&f, t->g->m[i].v, t->pool, err) < 0)
			return -1;
	return 0;
}

/* Floats of a value as it lies in device memory. */
static size_t
blocked_floats(const struct val *v, int vec)
{
	size_t c = (size_t)v->shape.dim[1], w = (size_t)vec;

	return val_count(v) / c * ((c + w - 1) / w * w);
}

static int
upload(const struct trial *t, struct plan *p, const struct plan_place *at,
    struct err *err)
{
	int vec = plan_facts(p)->vec;
	float *b;
	size_t n;

	for (int i = 0; i < t->n; i++) {
		const struct val *v = t->val[i];
		const void *data = v->data;

		if (t->made[i] || v->kind != VAL_DEVICE)
			continue;
		if (!shape_bytes(&v->shape, v->type, &n))
			return err_set(err, ERR_INTERNAL, "a value's bytes");
		if (v->layout == LAYOUT_BLOCKED) {
			n = blocked_floats(v, vec) * sizeof(*b);
			if ((b = pool_get(t->pool, n)) == NULL)
				return err_memory(err, "a check", n);
			layout_block(&v->shape, vec, data, b);
			data = b;
		}
		if (plan_write(p, at, v, 0, data, n, err) < 0)
			return -1;
	}
	return 0;
}

/* An output as the device left it, plain; 1: lanes past the end not zero. */
static int
download(struct trial *t, struct plan *p, const struct plan_place *at,
    const struct val *v, void **data, struct err *err)
{
	bool blocked = v->layout == LAYOUT_BLOCKED;
	int vec = plan_facts(p)->vec;
	float *b, *again;
	size_t n;

	if (!shape_bytes(&v->shape, v->type, &n) ||
	    (*data = pool_get(t->pool, n)) == NULL)
		return err_memory(err, "a check", 0);
	if (!blocked)
		return plan_read(p, at, v, *data, n, err);
	n = blocked_floats(v, vec);
	b = pool_array(t->pool, n, sizeof(*b));
	again = pool_array(t->pool, n, sizeof(*b));
	if (b == NULL || again == NULL)
		return err_memory(err, "a check", n);
	if (plan_read(p, at, v, b, n * sizeof(*b), err) < 0)
		return -1;
	layout_plain(&v->shape, vec, b, *data);
	layout_block(&v->shape, vec, *data, again);
	for (size_t i = 0; i < n; i++)
		if (again[i] == 0 && b[i] != 0)
			return 1;
	return 0;
}

static int
compare(struct trial *t, const struct trial *right, struct plan *p,
    const struct plan_place *at, double *worst, struct err *err)
{
	const struct val *v;
	void *data = NULL;
	int r, n = 0;

	*worst = 0;
	for (int i = 0; i < t->n; i++) {
		v = t->val[i];
		if (!t->made[i] || v->kind != VAL_DEVICE || v->store == NULL)
			continue;
		if ((r = download(t, p, at, v, &data, err)) < 0)
			return -1;
		*worst = fmax(*worst, r > 0 ? (double)INFINITY :
		    numbers_differ(v->type, data, right->val[i]->data,
		    val_count(v), truncates(t)));
		n++;
	}
	if (n == 0)
		return err_set(err, ERR_INTERNAL, "nothing to compare");
	return *worst <= 1;
}

/* What nobody writes must not look right by chance. */
static int
fill_nan(struct engine *e, size_t n, struct err *err)
{
	void *p = n == 0 ? NULL : malloc(n);
	int r;

	if (n == 0)
		return 0;
	if (p == NULL)
		return err_memory(err, "a check", n);
	memset(p, 0xff, n);
	r = ocl_write(e->ocl, e->place.arena, 0, p, n, err);
	free(p);
	return r;
}

static int
run(struct net *net, struct trial *t, const struct trial *right,
    struct plan *p, double *worst, struct err *err)
{
	struct engine *e = net->e;
	int r;

	if (trial_emit(t, p, err) < 0 || plan_seal(p, err) < 0 ||
	    engine_arena(e, plan_arena(p), err) < 0 ||
	    fill_nan(e, plan_arena(p), err) < 0 ||
	    upload(t, p, &e->place, err) < 0 ||
	    plan_run(p, &e->place, NULL, err) < 0)
		return -1;
	if ((r = compare(t, right, p, &e->place, worst, err)) < 0)
		return -1;
	for (int i = 0; i < plan_steps(p); i++)
		if (plan_step_trust(p, i) == TRUST_UNKNOWN) {
			plan_step_judge(p, i, r ? TRUST_GOOD : TRUST_BAD);
			e->trust.good += (unsigned)r;
		}
	return r;
}

int
trial_run(struct net *net, const struct unit *u, const struct sizes *z,
    const struct ocl_facts *facts, double *worst, struct err *err)
{
	struct plan_env env = { .ocl = net->e->ocl, .packs = net->packs,
	    .facts = facts, .no_blocks = net->e->no_blocks };
	struct trial *t = trial_new(u, z), *right = trial_new(u, z);
	struct plan *p = NULL;
	int r = -1;

	if (t == NULL || right == NULL)
		(void)err_memory(err, "a check", 0);
	else if (fill_all(t, err) == 0 && define(right, t, err) == 0 &&
	    (p = plan_new(&env, err)) != NULL)
		r = run(net, t, right, p, worst, err);
	plan_free(p);
	trial_free(t);
	trial_free(right);
	return r;
}
