/*
 * Device memory.  Lanes compute where the host does: their buffers are host
 * memory that OpenCL only knows of, so reading and writing is copying.
 * Elsewhere the queue does it, blocking.
 */
#include <sys/mman.h>

#include "base/size.h"
#include "ocl/clerr.h"
#include "ocl/impl.h"

#define PAGE	4096

/* Fresh pages are zero, and cost nothing until touched. */
static cl_int
new_host(struct ocl *ocl, struct ocl_buf *b)
{
	cl_int e = CL_SUCCESS;

	b->mapped = size_round(b->bytes, PAGE);
	b->host = mmap(NULL, b->mapped, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->host == MAP_FAILED) {
		b->host = NULL;
		return CL_OUT_OF_HOST_MEMORY;
	}
	for (int i = 0; i < ocl->lanes && e == CL_SUCCESS; i++)
		b->mem[i] = clCreateBuffer(ocl->lane[i].ctx, CL_MEM_READ_WRITE |
		    CL_MEM_USE_HOST_PTR, b->bytes, b->host, &e);
	return e;
}

static cl_int
new_device(struct ocl *ocl, struct ocl_buf *b)
{
	static const cl_uchar zero;
	cl_int e;

	b->mem[0] = clCreateBuffer(ocl->lane[0].ctx, CL_MEM_READ_WRITE,
	    b->bytes, NULL, &e);
	if (e != CL_SUCCESS)
		return e;
	/* Drivers allocate when first used: better here than in a run. */
	e = clEnqueueFillBuffer(ocl->lane[0].queue, b->mem[0], &zero,
	    sizeof(zero), 0, b->bytes, 0, NULL, NULL);
	return e != CL_SUCCESS ? e : clFinish(ocl->lane[0].queue);
}

static int
check_size(const struct ocl *ocl, size_t bytes, struct err *err)
{
	if (bytes > ocl->facts.max_alloc)
		return err_set(err, ERR_MEMORY,
		    "%s: a buffer of %zu bytes, at most %llu", ocl->facts.name,
		    bytes, (unsigned long long)ocl->facts.max_alloc);
	if (!size_within(ocl->memory, bytes, ocl->memory_max))
		return err_set(err, ERR_MEMORY, "a buffer of %zu bytes: %zu "
		    "of the %zu allowed are in use", bytes, ocl->memory,
		    ocl->memory_max);
	return 0;
}

struct ocl_buf *
ocl_buf_new(struct ocl *ocl, size_t bytes, struct err *err)
{
	struct ocl_buf *b;
	cl_int e;

	if (check_size(ocl, bytes, err) == -1)
		return NULL;
	if ((b = calloc(1, sizeof(*b))) == NULL || (b->mem =
	    calloc((size_t)ocl->lanes, sizeof(*b->mem))) == NULL) {
		free(b);
		(void)err_memory(err, "a buffer", sizeof(*b));
		return NULL;
	}
	b->bytes = bytes > 0 ? bytes : 1;
	e = ocl->mode == MODE_LANES ? new_host(ocl, b) : new_device(ocl, b);
	ocl->memory += b->bytes;
	if (e != CL_SUCCESS) {
		(void)clerr_alloc(err, e, "%s: a buffer of %zu bytes",
		    ocl->facts.name, bytes);
		ocl_buf_free(ocl, b);
		return NULL;
	}
	return b;
}

void
ocl_buf_free(struct ocl *ocl, struct ocl_buf *b)
{
	if (b == NULL)
		return;
	for (int i = 0; i < ocl->lanes; i++)
		if (b->mem[i] != NULL)
			(void)clReleaseMemObject(b->mem[i]);
	free(b->mem);
	if (b->host != NULL)
		(void)munmap(b->host, b->mapped);
	ocl->memory -= b->bytes;
	free(b);
}

size_t
ocl_buf_bytes(const struct ocl_buf *b)
{
	return b->bytes;
}

void *
ocl_buf_host(struct ocl_buf *b)
{
	return b->host;
}

size_t
ocl_memory(const struct ocl *ocl)
{
	return ocl->memory;
}

void
ocl_memory_limit(struct ocl *ocl, size_t max)
{
	ocl->memory_max = max;
}

static int
check_range(const struct ocl_buf *b, size_t off, size_t n, struct err *err)
{
	if (size_within(off, n, b->bytes))
		return 0;
	return err_set(err, ERR_INTERNAL,
	    "bytes %zu to %zu of a buffer of %zu", off, off + n, b->bytes);
}

int
ocl_write(struct ocl *ocl, struct ocl_buf *b, size_t off, const void *p,
    size_t n, struct err *err)
{
	cl_int e;

	if (check_range(b, off, n, err) == -1)
		return -1;
	if (n == 0)
		return 0;
	if (b->host != NULL) {
		memcpy((char *)b->host + off, p, n);
		return 0;
	}
	e = clEnqueueWriteBuffer(ocl->lane[0].queue, b->mem[0], CL_TRUE, off, n,
	    p, 0, NULL, NULL);
	return e == CL_SUCCESS ? 0 :
	    clerr_set(err, e, "%s: writing %zu bytes", ocl->facts.name, n);
}

int
ocl_read(struct ocl *ocl, struct ocl_buf *b, size_t off, void *p, size_t n,
    struct err *err)
{
	cl_int e;

	if (check_range(b, off, n, err) == -1)
		return -1;
	if (n == 0)
		return 0;
	if (b->host != NULL) {
		memcpy(p, (const char *)b->host + off, n);
		return 0;
	}
	e = clEnqueueReadBuffer(ocl->lane[0].queue, b->mem[0], CL_TRUE, off, n,
	    p, 0, NULL, NULL);
	return e == CL_SUCCESS ? 0 :
	    clerr_set(err, e, "%s: reading %zu bytes", ocl->facts.name, n);
}

int
ocl_zero(struct ocl *ocl, struct ocl_buf *b, size_t off, size_t n,
    struct err *err)
{
	static const cl_uchar zero;
	cl_int e;

	if (check_range(b, off, n, err) == -1)
		return -1;
	if (n == 0)
		return 0;
	if (b->host != NULL) {
		memset((char *)b->host + off, 0, n);
		return 0;
	}
	e = clEnqueueFillBuffer(ocl->lane[0].queue, b->mem[0], &zero,
	    sizeof(zero), off, n, 0, NULL, NULL);
	return e == CL_SUCCESS ? 0 :
	    clerr_set(err, e, "%s: zeroing %zu bytes", ocl->facts.name, n);
}
