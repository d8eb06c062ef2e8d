/*
 * Finding devices, and telling PoCL how to offer its CPU.
 *
 * PoCL reads its environment once, when the process's first clGetPlatformIDs
 * makes the ICD loader look at everybody's devices; what is set later changes
 * nothing.
 */
#include "base/size.h"
#include "ocl/clerr.h"
#include "ocl/impl.h"

#define PLATFORMS_MAX	32

static void
platform_text(cl_platform_id p, cl_platform_info what, char out[OCL_NAME])
{
	char text[1024] = "";

	(void)clGetPlatformInfo(p, what, sizeof(text) - 1, text, NULL);
	(void)snprintf(out, OCL_NAME, "%.*s", OCL_NAME - 1, text);
}

static void
device_text(cl_device_id d, cl_device_info what, char out[OCL_NAME])
{
	char text[1024] = "";

	(void)clGetDeviceInfo(d, what, sizeof(text) - 1, text, NULL);
	(void)snprintf(out, OCL_NAME, "%.*s", OCL_NAME - 1, text);
}

/*
 * As many devices of the kind that runs a kernel inside the enqueue call as
 * lanes are wanted, or the one with threads.  The names are those before and
 * since PoCL 4; it does not mind the ones it does not know.
 */
static void
pocl_choose(int lanes, bool threads)
{
	char list[LANES_MAX * 20] = "pthread cpu";
	size_t n = 0;

	for (int i = 0; i < lanes && !threads; i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n,
		    "%sbasic cpu-minimal", i > 0 ? " " : "");
	(void)setenv("POCL_DEVICES", list, 1);
}

/* Kinds of PoCL's CPU devices: the prefixes of their names. */
static const struct {
	const char	*prefix;
	bool		 lane;		/* runs it in the caller's thread */
} kinds[] = {
	{ "pthread-", false },
	{ "basic-", true },
	{ "cpu-minimal-", true },
	{ "cpu-", false },
};

/* The CPU's name without the kind of PoCL device that it is offered through. */
static const char *
without_kind(const char *name, bool *lane)
{
	*lane = false;
	for (size_t i = 0; i < nitems(kinds); i++)
		if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) ==
		    0) {
			*lane = kinds[i].lane;
			return name + strlen(kinds[i].prefix);
		}
	return name;
}

static enum ocl_type
type_of(cl_device_type t)
{
	if (t & CL_DEVICE_TYPE_GPU)
		return OCL_GPU;
	if (t & CL_DEVICE_TYPE_CPU)
		return OCL_CPU;
	if (t & CL_DEVICE_TYPE_ACCELERATOR)
		return OCL_ACCELERATOR;
	return OCL_OTHER;
}

static int
native_vec(cl_device_id d)
{
	cl_uint n = 0;

	(void)clGetDeviceInfo(d, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof(n),
	    &n, NULL);
	return n >= 16 ? 16 : n >= 8 ? 8 : 4;
}

#define GET(d, what, out) \
	clGetDeviceInfo(d, what, sizeof(out), &(out), NULL)

/*
 * A CPU's kernels are instances that take piece after piece.  llvmpipe ends the
 * loops of a work-item after 65535 iterations in all, silently (Mesa,
 * lp_bld_limits.h, LP_MAX_TGSI_LOOP_ITERATIONS): it gets the GPU's kernels,
 * where a group computes one tile.
 */
static enum ocl_profile
profile_of(const struct ocl_facts *f)
{
	return f->type == OCL_CPU && strstr(f->device, "llvmpipe") == NULL ?
	    PROFILE_CPU : PROFILE_GPU;
}

/* A broken driver hides its device: false. */
static bool
facts_of(struct found *found, cl_device_id d)
{
	struct ocl_facts *f = &found->facts;
	cl_device_type type = 0;
	cl_device_fp_config fp64 = 0;
	cl_uint units = 0;
	cl_ulong memory = 0, alloc = 0, local = 0;
	cl_bool usable = CL_FALSE;
	char name[OCL_NAME];

	if (GET(d, CL_DEVICE_TYPE, type) ||
	    GET(d, CL_DEVICE_MAX_COMPUTE_UNITS, units) ||
	    GET(d, CL_DEVICE_GLOBAL_MEM_SIZE, memory) ||
	    GET(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE, alloc) ||
	    GET(d, CL_DEVICE_LOCAL_MEM_SIZE, local) ||
	    GET(d, CL_DEVICE_MAX_WORK_GROUP_SIZE, f->max_group) ||
	    GET(d, CL_DEVICE_COMPILER_AVAILABLE, usable) || !usable)
		return false;
	(void)GET(d, CL_DEVICE_DOUBLE_FP_CONFIG, fp64);
	device_text(d, CL_DEVICE_NAME, name);
	(void)snprintf(f->device, sizeof(f->device), "%s",
	    found->pocl ? without_kind(name, &found->lane) : name);
	device_text(d, CL_DEVICE_VENDOR, f->vendor);
	device_text(d, CL_DRIVER_VERSION, f->driver);
	device_text(d, CL_DEVICE_VERSION, f->version);
	f->type = type_of(type);
	f->profile = profile_of(f);
	f->lanes = 1;
	f->units = units;
	f->memory = memory;
	f->max_alloc = alloc;
	f->local_memory = local;
	f->vec = f->profile == PROFILE_CPU ? native_vec(d) : 4;
	f->fp64 = fp64 != 0;
	return true;
}

/*
 * Names are "platform/device#k", k counting devices that are called the same.
 */
static void
name_it(const struct found *all, size_t n, struct found *f)
{
	int k = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].facts.platform, f->facts.platform) == 0 &&
		    strcmp(all[i].facts.device, f->facts.device) == 0)
			k++;
	(void)snprintf(f->facts.name, sizeof(f->facts.name), "%.120s/%.120s#%d",
	    f->facts.platform, f->facts.device, k);
}

/* Is d another lane of the PoCL CPU that was just listed? */
static bool
same_cpu(const struct found *all, size_t n, const struct found *f)
{
	return f->lane && n > 0 && all[n - 1].lane &&
	    all[n - 1].platform == f->platform &&
	    strcmp(all[n - 1].facts.device, f->facts.device) == 0;
}

static int
add_device(struct found **all, size_t *n, const struct found *like,
    cl_device_id d, struct err *err)
{
	struct found f = *like, *more;

	if (!facts_of(&f, d))
		return 0;
	if (same_cpu(*all, *n, &f)) {
		struct found *last = &(*all)[*n - 1];

		if (last->n < LANES_MAX)
			last->dev[last->n++] = d;
		last->facts.units = (uint32_t)last->n;
		last->facts.lanes = last->n;
		return 0;
	}
	name_it(*all, *n, &f);
	f.n = 1;
	f.dev[0] = d;
	if ((more = realloc(*all, (*n + 1) * sizeof(*more))) == NULL)
		return err_memory(err, "the list of devices", sizeof(*more));
	*all = more;
	more[(*n)++] = f;
	return 0;
}

static int
add_platform(struct found **all, size_t *n, cl_platform_id p,
    struct err *err)
{
	cl_device_id dev[LANES_MAX + 16];
	struct found like = { .platform = p };
	cl_uint n_dev = 0;

	platform_text(p, CL_PLATFORM_NAME, like.facts.platform);
	platform_text(p, CL_PLATFORM_VERSION, like.platform_version);
	like.pocl = strstr(like.platform_version, "PoCL ") != NULL;
	/* Programs of one context share an LLVMContext, without a lock. */
	like.one_builder = strcmp(like.facts.platform, "Oclgrind") == 0;
	/* A platform without devices fails here: that is no error. */
	if (clGetDeviceIDs(p, CL_DEVICE_TYPE_ALL, nitems(dev), dev, &n_dev) !=
	    CL_SUCCESS)
		return 0;
	for (cl_uint i = 0; i < n_dev && i < nitems(dev); i++)
		if (add_device(all, n, &like, dev[i], err) == -1)
			return -1;
	return 0;
}

int
device_find(struct found **out, size_t *n_out, int lanes, bool threads,
    struct err *err)
{
	cl_platform_id p[PLATFORMS_MAX];
	struct found *all = NULL;
	cl_uint n_p = 0;
	size_t n = 0;

	pocl_choose(lanes, threads);
	/*
	 * No platform at all is an error of the ICD loader's, but not one of
	 * ours.
	 */
	if (clGetPlatformIDs(nitems(p), p, &n_p) != CL_SUCCESS)
		n_p = 0;
	for (cl_uint i = 0; i < n_p && i < nitems(p); i++)
		if (add_platform(&all, &n, p[i], err) == -1) {
			free(all);
			return -1;
		}
	*out = all;
	*n_out = n;
	return 0;
}
