/*
 * Steps: a kernel per lane, and arguments that may come before or after it.
 */
#include <limits.h>

#include "base/size.h"
#include "ocl/clerr.h"
#include "ocl/impl.h"
#include "ocl/program.h"

static int
n_work(const struct ocl *ocl)
{
	return ocl->mode == MODE_GPU ? 1 : 2;
}

static const char *
name_of(const struct ocl_step *s)
{
	return s->kernel;
}

struct ocl_step *
ocl_step_new(struct ocl *ocl, const struct ocl_source *src, struct err *err)
{
	struct ocl_step *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)err_memory(err, "a step", sizeof(*s));
		return NULL;
	}
	s->ocl = ocl;
	s->n_arg = -1;
	s->file = strdup(src->file);
	s->kernel = strdup(src->kernel);
	s->defines = strdup(src->defines != NULL ? src->defines : "");
	if (src->preamble != NULL)
		s->preamble = strdup(src->preamble);
	if (s->file == NULL || s->kernel == NULL || s->defines == NULL ||
	    (src->preamble != NULL && s->preamble == NULL)) {
		(void)err_memory(err, "a step", sizeof(*s));
		ocl_step_free(ocl, s);
		return NULL;
	}
	return s;
}

static void
free_scratch(struct ocl *ocl, struct arg *a)
{
	if (a->scratch == NULL)
		return;
	for (int i = 0; i < ocl->lanes; i++)
		ocl_buf_free(ocl, a->scratch[i]);
	free(a->scratch);
	a->scratch = NULL;
}

void
ocl_step_free(struct ocl *ocl, struct ocl_step *s)
{
	if (s == NULL)
		return;
	for (int i = 0; s->k != NULL && i < ocl->lanes; i++)
		if (s->k[i] != NULL)
			(void)clReleaseKernel(s->k[i]);
	program_release(ocl->programs, s->program);
	for (int i = 0; i < STEP_ARGS; i++)
		free_scratch(ocl, &s->arg[i]);
	free(s->k);
	free(s->file);
	free(s->kernel);
	free(s->defines);
	free(s->preamble);
	free(s);
}

/* Argument i of one lane's kernel. */
static cl_int
apply(struct ocl_step *s, int i, int lane)
{
	const struct arg *a = &s->arg[i];
	cl_kernel k = s->k[lane];
	cl_uint at = (cl_uint)i;

	switch (a->kind) {
	case ARG_BUF:
		return clSetKernelArg(k, at, sizeof(cl_mem),
		    &a->buf->mem[lane]);
	case ARG_SCRATCH:
		return clSetKernelArg(k, at, sizeof(cl_mem),
		    &a->scratch[lane]->mem[lane]);
	case ARG_BYTES:
		return clSetKernelArg(k, at, a->n, a->bytes);
	case ARG_UNSET:
		break;
	}
	return CL_SUCCESS;
}

static int
apply_all(struct ocl_step *s, int i, struct err *err)
{
	cl_int e;

	if (s->k == NULL)
		return 0;
	if (i >= s->n_arg)
		return err_set(err, ERR_INTERNAL,
		    "kernel %s: argument %d, but it takes %d", name_of(s), i,
		    s->n_arg);
	for (int lane = 0; lane < s->ocl->lanes; lane++)
		if ((e = apply(s, i, lane)) != CL_SUCCESS)
			return clerr_set(err, e, "kernel %s: argument %d",
			    name_of(s), i);
	return 0;
}

/* Argument i, about to be set anew. */
static struct arg *
arg_at(struct ocl_step *s, int i, struct err *err)
{
	if (i < 0 || i >= STEP_ARGS) {
		(void)err_set(err, ERR_INTERNAL,
		    "kernel %s: argument %d, at most %d", name_of(s), i,
		    STEP_ARGS);
		return NULL;
	}
	free_scratch(s->ocl, &s->arg[i]);
	return &s->arg[i];
}

static int
set(struct ocl_step *s, int i, enum arg_kind kind, struct err *err)
{
	if (s->arg[i].kind == ARG_UNSET)
		s->n_set++;
	s->arg[i].kind = kind;
	return apply_all(s, i, err);
}

int
ocl_step_buf(struct ocl_step *s, int i, struct ocl_buf *b, struct err *err)
{
	struct arg *a = arg_at(s, i, err);

	if (a == NULL)
		return -1;
	a->buf = b;
	return set(s, i, ARG_BUF, err);
}

int
ocl_step_bytes(struct ocl_step *s, int i, const void *p, size_t n,
    struct err *err)
{
	struct arg *a = arg_at(s, i, err);

	if (a == NULL)
		return -1;
	if (n == 0 || n > sizeof(a->bytes))
		return err_set(err, ERR_INTERNAL,
		    "kernel %s: argument %d of %zu bytes", name_of(s), i, n);
	a->n = n;
	memcpy(a->bytes, p, n);
	return set(s, i, ARG_BYTES, err);
}

/* Each lane its buffer; other devices: one, with room for all instances. */
static int
new_scratch(struct ocl *ocl, struct arg *a, size_t n, struct err *err)
{
	size_t bytes;

	if (!size_mul(n, ocl->mode == MODE_CPU ? (size_t)ocl->instances : 1,
	    &bytes))
		return err_set(err, ERR_LIMIT, "scratch of %zu bytes", n);
	a->scratch = calloc((size_t)ocl->lanes, sizeof(*a->scratch));
	if (a->scratch == NULL)
		return err_memory(err, "scratch", sizeof(*a->scratch));
	for (int i = 0; i < ocl->lanes; i++)
		if ((a->scratch[i] = ocl_buf_new(ocl, bytes, err)) == NULL)
			return -1;
	return 0;
}

/*
 * Before the total: lanes' counter of pieces; other CPU drivers' scratch
 * stride.
 */
static cl_int
apply_extra(struct ocl_step *s, int lane)
{
	cl_kernel k = s->k[lane];
	cl_uint at = (cl_uint)s->n_arg;
	cl_long each = (cl_long)s->scratch;

	if (s->ocl->mode == MODE_LANES)
		return clSetKernelArg(k, at, sizeof(cl_mem),
		    &s->ocl->next->mem[lane]);
	if (s->ocl->mode == MODE_CPU)
		return clSetKernelArg(k, at, sizeof(each), &each);
	return CL_SUCCESS;
}

/* The work: it is the kernels' last argument. */
static int
apply_work(struct ocl_step *s, struct err *err)
{
	cl_int total = s->total, e;
	cl_uint at;

	if (s->k == NULL)
		return 0;
	at = (cl_uint)(s->n_arg + n_work(s->ocl) - 1);
	for (int i = 0; i < s->ocl->lanes; i++) {
		e = apply_extra(s, i);
		if (e == CL_SUCCESS)
			e = clSetKernelArg(s->k[i], at, sizeof(total), &total);
		if (e != CL_SUCCESS)
			return clerr_set(err, e, "kernel %s: its work",
			    name_of(s));
	}
	return 0;
}

int
ocl_step_scratch(struct ocl_step *s, int i, size_t n, struct err *err)
{
	struct arg *a = arg_at(s, i, err);

	if (a == NULL)
		return -1;
	if (s->ocl->mode == MODE_GPU)
		return err_set(err, ERR_INTERNAL,
		    "kernel %s: scratch on the GPU profile", name_of(s));
	if (s->scratch != 0 && a->kind != ARG_SCRATCH)
		return err_set(err, ERR_INTERNAL,
		    "kernel %s: a second scratch", name_of(s));
	n = size_round(n < SIZE_MAX / 2 ? n : SIZE_MAX / 2, 64);
	if (new_scratch(s->ocl, a, n, err) == -1) {
		free_scratch(s->ocl, a);
		return -1;
	}
	s->scratch = n;
	if (set(s, i, ARG_SCRATCH, err) == -1)
		return -1;
	/* The stride goes with the work, which may be set already. */
	return apply_work(s, err);
}

int
ocl_step_work(struct ocl_step *s, size_t total, const size_t local[2],
    struct err *err)
{
	size_t most = total;

	if (total > INT_MAX)
		return err_set(err, ERR_LIMIT, "kernel %s: %zu pieces of work",
		    name_of(s), total);
	if (s->ocl->mode == MODE_CPU && most > (size_t)s->ocl->instances)
		most = (size_t)s->ocl->instances;
	s->total = (int)total;
	s->trials = 0;
	s->groups = most;
	s->local[0] = local != NULL ? local[0] : 0;
	s->local[1] = local != NULL ? local[1] : 0;
	return apply_work(s, err);
}

/* How many parameters; the work's come last. */
static int
count_args(struct ocl_step *s, struct err *err)
{
	cl_uint n = 0;
	cl_int e;

	e = clGetKernelInfo(s->k[0], CL_KERNEL_NUM_ARGS, sizeof(n), &n, NULL);
	if (e != CL_SUCCESS)
		return clerr_set(err, e, "kernel %s: its arguments",
		    name_of(s));
	s->n_arg = (int)n - n_work(s->ocl);
	if (s->n_arg < 0 || s->n_arg > STEP_ARGS)
		return err_set(err, ERR_INTERNAL, "kernel %s: %u parameters",
		    name_of(s), n);
	return 0;
}

static int
make_kernels(struct ocl *ocl, struct ocl_step *s, struct err *err)
{
	cl_int e;

	if (s->k != NULL)
		return 0;
	s->k = calloc((size_t)ocl->lanes, sizeof(*s->k));
	if (s->k == NULL)
		return err_memory(err, "kernels", sizeof(*s->k));
	for (int i = 0; i < ocl->lanes; i++) {
		s->k[i] = clCreateKernel(program_cl(s->program, i), s->kernel,
		    &e);
		if (e != CL_SUCCESS) {
			s->k[i] = NULL;
			return clerr_set(err, e, "kernel %s of %s.cl",
			    s->kernel, s->file);
		}
	}
	if (count_args(s, err) == -1 || apply_work(s, err) == -1)
		return -1;
	for (int i = 0; i < STEP_ARGS; i++)
		if (s->arg[i].kind != ARG_UNSET && apply_all(s, i, err) == -1)
			return -1;
	return 0;
}

int
ocl_find(struct ocl *ocl, struct ocl_step *const *steps, size_t n,
    struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (steps[i]->program == NULL)
			steps[i]->program = program_of(ocl, steps[i], err);
		if (steps[i]->program == NULL)
			return -1;
	}
	return 0;
}

enum ocl_trust
ocl_step_trust(const struct ocl_step *s)
{
	return s->program == NULL ? TRUST_UNKNOWN : program_trust(s->program);
}

void
ocl_step_judge(struct ocl *ocl, struct ocl_step *s, enum ocl_trust trust)
{
	if (s->program != NULL && program_trust(s->program) != trust)
		program_judge(ocl, s->program, trust);
}

static int
build_steps(struct ocl *ocl, struct ocl_step *const *steps, size_t n,
    struct program **list, struct err *err)
{
	if (ocl_find(ocl, steps, n, err) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		list[i] = steps[i]->program;
	if (programs_build(ocl, list, n, err) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (make_kernels(ocl, steps[i], err) == -1)
			return -1;
	return 0;
}

int
ocl_build(struct ocl *ocl, struct ocl_step *const *steps, size_t n,
    struct err *err)
{
	struct program **list = calloc(n + 1, sizeof(struct program *));
	int result;

	if (list == NULL)
		return err_memory(err, "a list of programs", n * sizeof(*list));
	result = build_steps(ocl, steps, n, list, err);
	free(list);
	return result;
}
