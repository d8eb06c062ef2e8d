/*
 * The fast forms of convolutions, products and pooling against the definitions:
 * shapes with odd tails, every width of vectors, both profiles, with and
 * without what is fused behind them.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "net_help.h"
#include "onnx_make.h"
#include "suite.h"

#define TOLERANCE	2e-5		/* of an output's largest value */
#define CASES_MAX	HELP_OUTPUTS
#define INPUTS_MAX	(2 * CASES_MAX)

/* A net in the making, with its inputs. */
struct trial {
	struct onnx	*o;
	uint32_t	 seed;
	uint32_t	 n_in;
	struct io	 in[INPUTS_MAX];
	struct io_seg	 seg[INPUTS_MAX];
};

/* Ways to run: widths of the CPU's vectors; NULL: the GPU's kernels. */
static const char *const vectors[] = { "16", "4", NULL, "8" };

#define WAYS		((int)nitems(vectors))
#define WAYS_FEW	3

static void
use_way(int way)
{
	if (vectors[way] != NULL)
		ck_assert_int_eq(setenv("CLINFERD_TEST_VEC", vectors[way], 1),
		    0);
	else
		ck_assert_int_eq(setenv("CLINFERD_TEST_PROFILE", "gpu", 1), 0);
}

static float *
numbers(struct trial *t, size_t n, float scale)
{
	float *f = malloc((n + 1) * sizeof(*f));

	ck_assert_ptr_nonnull(f);
	help_random(&t->seed, f, n);
	for (size_t i = 0; i < n; i++)
		f[i] *= scale;
	return f;
}

static size_t
count(int rank, const int64_t *dims)
{
	size_t n = 1;

	for (int i = 0; i < rank; i++)
		n *= (size_t)dims[i];
	return n;
}

static void
input(struct trial *t, const char *name, int rank, const int64_t *dims)
{
	float *f = numbers(t, count(rank, dims), 1);

	ck_assert_uint_lt(t->n_in, INPUTS_MAX);
	onnx_input(t->o, name, DT_FLOAT, rank, dims);
	t->in[t->n_in] = help_input(DT_FLOAT, rank, dims, f,
	    &t->seg[t->n_in]);
	t->n_in++;
}

static void
constant(struct trial *t, const char *name, int rank, const int64_t *dims,
    float scale)
{
	float *f = numbers(t, count(rank, dims), scale);

	onnx_init(t->o, name, DT_FLOAT, rank, dims, f);
	free(f);
}

static struct trial
begin(uint32_t seed)
{
	return (struct trial){ .o = onnx_new(17), .seed = seed };
}

static void
compare(const struct outputs *got, const struct outputs *want)
{
	const float *a, *b;
	double big, bad;

	ck_assert_int_eq(got->n, want->n);
	for (int i = 0; i < want->n; i++) {
		ck_assert(shape_equal(&got->io[i].shape, &want->io[i].shape));
		a = got->data[i];
		b = want->data[i];
		big = bad = 0;
		for (size_t k = 0; k < want->bytes[i] / sizeof(float); k++) {
			big = fmax(big, fabs((double)b[k]));
			ck_assert_msg(isfinite(a[k]), "output %d, element %zu",
			    i, k);
			bad = fmax(bad, fabs((double)a[k] - (double)b[k]));
		}
		ck_assert_msg(bad <= TOLERANCE * big,
		    "output %d: %g of %g", i, bad, big);
	}
}

/* The net by device forms, and by definitions. */
static void
agree(struct trial *t)
{
	static const struct engine_options opt[2] = {
		{ .nan_fill = true }, { .host_only = true },
	};
	struct outputs out[2];
	struct err err = { 0 };
	struct engine *e[2];
	struct net *net[2];
	size_t n;
	void *bytes = onnx_done(t->o, &n);

	for (int i = 0; i < 2; i++) {
		e[i] = help_engine(&opt[i]);
		net[i] = help_load(e[i], bytes, n);
		ck_assert_msg(help_run(net[i], t->in, t->n_in, &out[i],
		    &err) == 0, "%s", err.text);
	}
	compare(&out[0], &out[1]);
	for (int i = 0; i < 2; i++) {
		help_free(&out[i]);
		net_free(net[i]);
		engine_free(e[i]);
	}
	for (uint32_t i = 0; i < t->n_in; i++)
		free((void *)(uintptr_t)t->seg[i].data);
	free(bytes);
}

struct conv_case {
	int	n, c, m, group, h, w, kh, kw;
	int	stride[2], dilation[2], pad[4];
	int	bias, fused;
};

static int
out_size(int in, int k, int stride, int dilation, int pads)
{
	return (in + pads - (k - 1) * dilation - 1) / stride + 1;
}

/* relu(conv * scale per channel + a map) */
static void
add_fused(struct trial *t, int i, const int64_t *dims)
{
	char a[80], b[8];

	(void)snprintf(a, sizeof(a), "s%d", i);
	constant(t, a, 3, (int64_t[]){ dims[1], 1, 1 }, 1);
	(void)snprintf(a, sizeof(a), "r%d", i);
	input(t, a, 4, dims);
	(void)snprintf(a, sizeof(a), "c%d s%d", i, i);
	(void)snprintf(b, sizeof(b), "p%d", i);
	onnx_node(t->o, "Mul", a, b);
	(void)snprintf(a, sizeof(a), "p%d r%d", i, i);
	(void)snprintf(b, sizeof(b), "q%d", i);
	onnx_node(t->o, "Add", a, b);
	(void)snprintf(a, sizeof(a), "q%d", i);
	(void)snprintf(b, sizeof(b), "y%d", i);
	onnx_node(t->o, "Relu", a, b);
}

static void
add_conv(struct trial *t, int i, const struct conv_case *c)
{
	int64_t dims[4] = { c->n, c->m,
	    out_size(c->h, c->kh, c->stride[0], c->dilation[0],
	    c->pad[0] + c->pad[2]),
	    out_size(c->w, c->kw, c->stride[1], c->dilation[1],
	    c->pad[1] + c->pad[3]) };
	int fan = c->c / c->group * c->kh * c->kw;
	char in[80], name[8];

	(void)snprintf(name, sizeof(name), "x%d", i);
	input(t, name, 4, (int64_t[]){ c->n, c->c, c->h, c->w });
	(void)snprintf(name, sizeof(name), "w%d", i);
	constant(t, name, 4, (int64_t[]){ c->m, c->c / c->group, c->kh, c->kw },
	    sqrtf(3.0f / (float)fan));
	(void)snprintf(name, sizeof(name), "b%d", i);
	if (c->bias)
		constant(t, name, 1, (int64_t[]){ c->m }, 1);
	(void)snprintf(in, sizeof(in), c->bias ? "x%d w%d b%d" : "x%d w%d", i,
	    i, i);
	(void)snprintf(name, sizeof(name), c->fused ? "c%d" : "y%d", i);
	onnx_node(t->o, "Conv", in, name);
	onnx_attr_int(t->o, "group", c->group);
	onnx_attr_ints(t->o, "strides", 2,
	    (int64_t[]){ c->stride[0], c->stride[1] });
	onnx_attr_ints(t->o, "dilations", 2,
	    (int64_t[]){ c->dilation[0], c->dilation[1] });
	onnx_attr_ints(t->o, "pads", 4, (int64_t[]){ c->pad[0], c->pad[1],
	    c->pad[2], c->pad[3] });
	if (c->fused)
		add_fused(t, i, dims);
	(void)snprintf(name, sizeof(name), "y%d", i);
	onnx_output(t->o, name, DT_FLOAT, 4, dims);
}

#define ONES	{ 1, 1 }
#define P(a)	{ a, a, a, a }

/* n c m group, h w, kh kw, strides, dilations, pads, bias, fused */
static const struct conv_case wino_cases[] = {
	{ 2, 20, 37, 1, 13, 17, 3, 3, ONES, ONES, P(1), 1, 1 },
	{ 1, 16, 16, 1, 43, 41, 3, 3, ONES, ONES, P(1), 1, 1 },
	{ 3, 40, 16, 1, 5, 5, 3, 3, ONES, ONES, P(0), 0, 0 },
	{ 1, 32, 64, 2, 9, 14, 3, 3, ONES, ONES, P(1), 1, 1 },
	{ 1, 17, 70, 1, 30, 45, 3, 3, ONES, ONES, { 2, 0, 1, 1 }, 1, 0 },
	{ 1, 64, 96, 1, 7, 7, 3, 3, ONES, ONES, P(1), 1, 0 },
};

static const struct conv_case direct_cases[] = {
	{ 2, 33, 50, 1, 7, 9, 1, 1, ONES, ONES, P(0), 1, 1 },
	{ 1, 35, 64, 1, 15, 14, 3, 3, { 2, 2 }, ONES, P(1), 1, 1 },
	{ 1, 20, 24, 1, 12, 19, 5, 5, ONES, { 2, 2 }, P(4), 0, 1 },
	{ 2, 20, 28, 4, 8, 11, 3, 3, { 1, 2 }, ONES, P(1), 1, 1 },
	{ 1, 19, 18, 1, 6, 23, 1, 7, ONES, ONES, { 0, 3, 0, 3 }, 1, 0 },
	{ 4, 40, 10, 1, 1, 1, 1, 1, ONES, ONES, P(0), 1, 1 },
	{ 1, 21, 34, 1, 4, 3, 5, 3, ONES, ONES, { 2, 1, 3, 2 }, 1, 0 },
	{ 1, 272, 68, 4, 5, 5, 1, 1, ONES, ONES, P(0), 1, 1 },
};

static const struct conv_case other_cases[] = {
	{ 2, 19, 19, 19, 10, 21, 3, 3, ONES, ONES, P(1), 1, 1 },
	{ 1, 32, 32, 32, 15, 15, 5, 5, { 2, 2 }, ONES, P(2), 1, 0 },
	{ 1, 9, 9, 9, 9, 12, 3, 3, ONES, { 2, 3 }, P(2), 0, 1 },
	{ 1, 7, 14, 7, 6, 6, 3, 3, ONES, ONES, P(1), 1, 0 },
	{ 2, 3, 24, 1, 33, 40, 7, 7, { 2, 2 }, ONES, P(3), 1, 1 },
	{ 1, 1, 40, 1, 17, 15, 3, 3, ONES, ONES, P(1), 0, 1 },
	{ 1, 2, 21, 1, 31, 31, 11, 11, { 4, 4 }, ONES, P(0), 1, 0 },
};

static void
run_cases(int way, const struct conv_case *c, size_t n)
{
	struct trial t = begin((uint32_t)way + 11);

	use_way(way);
	for (size_t i = 0; i < n; i++)
		add_conv(&t, (int)i, &c[i]);
	agree(&t);
}

START_TEST(winograd)
{
	run_cases(_i, wino_cases, nitems(wino_cases));
}
END_TEST

START_TEST(direct)
{
	run_cases(_i, direct_cases, nitems(direct_cases));
}
END_TEST

START_TEST(depthwise_and_images)
{
	run_cases(_i, other_cases, nitems(other_cases));
}
END_TEST

/* One spatial axis: the same kernels, with one row. */
START_TEST(one_axis)
{
	struct trial t = begin(5);

	use_way(_i);
	input(&t, "x", 3, (int64_t[]){ 2, 18, 50 });
	constant(&t, "w", 3, (int64_t[]){ 20, 18, 5 }, 0.1f);
	constant(&t, "v", 3, (int64_t[]){ 20, 1, 3 }, 0.5f);
	onnx_node(t.o, "Conv", "x w", "a");
	onnx_attr_ints(t.o, "pads", 2, (int64_t[]){ 2, 2 });
	onnx_node(t.o, "Relu", "a", "b");
	onnx_node(t.o, "Conv", "b v", "c");
	onnx_attr_int(t.o, "group", 20);
	onnx_attr_ints(t.o, "strides", 1, (int64_t[]){ 2 });
	onnx_node(t.o, "MaxPool", "c", "y");
	onnx_attr_ints(t.o, "kernel_shape", 1, (int64_t[]){ 3 });
	onnx_node(t.o, "GlobalAveragePool", "c", "z");
	onnx_output(t.o, "y", DT_FLOAT, 3, (int64_t[]){ 2, 20, 22 });
	onnx_output(t.o, "z", DT_FLOAT, 3, (int64_t[]){ 2, 20, 1 });
	agree(&t);
}
END_TEST

/* Pools, Concat and LRN behind a convolution, so that maps are blocked. */
static void
chain(int way, int64_t n, int64_t c1, int64_t c2, int64_t c3)
{
	struct trial t = begin((uint32_t)(c1 + c2));

	use_way(way);
	input(&t, "x", 4, (int64_t[]){ n, 10, 12, 15 });
	constant(&t, "w1", 4, (int64_t[]){ c1, 10, 1, 1 }, 0.5f);
	constant(&t, "w2", 4, (int64_t[]){ c2, c1, 1, 1 }, 0.5f);
	constant(&t, "w3", 4, (int64_t[]){ c3, c1, 1, 1 }, 0.5f);
	onnx_node(t.o, "Conv", "x w1", "a");
	onnx_node(t.o, "Conv", "a w2", "b");
	onnx_node(t.o, "Conv", "a w3", "c");
	onnx_node(t.o, "Relu", "c", "d");
	onnx_node(t.o, "Concat", "a b d", "e");
	onnx_attr_int(t.o, "axis", 1);
	onnx_node(t.o, "Concat", "e b", "f");
	onnx_attr_int(t.o, "axis", 1);
	onnx_node(t.o, "LRN", "f", "g");
	onnx_attr_int(t.o, "size", 5);
	onnx_attr_float(t.o, "alpha", 0.5f);
	onnx_node(t.o, "LRN", "e", "h");
	onnx_attr_int(t.o, "size", 4);
	onnx_attr_float(t.o, "beta", 0.6f);
	onnx_node(t.o, "MaxPool", "g", "i");
	onnx_attr_ints(t.o, "kernel_shape", 2, (int64_t[]){ 3, 3 });
	onnx_attr_ints(t.o, "strides", 2, (int64_t[]){ 2, 2 });
	onnx_attr_ints(t.o, "pads", 4, (int64_t[]){ 1, 1, 1, 1 });
	onnx_node(t.o, "AveragePool", "h", "j");
	onnx_attr_ints(t.o, "kernel_shape", 2, (int64_t[]){ 3, 2 });
	onnx_attr_ints(t.o, "pads", 4, (int64_t[]){ 1, 0, 1, 1 });
	onnx_attr_int(t.o, "count_include_pad", way & 1);
	onnx_node(t.o, "GlobalMaxPool", "f", "k");
	onnx_output(t.o, "f", DT_FLOAT, -1, NULL);
	onnx_output(t.o, "i", DT_FLOAT, -1, NULL);
	onnx_output(t.o, "j", DT_FLOAT, -1, NULL);
	onnx_output(t.o, "k", DT_FLOAT, -1, NULL);
	agree(&t);
}

START_TEST(chains_whole_blocks)
{
	chain(_i, 1, 16, 32, 16);
}
END_TEST

START_TEST(chains_odd_channels)
{
	chain(_i, 1, 20, 7, 33);
}
END_TEST

START_TEST(chains_of_a_batch)
{
	chain(_i, 3, 16, 16, 18);
}
END_TEST

struct gemm_case {
	int64_t	batch, m, n, k;
	int	trans_a, trans_b;	/* Gemm */
	int	known, c;	/* C: 1 a row, 2 a column, 3 all of it */
};

static const struct gemm_case gemm_cases[] = {
	{ 0, 1, 100, 70, 0, 1, 1, 1 },
	{ 0, 13, 65, 33, 1, 1, 1, 2 },
	{ 0, 27, 40, 19, 0, 0, 0, 0 },
	{ 0, 5, 7, 3, 1, 0, 0, 1 },
	{ 3, 11, 50, 18, 0, 0, 0, 0 },
	{ 2, 9, 16, 24, 0, 0, 1, 0 },
	{ 0, 3, 130, 64, 0, 1, 0, 0 },
	{ 0, 6, 37, 20, 0, 0, 1, 3 },
};

static void
add_gemm(struct trial *t, int i, const struct gemm_case *g)
{
	int rank = g->batch ? 3 : 2, f = 3 - rank;
	int64_t a[3] = { g->batch, g->trans_a ? g->k : g->m,
	    g->trans_a ? g->m : g->k };
	int64_t b[3] = { g->batch, g->trans_b ? g->n : g->k,
	    g->trans_b ? g->k : g->n };
	char in[80], name[8];

	(void)snprintf(name, sizeof(name), "a%d", i);
	input(t, name, rank, a + f);
	(void)snprintf(name, sizeof(name), "b%d", i);
	if (g->known)
		constant(t, name, rank, b + f, 1);
	else
		input(t, name, rank, b + f);
	(void)snprintf(name, sizeof(name), "c%d", i);
	if (g->c)
		constant(t, name, g->c == 1 ? 1 : 2, g->c == 1 ?
		    (int64_t[]){ g->n } :
		    (int64_t[]){ g->m, g->c == 2 ? 1 : g->n }, 1);
	(void)snprintf(in, sizeof(in), g->c ? "a%d b%d c%d" : "a%d b%d", i, i,
	    i);
	(void)snprintf(name, sizeof(name), "p%d", i);
	onnx_node(t->o, g->batch ? "MatMul" : "Gemm", in, name);
	if (!g->batch) {
		onnx_attr_int(t->o, "transA", g->trans_a);
		onnx_attr_int(t->o, "transB", g->trans_b);
		onnx_attr_float(t->o, "alpha", g->c ? 0.5f : 1);
		onnx_attr_float(t->o, "beta", 1.5f);
	}
	(void)snprintf(name, sizeof(name), "d%d", i);
	constant(t, name, 1, (int64_t[]){ g->n }, 1);
	(void)snprintf(in, sizeof(in), "p%d d%d", i, i);
	(void)snprintf(name, sizeof(name), "q%d", i);
	onnx_node(t->o, "Add", in, name);
	(void)snprintf(in, sizeof(in), "q%d", i);
	(void)snprintf(name, sizeof(name), "y%d", i);
	onnx_node(t->o, "Relu", in, name);
	onnx_output(t->o, name, DT_FLOAT, -1, NULL);
}

START_TEST(products)
{
	struct trial t = begin(3);

	use_way(_i);
	for (size_t i = 0; i < nitems(gemm_cases); i++)
		add_gemm(&t, (int)i, &gemm_cases[i]);
	agree(&t);
}
END_TEST

/* Where there is no C nothing else is read for it. */
START_TEST(a_product_without_c)
{
	struct trial t = begin(4);
	float *a;

	use_way(_i);
	input(&t, "a", 2, (int64_t[]){ 9, 20 });
	a = (float *)(uintptr_t)t.seg[0].data;
	a[0] = INFINITY;
	constant(&t, "b", 2, (int64_t[]){ 20, 37 }, 1);
	onnx_init(t.o, "from", DT_INT64, 1, (int64_t[]){ 1 },
	    (int64_t[]){ 1 });
	onnx_init(t.o, "to", DT_INT64, 1, (int64_t[]){ 1 }, (int64_t[]){ 9 });
	onnx_init(t.o, "axis", DT_INT64, 1, (int64_t[]){ 1 }, (int64_t[]){ 0 });
	onnx_node(t.o, "Gemm", "a b", "p");
	onnx_attr_float(t.o, "alpha", 0.5f);
	onnx_node(t.o, "Slice", "p from to axis", "y");
	onnx_output(t.o, "y", DT_FLOAT, -1, NULL);
	agree(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("op_fast");
	TCase *c = tcase_create("forms");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, winograd, 0, WAYS);
	tcase_add_loop_test(c, direct, 0, WAYS);
	tcase_add_loop_test(c, depthwise_and_images, 0, WAYS);
	tcase_add_loop_test(c, one_axis, 0, WAYS_FEW);
	tcase_add_loop_test(c, chains_whole_blocks, 0, WAYS_FEW);
	tcase_add_loop_test(c, chains_odd_channels, 0, WAYS_FEW);
	tcase_add_loop_test(c, chains_of_a_batch, 0, WAYS_FEW);
	tcase_add_loop_test(c, products, 0, WAYS);
	tcase_add_loop_test(c, a_product_without_c, 0, WAYS_FEW);
	suite_add_tcase(s, c);
	return suite_run(s);
}
