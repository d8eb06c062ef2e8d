#include "ocl/compile.h"

#include <ctype.h>

#include "base/size.h"
#include "ocl/clerr.h"

#define LOG_MAX		(1 << 20)

/* The driver's own words; a kernel that does not compile is our fault. */
static int
build_error(struct err *err, cl_program p, cl_device_id d, const char *name,
    cl_int e)
{
	char *log = NULL;
	size_t n = 0;

	if (e != CL_BUILD_PROGRAM_FAILURE)
		return clerr_set(err, e, "%s: building", name);
	(void)clGetProgramBuildInfo(p, d, CL_PROGRAM_BUILD_LOG, 0, NULL, &n);
	if (n > 0 && n < LOG_MAX && (log = calloc(1, n + 1)) != NULL)
		(void)clGetProgramBuildInfo(p, d, CL_PROGRAM_BUILD_LOG, n, log,
		    NULL);
	(void)err_set(err, ERR_INTERNAL, "%s: does not compile: %s", name,
	    log != NULL ? log : "(no log)");
	free(log);
	return -1;
}

static cl_program
build(cl_context ctx, cl_device_id d, const struct compile *c, struct err *err)
{
	const char *source = c->source;
	cl_program p;
	cl_int e;

	p = clCreateProgramWithSource(ctx, 1, &source, NULL, &e);
	if (e != CL_SUCCESS) {
		(void)clerr_set(err, e, "%s: source", c->name);
		return NULL;
	}
	e = clBuildProgram(p, 1, &d, c->options, NULL, NULL);
	if (e != CL_SUCCESS) {
		(void)build_error(err, p, d, c->name, e);
		(void)clReleaseProgram(p);
		return NULL;
	}
	return p;
}

static int
get_binary(cl_program p, const char *name, void **binary, size_t *n,
    struct err *err)
{
	unsigned char *bytes;
	size_t size = 0;
	cl_int e;

	*binary = NULL;
	*n = 0;
	e = clGetProgramInfo(p, CL_PROGRAM_BINARY_SIZES, sizeof(size), &size,
	    NULL);
	if (e != CL_SUCCESS)
		return clerr_set(err, e, "%s: its binary's size", name);
	if (size == 0 || size > COMPILE_BINARY_MAX)
		return 0;
	if ((bytes = malloc(size)) == NULL)
		return err_memory(err, "a program binary", size);
	e = clGetProgramInfo(p, CL_PROGRAM_BINARIES, sizeof(bytes), &bytes,
	    NULL);
	if (e != CL_SUCCESS) {
		free(bytes);
		return clerr_set(err, e, "%s: its binary", name);
	}
	*binary = bytes;
	*n = size;
	return 0;
}

/* Bytes of a scalar or vector type by its name; 0: not one of ours. */
static size_t
type_bytes(const char *type)
{
	static const struct {
		const char	*name;
		size_t		 bytes;
	} types[] = {
		{ "char", 1 }, { "uchar", 1 }, { "short", 2 }, { "ushort", 2 },
		{ "half", 2 }, { "int", 4 }, { "uint", 4 }, { "float", 4 },
		{ "long", 8 }, { "ulong", 8 }, { "double", 8 },
	};
	size_t n = strcspn(type, "0123456789");
	size_t lanes = type[n] == '\0' ? 1 : strtoul(type + n, NULL, 10);

	for (size_t i = 0; i < nitems(types); i++)
		if (strlen(types[i].name) == n &&
		    strncmp(type, types[i].name, n) == 0 && lanes <= 16)
			return types[i].bytes * (lanes == 3 ? 4 : lanes);
	return 0;
}

/*
 * An argument that does no harm in a launch without work.  Numbers are not
 * zero: kernels divide by their sizes before they ask for work, and only some
 * drivers forgive that.
 */
static int
harmless(cl_kernel k, cl_uint i, cl_mem dummy, const struct compile *c,
    struct err *err)
{
	uint8_t ones[128];
	cl_kernel_arg_address_qualifier space = 0;
	char type[64] = "";
	cl_int e;

	e = clGetKernelArgInfo(k, i, CL_KERNEL_ARG_ADDRESS_QUALIFIER,
	    sizeof(space), &space, NULL);
	if (e == CL_SUCCESS)
		e = clGetKernelArgInfo(k, i, CL_KERNEL_ARG_TYPE_NAME,
		    sizeof(type), type, NULL);
	if (e != CL_SUCCESS)
		return clerr_set(err, e, "%s: its argument %u", c->name, i);
	if (space == CL_KERNEL_ARG_ADDRESS_LOCAL)
		e = clSetKernelArg(k, i, 64, NULL);
	else if (space != CL_KERNEL_ARG_ADDRESS_PRIVATE)
		e = clSetKernelArg(k, i, sizeof(dummy), &dummy);
	else if (type_bytes(type) == 0)
		return err_set(err, ERR_INTERNAL,
		    "%s: argument %u: type \"%s\" is not a number", c->name, i,
		    type);
	else
		e = clSetKernelArg(k, i, type_bytes(type),
		    memset(ones, 1, sizeof(ones)));
	return e == CL_SUCCESS ? 0 :
	    clerr_set(err, e, "%s: argument %u", c->name, i);
}

static int
launch_without_work(cl_kernel k, cl_command_queue q, cl_mem dummy,
    const struct compile *c, struct err *err)
{
	const size_t one = 1;
	cl_uint n = 0;
	cl_int e;

	e = clGetKernelInfo(k, CL_KERNEL_NUM_ARGS, sizeof(n), &n, NULL);
	if (e != CL_SUCCESS)
		return clerr_set(err, e, "%s: its arguments", c->name);
	for (cl_uint i = 0; i < n; i++)
		if (harmless(k, i, dummy, c, err) == -1)
			return -1;
	e = clEnqueueNDRangeKernel(q, k, 1, NULL, &one, &one, 0, NULL, NULL);
	if (e == CL_SUCCESS)
		e = clFinish(q);
	return e == CL_SUCCESS ? 0 :
	    clerr_set(err, e, "%s: its first launch", c->name);
}

/* PoCL generates code at the first launch: without it the binary lacks it. */
static int
warm(cl_context ctx, cl_device_id d, cl_program p, const struct compile *c,
    struct err *err)
{
	cl_command_queue q = NULL;
	/* The counter of pieces, among others: it has passed any total. */
	cl_uchar passed[4096];
	cl_kernel k = NULL;
	cl_mem dummy = NULL;
	cl_int e;
	int result = -1;

	memset(passed, 0x40, sizeof(passed));
	q = clCreateCommandQueue(ctx, d, 0, &e);
	if (e == CL_SUCCESS)
		dummy = clCreateBuffer(ctx, CL_MEM_READ_WRITE |
		    CL_MEM_COPY_HOST_PTR, sizeof(passed), passed, &e);
	if (e == CL_SUCCESS)
		k = clCreateKernel(p, c->kernel, &e);
	if (e == CL_SUCCESS)
		result = launch_without_work(k, q, dummy, c, err);
	else
		(void)clerr_set(err, e, "%s: preparing its first launch",
		    c->name);
	if (k != NULL)
		(void)clReleaseKernel(k);
	if (dummy != NULL)
		(void)clReleaseMemObject(dummy);
	if (q != NULL)
		(void)clReleaseCommandQueue(q);
	return result;
}

void
compile_forget(struct ocl *ocl)
{
	if (ocl->compiler != NULL)
		(void)clReleaseContext(ocl->compiler);
	ocl->compiler = NULL;
}

/*
 * All in one context: PoCL takes 430 ms for the first program there, most of
 * them to read its library of builtins.
 */
static int
compile_lanes(struct ocl *ocl, const struct compile *c, void **binary,
    size_t *n, struct err *err)
{
	cl_device_id d = ocl->lane[0].dev;
	cl_program p;
	cl_int e;
	int result = -1;

	if (ocl->compiler == NULL) {
		ocl->compiler = clCreateContext(NULL, 1, &d, NULL, NULL, &e);
		if (e != CL_SUCCESS)
			return clerr_set(err, e, "a context to compile in");
	}
	if ((p = build(ocl->compiler, d, c, err)) == NULL)
		return -1;
	if (warm(ocl->compiler, d, p, c, err) == 0)
		result = get_binary(p, c->name, binary, n, err);
	(void)clReleaseProgram(p);
	if (result == 0 && *binary == NULL)
		return err_set(err, ERR_DEVICE, "%s: PoCL gave no binary",
		    c->name);
	return result;
}

int
compile_source(struct ocl *ocl, const struct compile *c, cl_program *program,
    void **binary, size_t *n, struct err *err)
{
	*program = NULL;
	*binary = NULL;
	*n = 0;
	if (ocl->mode == MODE_LANES)
		return compile_lanes(ocl, c, binary, n, err);
	*program = build(ocl->lane[0].ctx, ocl->lane[0].dev, c, err);
	if (*program == NULL)
		return -1;
	if (get_binary(*program, c->name, binary, n, err) == 0)
		return 0;
	(void)clReleaseProgram(*program);
	*program = NULL;
	return -1;
}

cl_program
compile_binary(struct ocl *ocl, int lane, const void *binary, size_t n,
    struct err *err)
{
	const struct lane *l = &ocl->lane[lane];
	const unsigned char *bytes = binary;
	cl_program p;
	cl_int e;

	p = clCreateProgramWithBinary(l->ctx, 1, &l->dev, &n, &bytes, NULL, &e);
	if (e != CL_SUCCESS) {
		(void)clerr_set(err, e, "a program's binary");
		return NULL;
	}
	e = clBuildProgram(p, 1, &l->dev, "", NULL, NULL);
	if (e != CL_SUCCESS) {
		(void)clerr_set(err, e, "building a program's binary");
		(void)clReleaseProgram(p);
		return NULL;
	}
	return p;
}
