/* Programs compiled at the same time: what becomes of each, whatever dies. */
#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "ocl/builders.h"
#include "ocl/ocl.h"
#include "suite.h"

enum { PROGRAMS = 6, WRONG = 3 };

static char dir[] = "/tmp/t_ocl_builders.XXXXXX";
static struct ocl *ocl;
static char source[PROGRAMS][128];
static struct built list[PROGRAMS];

static void
open_device(void)
{
	struct ocl_options o = { .device = "Portable", .cache_dir = dir,
	    .lanes = 2 };
	struct err e;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ocl = ocl_open(&o, &e);
	ck_assert_msg(ocl != NULL, "%s", e.text);
	for (int i = 0; i < PROGRAMS; i++) {
		(void)snprintf(source[i], sizeof(source[i]),
		    "kernel void one(global int *p) { p[0] = %d; }", i);
		list[i] = (struct built){ .what = { "one", "one", source[i],
		    "-cl-std=CL1.2 -cl-kernel-arg-info" } };
	}
}

static void
close_device(void)
{
	char command[64];

	for (int i = 0; i < PROGRAMS; i++)
		free(list[i].binary);
	ocl_close(ocl);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
}

static void
check_binary(const struct built *p)
{
	cl_program program;
	struct err e;

	ck_assert_msg(p->ok, "%s", p->err.text);
	ck_assert_ptr_nonnull(p->binary);
	program = compile_binary(ocl, 0, p->binary, p->bytes, &e);
	ck_assert_msg(program != NULL, "%s", e.text);
	(void)clReleaseProgram(program);
}

START_TEST(each_gets_its_own)
{
	builders_run(ocl, list, PROGRAMS);
	for (int i = 0; i < PROGRAMS; i++) {
		check_binary(&list[i]);
		for (int j = 0; j < i; j++)
			ck_assert(list[i].bytes != list[j].bytes ||
			    memcmp(list[i].binary, list[j].binary,
			    list[i].bytes) != 0);
	}
}
END_TEST

START_TEST(a_wrong_one_is_wrong_alone)
{
	list[WRONG].what.source = "kernel void one(global int *p) { nonsense }";
	builders_run(ocl, list, PROGRAMS);
	for (int i = 0; i < PROGRAMS; i++)
		if (i != WRONG)
			check_binary(&list[i]);
	ck_assert(!list[WRONG].ok);
	ck_assert_int_eq(list[WRONG].err.code, ERR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(list[WRONG].err.text, "one:"));
}
END_TEST

START_TEST(a_first_one_that_is_wrong_is_tried_once)
{
	list[0].what.source = "nonsense";
	builders_run(ocl, list, 2);
	ck_assert(!list[0].ok);
	ck_assert_int_eq(list[0].err.code, ERR_INTERNAL);
	check_binary(&list[1]);
}
END_TEST

/* Sizes that a kernel divides by are never zero, not even without work. */
START_TEST(a_launch_without_work_divides_by_no_zero)
{
	list[0].what.source = "kernel void one(global int *p, int n, long m) "
	    "{ p[0] = 100 / n; p[1] = (int)(100 % m); }";
	builders_run(ocl, list, 1);
	check_binary(&list[0]);
}
END_TEST

/* Kills the processes that this one has started, as long as there are any. */
static _Atomic bool stop;
static _Atomic int kills;

static void
kill_children(const char *task)
{
	char path[320], pid[32];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%s/children", task);
	if ((f = fopen(path, "re")) == NULL)
		return;
	while (fscanf(f, "%31s", pid) == 1)
		if (kill((pid_t)strtol(pid, NULL, 10), SIGKILL) == 0)
			kills++;
	(void)fclose(f);
}

/*
 * Until the builders are dead and this process compiles alone: it needs its own
 * children then, the linker's processes.
 */
static void *
killer(void *arg)
{
	struct dirent *d;
	DIR *tasks;

	while (!stop && kills < *(int *)arg) {
		if ((tasks = opendir("/proc/self/task")) == NULL)
			continue;
		while ((d = readdir(tasks)) != NULL)
			if (d->d_name[0] != '.')
				kill_children(d->d_name);
		(void)closedir(tasks);
		(void)usleep(1000);
	}
	return NULL;
}

START_TEST(killed_builders_leave_their_share_to_the_caller)
{
	struct built first = list[0];
	int most = 2;
	pthread_t thread;

	/* The compiler is there: from now on children are builders. */
	builders_run(ocl, &first, 1);
	check_binary(&first);
	free(first.binary);
	stop = false;
	kills = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, killer, &most), 0);
	builders_run(ocl, list, PROGRAMS);
	stop = true;
	(void)pthread_join(thread, NULL);
	ck_assert_int_gt(kills, 0);
	for (int i = 0; i < PROGRAMS; i++)
		check_binary(&list[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ocl_builders");
	TCase *t = tcase_create("builders");

	(void)setenv("OCL_ICD_VENDORS", "/etc/OpenCL/vendors/pocl.icd", 1);
	/* PoCL 6 has none, 3 would go on after a division by zero. */
	(void)setenv("POCL_SIGFPE_HANDLER", "0", 1);
	tcase_add_checked_fixture(t, open_device, close_device);
	tcase_set_timeout(t, 240);
	tcase_add_test(t, each_gets_its_own);
	tcase_add_test(t, a_wrong_one_is_wrong_alone);
	tcase_add_test(t, a_first_one_that_is_wrong_is_tried_once);
	tcase_add_test(t, a_launch_without_work_divides_by_no_zero);
	tcase_add_test(t, killed_builders_leave_their_share_to_the_caller);
	suite_add_tcase(s, t);
	return suite_run(s);
}
