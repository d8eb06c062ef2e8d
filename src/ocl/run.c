/*
 * Running steps: by the lanes, one after the other, or through a queue.
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "ocl/clerr.h"
#include "ocl/impl.h"
#include "ocl/run.h"
#include "ocl/team.h"

/* A group of work-items where the operator has no wish. */
#define LOCAL_DEFAULT	128

#define TRIALS		6
#define LONG_NS		(100 * NS_PER_US)

void
run_lane(void *arg, int lane)
{
	static const size_t one = 1;
	struct ocl *ocl = arg;
	int expect = 0;
	cl_int e;

	e = clEnqueueNDRangeKernel(ocl->lane[lane].queue, ocl->now->k[lane], 1,
	    NULL, &one, &one, 0, NULL, NULL);
	if (e != CL_SUCCESS)
		(void)atomic_compare_exchange_strong(&ocl->failed, &expect, e);
}

/*
 * Very short kernels are faster alone: lanes that start together get into each
 * other's way in the driver for some microseconds.  Which ones are is found by
 * trying: the first runs of a step are done both ways in turn, and the shortest
 * time decides.  A long one needs no trial.
 */
static void
step_try(struct ocl *ocl, struct ocl_step *s)
{
	int shared = s->trials % 2 == 0;
	int64_t start = clock_ns(), ns;

	team_do(ocl->team, shared ? s->total : 1);
	ns = clock_ns() - start;
	if (s->trials < 2 || ns < s->best[shared])
		s->best[shared] = ns;
	s->trials = ns > LONG_NS ? TRIALS : s->trials + 1;
	if (ns > LONG_NS)
		s->best[0] = INT64_MAX;
}

static int
step_lanes(struct ocl *ocl, struct ocl_step *s, struct err *err)
{
	int e;

	atomic_store_explicit((_Atomic int *)ocl->next->host, 0,
	    memory_order_relaxed);
	ocl->now = s;
	if (ocl->lanes == 1 || s->total == 1)
		team_do(ocl->team, 1);
	else if (s->trials < TRIALS)
		step_try(ocl, s);
	else
		team_do(ocl->team, s->best[0] <= s->best[1] ? 1 : s->total);
	e = atomic_load_explicit(&ocl->failed, memory_order_relaxed);
	return e == 0 ? 0 : clerr_set(err, e, "kernel %s", s->kernel);
}

static int
step_queue(struct ocl *ocl, struct ocl_step *s, struct err *err)
{
	size_t local[2] = { 1, 1 }, global[2];
	size_t most = ocl->facts.max_group;
	cl_int e;

	if (ocl->mode == MODE_GPU) {
		local[0] = s->local[0] > 0 ? s->local[0] :
		    most < LOCAL_DEFAULT ? most : LOCAL_DEFAULT;
		local[1] = s->local[1] > 0 ? s->local[1] : 1;
	}
	global[0] = s->groups * local[0];
	global[1] = local[1];
	e = clEnqueueNDRangeKernel(ocl->lane[0].queue, s->k[0], 2, NULL, global,
	    local, 0, NULL, NULL);
	return e == CL_SUCCESS ? 0 :
	    clerr_set(err, e, "kernel %s", s->kernel);
}

static int
finish(struct ocl *ocl, struct err *err)
{
	cl_int e = CL_SUCCESS;

	if (ocl->mode != MODE_LANES)
		e = clFinish(ocl->lane[0].queue);
	return e == CL_SUCCESS ? 0 :
	    clerr_set(err, e, "%s: waiting for the end", ocl->facts.name);
}

static int
check(const struct ocl_step *s, struct err *err)
{
	if (s->k == NULL)
		return err_set(err, ERR_INTERNAL, "kernel %s: not built",
		    s->kernel);
	if (s->n_set == s->n_arg)
		return 0;
	return err_set(err, ERR_INTERNAL,
	    "kernel %s: %d arguments, but it takes %d", s->kernel, s->n_set,
	    s->n_arg);
}

int
ocl_run(struct ocl *ocl, struct ocl_step *const *steps, size_t n, int64_t *ns,
    struct err *err)
{
	int64_t start = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		struct ocl_step *s = steps[i];

		if (ns != NULL)
			start = clock_ns();
		if (check(s, err) == -1)
			return -1;
		if (s->total > 0) {
			r = ocl->mode == MODE_LANES ? step_lanes(ocl, s, err) :
			    step_queue(ocl, s, err);
			if (r == -1)
				return -1;
		}
		if (ns == NULL)
			continue;
		if (finish(ocl, err) == -1)
			return -1;
		ns[i] = clock_ns() - start;
	}
	return finish(ocl, err);
}
