/*
 * The self-check of kernels: with a kernel broken on purpose, as a compiler
 * might, the answers stay right and something slower computes them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "net_help.h"
#include "onnx_make.h"
#include "suite.h"

#define LINES		16
#define TOLERANCE	1e-3
#define ROWS		2

/* Of this run: cache/ for all cases, and cl/ of this one. */
static char dir[] = "/tmp/t_engine_check.XXXXXX";

struct edit {
	const char	*file, *from, *to;
};

struct fault {
	struct edit	 edit[2];
	const char	*bad;		/* the kernel that must go; or NULL */
	const char	*instead;	/* what is there then */
	bool		 gpu;
};

/* What is wrong with fused expressions only. */
#define WRONG	"#ifdef EPI_TEXT\n#define WRONG 1.0f\n#else\n"		\
		"#define WRONG 0.0f\n#endif\n"

static const struct fault faults[] = {
	{ { { "gemm", "l < N - col;", "l < N - col - 1;" } },
	    "gemm", "gemm_any", false },
	{ { { "wino", ": (VFLOAT)(0.0f))", ": (VFLOAT)(1.0f))" } },
	    "wino_in", "conv", false },
	{ { { "conv", "c >= 0 && c < g->W", "c > 0 && c < g->W" } },
	    "conv", "conv_any", false },
	{ { { "stem", "iy >= 0 && iy < H", "iy > 0 && iy < H" } },
	    "stem", "conv", false },
	{ { { "dw", "VLOAD(nb % CB, bias)", "VLOAD(0, bias)" } },
	    "dw", "conv", false },
	{ { { "pool", "for (; i < HW; i++)", "for (; i + 1 < HW; i++)" } },
	    "pool_global", "pool_any", false },
	{ { { "row", "for (; k < (n); k++)", "for (; k + 1 < (n); k++)" } },
	    "softmax_row", "host", false },
	{ { { "pointwise", "for (; i < end; i++)",
	    "for (; i + 1 < end; i++)" } }, "pointwise", "host", false },
	{ { { "reorder", "from[(long)i * VEC + k];", "from[(long)i * VEC];" } },
	    "reorder_plain", "conv_any", false },
	/* The expression behind every form: the group is taken apart. */
	{ { { "gemm", "v = VEPI(v, at, col);", "v = VEPI(v, at, col) + WRONG;"
	    }, { "gemm_any", "EPI(v, o, j);", "EPI(v, o, j) + WRONG;" } },
	    "gemm_any", "gemm", false },
	/* Nothing on the device is right. */
	{ { { "gemm", "l < N - col;", "l < N - col - 1;" },
	    { "gemm_any", "float v = 0.0f;", "float v = 1.0f;" } },
	    "gemm", "host", false },
	{ { { "tile", "acc[i][j] += u[i] * v[j];",
	    "acc[i][j] += k0 + k + 1 < K ? u[i] * v[j] : 0.0f;" } },
	    "tile", "conv_any", true },
};

/* In it dir is $D. */
static void
run_command(const char *command)
{
	ck_assert_int_eq(setenv("D", dir, 1), 0);
	ck_assert_int_eq(system(command), 0);
}

static void
write_edited(const struct edit *e)
{
	char path[256], *text, *at;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), SRCDIR "/cl/%s.cl", e->file);
	text = help_file(path, &n);
	text[n] = '\0';
	at = strstr(text, e->from);
	ck_assert_msg(at != NULL, "%s: no \"%s\"", path, e->from);
	(void)snprintf(path, sizeof(path), "%s/cl/%s.cl", dir, e->file);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	(void)fprintf(f, "%s%.*s%s%s", WRONG, (int)(at - text), text, e->to,
	    at + strlen(e->from));
	ck_assert_int_eq(fclose(f), 0);
	free(text);
}

/* The device of this case: what help_device() is told. */
static void
set_device(const struct fault *f)
{
	char path[256];

	run_command("rm -rf $D/cl && mkdir $D/cl");
	for (size_t i = 0; f != NULL && i < nitems(f->edit); i++)
		if (f->edit[i].file != NULL)
			write_edited(&f->edit[i]);
	(void)snprintf(path, sizeof(path), "%s/cl", dir);
	ck_assert_int_eq(setenv("CLINFERD_TEST_CL", path, 1), 0);
	(void)snprintf(path, sizeof(path), "%s/cache", dir);
	ck_assert_int_eq(setenv("CLINFERD_TEST_CACHE", path, 1), 0);
	if (f != NULL && f->gpu)
		ck_assert_int_eq(setenv("CLINFERD_TEST_PROFILE", "gpu", 1), 0);
}

static void
constant(struct onnx *o, const char *name, int rank, const int64_t *dims,
    uint32_t seed)
{
	float f[24 * 37 * 25];
	size_t n = 1;

	for (int i = 0; i < rank; i++)
		n *= (size_t)dims[i];
	ck_assert_uint_le(n, nitems(f));
	help_random(&seed, f, n);
	for (size_t i = 0; i < n; i++)
		f[i] *= rank == 4 ? 0.2f : 1.0f;
	onnx_init(o, name, DT_FLOAT, rank, dims, f);
}

#define DIMS(...)	(int64_t[]){ __VA_ARGS__ }

static void
add_conv(struct onnx *o, const char *in, const char *out, const int64_t *w,
    int64_t group)
{
	char wn[16], bn[16], names[64];

	(void)snprintf(wn, sizeof(wn), "w%s", out);
	(void)snprintf(bn, sizeof(bn), "b%s", out);
	constant(o, wn, 4, w, (uint32_t)w[0] + 1);
	constant(o, bn, 1, w, (uint32_t)w[0] + 2);
	(void)snprintf(names, sizeof(names), "%s %s %s", in, wn, bn);
	onnx_node(o, "Conv", names, out);
	onnx_attr_string(o, "auto_pad", "SAME_UPPER");
	onnx_attr_int(o, "group", group);
}

/* A form of each kind: stem, Winograd, direct, depthwise, pool, product. */
static void *
make_net(size_t *n)
{
	struct onnx *o = onnx_new(17);

	onnx_input(o, "x", DT_FLOAT, 4, DIMS(ROWS, 3, 13, 17));
	add_conv(o, "x", "c1", DIMS(20, 3, 3, 3), 1);
	onnx_node(o, "Relu", "c1", "r1");
	add_conv(o, "r1", "c2", DIMS(37, 20, 3, 3), 1);
	onnx_node(o, "Relu", "c2", "r2");
	add_conv(o, "r2", "c3", DIMS(24, 37, 5, 5), 1);
	add_conv(o, "c3", "m", DIMS(24, 1, 3, 3), 24);
	onnx_node(o, "GlobalAveragePool", "m", "p");
	onnx_node(o, "Flatten", "p", "f");
	constant(o, "wg", 2, DIMS(24, 21), 7);
	constant(o, "bg", 1, DIMS(21), 8);
	onnx_node(o, "Gemm", "f wg bg", "g");
	onnx_node(o, "Elu", "g", "e");
	onnx_node(o, "Softmax", "e", "y");
	onnx_node(o, "Mul", "x x", "xx");
	onnx_node(o, "Sigmoid", "xx", "s");
	onnx_node(o, "Add", "s x", "z");
	onnx_output(o, "y", DT_FLOAT, 2, DIMS(ROWS, 21));
	onnx_output(o, "z", DT_FLOAT, 4, DIMS(ROWS, 3, 13, 17));
	onnx_output(o, "m", DT_FLOAT, 4, DIMS(ROWS, 24, 13, 17));
	return onnx_done(o, n);
}

/* What one engine made of the net, and how. */
struct result {
	struct outputs		 out;
	struct engine_trust	 trust;
	int			 n_line;
	char			 line[LINES][256];
	int			 n_kernel;
	char			 kernel[64][32];
};

static void
on_demoted(void *arg, const char *line)
{
	struct result *r = arg;

	ck_assert_int_lt(r->n_line, LINES);
	(void)snprintf(r->line[r->n_line++], sizeof(r->line[0]), "%s", line);
}

static void
use_net(const struct engine_options *how, struct result *r)
{
	static float x[ROWS * 3 * 13 * 17];
	struct engine_options opt = *how;
	const struct profile_line *lines;
	uint32_t seed = 3;
	struct err err = { 0 };
	struct io_seg seg;
	struct io in;
	struct engine *e;
	struct net *net;
	size_t n;
	void *bytes = make_net(&n);

	memset(r, 0, sizeof(*r));
	opt.nan_fill = opt.profile = true;
	opt.demoted = on_demoted;
	opt.demoted_arg = r;
	help_random(&seed, x, nitems(x));
	in = help_input(DT_FLOAT, 4, DIMS(ROWS, 3, 13, 17), x, &seg);
	e = help_engine(&opt);
	net = help_load(e, bytes, n);
	ck_assert_msg(help_run(net, &in, 1, &r->out, &err) == 0, "%s",
	    err.text);
	r->n_kernel = (int)net_profile(net, &lines);
	ck_assert_int_le(r->n_kernel, (int)nitems(r->kernel));
	for (int i = 0; i < r->n_kernel; i++)
		(void)snprintf(r->kernel[i], sizeof(r->kernel[0]), "%s",
		    lines[i].kernel);
	r->trust = *engine_trust(e);
	net_free(net);
	engine_free(e);
	free(bytes);
}

static bool
has_kernel(const struct result *r, const char *name)
{
	for (int i = 0; i < r->n_kernel; i++)
		if (strcmp(r->kernel[i], name) == 0)
			return true;
	return false;
}

static bool
told_of(const struct result *r, const char *text)
{
	for (int i = 0; i < r->n_line; i++)
		if (strstr(r->line[i], text) != NULL)
			return true;
	return false;
}

static bool
is_right(const struct result *r)
{
	static const struct engine_options host = { .host_only = true };
	struct result right;
	double bad = 0, d;

	use_net(&host, &right);
	ck_assert_int_eq(r->out.n, 3);
	for (int i = 0; i < r->out.n; i++) {
		ck_assert_uint_eq(r->out.bytes[i], right.out.bytes[i]);
		d = help_diff(r->out.data[i], right.out.data[i],
		    r->out.bytes[i] / sizeof(float));
		bad = d > bad ? d : bad;
	}
	help_free(&right.out);
	return bad < TOLERANCE;
}

static const struct engine_options blind = { 0 };
static const struct engine_options checked = { .check = true };

/* Kernels as they are: all are compared, none is wrong. */
START_TEST(good_kernels_are_trusted)
{
	static const struct fault gpu = { .gpu = true };
	struct result r;

	set_device(_i ? &gpu : NULL);
	use_net(&checked, &r);
	ck_assert(is_right(&r));
	ck_assert_int_eq(r.n_line, 0);
	ck_assert_uint_eq(r.trust.bad, 0);
	ck_assert_uint_eq(r.trust.unchecked, 0);
	ck_assert_uint_ge(r.trust.good, _i ? 5 : 10);
	help_free(&r.out);
	/* Once is enough. */
	use_net(&checked, &r);
	ck_assert_uint_eq(r.trust.good, 0);
	help_free(&r.out);
}
END_TEST

/*
 * Kernels that are right pass, though what is left open by the language
 * (floats that fit no integer) or means something (scales) may lie in wait.
 */
START_TEST(no_false_alarms)
{
	struct engine_options opt = { .check = true };
	float x[2 * 3 * 5 * 40], up[4] = { 1, 1, 2, 1.5f };
	int32_t n[5 * 40];
	struct io_seg seg[2];
	uint32_t seed = 4;
	struct err err = { 0 };
	struct outputs out;
	struct io in[2];
	struct engine *e;
	struct onnx *o = onnx_new(17);
	struct net *net;
	size_t size;
	void *bytes;

	set_device(NULL);
	help_random(&seed, x, nitems(x));
	for (size_t i = 0; i < nitems(n); i++)
		n[i] = (int32_t)i;
	in[0] = help_input(DT_FLOAT, 4, DIMS(2, 3, 5, 40), x, &seg[0]);
	in[1] = help_input(DT_INT32, 2, DIMS(5, 40), n, &seg[1]);
	onnx_input(o, "x", DT_FLOAT, 4, DIMS(2, 3, 5, 40));
	onnx_input(o, "n", DT_INT32, 2, DIMS(5, 40));
	onnx_init(o, "up", DT_FLOAT, 1, DIMS(4), up);
	onnx_node(o, "Pow", "n x", "a");
	onnx_node(o, "Cast", "x", "b");
	onnx_attr_int(o, "to", DT_UINT8);
	onnx_node(o, "Resize", "x - up", "c");
	onnx_attr_string(o, "mode", "linear");
	onnx_node(o, "Log", "x", "d");
	onnx_node(o, "ArgMax", "x", "e");
	onnx_node(o, "Transpose", "x", "f");
	for (int i = 0; i < 6; i++)
		onnx_output(o, (const char *[]){ "a", "b", "c", "d", "e",
		    "f" }[i], (const enum dtype[]){ DT_INT32, DT_UINT8,
		    DT_FLOAT, DT_FLOAT, DT_INT64, DT_FLOAT }[i], -1, NULL);
	bytes = onnx_done(o, &size);
	e = help_engine(&opt);
	net = help_load(e, bytes, size);
	ck_assert_msg(help_run(net, in, 2, &out, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(engine_trust(e)->bad, 0);
	ck_assert_uint_eq(engine_trust(e)->unchecked, 0);
	ck_assert_uint_eq(engine_trust(e)->good, 6);
	help_free(&out);
	net_free(net);
	engine_free(e);
	free(bytes);
}
END_TEST

START_TEST(wrong_kernels_are_not_used)
{
	const struct fault *f = &faults[_i];
	struct result r;
	char name[64];

	set_device(f);
	use_net(&blind, &r);
	ck_assert_msg(!is_right(&r), "the fault does not show");
	ck_assert(has_kernel(&r, f->bad) || f->edit[1].file != NULL);
	help_free(&r.out);
	use_net(&checked, &r);
	ck_assert_msg(is_right(&r), "%s", r.n_line > 0 ? r.line[0] : "?");
	ck_assert_int_ge(r.n_line, 1);
	ck_assert_uint_eq(r.trust.bad, (unsigned)r.n_line);
	(void)snprintf(name, sizeof(name), "%s of ", f->bad);
	ck_assert_msg(told_of(&r, name), "%s", r.line[0]);
	ck_assert_msg(!has_kernel(&r, f->bad), "%s", r.line[0]);
	ck_assert_msg(has_kernel(&r, f->instead), "%s", r.line[0]);
	help_free(&r.out);
}
END_TEST

/* What a process found, told to its parent. */
struct life {
	struct engine_trust	 trust;
	struct ocl_stats	 stats;
	bool			 right, before;
};

/* Processes that follow each other share nothing but the cache. */
static struct life
life(void)
{
	struct life *shared, l;
	struct result r;
	int status;
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	if ((pid = fork()) == 0) {
		use_net(&checked, &r);
		shared->trust = r.trust;
		shared->before = told_of(&r, "found before");
		shared->right = is_right(&r);
		ocl_stats(help_ocl(), &shared->stats);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	l = *shared;
	(void)munmap(shared, sizeof(*shared));
	return l;
}

/* Files of the cache that hold a verdict: they are small. */
#define VERDICTS	"$(find $D/cache -name '*.clbin' -size -200c)"

START_TEST(verdicts_outlive_a_process)
{
	unsigned good, compiled;
	struct life l;

	set_device(&faults[0]);
	run_command("rm -rf $D/cache && mkdir -m 700 $D/cache");
	l = life();
	ck_assert(l.right && !l.before);
	ck_assert_uint_ge(l.trust.good, 10);
	ck_assert_uint_eq(l.trust.bad, 1);
	ck_assert_uint_eq(l.stats.unsaved, 0);
	good = l.trust.good;
	compiled = l.stats.compiled;
	/* A warm start compares nothing, and does not build what is bad. */
	l = life();
	ck_assert(l.right && l.before);
	ck_assert_uint_eq(l.trust.good, 0);
	ck_assert_uint_eq(l.trust.bad, 1);
	ck_assert_uint_eq(l.stats.compiled, 0);
	ck_assert_uint_eq(l.stats.loaded, compiled - 1);
	/* A verdict that is damaged is none. */
	run_command("for f in " VERDICTS "; do printf x >>$f; done");
	l = life();
	ck_assert(l.right && !l.before);
	ck_assert_uint_eq(l.trust.good, good);
	ck_assert_uint_eq(l.trust.bad, 1);
	ck_assert_uint_eq(l.stats.compiled, 0);
	ck_assert_uint_eq(l.stats.damaged, good + 1);
	/* And is written again. */
	l = life();
	ck_assert(l.right && l.before);
	ck_assert_uint_eq(l.trust.good, 0);
}
END_TEST

static void
make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	run_command("mkdir $D/cl && mkdir -m 700 $D/cache");
}

static void
remove_dir(void)
{
	run_command("rm -rf $D");
}

int
main(void)
{
	Suite *s = suite_create("engine_check");
	TCase *t = tcase_create("check");

	(void)setenv("OCL_ICD_VENDORS", "/etc/OpenCL/vendors/pocl.icd", 1);
	/* Once: programs that are right are the same in all cases. */
	tcase_add_unchecked_fixture(t, make_dir, remove_dir);
	tcase_set_timeout(t, 240);
	tcase_add_loop_test(t, good_kernels_are_trusted, 0, 2);
	tcase_add_test(t, no_false_alarms);
	tcase_add_loop_test(t, wrong_kernels_are_not_used, 0, nitems(faults));
	tcase_add_test(t, verdicts_outlive_a_process);
	suite_add_tcase(s, t);
	return suite_run(s);
}
