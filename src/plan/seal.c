#include "plan/seal.h"

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

static int
build(struct plan *p, struct err *err)
{
	size_t n = 0;

	p->ocl = pool_array(p->pool, (size_t)p->n_step, sizeof(*p->ocl));
	if (p->ocl == NULL)
		return err_memory(err, "a plan", (size_t)p->n_step);
	for (int i = 0; i < p->n_step; i++) {
		if (p->step[i]->host != NULL)
			continue;
		if (make_step(p, p->step[i], err) < 0)
			return -1;
		p->ocl[n++] = p->step[i]->ocl;
	}
	if (n > 0 && ocl_build(p->env.ocl, p->ocl, n, err) < 0)
		return -1;
	for (int i = 0; i < p->n_step; i++)
		p->ocl[i] = p->step[i]->ocl;
	return 0;
}

int
plan_seal(struct plan *p, struct err *err)
{
	int i = 0;

	p->step = pool_array(p->pool, (size_t)p->n_step, sizeof(*p->step));
	if (p->step == NULL)
		return err_memory(err, "a plan", (size_t)p->n_step);
	for (struct step *s = p->first; s != NULL; s = s->next)
		p->step[i++] = s;
	p->arena = arena_place(p);
	if (p->arena > SIZE_MAX / 2)
		return err_set(err, ERR_LIMIT,
		    "the plan needs too much memory");
	if (upload_consts(p, err) < 0 || build(p, err) < 0)
		return -1;
	p->sealed = true;
	return 0;
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
