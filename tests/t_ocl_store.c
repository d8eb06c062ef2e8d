/* The program cache: its files, and programs that come out of it. */
#include <check.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sha256.h"
#include "base/size.h"
#include "ocl/ocl.h"
#include "ocl/program.h"
#include "ocl/store.h"
#include "suite.h"

static char dir[] = "/tmp/t_ocl_store.XXXXXX";

static void
make_dir(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
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
	static char path[4][256];
	static int i;
	char *p = path[i++ % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

START_TEST(hashes_are_those_of_the_standard)
{
	static const struct {
		const char	*text;
		int		 times;
		const char	*hash;
	} cases[] = {
		{ "", 1, "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855" },
		{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		    "248d6a61d20638b8e5c026930c3e6039"
		    "a33ce45964ff2167f6ecedd419db06c1" },
		{ "aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67"
		    "f1809a48a497200e046d39ccc7112cd0" },
	};
	uint8_t out[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	struct sha256 h;

	for (size_t c = 0; c < nitems(cases); c++) {
		sha256_init(&h);
		for (int i = 0; i < cases[c].times; i++)
			sha256_add(&h, cases[c].text, strlen(cases[c].text));
		sha256_end(&h, out);
		for (size_t i = 0; i < SHA256_BYTES; i++)
			(void)snprintf(hex + 2 * i, 3, "%02x", out[i]);
		ck_assert_str_eq(hex, cases[c].hash);
	}
}
END_TEST

static const uint8_t key[SHA256_BYTES] = { 1, 2, 3, 0xff };
#define FILE_NAME \
	"010203ff00000000000000000000000000000000000000000000000000000000.clbin"
static const char data[] = "what the driver gave";

static struct store *
store_with_file(void)
{
	struct store *s;
	struct err e;

	s = store_open(in_dir("cache"), &e);
	ck_assert_msg(s != NULL, "%s", e.text);
	ck_assert_msg(store_put(s, key, data, sizeof(data), &e) == 0, "%s",
	    e.text);
	return s;
}

static enum store_result
get(struct store *s)
{
	enum store_result r;
	void *p = NULL;
	size_t n = 0;

	r = store_get(s, key, &p, &n);
	if (r == STORE_FOUND) {
		ck_assert_uint_eq(n, sizeof(data));
		ck_assert_int_eq(memcmp(p, data, n), 0);
		free(p);
	}
	return r;
}

START_TEST(what_was_put_is_found)
{
	struct store *s = store_with_file();
	uint8_t other[SHA256_BYTES] = { 9 };
	struct stat st;
	struct err e;
	void *p;
	size_t n;

	ck_assert_int_eq(get(s), STORE_FOUND);
	ck_assert_int_eq(store_get(s, other, &p, &n), STORE_NONE);
	ck_assert_int_eq(stat(in_dir("cache/" FILE_NAME), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(store_put(s, key, data, 0, &e), -1);
	store_close(s);
	ck_assert_ptr_nonnull(s = store_open(in_dir("cache"), &e));
	ck_assert_int_eq(get(s), STORE_FOUND);
	store_close(s);
}
END_TEST

/* Ways to spoil the file; afterwards it is gone, and can be written again. */
static void
cut(const char *path)
{
	ck_assert_int_eq(truncate(path, 90), 0);
}

static void
lengthen(const char *path)
{
	ck_assert_int_eq(truncate(path, 1000), 0);
}

static void
empty(const char *path)
{
	ck_assert_int_eq(truncate(path, 0), 0);
}

static void
flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char c;

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(pread(fd, &c, 1, at), 1);
	c ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
	(void)close(fd);
}

static void
flip_magic(const char *path)
{
	flip(path, 0);
}

static void
flip_key(const char *path)
{
	flip(path, 12);
}

static void
flip_length(const char *path)
{
	flip(path, 47);
}

static void
flip_sum(const char *path)
{
	flip(path, 50);
}

static void
flip_data(const char *path)
{
	flip(path, 85);
}

static void
open_to_others(const char *path)
{
	ck_assert_int_eq(chmod(path, 0666), 0);
}

static void
linked_twice(const char *path)
{
	ck_assert_int_eq(link(path, in_dir("second")), 0);
}

static void
behind_a_link(const char *path)
{
	ck_assert_int_eq(rename(path, in_dir("elsewhere")), 0);
	ck_assert_int_eq(symlink(in_dir("elsewhere"), path), 0);
}

static void
a_fifo(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void (*const damages[])(const char *) = {
	cut, lengthen, empty, flip_magic, flip_key, flip_length, flip_sum,
	flip_data, open_to_others, linked_twice, behind_a_link, a_fifo,
};

START_TEST(a_damaged_file_is_not_taken)
{
	struct store *s = store_with_file();
	struct err e;

	damages[_i](in_dir("cache/" FILE_NAME));
	ck_assert_int_eq(get(s), STORE_DAMAGED);
	ck_assert_int_eq(get(s), STORE_NONE);
	ck_assert_int_eq(store_put(s, key, data, sizeof(data), &e), 0);
	ck_assert_int_eq(get(s), STORE_FOUND);
	store_close(s);
}
END_TEST

START_TEST(a_folder_of_others_is_not_taken)
{
	struct err e;

	store_close(store_with_file());
	ck_assert_int_eq(chmod(in_dir("cache"), 0770), 0);
	ck_assert_ptr_null(store_open(in_dir("cache"), &e));
	ck_assert_int_eq(e.code, ERR_INVALID);
	ck_assert_int_eq(chmod(in_dir("cache"), 0700), 0);
	ck_assert_int_eq(symlink(in_dir("cache"), in_dir("link")), 0);
	ck_assert_ptr_null(store_open(in_dir("link"), &e));
	ck_assert_ptr_null(store_open(in_dir("no/such"), &e));
	ck_assert_ptr_null(store_open(in_dir("cache/" FILE_NAME), &e));
}
END_TEST

START_TEST(the_oldest_go_first)
{
	struct store *s = store_with_file();
	uint8_t k[SHA256_BYTES] = { 0 };
	char big[1000] = "";
	struct err e;
	size_t n;
	void *p;

	store_limit(s, 4, 100000);
	for (uint8_t i = 0; i < 8; i++) {
		k[31] = i;
		ck_assert_int_eq(store_put(s, k, data, sizeof(data), &e), 0);
		(void)usleep(10000);
		/* Used again and again: stays. */
		ck_assert_int_eq(get(s), STORE_FOUND);
		(void)usleep(10000);
	}
	k[31] = 4;
	ck_assert_int_eq(store_get(s, k, &p, &n), STORE_NONE);
	k[31] = 5;
	ck_assert_int_eq(store_get(s, k, &p, &n), STORE_FOUND);
	free(p);
	store_limit(s, 100, 1200);
	ck_assert_int_eq(store_put(s, k, big, sizeof(big), &e), 0);
	ck_assert_int_eq(store_get(s, k, &p, &n), STORE_FOUND);
	free(p);
	k[31] = 7;
	ck_assert_int_eq(store_get(s, k, &p, &n), STORE_NONE);
	store_close(s);
}
END_TEST

static struct ocl_stats
run_once(const char *defines, bool skip, float want)
{
	const struct ocl_options o = { .lanes = 2, .cache_skip = skip,
	    .cache_dir = in_dir("cache"), .cl_dir = TESTS_DIR "/cl" };
	const struct ocl_source src = { "t_ocl", "t_add", defines, NULL };
	struct ocl_stats stats;
	struct ocl_step *step;
	struct ocl_buf *b;
	struct ocl *ocl;
	int64_t at = 0;
	int n = 1;
	float got;
	struct err e;

	ocl = ocl_open(&o, &e);
	ck_assert_msg(ocl != NULL, "%s", e.text);
	ck_assert_ptr_nonnull(b = ocl_buf_new(ocl, sizeof(float), &e));
	ck_assert_ptr_nonnull(step = ocl_step_new(ocl, &src, &e));
	for (int i = 0; i < 4; i += 2) {
		ck_assert_int_eq(ocl_step_buf(step, i, b, &e), 0);
		ck_assert_int_eq(ocl_step_bytes(step, i + 1, &at, sizeof(at),
		    &e), 0);
	}
	ck_assert_int_eq(ocl_step_bytes(step, 4, &n, sizeof(n), &e), 0);
	ck_assert_int_eq(ocl_step_work(step, 1, NULL, &e), 0);
	ck_assert_msg(ocl_build(ocl, &step, 1, &e) == 0, "%s", e.text);
	ck_assert_msg(ocl_run(ocl, &step, 1, NULL, &e) == 0, "%s", e.text);
	ck_assert_int_eq(ocl_read(ocl, b, 0, &got, sizeof(got), &e), 0);
	ck_assert_float_eq(got, want);
	ocl_stats(ocl, &stats);
	ocl_step_free(ocl, step);
	ocl_buf_free(ocl, b);
	ocl_close(ocl);
	return stats;
}

/*
 * A process that runs one program: how did it come by it?  A process of its own
 * each time, as drivers remember what they compiled.
 */
static struct ocl_stats
life(const char *defines, bool skip, float want)
{
	struct ocl_stats *shared, stats;
	int status;
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	if ((pid = fork()) == 0) {
		*shared = run_once(defines, skip, want);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	stats = *shared;
	(void)munmap(shared, sizeof(*shared));
	return stats;
}

/* Spoil all files of the cache behind their checksums' backs, or openly. */
static void
spoil(const char *how)
{
	char command[512];

	(void)snprintf(command, sizeof(command),
	    "cd %s/cache && for f in *.clbin; do %s; done", dir, how);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(programs_survive_a_process)
{
	struct ocl_stats s;

	s = life("", false, 1);
	ck_assert_uint_eq(s.compiled, 1);
	ck_assert_uint_eq(s.unsaved, 0);
	s = life("", false, 1);
	ck_assert_uint_eq(s.compiled, 0);
	ck_assert_uint_eq(s.loaded, 1);
	s = life("-DPLUS=3", false, 3);
	ck_assert_uint_eq(s.compiled, 1);
	s = life("", true, 1);
	ck_assert_uint_eq(s.compiled, 1);
	ck_assert_uint_eq(s.loaded, 0);
	spoil("printf x >>$f");
	s = life("", false, 1);
	ck_assert_uint_eq(s.damaged, 1);
	ck_assert_uint_eq(s.compiled, 1);
	s = life("", false, 1);
	ck_assert_uint_eq(s.loaded, 1);
}
END_TEST

/* Programs of steps that are gone are kept, but not without end. */
START_TEST(unused_programs_are_bounded)
{
	static const char *const defines[] = { "-DPLUS=1", "-DPLUS=2", "" };
	const struct ocl_options o = { .lanes = 1,
	    .cache_dir = in_dir("cache"), .cl_dir = TESTS_DIR "/cl" };
	struct ocl_step *step, *kept = NULL;
	struct ocl_stats stats;
	struct ocl *ocl;
	struct err e;

	ck_assert_ptr_nonnull(ocl = ocl_open(&o, &e));
	programs_limit(ocl->programs, 1);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < nitems(defines); i++) {
			const struct ocl_source src = { "t_ocl", "t_add",
			    defines[i], NULL };

			ck_assert_ptr_nonnull(step = ocl_step_new(ocl, &src,
			    &e));
			ck_assert_int_eq(ocl_build(ocl, &step, 1, &e), 0);
			if (round == 0 && i == 0)
				kept = step;
			else
				ocl_step_free(ocl, step);
		}
	ocl_stats(ocl, &stats);
	ck_assert_uint_eq(stats.compiled, 3);
	/* The first one was there; the others had been let go. */
	ck_assert_uint_eq(stats.loaded, 2);
	ocl_step_free(ocl, kept);
	ocl_close(ocl);
}
END_TEST

START_TEST(a_cache_that_cannot_be_written_is_no_error)
{
	struct ocl_stats s;

	(void)life("", false, 1);
	spoil("rm $f; mkdir $f; touch $f/x");
	s = life("", false, 1);
	ck_assert_uint_eq(s.compiled, 1);
	ck_assert_uint_eq(s.unsaved, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ocl_store");
	TCase *t = tcase_create("store");

	(void)setenv("OCL_ICD_VENDORS", "/etc/OpenCL/vendors/pocl.icd", 1);
	tcase_add_checked_fixture(t, make_dir, remove_dir);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, hashes_are_those_of_the_standard);
	tcase_add_test(t, what_was_put_is_found);
	tcase_add_loop_test(t, a_damaged_file_is_not_taken, 0,
	    nitems(damages));
	tcase_add_test(t, a_folder_of_others_is_not_taken);
	tcase_add_test(t, the_oldest_go_first);
	tcase_add_test(t, programs_survive_a_process);
	tcase_add_test(t, unused_programs_are_bounded);
	tcase_add_test(t, a_cache_that_cannot_be_written_is_no_error);
	suite_add_tcase(s, t);
	return suite_run(s);
}
