/* Folders for what a driver writes: each process has its own, none stays. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ocl/tempdir.h"
#include "suite.h"

static char dir[] = "/tmp/t_ocl_tempdir.XXXXXX";

static void
make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)unsetenv("POCL_CACHE_DIR");
}

static void
remove_dir(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
}

/* Folders of processes in it. */
static int
count(void)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, TEMPDIR_PREFIX,
		    strlen(TEMPDIR_PREFIX)) == 0)
			n++;
	(void)closedir(d);
	return n;
}

/* A file in this process's, as a driver would leave it. */
static void
leave_a_file(void)
{
	const char *own = getenv("POCL_CACHE_DIR");
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/deep", own);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/deep/program.bc", own);
	ck_assert_ptr_nonnull(f = fopen(path, "we"));
	(void)fclose(f);
}

/* A process that has one and waits to be killed. */
static pid_t
another(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		if (tempdir_open(dir, NULL) == -1)
			_exit(1);
		leave_a_file();
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void
end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(it_goes_with_its_process)
{
	char *first;
	struct stat st;
	struct err e;

	ck_assert_msg(tempdir_open(dir, &e) == 0, "%s", e.text);
	ck_assert_int_eq(count(), 1);
	ck_assert_ptr_nonnull(first = strdup(getenv("POCL_CACHE_DIR")));
	ck_assert_int_eq(stat(first, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	leave_a_file();
	tempdir_close();
	ck_assert_int_eq(count(), 0);
	/* PoCL has read the name, and does not again. */
	ck_assert_msg(tempdir_open(dir, &e) == 0, "%s", e.text);
	ck_assert_str_eq(getenv("POCL_CACHE_DIR"), first);
	ck_assert_int_eq(stat(first, &st), 0);
	tempdir_close();
	free(first);
}
END_TEST

START_TEST(it_stays_until_its_last_user_has_left)
{
	struct err e;

	for (int i = 0; i < 3; i++)
		ck_assert_msg(tempdir_open(dir, &e) == 0, "%s", e.text);
	ck_assert_int_eq(count(), 1);
	tempdir_close();
	tempdir_close();
	ck_assert_int_eq(count(), 1);
	tempdir_close();
	ck_assert_int_eq(count(), 0);
}
END_TEST

START_TEST(one_that_was_killed_is_cleaned_up_after)
{
	pid_t alive = another(), dead = another();
	struct err e;

	ck_assert_int_eq(count(), 2);
	end(dead);
	ck_assert_int_eq(count(), 2);
	ck_assert_msg(tempdir_open(dir, &e) == 0, "%s", e.text);
	ck_assert_int_eq(count(), 2);
	end(alive);
	tempdir_close();
	ck_assert_int_eq(count(), 1);
	ck_assert_msg(tempdir_open(dir, &e) == 0, "%s", e.text);
	ck_assert_int_eq(count(), 1);
	tempdir_close();
	ck_assert_int_eq(count(), 0);
}
END_TEST

START_TEST(what_only_looks_like_one_stays)
{
	char path[256];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/pocl", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/clinferd-pocl.link", dir);
	ck_assert_int_eq(symlink("pocl", path), 0);
	ck_assert_msg(tempdir_open(dir, &e) == 0, "%s", e.text);
	ck_assert_int_eq(count(), 2);
	tempdir_close();
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(what_the_user_says_holds_where_there_is_no_cache)
{
	struct err e;

	(void)setenv("POCL_CACHE_DIR", "/nowhere", 1);
	ck_assert_int_eq(tempdir_open(NULL, &e), 0);
	ck_assert_str_eq(getenv("POCL_CACHE_DIR"), "/nowhere");
	tempdir_close();
	(void)unsetenv("POCL_CACHE_DIR");
	(void)setenv("TMPDIR", dir, 1);
	ck_assert_msg(tempdir_open(NULL, &e) == 0, "%s", e.text);
	ck_assert_int_eq(count(), 1);
	tempdir_close();
}
END_TEST

START_TEST(where_none_can_be_made_says_so)
{
	char path[256];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/a/b", dir);
	ck_assert_int_eq(tempdir_open(path, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, path));
	ck_assert_ptr_nonnull(strstr(e.text, strerror(ENOENT)));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ocl_tempdir");
	TCase *t = tcase_create("tempdir");

	tcase_add_checked_fixture(t, make_dir, remove_dir);
	tcase_add_test(t, it_goes_with_its_process);
	tcase_add_test(t, it_stays_until_its_last_user_has_left);
	tcase_add_test(t, one_that_was_killed_is_cleaned_up_after);
	tcase_add_test(t, what_only_looks_like_one_stays);
	tcase_add_test(t, what_the_user_says_holds_where_there_is_no_cache);
	tcase_add_test(t, where_none_can_be_made_says_so);
	suite_add_tcase(s, t);
	return suite_run(s);
}
