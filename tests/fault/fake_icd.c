/*
 * fake_icd: PoCL, with faults on order.
 *
 * An ICD that hands out PoCL's own platform after replacing some functions in
 * the table that the loader calls through.  FAKE_CL lists what goes wrong,
 * separated by commas, each CALL:N:WHAT, at the Nth call of that kind in a
 * process, or CALL:*N:WHAT, at each Nth
 *
 *	CALL	devices build run finish buffer read write
 *	WHAT	fail	returns an error
 *		none	(devices) finds no device
 *		hang	never returns
 *		crash	segmentation fault
 *		exit	leaves the process, quietly
 *
 * FAKE_CL_FILE names a file that must exist for anything to go wrong.  Without
 * FAKE_CL it is PoCL as it is.
 */
#include <sys/mman.h>

#include <CL/cl_icd.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#define REAL	"libpocl.so.2"

enum call { DEVICES, BUILD, RUN, FINISH, BUFFER, READ, WRITE, CALLS };

static const char *const call_names[CALLS] = {
	"devices", "build", "run", "finish", "buffer", "read", "write",
};

static cl_icd_dispatch	 real;
static _Atomic unsigned	 made[CALLS];

/* What is to go wrong at the nth call of that kind, or "". */
static const char *
ordered(enum call c, unsigned long n)
{
	const char *at = getenv("FAKE_CL");
	size_t len = strlen(call_names[c]);
	unsigned long which;
	int each;
	char *end;

	for (; at != NULL && *at != '\0'; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, call_names[c], len) != 0 || at[len] != ':')
			continue;
		each = at[len + 1] == '*';
		which = strtoul(at + len + 1 + each, &end, 10);
		if (*end == ':' && which > 0 &&
		    (each ? n % which == 0 : n == which))
			return end + 1;
	}
	return "";
}

static int
is(const char *what, const char *name)
{
	return strncmp(what, name, strlen(name)) == 0;
}

/* Do what is ordered.  Not NULL: what the call itself has to do wrong. */
static const char *
fault(enum call c)
{
	const char *what = ordered(c, atomic_fetch_add(&made[c], 1) + 1UL);
	const char *file = getenv("FAKE_CL_FILE");

	if (*what == '\0' || (file != NULL && access(file, F_OK) == -1))
		return NULL;
	if (is(what, "hang"))
		for (;;)
			(void)pause();
	if (is(what, "crash"))
		*(volatile int *)0 = 0;
	if (is(what, "exit"))
		_exit(0);
	return what;
}

static cl_int CL_API_CALL
devices(cl_platform_id p, cl_device_type t, cl_uint n, cl_device_id *to,
    cl_uint *found)
{
	const char *what = fault(DEVICES);

	if (what == NULL)
		return real.clGetDeviceIDs(p, t, n, to, found);
	if (is(what, "none") && found != NULL)
		*found = 0;
	return is(what, "none") ? CL_DEVICE_NOT_FOUND : CL_OUT_OF_HOST_MEMORY;
}

static cl_int CL_API_CALL
build(cl_program p, cl_uint n, const cl_device_id *d, const char *options,
    void (CL_CALLBACK *done)(cl_program, void *), void *arg)
{
	if (fault(BUILD) != NULL)
		return CL_BUILD_PROGRAM_FAILURE;
	return real.clBuildProgram(p, n, d, options, done, arg);
}

static cl_int CL_API_CALL
run(cl_command_queue q, cl_kernel k, cl_uint dim, const size_t *offset,
    const size_t *global, const size_t *local, cl_uint n, const cl_event *wait,
    cl_event *ev)
{
	if (fault(RUN) != NULL)
		return CL_OUT_OF_RESOURCES;
	return real.clEnqueueNDRangeKernel(q, k, dim, offset, global, local, n,
	    wait, ev);
}

static cl_int CL_API_CALL
finish(cl_command_queue q)
{
	if (fault(FINISH) != NULL)
		return CL_OUT_OF_RESOURCES;
	return real.clFinish(q);
}

static cl_mem CL_API_CALL
buffer(cl_context c, cl_mem_flags f, size_t n, void *host, cl_int *e)
{
	if (fault(BUFFER) == NULL)
		return real.clCreateBuffer(c, f, n, host, e);
	if (e != NULL)
		*e = CL_MEM_OBJECT_ALLOCATION_FAILURE;
	return NULL;
}

static cl_int CL_API_CALL
read_buffer(cl_command_queue q, cl_mem m, cl_bool block, size_t off, size_t n,
    void *to, cl_uint n_wait, const cl_event *wait, cl_event *ev)
{
	if (fault(READ) != NULL)
		return CL_OUT_OF_RESOURCES;
	return real.clEnqueueReadBuffer(q, m, block, off, n, to, n_wait, wait,
	    ev);
}

static cl_int CL_API_CALL
write_buffer(cl_command_queue q, cl_mem m, cl_bool block, size_t off, size_t n,
    const void *from, cl_uint n_wait, const cl_event *wait, cl_event *ev)
{
	if (fault(WRITE) != NULL)
		return CL_OUT_OF_RESOURCES;
	return real.clEnqueueWriteBuffer(q, m, block, off, n, from, n_wait,
	    wait, ev);
}

/* All of PoCL's objects share one table: what its first platform points to. */
static void
replace(cl_platform_id platform)
{
	cl_icd_dispatch *table = *(cl_icd_dispatch **)platform;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)table & ~(page - 1);
	uintptr_t to = (uintptr_t)(table + 1);

	if (real.clGetDeviceIDs != NULL)
		return;
	real = *table;
	if (mprotect((void *)from, to - from, PROT_READ | PROT_WRITE) == -1)
		return;
	table->clGetDeviceIDs = devices;
	table->clBuildProgram = build;
	table->clEnqueueNDRangeKernel = run;
	table->clFinish = finish;
	table->clCreateBuffer = buffer;
	table->clEnqueueReadBuffer = read_buffer;
	table->clEnqueueWriteBuffer = write_buffer;
}

typedef cl_int	platforms_fn(cl_uint, cl_platform_id *, cl_uint *);
typedef void	*address_fn(const char *);

static address_fn *
real_address(void)
{
	static void *lib;

	if (lib == NULL)
		lib = dlopen(REAL, RTLD_NOW | RTLD_LOCAL);
	return lib == NULL ? NULL :
	    (address_fn *)(uintptr_t)dlsym(lib,
	    "clGetExtensionFunctionAddress");
}

static cl_int
platforms(cl_uint n, cl_platform_id *to, cl_uint *found)
{
	address_fn *address = real_address();
	platforms_fn *get = address == NULL ? NULL :
	    (platforms_fn *)(uintptr_t)address("clIcdGetPlatformIDsKHR");
	cl_platform_id first;

	if (get == NULL)
		return CL_INVALID_PLATFORM;
	if (get(1, &first, NULL) == CL_SUCCESS)
		replace(first);
	return get(n, to, found);
}

void *
clGetExtensionFunctionAddress(const char *name)
{
	address_fn *address = real_address();

	if (strcmp(name, "clIcdGetPlatformIDsKHR") == 0)
		return (void *)(uintptr_t)platforms;
	return address == NULL ? NULL : address(name);
}

/* The loader asks for this one by its name, before there are tables. */
cl_int CL_API_CALL
clGetPlatformInfo(cl_platform_id p, cl_platform_info what, size_t n, void *to,
    size_t *size)
{
	return real.clGetPlatformInfo(p, what, n, to, size);
}
