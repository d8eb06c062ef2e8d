/* Devices: steps, arguments, programs; on every driver that is installed. */
#include <check.h>
#include <math.h>
#include <unistd.h>

#include "base/size.h"
#include "ocl/ocl.h"
#include "suite.h"

/* Ways to compute.  A driver that is not installed is passed over. */
static const struct way {
	const char	*name;
	const char	*icd;		/* NULL: PoCL's */
	const char	*library;	/* or this, through an own .icd file */
	int		 lanes;
	enum ocl_force	 force;
} ways[] = {
	{ "one lane", NULL, NULL, 1, FORCE_NONE },
	{ "two lanes", NULL, NULL, 2, FORCE_NONE },
	{ "three lanes", NULL, NULL, 3, FORCE_NONE },
	{ "PoCL as a GPU", NULL, NULL, 0, FORCE_GPU },
	{ "rusticl", "/etc/OpenCL/vendors/rusticl.icd", NULL, 0, FORCE_CPU },
	{ "rusticl as a GPU", "/etc/OpenCL/vendors/rusticl.icd", NULL, 0,
	    FORCE_GPU },
	{ "oclgrind", NULL, "/usr/lib/oclgrind/liboclgrind-rt-icd.so", 0,
	    FORCE_CPU },
	{ "oclgrind as a GPU", NULL,
	    "/usr/lib/oclgrind/liboclgrind-rt-icd.so", 0, FORCE_GPU },
};
#define POCL_WAYS	4
/* Under TSan only PoCL: it cannot see how the others' threads keep order. */
#ifdef __SANITIZE_THREAD__
#define WAYS		POCL_WAYS
#else
#define WAYS		nitems(ways)
#endif

static char dir[] = "/tmp/t_ocl.XXXXXX";

static void
make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
remove_dir(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static const char *
in_dir(const char *name)
{
	static char path[4][128];
	static int i;
	char *p = path[i++ % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void
choose_driver(const struct way *w)
{
	const char *icd = w->icd != NULL ? w->icd :
	    "/etc/OpenCL/vendors/pocl.icd";
	FILE *f;

	if (w->library != NULL) {
		icd = in_dir("own.icd");
		ck_assert_ptr_nonnull(f = fopen(icd, "w"));
		(void)fprintf(f, "%s\n", w->library);
		(void)fclose(f);
	}
	(void)setenv("OCL_ICD_VENDORS", icd, 1);
	(void)setenv("RUSTICL_ENABLE", "llvmpipe", 1);
}

/* NULL: not installed. */
static struct ocl *
open_way(const struct way *w)
{
	const struct ocl_options o = {
		.lanes = w->lanes, .profile = w->force,
		.cache_dir = in_dir("cache"), .cl_dir = TESTS_DIR "/cl",
	};
	struct ocl *ocl;
	struct err e;

	if (w->icd != NULL && access(w->icd, R_OK) == -1)
		return NULL;
	if (w->library != NULL && access(w->library, R_OK) == -1)
		return NULL;
	choose_driver(w);
	ocl = ocl_open(&o, &e);
	ck_assert_msg(ocl != NULL, "%s: %s", w->name, e.text);
	return ocl;
}

#define OK(x)	ck_assert_msg((x) != -1, "%s", e.text)

static struct ocl_buf *
new_buf(struct ocl *ocl, size_t n)
{
	struct ocl_buf *b;
	struct err e;

	b = ocl_buf_new(ocl, n, &e);
	ck_assert_msg(b != NULL, "%s", e.text);
	return b;
}

static struct ocl_step *
new_step(struct ocl *ocl, const char *kernel, const char *defines)
{
	const struct ocl_source s = { "t_ocl", kernel, defines, NULL };
	struct ocl_step *step;
	struct err e;

	step = ocl_step_new(ocl, &s, &e);
	ck_assert_msg(step != NULL, "%s", e.text);
	return step;
}

/* A buffer and its offset: two parameters. */
static void
tensor_arg(struct ocl_step *s, int i, struct ocl_buf *b, int64_t at)
{
	struct err e;

	OK(ocl_step_buf(s, i, b, &e));
	OK(ocl_step_bytes(s, i + 1, &at, sizeof(at), &e));
}

static void
int_arg(struct ocl_step *s, int i, int v)
{
	struct err e;

	OK(ocl_step_bytes(s, i, &v, sizeof(v), &e));
}

/* Each step reads what all instances of the one before wrote. */
#define RING	5003
#define BLURS	40
START_TEST(a_step_sees_all_that_the_one_before_wrote)
{
	struct ocl *ocl = open_way(&ways[_i]);
	struct ocl_step *step[BLURS];
	struct ocl_buf *b[2];
	static int32_t want[2][RING], got[RING];
	struct err e;

	if (ocl == NULL)
		return;
	for (int i = 0; i < RING; i++)
		want[0][i] = i * 7 % 11;
	for (int i = 0; i < 2; i++)
		b[i] = new_buf(ocl, sizeof(got));
	for (int s = 0; s < BLURS; s++) {
		step[s] = new_step(ocl, "t_blur", "");
		tensor_arg(step[s], 0, b[s % 2], 0);
		tensor_arg(step[s], 2, b[(s + 1) % 2], 0);
		int_arg(step[s], 4, RING);
		OK(ocl_step_work(step[s], 1 + (size_t)s * 3, NULL, &e));
		for (int i = 0; i < RING; i++)
			want[(s + 1) % 2][i] = (int32_t)(
			    (uint32_t)want[s % 2][(i + RING - 1) % RING] +
			    (uint32_t)want[s % 2][i] +
			    (uint32_t)want[s % 2][(i + 1) % RING]);
	}
	OK(ocl_build(ocl, step, BLURS, &e));
	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < RING; i++)
			got[i] = i * 7 % 11;
		OK(ocl_write(ocl, b[0], 0, got, sizeof(got), &e));
		OK(ocl_run(ocl, step, BLURS, NULL, &e));
		OK(ocl_read(ocl, b[BLURS % 2], 0, got, sizeof(got), &e));
		ck_assert_int_eq(memcmp(got, want[BLURS % 2], sizeof(got)), 0);
		/* Long enough for the lanes to fall asleep. */
		if (round % 4 == 3)
			(void)usleep(3000);
	}
	for (int s = 0; s < BLURS; s++)
		ocl_step_free(ocl, step[s]);
	for (int i = 0; i < 2; i++)
		ocl_buf_free(ocl, b[i]);
	ocl_close(ocl);
}
END_TEST

#define PIECES	700
START_TEST(each_piece_is_taken_once)
{
	struct ocl *ocl = open_way(&ways[_i]);
	const size_t local[2] = { 8, 2 };
	struct ocl_step *step;
	struct ocl_buf *b;
	int32_t got[PIECES + 1];
	int64_t ns = -1;
	struct err e;

	if (ocl == NULL)
		return;
	b = new_buf(ocl, sizeof(got));
	step = new_step(ocl, "t_pieces", "");
	OK(ocl_build(ocl, &step, 1, &e));
	/* Arguments after building, and the output one element further. */
	tensor_arg(step, 0, b, 1);
	OK(ocl_step_work(step, PIECES, local, &e));
	for (int i = 0; i < 20; i++)
		OK(ocl_run(ocl, &step, 1, i == 7 ? &ns : NULL, &e));
	ck_assert_int_ge(ns, 0);
	OK(ocl_step_work(step, 0, local, &e));
	OK(ocl_run(ocl, &step, 1, NULL, &e));
	OK(ocl_read(ocl, b, 0, got, sizeof(got), &e));
	ck_assert_int_eq(got[0], 0);
	for (int i = 0; i < PIECES; i++)
		ck_assert_int_eq(got[i + 1], 20 * (i + 1));
	ocl_step_free(ocl, step);
	ocl_buf_free(ocl, b);
	ocl_close(ocl);
}
END_TEST

START_TEST(scratch_belongs_to_one_instance)
{
	struct ocl *ocl = open_way(&ways[_i]);
	struct ocl_step *step;
	struct ocl_buf *b;
	int32_t got[PIECES];
	struct err e;

	if (ocl == NULL)
		return;
	if (ocl_facts(ocl)->profile != PROFILE_CPU) {
		ocl_close(ocl);
		return;
	}
	b = new_buf(ocl, sizeof(got));
	step = new_step(ocl, "t_scratch", "");
	tensor_arg(step, 0, b, 0);
	OK(ocl_step_scratch(step, 2, sizeof(int32_t), &e));
	ck_assert_int_eq(ocl_step_scratch(step, 1, 4, &e), -1);
	tensor_arg(step, 0, b, 0);
	int_arg(step, 3, 100);
	OK(ocl_step_work(step, PIECES, NULL, &e));
	OK(ocl_build(ocl, &step, 1, &e));
	/* Plans set it when all is built. */
	OK(ocl_step_scratch(step, 2, 100 * sizeof(int32_t), &e));
	for (int i = 0; i < 10; i++)
		OK(ocl_run(ocl, &step, 1, NULL, &e));
	OK(ocl_read(ocl, b, 0, got, sizeof(got), &e));
	for (int i = 0; i < PIECES; i++)
		ck_assert_int_eq(got[i], 100 * i + 4950);
	ocl_step_free(ocl, step);
	ocl_buf_free(ocl, b);
	ck_assert_uint_le(ocl_memory(ocl), 64);
	ocl_close(ocl);
}
END_TEST

START_TEST(memory_is_zero_and_bounded)
{
	struct ocl *ocl = open_way(&ways[_i]);
	char got[1000], ones[10];
	struct ocl_buf *b, *more;
	struct err e;

	if (ocl == NULL)
		return;
	b = new_buf(ocl, sizeof(got));
	memset(got, 1, sizeof(got));
	memset(ones, 1, sizeof(ones));
	OK(ocl_read(ocl, b, 0, got, sizeof(got), &e));
	for (size_t i = 0; i < sizeof(got); i++)
		ck_assert_int_eq(got[i], 0);
	OK(ocl_write(ocl, b, 990, ones, 10, &e));
	OK(ocl_zero(ocl, b, 995, 5, &e));
	OK(ocl_read(ocl, b, 985, got, 15, &e));
	ck_assert_int_eq(memcmp(got, "\0\0\0\0\0\1\1\1\1\1\0\0\0\0\0", 15), 0);
	ck_assert_int_eq(ocl_write(ocl, b, 991, ones, 10, &e), -1);
	ck_assert_int_eq(e.code, ERR_INTERNAL);
	ck_assert_int_eq(ocl_read(ocl, b, 1001, got, 0, &e), -1);
	ck_assert_uint_eq(ocl_buf_bytes(b), sizeof(got));
	ck_assert(ocl_facts(ocl)->shared == (ocl_buf_host(b) != NULL));
	/* More than there is: the caller's problem, not the device's. */
	ck_assert_ptr_null(ocl_buf_new(ocl, (size_t)1 << 46, &e));
	ck_assert_int_eq(e.code, ERR_MEMORY);
	ck_assert_ptr_null(ocl_buf_new(ocl, SIZE_MAX, &e));
	ocl_memory_limit(ocl, ocl_memory(ocl) + 100);
	ck_assert_ptr_null(ocl_buf_new(ocl, 101, &e));
	ck_assert_int_eq(e.code, ERR_MEMORY);
	ck_assert_ptr_nonnull(more = ocl_buf_new(ocl, 100, &e));
	ocl_buf_free(ocl, more);
	ocl_buf_free(ocl, b);
	ocl_close(ocl);
}
END_TEST

/* Units in the last place between a float and the truth. */
static double
ulps(float got, double want)
{
	float near = (float)want;
	double unit;

	if (isnan(want) || isinf(near))
		return (isnan(got) && isnan(want)) || got == near ? 0 : 1e9;
	unit = fmax(ldexp(1.0, ilogb(near == 0 ? 1e-45f : near) - 23), 1e-45);
	return fabs(got - want) / unit;
}

#define XS	20000
START_TEST(fast_functions_are_accurate)
{
	static const char *const kernels[] = { "t_math", "t_math_vec" };
	struct ocl *ocl = open_way(&ways[_i / 2]);
	static float x[XS], got[4][XS];
	struct ocl_step *step;
	struct ocl_buf *in, *out[4];
	double want[4], worst[4] = { 0 };
	struct err e;

	if (ocl == NULL)
		return;
	for (int i = 0; i < XS; i++)
		x[i] = (float)(i - XS / 2) / (XS / 2) *
		    (i % 3 == 0 ? 110.0f : i % 3 == 1 ? 5.0f : 1.0f);
	x[0] = NAN;
	x[1] = INFINITY;
	x[2] = -INFINITY;
	x[3] = 0.0f;
	x[4] = 1e-30f;
	x[5] = -3e38f;
	in = new_buf(ocl, sizeof(x));
	step = new_step(ocl, kernels[_i % 2], "");
	tensor_arg(step, 0, in, 0);
	for (int f = 0; f < 4; f++) {
		out[f] = new_buf(ocl, sizeof(x));
		tensor_arg(step, 2 + 2 * f, out[f], 0);
	}
	int_arg(step, 10, XS);
	OK(ocl_step_work(step, 9, NULL, &e));
	OK(ocl_build(ocl, &step, 1, &e));
	OK(ocl_write(ocl, in, 0, x, sizeof(x), &e));
	OK(ocl_run(ocl, &step, 1, NULL, &e));
	for (int f = 0; f < 4; f++)
		OK(ocl_read(ocl, out[f], 0, got[f], sizeof(x), &e));
	for (int i = 0; i < XS; i++) {
		want[0] = exp((double)x[i]);
		want[1] = tanh((double)x[i]);
		want[2] = 1 / (1 + exp(-(double)x[i]));
		want[3] = erf((double)x[i]);
		/* Whether a driver keeps denormals is its own affair. */
		for (int f = 0; f < 4; f++)
			if (!(fabs(want[f]) < 1.2e-38 &&
			    fabsf(got[f][i]) < 1.2e-38f))
				worst[f] = fmax(worst[f],
				    ulps(got[f][i], want[f]));
	}
	for (int f = 0; f < 4; f++)
		ck_assert_msg(worst[f] <= 4, "%s: function %d: %g ulp",
		    ways[_i / 2].name, f, worst[f]);
	for (int f = 0; f < 4; f++)
		ocl_buf_free(ocl, out[f]);
	ocl_buf_free(ocl, in);
	ocl_step_free(ocl, step);
	ocl_close(ocl);
}
END_TEST

#define MANY	9
START_TEST(many_programs_are_built_at_once)
{
	struct ocl *ocl = open_way(&ways[_i]);
	struct ocl_step *step[2 * MANY];
	struct ocl_stats stats;
	struct ocl_buf *b;
	char define[32];
	float got;
	struct err e;

	if (ocl == NULL)
		return;
	b = new_buf(ocl, sizeof(got));
	for (int i = 0; i < 2 * MANY; i++) {
		(void)snprintf(define, sizeof(define), "-DPLUS=%d.5f",
		    i % MANY);
		step[i] = new_step(ocl, "t_add", define);
		tensor_arg(step[i], 0, b, 0);
		tensor_arg(step[i], 2, b, 0);
		int_arg(step[i], 4, 1);
		OK(ocl_step_work(step[i], 1, NULL, &e));
	}
	OK(ocl_build(ocl, step, 2 * MANY, &e));
	OK(ocl_run(ocl, step, 2 * MANY, NULL, &e));
	OK(ocl_read(ocl, b, 0, &got, sizeof(got), &e));
	ck_assert_float_eq(got, 2 * (MANY * 0.5f + MANY * (MANY - 1) / 2));
	ocl_stats(ocl, &stats);
	ck_assert_uint_eq(stats.compiled + stats.loaded, MANY);
	for (int i = 0; i < 2 * MANY; i++)
		ocl_step_free(ocl, step[i]);
	ocl_buf_free(ocl, b);
	ocl_close(ocl);
}
END_TEST

START_TEST(mistakes_are_told)
{
	struct ocl *ocl = open_way(&ways[_i]);
	struct ocl_step *step;
	struct err e;

	if (ocl == NULL)
		return;
	step = new_step(ocl, "t_pieces", "");
	OK(ocl_step_work(step, 1, NULL, &e));
	ck_assert_int_eq(ocl_run(ocl, &step, 1, NULL, &e), -1);
	ck_assert_str_eq(e.text, "kernel t_pieces: not built");
	OK(ocl_build(ocl, &step, 1, &e));
	ck_assert_int_eq(ocl_run(ocl, &step, 1, NULL, &e), -1);
	ck_assert_str_eq(e.text,
	    "kernel t_pieces: 0 arguments, but it takes 2");
	ck_assert_int_eq(ocl_step_bytes(step, 2, "", 1, &e), -1);
	ck_assert_int_eq(ocl_step_bytes(step, 1000, "", 1, &e), -1);
	ck_assert_int_eq(ocl_step_work(step, SIZE_MAX, NULL, &e), -1);
	ck_assert_int_eq(e.code, ERR_LIMIT);
	ocl_step_free(ocl, step);

	step = new_step(ocl, "t_add", "-DPLUS=nonsense");
	ck_assert_int_eq(ocl_build(ocl, &step, 1, &e), -1);
	ck_assert_int_eq(e.code, ERR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(e.text, "t_ocl.cl: t_add"));
	ocl_step_free(ocl, step);
	ocl_close(ocl);
}
END_TEST

START_TEST(devices_are_listed)
{
	const struct ocl_options o = { .device = "no such device" };
	struct ocl_facts *all;
	struct err e;
	size_t n;

	choose_driver(&ways[0]);
	OK(ocl_list(&all, &n, &e));
	ck_assert_uint_eq(n, 1);
	ck_assert_ptr_nonnull(strstr(all[0].name, "/"));
	ck_assert_ptr_nonnull(strstr(all[0].name, "#0"));
	ck_assert_int_eq(all[0].profile, PROFILE_CPU);
	ck_assert_int_ge(all[0].lanes, 1);
	free(all);
	ck_assert_ptr_null(ocl_open(&o, &e));
	ck_assert_int_eq(e.code, ERR_NOT_FOUND);
}
END_TEST

START_TEST(no_driver_is_no_error)
{
	struct ocl_facts *all;
	struct err e;
	size_t n;

	(void)setenv("OCL_ICD_VENDORS", in_dir("nothing.icd"), 1);
	OK(ocl_list(&all, &n, &e));
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_null(all);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ocl");
	TCase *t = tcase_create("device");

	tcase_add_unchecked_fixture(t, make_dir, remove_dir);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_step_sees_all_that_the_one_before_wrote, 0,
	    WAYS);
	tcase_add_loop_test(t, each_piece_is_taken_once, 0, WAYS);
	tcase_add_loop_test(t, scratch_belongs_to_one_instance, 0,
	    WAYS);
	tcase_add_loop_test(t, memory_is_zero_and_bounded, 0, WAYS);
	tcase_add_loop_test(t, fast_functions_are_accurate, 0,
	    2 * WAYS);
	tcase_add_loop_test(t, many_programs_are_built_at_once, 0, WAYS);
	tcase_add_loop_test(t, mistakes_are_told, 0, WAYS);
	tcase_add_test(t, devices_are_listed);
	tcase_add_test(t, no_driver_is_no_error);
	suite_add_tcase(s, t);
	return suite_run(s);
}
