#include "plan/seal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "plan/build.h"

#define STEP_BYTES	((size_t)4096)	/* of kernel objects, roughly */

/* All constants of the plan's own in one buffer. */
static int
upload_consts(struct plan *p, struct err *err)
{
	struct ocl *ocl = p->env.ocl;
	size_t n = 0;

	for (struct storage *s = p->stores; s != NULL; s = s->next)
		if (s->fill != NULL) {
			s->at = n;
			n += s->bytes;
		}
	if (n == 0)
		return 0;
	if ((p->consts = ocl_buf_new(ocl, n, err)) == NULL)
		return -1;
	for (struct storage *s = p->stores; s != NULL; s = s->next) {
		if (s->fill == NULL)
			continue;
		s->buf = p->consts;
		if (s->n_fill > 0 && ocl_write(ocl, s->buf, s->at, s->fill,
		    s->n_fill, err) < 0)
			return -1;
	}
	return 0;
}

static int
make_step(struct plan *p, struct step *s, struct err *err)
{
	struct ocl_source src = {
		.file = s->file, .kernel = s->kernel,
		.defines = s->defines, .preamble = s->preamble,
	};

	s->ocl = ocl_step_new(p->env.ocl, &src, err);
	if (s->ocl == NULL)
		return err_prefix(err, "kernel %s", s->kernel);
	return ocl_step_work(s->ocl, s->total, s->local, err);
}

/* The steps of the device, without those of the host. */
static int
with_device_steps(struct plan *p, int (*call)(struct ocl *,
    struct ocl_step *const *, size_t, struct err *), struct err *err)
{
	size_t n = 0;
	int r;

	for (int i = 0; i < p->n_step; i++)
		if (p->step[i]->host == NULL)
			p->ocl[n++] = p->step[i]->ocl;
	r = n == 0 ? 0 : call(p->env.ocl, p->ocl, n, err);
	for (int i = 0; i < p->n_step; i++)
		p->ocl[i] = p->step[i]->ocl;
	return r;
}

int
plan_find(struct plan *p, struct err *err)
{
	int i = 0;

	p->step = pool_array(p->pool, (size_t)p->n_step, sizeof(*p->step));
	p->ocl = pool_array(p->pool, (size_t)p->n_step, sizeof(*p->ocl));
	if (p->step == NULL || p->ocl == NULL)
		return err_memory(err, "a plan", (size_t)p->n_step);
	for (struct step *s = p->first; s != NULL; s = s->next)
		p->step[i++] = s;
	if (p->env.draft)
		return 0;
	for (i = 0; i < p->n_step; i++)
		if (p->step[i]->host == NULL &&
		    make_step(p, p->step[i], err) < 0)
			return -1;
	return with_device_steps(p, ocl_find, err);
}

int
plan_seal(struct plan *p, struct err *err)
{
	if (p->step == NULL && plan_find(p, err) < 0)
		return -1;
	p->arena = arena_place(p);
	if (p->arena > SIZE_MAX / 2)
		return err_set(err, ERR_LIMIT,
		    "the plan needs too much memory");
	if (upload_consts(p, err) < 0 ||
	    with_device_steps(p, ocl_build, err) < 0)
		return -1;
	p->sealed = true;
	return 0;
}

enum ocl_trust
plan_step_trust(const struct plan *p, int i)
{
	const struct ocl_step *s = p->step[i]->ocl;

	return s == NULL ? TRUST_GOOD : ocl_step_trust(s);
}

void
plan_step_judge(struct plan *p, int i, enum ocl_trust trust)
{
	if (p->step[i]->ocl != NULL)
		ocl_step_judge(p->env.ocl, p->step[i]->ocl, trust);
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

bool
plan_step_same(const struct plan *p, int i, const struct plan *q, int k)
{
	const struct step *a = p->step[i], *b = q->step[k];

	return a->host == NULL && b->host == NULL &&
	    strcmp(a->file, b->file) == 0 &&
	    strcmp(a->kernel, b->kernel) == 0 &&
	    strcmp(a->defines, b->defines) == 0 &&
	    same_text(a->preamble, b->preamble);
}

void
plan_step_text(const struct plan *p, int i, char *text, size_t n)
{
	const struct step *s = p->step[i];

	if (s->host != NULL)
		(void)snprintf(text, n, "host");
	else
		(void)snprintf(text, n, "%s of %s.cl%s%s%s", s->kernel,
		    s->file, *s->defines != '\0' ? " " : "", s->defines,
		    s->preamble != NULL ? " (fused)" : "");
}

size_t
plan_arena(const struct plan *p)
{
	return p->arena == 0 ? 0 : p->arena + ALIGN_BYTES;
}

size_t
plan_bytes(const struct plan *p)
{
	return pool_used(p->pool) + (size_t)p->n_step * STEP_BYTES +
	    (p->consts != NULL ? ocl_buf_bytes(p->consts) : 0);
}

int
plan_steps(const struct plan *p)
{
	return p->n_step;
}

const char *
plan_step_kernel(const struct plan *p, int i)
{
	return p->step[i]->kernel;
}

const struct node *
plan_step_node(const struct plan *p, int i)
{
	return p->step[i]->node;
}
