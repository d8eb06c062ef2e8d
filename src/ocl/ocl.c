/*
 * Opening and closing a device.
 */
#include "ocl/clerr.h"
#include "ocl/compile.h"
#include "ocl/impl.h"
#include "ocl/program.h"
#include "ocl/run.h"
#include "ocl/team.h"
#include "ocl/tempdir.h"

/* Instances of a kernel where a driver spreads groups over cores by itself. */
#define INSTANCES_PER_UNIT	4

static void
allowed_cpus(cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	if (sched_getaffinity(0, sizeof(*cpus), cpus) == -1 ||
	    CPU_COUNT(cpus) == 0)
		CPU_SET(0, cpus);
}

int
ocl_list(struct ocl_facts **out, size_t *n_out, struct err *err)
{
	/* PoCL leaves a file behind each time. */
	bool tidy = tempdir_open(NULL, NULL) == 0;
	struct ocl_facts *all;
	struct found *found;
	cpu_set_t cpus;
	size_t n;
	int result;

	allowed_cpus(&cpus);
	result = device_find(&found, &n, CPU_COUNT(&cpus), false, err);
	if (tidy)
		tempdir_close();
	if (result == -1)
		return -1;
	*out = NULL;
	*n_out = 0;
	if (n > 0) {
		if ((all = calloc(n, sizeof(*all))) == NULL) {
			free(found);
			return err_memory(err, "devices", n * sizeof(*all));
		}
		for (size_t i = 0; i < n; i++)
			all[i] = found[i].facts;
		*out = all;
		*n_out = n;
	}
	free(found);
	return 0;
}

static struct found *
choose(const struct ocl_options *o, int lanes, struct err *err)
{
	struct found *all, *one = NULL;
	size_t n;

	if (device_find(&all, &n, lanes, o->profile == FORCE_GPU, err) == -1)
		return NULL;
	for (size_t i = 0; i < n && one == NULL; i++)
		if (o->device == NULL ||
		    strstr(all[i].facts.name, o->device) != NULL)
			one = &all[i];
	if (one == NULL) {
		(void)err_set(err, ERR_NOT_FOUND, "no OpenCL device %s%s",
		    o->device != NULL ? "is called " : "",
		    o->device != NULL ? o->device : "");
	} else {
		struct found *copy = malloc(sizeof(*copy));

		if (copy == NULL)
			(void)err_memory(err, "a device", sizeof(*copy));
		else
			*copy = *one;
		one = copy;
	}
	free(all);
	return one;
}

/* Which profile, and how the device is driven. */
static void
settle(struct ocl *ocl, enum ocl_force force, int lanes)
{
	struct ocl_facts *f = &ocl->facts;

	if (force != FORCE_NONE)
		f->profile = force == FORCE_GPU ? PROFILE_GPU : PROFILE_CPU;
	ocl->mode = f->profile == PROFILE_GPU ? MODE_GPU :
	    ocl->found->lane ? MODE_LANES : MODE_CPU;
	ocl->lanes = 1;
	if (ocl->mode == MODE_LANES)
		ocl->lanes = lanes < ocl->found->n ? lanes : ocl->found->n;
	f->lanes = ocl->lanes;
	f->shared = ocl->mode == MODE_LANES;
	if (ocl->mode == MODE_LANES)
		f->units = (uint32_t)ocl->lanes;
	ocl->instances = ocl->mode == MODE_LANES ? ocl->lanes :
	    (int)(f->units < 1024 ? f->units : 1024) * INSTANCES_PER_UNIT;
}

static int
make_lanes(struct ocl *ocl, struct err *err)
{
	cl_int e;

	ocl->lane = calloc((size_t)ocl->lanes, sizeof(*ocl->lane));
	if (ocl->lane == NULL)
		return err_memory(err, "lanes", sizeof(*ocl->lane));
	for (int i = 0; i < ocl->lanes; i++) {
		struct lane *l = &ocl->lane[i];

		l->dev = ocl->found->dev[i];
		l->ctx = clCreateContext(NULL, 1, &l->dev, NULL, NULL, &e);
		if (e == CL_SUCCESS)
			l->queue = clCreateCommandQueue(l->ctx, l->dev, 0, &e);
		if (e != CL_SUCCESS)
			return clerr_set(err, e, "%s: lane %d",
			    ocl->facts.name, i);
	}
	return 0;
}

static void
free_lanes(struct ocl *ocl)
{
	for (int i = 0; ocl->lane != NULL && i < ocl->lanes; i++) {
		if (ocl->lane[i].queue != NULL)
			(void)clReleaseCommandQueue(ocl->lane[i].queue);
		if (ocl->lane[i].ctx != NULL)
			(void)clReleaseContext(ocl->lane[i].ctx);
	}
	free(ocl->lane);
}

static int
make_team(struct ocl *ocl, struct err *err)
{
	if (ocl->mode != MODE_LANES)
		return 0;
	if ((ocl->next = ocl_buf_new(ocl, 64, err)) == NULL)
		return -1;
	ocl->team = team_new(ocl->lanes, &ocl->cpus, run_lane, ocl, err);
	return ocl->team == NULL ? -1 : 0;
}

struct ocl *
ocl_open(const struct ocl_options *o, struct err *err)
{
	struct ocl *ocl = calloc(1, sizeof(*ocl));
	int lanes;

	if (ocl == NULL) {
		(void)err_memory(err, "a device", sizeof(*ocl));
		return NULL;
	}
	ocl->memory_max = SIZE_MAX;
	allowed_cpus(&ocl->cpus);
	lanes = o->lanes > 0 ? o->lanes : CPU_COUNT(&ocl->cpus);
	if (lanes > LANES_MAX)
		lanes = LANES_MAX;
	if (tempdir_open(o->cache_dir, err) == -1)
		goto fail;
	ocl->tempdir = true;
	if ((ocl->found = choose(o, lanes, err)) == NULL)
		goto fail;
	ocl->facts = ocl->found->facts;
	settle(ocl, o->profile, lanes);
	if (o->vec != 0)
		ocl->facts.vec = o->vec;
	if (make_lanes(ocl, err) == -1 || make_team(ocl, err) == -1 ||
	    (ocl->programs = programs_new(o, err)) == NULL)
		goto fail;
	return ocl;
fail:
	ocl_close(ocl);
	return NULL;
}

void
ocl_close(struct ocl *ocl)
{
	if (ocl == NULL)
		return;
	team_free(ocl->team);
	programs_free(ocl->programs);
	compile_forget(ocl);
	ocl_buf_free(ocl, ocl->next);
	free_lanes(ocl);
	if (ocl->tempdir)
		tempdir_close();
	free(ocl->found);
	free(ocl);
}

void
ocl_cache_skip(struct ocl *o, bool skip)
{
	programs_skip(o->programs, skip);
}

const struct ocl_facts *
ocl_facts(const struct ocl *ocl)
{
	return &ocl->facts;
}

void
ocl_stats(const struct ocl *ocl, struct ocl_stats *out)
{
	*out = ocl->stats;
}
