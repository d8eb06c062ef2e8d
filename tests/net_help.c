#include "net_help.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ocl *
help_device(void)
{
	const char *profile = getenv("CLINFERD_TEST_PROFILE");
	const char *vec = getenv("CLINFERD_TEST_VEC");
	struct ocl_options opt = { .device = getenv("CLINFERD_TEST_DEVICE"),
	    .cl_dir = getenv("CLINFERD_TEST_CL"),
	    .cache_dir = getenv("CLINFERD_TEST_CACHE") };
	struct err err = { 0 };
	struct ocl *ocl;

	if (opt.device == NULL)
		opt.device = "Portable Computing Language";
	if (profile != NULL && strcmp(profile, "gpu") == 0)
		opt.profile = FORCE_GPU;
	if (vec != NULL)
		opt.vec = (int)strtol(vec, NULL, 10);
	ocl = ocl_open(&opt, &err);
	ck_assert_msg(ocl != NULL, "%s", err.text);
	return ocl;
}

struct ocl *
help_ocl(void)
{
	static struct ocl *ocl;

	if (ocl == NULL)
		ocl = help_device();
	return ocl;
}

struct engine *
help_engine(const struct engine_options *opt)
{
	struct err err = { 0 };
	struct engine *e;

	e = engine_new(help_ocl(), opt, &err);
	ck_assert_msg(e != NULL, "%s", err.text);
	return e;
}

struct net *
help_load(struct engine *e, const void *bytes, size_t n)
{
	struct err err = { 0 };
	void *copy = malloc(n);
	struct net *net;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, n);
	net = net_load(e, copy, n, NULL, NULL, &err);
	ck_assert_msg(net != NULL, "%s", err.text);
	return net;
}

struct io
help_input(enum dtype type, int rank, const int64_t *dims, const void *data,
    struct io_seg *seg)
{
	struct io io = { .kind = IO_TENSOR, .type = type, .seg = seg,
	    .n_seg = 1, .shape = { .rank = rank } };

	for (int i = 0; i < rank; i++)
		io.shape.dim[i] = dims[i];
	seg->data = data;
	ck_assert(shape_bytes(&io.shape, type, &seg->bytes));
	return io;
}

static void *
place(void *arg, uint32_t i, const struct io *shape_of, size_t bytes)
{
	struct outputs *o = arg;

	ck_assert_uint_lt(i, HELP_OUTPUTS);
	o->io[i] = *shape_of;
	o->bytes[i] = bytes;
	o->data[i] = malloc(bytes + 1);
	if ((int)i >= o->n)
		o->n = (int)i + 1;
	return o->data[i];
}

int
help_run(struct net *net, const struct io *in, uint32_t n_in,
    struct outputs *o, struct err *err)
{
	struct run_sink sink = { place, o };

	memset(o, 0, sizeof(*o));
	return net_run(net, in, n_in, NULL, &sink, err);
}

void
help_free(struct outputs *o)
{
	for (int i = 0; i < HELP_OUTPUTS; i++)
		free(o->data[i]);
	memset(o, 0, sizeof(*o));
}

void *
help_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p;
	long size;

	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	ck_assert_int_ge(size, 0);
	rewind(f);
	p = malloc((size_t)size + 1);
	ck_assert_ptr_nonnull(p);
	*n = fread(p, 1, (size_t)size, f);
	fclose(f);
	return p;
}

void
help_random(uint32_t *seed, float *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*seed = *seed * 1664525 + 1013904223;
		f[i] = (float)(*seed >> 8) / (float)(1 << 23) - 1;
	}
}

double
help_diff(const float *a, const float *b, size_t n)
{
	double d, max = 0;

	for (size_t i = 0; i < n; i++) {
		if (isnan(a[i]) && isnan(b[i]))
			continue;
		d = a[i] == b[i] ? 0 :
		    fabs((double)a[i] - b[i]) / (1 + fabs((double)b[i]));
		if (isnan(d))
			return (double)INFINITY;
		max = fmax(max, d);
	}
	return max;
}
