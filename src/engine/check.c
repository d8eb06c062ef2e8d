/* Which programs of a plan are trusted, and what becomes of the others. */
#include "engine/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"

#define TEXT_MAX	512

/* Say once of each program that it is not used. */
static void
tell(struct engine *e, const struct plan *p, int step, const char *why)
{
	const struct node *n = plan_step_node(p, step);
	char text[TEXT_MAX];
	struct told *t;

	plan_step_text(p, step, text, sizeof(text));
	for (t = e->told; t != NULL; t = t->next)
		if (strcmp(t->text, text) == 0)
			return;
	if ((t = malloc(sizeof(*t) + strlen(text) + 1)) == NULL)
		return;
	memcpy(t->text, text, strlen(text) + 1);
	t->next = e->told;
	e->told = t;
	e->trust.bad++;
	(void)snprintf(text, sizeof(text), "%s, node \"%.100s\"%s: not used "
	    "on this device", t->text, n == NULL ? "" : n->name, why);
	if (e->opt.demoted != NULL)
		e->opt.demoted(e->opt.demoted_arg, text);
}

/* The unit's next way; false if there is none. */
static bool
demote(struct net *net, const struct unit *u)
{
	uint8_t *level = &net->level[u->node], was = *level;
	int form = u->v == NULL ? -1 : u->v->form;

	if (u->g != NULL && (u->g->anchor >= 0 || u->g->n > 1))
		*level = u->g->anchor >= 0 && form >= 0 ? (uint8_t)(form + 1) :
		    LEVEL_ALONE;
	else if (u->g != NULL || form < 0)
		*level = LEVEL_HOST;
	else
		*level = (uint8_t)(LEVEL_ALONE + form + 1);
	return *level != was;
}

/* Units with a program that failed, now or in an earlier life. */
static bool
demote_bad(struct net *net, const struct plan *p, const struct units *us,
    const char *why)
{
	bool any = false;

	for (int k = 0; k < us->n; k++) {
		const struct unit *u = &us->unit[k];
		bool bad = false;

		for (int i = u->first; i < u->end; i++)
			if (plan_step_trust(p, i) == TRUST_BAD) {
				tell(net->e, p, i, why);
				bad = true;
			}
		any |= bad && demote(net, u);
	}
	return any;
}

/*
 * Kernels that change layouts belong to no unit: any plan may need one.  Where
 * one is wrong, no value becomes blocked.
 */

/* A map of a few odd blocks, and the step that changes its layout. */
static struct val *
layout_step(struct plan *p, enum layout from, struct val *x, struct err *err)
{
	int vec = plan_facts(p)->vec;

	*x = (struct val){ .kind = VAL_DEVICE, .type = DT_FLOAT, .layout = from,
	    .shape = { 3, { 2, 2 * vec + 3, 7 } } };
	if (plan_input(p, x, err) < 0)
		return NULL;
	return plan_as(p, x, from == LAYOUT_PLAIN ? LAYOUT_BLOCKED :
	    LAYOUT_PLAIN, err);
}

/* 1: the numbers arrived where they belong; 0: not. */
static int
move_numbers(struct engine *e, struct plan *p, const struct val *x,
    const struct val *y, struct err *err)
{
	enum { MOST = 2 * 3 * 16 * 7 };
	int vec = plan_facts(p)->vec, blocks = 2 * 3 * vec * 7;
	int n = 2 * (2 * vec + 3) * 7, in, out;
	float plain[MOST], block[MOST] = { 0 }, got[MOST];

	for (int i = 0; i < n; i++)
		plain[i] = (float)(i + 1);
	layout_block(&x->shape, vec, plain, block);
	in = x->layout == LAYOUT_PLAIN ? n : blocks;
	out = x->layout == LAYOUT_PLAIN ? blocks : n;
	memset(got, 0xff, sizeof(got));
	if (engine_arena(e, plan_arena(p), err) < 0 ||
	    plan_write(p, &e->place, y, 0, got, (size_t)out * sizeof(float),
	    err) < 0 ||
	    plan_write(p, &e->place, x, 0, in == n ? plain : block,
	    (size_t)in * sizeof(float), err) < 0 ||
	    plan_run(p, &e->place, NULL, err) < 0 ||
	    plan_read(p, &e->place, y, got, (size_t)out * sizeof(float),
	    err) < 0)
		return -1;
	for (int i = 0; i < out; i++)
		if (!(got[i] == (in == n ? block[i] : plain[i])))
			return 0;
	return 1;
}

/* The step of p that does the same as that one; -1: none. */
static int
find_step(const struct plan *p, const struct plan *one)
{
	for (int i = 0; i < plan_steps(p); i++)
		if (plan_step_same(p, i, one, 0))
			return i;
	return -1;
}

static int
check_layout(struct net *net, struct plan *p, enum layout from, bool try,
    struct err *err)
{
	struct plan_env env = { .ocl = net->e->ocl, .packs = net->packs };
	struct plan *one = plan_new(&env, err);
	struct val x, *y;
	int at = -1, r = -1;

	if (one == NULL)
		return -1;
	if ((y = layout_step(one, from, &x, err)) != NULL &&
	    plan_keep(one, y, err) == 0)
		r = plan_find(one, err);
	if (r == 0)
		at = find_step(p, one);
	if (at >= 0 && try && plan_step_trust(p, at) == TRUST_UNKNOWN) {
		r = plan_seal(one, err);
		if (r == 0 && (r = move_numbers(net->e, one, &x, y, err)) >= 0)
			plan_step_judge(p, at, r ? TRUST_GOOD : TRUST_BAD);
		net->e->trust.good += r == 1;
		r = r < 0 ? -1 : 0;
	}
	if (at >= 0 && plan_step_trust(p, at) == TRUST_BAD) {
		tell(net->e, p, at, "");
		net->e->no_blocks = true;
		r = 1;
	}
	plan_free(one);
	return r;
}

static int
check_layouts(struct net *net, struct plan *p, bool try, struct err *err)
{
	int a, b;

	if (ocl_facts(net->e->ocl)->profile == PROFILE_GPU)
		return 0;
	a = check_layout(net, p, LAYOUT_PLAIN, try, err);
	b = a < 0 ? -1 : check_layout(net, p, LAYOUT_BLOCKED, try, err);
	return a < 0 || b < 0 ? -1 : a | b;
}

/* Try the unit in small; what stays unknown could not be tried. */
static int
check_unit(struct net *net, struct plan *p, const struct unit *u,
    const bool *want, struct err *err)
{
	struct ocl_facts facts;
	struct sizes z;
	double worst = 0;
	char why[64];
	int r;

	if (!shrink(net, p, u, want, &z, &facts))
		return 0;
	r = trial_run(net, u, &z, &facts, &worst, err);
	if (r < 0)
		return err->code == ERR_DEVICE ? -1 : 0;
	(void)snprintf(why, sizeof(why), ": off by %.3g times what may be",
	    worst);
	for (int i = u->first; i < u->end; i++)
		if (want[i] && r == 0)
			tell(net->e, p, i, why);
	return 0;
}

static int
check_units(struct net *net, struct plan *p, const struct units *us,
    bool *want, struct err *err)
{
	bool any;

	for (int k = 0; k < us->n; k++) {
		const struct unit *u = &us->unit[k];

		any = false;
		for (int i = u->first; i < u->end; i++) {
			want[i] = plan_step_trust(p, i) == TRUST_UNKNOWN;
			any |= want[i];
		}
		if (any && check_unit(net, p, u, want, err) < 0)
			return -1;
	}
	for (int i = 0; i < plan_steps(p); i++)
		if (plan_step_trust(p, i) == TRUST_UNKNOWN) {
			plan_step_judge(p, i, TRUST_UNCHECKED);
			net->e->trust.unchecked++;
		}
	return 0;
}

int
check_seal(struct net *net, struct plan *p, const struct units *us,
    struct err *err)
{
	bool *want = pool_array(us->pool, (size_t)plan_steps(p) + 1,
	    sizeof(bool));
	int r;

	if (!net->e->opt.check)
		return plan_seal(p, err);
	if (want == NULL)
		return err_memory(err, "a plan", (size_t)plan_steps(p));
	if (plan_find(p, err) < 0)
		return -1;
	if ((r = check_layouts(net, p, false, err)) != 0)
		return r;
	if (demote_bad(net, p, us, " (found before)"))
		return 1;
	if (plan_seal(p, err) < 0)
		return -1;
	if ((r = check_layouts(net, p, true, err)) != 0)
		return r;
	if (check_units(net, p, us, want, err) < 0)
		return -1;
	return demote_bad(net, p, us, "");
}
