/*
 * Small sizes that lead to the same programs.
 *
 * Which sizes a program depends on, only the operators know, and which sizes of
 * a node go together, only its inference; both are asked.  Sizes that are equal
 * are changed together in every combination, the smallest first, until
 * inference agrees and a draft of the plan has the programs wanted.
 */
#include "engine/check.h"

#define OCC_MAX		40
#define MASK_BITS	6	/* equal sizes that are tried in combination */
#define CHEAP		3e5	/* multiplications: below, sizes stay nice */
#define DEAR		8e6	/* above, there is no check */
#define FAILURES	3	/* of inference, until a combination is left */

/* One size: an axis of a value, or the number of groups. */
struct occ {
	int	value, axis;		/* axis -1: groups */
	bool	done;
};

struct search {
	struct net		*net;
	const struct plan	*main;
	const struct unit	*unit;
	const bool		*want;
	const struct ocl_facts	*facts;
	struct sizes		 z;
	double			 cost;
	int			 n;
	struct occ		 occ[OCC_MAX];
};

static bool
has_step(const struct plan *p, const struct plan *q, int k)
{
	for (int i = 0; i < plan_steps(p); i++)
		if (plan_step_same(p, i, q, k))
			return true;
	return false;
}

/* All its programs are the plan's, and those that are wanted are there. */
static bool
suits(const struct search *s, const struct plan *draft)
{
	for (int i = 0; i < plan_steps(draft); i++)
		if (!has_step(s->main, draft, i))
			return false;
	for (int i = s->unit->first; i < s->unit->end; i++)
		if (s->want[i] && !has_step(draft, s->main, i))
			return false;
	return true;
}

static bool
draft(struct search *s, struct trial *t)
{
	struct plan_env env = { .ocl = s->net->e->ocl, .packs = s->net->packs,
	    .facts = s->facts, .no_blocks = s->net->e->no_blocks,
	    .draft = true };
	struct err ignored;
	struct plan *p = plan_new(&env, &ignored);
	bool ok = p != NULL && trial_emit(t, p, &ignored) == 0 &&
	    plan_find(p, &ignored) == 0 && suits(s, p);

	plan_free(p);
	return ok;
}

enum fit { FIT_NO, FIT_SIZES, FIT_ALL };

/* Do these sizes fit together; is it what is looked for? */
static enum fit
try_sizes(struct search *s, const struct sizes *z)
{
	struct trial *t = trial_new(s->unit, z);
	enum fit r = FIT_NO;

	if (t != NULL)
		r = draft(s, t) ? FIT_ALL : FIT_SIZES;
	if (r == FIT_ALL) {
		s->z = *z;
		s->cost = trial_cost(t);
	}
	trial_free(t);
	return r;
}

static int64_t *
size_at(struct sizes *z, const struct occ *o)
{
	return o->axis < 0 ? &z->group : &z->shape[o->value].dim[o->axis];
}

/* Sizes worth trying, in order: several tiles or blocks, and a rest. */
struct wish {
	int	vecs, more;		/* vecs * the vector's width + more */
};
static const struct wish channels[] = {
	{ 2, 5 }, { 1, 5 }, { 2, 0 }, { 4, 0 }, { 3, 0 }, { 1, 0 }, { 6, 0 },
	{ 8, 0 }, { 4, 5 }, { 8, 5 }, { 12, 0 }, { 16, 0 }, { 0, 0 }
};
static const struct wish rows[] = {
	{ 0, 3 }, { 0, 2 }, { 0, 5 }, { 0, 9 }, { 0, 13 }, { 0, 37 }, { 0, 8 },
	{ 0, 16 }, { 0, 65 }, { 0, 128 }, { 0, 0 }
};
static const struct wish space[] = {
	{ 0, 9 }, { 0, 11 }, { 0, 7 }, { 0, 13 }, { 0, 14 }, { 0, 17 },
	{ 0, 19 }, { 0, 21 }, { 0, 23 }, { 0, 28 }, { 0, 29 }, { 0, 35 },
	{ 0, 42 }, { 0, 56 }, { 0, 112 }, { 0, 0 }
};
static const struct wish cheap[] = {
	{ 0, 5 }, { 0, 6 }, { 0, 7 }, { 0, 8 }, { 0, 9 }, { 0, 10 }, { 0, 11 },
	{ 0, 12 }, { 0, 13 }, { 0, 14 }, { 0, 16 }, { 0, 17 }, { 0, 20 },
	{ 0, 24 }, { 0, 28 }, { 0, 32 }, { 0, 33 }, { 0, 40 }, { 0, 48 },
	{ 0, 56 }, { 0, 64 }, { 0, 80 }, { 0, 112 }, { 0, 4 }, { 0, 3 },
	{ 0, 2 }, { 0, 1 }, { 0, 0 }
};

static const struct wish *
wishes(const struct search *s, const struct occ *o)
{
	bool known = s->z.of[o->value]->kind == VAL_KNOWN;

	if (o->axis < 0 || o->axis == 1 || (o->axis == 0 && known))
		return channels;
	return o->axis == 0 ? rows : space;
}

/* Those sizes, all of them v now, together: the first wish that suits. */
static void
try_together(struct search *s, const int *at, int n, const struct wish *w)
{
	int64_t v = *size_at(&s->z, &s->occ[at[0]]), want;
	int vec = ocl_facts(s->net->e->ocl)->vec, failed = 0;
	struct sizes z;
	enum fit fit;

	/* Few channels, and some of them past the last vector: as they are. */
	if (w == channels && v % vec != 0 && v < w->vecs * vec + w->more)
		return;
	for (; w->vecs + w->more > 0 && failed < FAILURES; w++) {
		want = w->vecs * vec + w->more;
		if (want >= v)
			continue;
		z = s->z;
		for (int i = 0; i < n; i++)
			*size_at(&z, &s->occ[at[i]]) = want;
		fit = try_sizes(s, &z);
		failed += fit == FIT_NO;
		if (fit != FIT_ALL)
			continue;
		for (int i = 0; i < n; i++)
			s->occ[at[i]].done = true;
		return;
	}
}

/* Every combination of equal sizes, those of few first. */
static void
try_equal(struct search *s, const int *at, int n, const struct wish *w)
{
	int pick[OCC_MAX], k;
	bool free_ones;

	if (n > MASK_BITS) {
		for (int i = 0; i < n; i++)
			try_together(s, at + i, 1, w != NULL ? w :
			    wishes(s, &s->occ[at[i]]));
		return;
	}
	for (int size = 1; size <= n; size++)
		for (unsigned mask = 1; mask < 1u << n; mask++) {
			if (__builtin_popcount(mask) != size)
				continue;
			k = 0;
			free_ones = true;
			for (int i = 0; i < n; i++)
				if (mask >> i & 1) {
					pick[k++] = at[i];
					free_ones &= !s->occ[at[i]].done;
				}
			if (free_ones)
				try_together(s, pick, k, w != NULL ? w :
				    wishes(s, &s->occ[pick[0]]));
		}
}

/* All sizes once, the largest first.  w NULL: what is nice for each. */
static void
pass(struct search *s, const struct wish *w)
{
	bool seen[OCC_MAX] = { false };
	int64_t most, v;
	int at[OCC_MAX], n;

	for (int i = 0; i < s->n; i++)
		s->occ[i].done = false;
	for (;;) {
		most = 1;
		for (int i = 0; i < s->n; i++)
			if (!seen[i] && (v = *size_at(&s->z, &s->occ[i])) >
			    most)
				most = v;
		if (most == 1 || (w != NULL && s->cost <= CHEAP))
			return;
		n = 0;
		for (int i = 0; i < s->n; i++)
			if (!seen[i] &&
			    *size_at(&s->z, &s->occ[i]) == most) {
				seen[i] = true;
				at[n++] = i;
			}
		try_equal(s, at, n, w);
	}
}

/* Constants that are no floats mean something; their sizes stay. */
static void
find_sizes(struct search *s)
{
	const struct val *v;

	for (int i = 0; i < s->z.n; i++) {
		v = s->z.of[i];
		if (v->kind == VAL_KNOWN && dtype_info(v->type)->kind != 'f')
			continue;
		for (int k = 0; k < v->shape.rank && s->n < OCC_MAX; k++)
			s->occ[s->n++] = (struct occ){ .value = i, .axis = k };
	}
	if (s->z.group > 1 && s->n < OCC_MAX)
		s->occ[s->n++] = (struct occ){ .axis = -1 };
}

static bool
search(struct search *s)
{
	struct sizes own;

	if (!sizes_of(s->unit, &own) || try_sizes(s, &own) != FIT_ALL)
		return false;
	find_sizes(s);
	pass(s, NULL);
	if (s->cost > CHEAP)
		pass(s, cheap);
	return s->cost <= DEAR;
}

bool
shrink(struct net *net, const struct plan *p, const struct unit *u,
    const bool *want, struct sizes *z, struct ocl_facts *facts)
{
	struct search s = { .net = net, .main = p, .unit = u, .want = want,
	    .facts = facts };
	struct search small = s;
	struct ocl_facts few;
	bool found;

	*facts = *ocl_facts(net->e->ocl);
	found = search(&s);
	*z = s.z;
	if (found && s.cost <= CHEAP)
		return true;
	/* Some forms are for work that fills the device: take a small one. */
	few = *facts;
	few.units = 1;
	few.lanes = 1;
	small.facts = &few;
	if (!search(&small) || (found && s.cost <= small.cost))
		return found;
	*z = small.z;
	*facts = few;
	return true;
}
