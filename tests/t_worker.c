/*
 * What the pieces of clinferd-worker promise: files, options, outputs, sandbox.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/size.h"
#include "ipc/channel.h"
#include "ipc/shm.h"
#include "worker/bind.h"
#include "worker/cache.h"
#include "worker/options.h"
#include "worker/outbox.h"
#include "worker/sandbox.h"
#include "worker/views.h"
#include "model_folder.h"
#include "suite.h"

static pid_t child;
static struct err err;

static int
reap(void)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

START_TEST(files_are_read_beneath_only)
{
	static const char *const outside[] = { "../secret", "../../etc/passwd",
	    "/etc/passwd", "up", "away", "", ".", "none", "model/x" };
	struct err e;
	const char *base;
	char bytes[4];
	size_t n;
	void *got;
	int sub;

	make_folder();
	sub = beneath_parent(dir, "m/1/model", &base, &e);
	ck_assert_int_ge(sub, 0);
	ck_assert_str_eq(base, "model");
	got = beneath_read(sub, "beside", 100, &n, &e);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(n, 4);
	free(got);
	for (size_t i = 0; i < nitems(outside); i++)
		ck_assert_ptr_null(beneath_read(sub, outside[i], 100, &n, &e));
	ck_assert_ptr_null(beneath_read(sub, "weights", 9, &n, &e));
	ck_assert_int_eq(e.code, ERR_LIMIT);
	ck_assert_int_eq(beneath_read_at(sub, "weights", 6, 4, bytes, &e), 0);
	ck_assert_mem_eq(bytes, "6789", 4);
	ck_assert_int_eq(beneath_read_at(sub, "weights", 7, 4, bytes, &e), -1);
	(void)close(sub);
	ck_assert_int_eq(beneath_parent(dir, "../x/y", &base, &e), -1);
	remove_folder();
}
END_TEST

START_TEST(options_are_checked)
{
	char *good[] = { (char *)"w", (char *)"--device", (char *)"p/d#0",
	    (char *)"--id", (char *)"3", (char *)"--memory", (char *)"1000",
	    (char *)"--sandbox", (char *)"required", (char *)"--read",
	    (char *)"/a", (char *)"--read", (char *)"/b" };
	static const char *const bad[][3] = { { "--id", "-1", NULL },
	    { "--id", "4294967296", NULL }, { "--id", "x", NULL },
	    { "--sandbox", "maybe", NULL }, { "--device", NULL, NULL },
	    { "--what", "x", NULL }, { "--memory", "1k", NULL },
	    { "--list-devices", "--device", "x" } };
	struct options o;
	struct err e;

	ck_assert_int_eq(options_parse(&o, nitems(good), good, &e), 0);
	ck_assert_uint_eq(o.id, 3);
	ck_assert_uint_eq(o.memory, 1000);
	ck_assert_int_eq(o.sandbox, SANDBOX_REQUIRED);
	ck_assert_uint_eq(o.n_read, 2);
	for (size_t i = 0; i < nitems(bad); i++) {
		char *v[4] = { (char *)"w" };
		int n = 1;

		for (int k = 0; k < 3 && bad[i][k] != NULL; k++)
			v[n++] = (char *)(uintptr_t)bad[i][k];
		ck_assert_int_eq(options_parse(&o, n, v, &e), -1);
	}
}
END_TEST

START_TEST(an_outbox_keeps_what_is_not_released)
{
	struct outbox o;
	struct err e;
	uint64_t a, b;

	ck_assert_int_eq(outbox_open(&o, 4096, &e), 0);
	ck_assert_int_eq(outbox_begin(&o, 1, &e), 0);
	a = outbox_take(&o, 2048);
	ck_assert_uint_eq(outbox_mark(&o), 1);
	ck_assert_uint_ne(outbox_take(&o, 1024), OUTBOX_NONE);
	outbox_rewind(&o, 1);
	outbox_commit(&o, true);
	ck_assert_int_eq(outbox_begin(&o, 2, &e), 0);
	ck_assert_uint_eq(outbox_take(&o, 4096), OUTBOX_NONE);
	b = outbox_take(&o, 2048);
	ck_assert_uint_ne(b, OUTBOX_NONE);
	ck_assert_uint_ne(a, b);
	outbox_commit(&o, true);
	ck_assert(!outbox_release(&o, 3));
	ck_assert(outbox_release(&o, 2));
	ck_assert(!outbox_release(&o, 2));
	ck_assert(outbox_release(&o, 1));
	ck_assert_uint_eq(o.n_held, 0);
	ck_assert_int_eq(outbox_begin(&o, 4, &e), 0);
	ck_assert_uint_ne(outbox_take(&o, 4096), OUTBOX_NONE);
	outbox_commit(&o, false);
	ck_assert_uint_eq(o.n_held, 0);
	outbox_close(&o);
}
END_TEST

START_TEST(a_tensor_without_elements_lies_nowhere)
{
	struct job_tensor t = { 0, DT_FLOAT, { 2, { 2, 0 } }, 0, 0, 0 };
	struct job_part part = { .rows = 2, .want = { 1 }, .n_in = 1,
	    .in = &t };
	struct job j = { 1, 1, 1, &part };
	struct sig_tensor x = { "x", DT_FLOAT, { 2, { -1, 2 } }, true, false };
	struct signature s = { 1, 1, true, &x, &x };
	static struct binder b;
	struct views v = { 0 };
	struct err e;

	ck_assert_int_eq(binder_room(&b, &j, 1, &e), 0);
	ck_assert_int_eq(bind_inputs(&b, &v, &s, &j, 0, 1, &e), 0);
	ck_assert_ptr_nonnull(b.in[0].seg[0].data);
	binder_done(&b);
}
END_TEST

/* A batch of two parts, of 1 and 2 rows, strings and numbers. */
START_TEST(rows_are_joined_and_told_apart)
{
	static unsigned char out[] = "\1\0\0\0a\0\0\0\0\2\0\0\0bc"
	    "012345678901";
	struct job_tensor t[2] = {
		{ 0, DT_FLOAT, { 2, { 1, 2 } }, 5, 8, 8 },
		{ 0, DT_FLOAT, { 2, { 2, 2 } }, 5, 64, 16 },
	};
	struct job_part part[2] = {
		{ .rows = 1, .want = { 3 }, .n_in = 1, .in = &t[0] },
		{ .rows = 2, .want = { 2 }, .n_in = 1, .in = &t[1] },
	};
	struct job j = { 1, 1, 2, part };
	struct sig_tensor in = { "x", DT_FLOAT, { 2, { -1, 2 } }, true, false };
	struct sig_tensor outs[2] = { in, in };
	struct signature s = { 1, 2, true, &in, outs };
	static struct binder b;
	struct views v = { 0 };
	struct shm shm;
	struct err e;

	ck_assert_int_eq(shm_create(&shm, "t", 4096, SHM_PEER_READS, &e), 0);
	ck_assert_int_eq(binder_room(&b, &j, 2, &e), 0);
	ck_assert_int_eq(bind_inputs(&b, &v, &s, &j, 0, 2, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_int_eq(views_add_own(&v, 5, 4096, dup(shm.fd), &e), 0);
	ck_assert_int_eq(bind_inputs(&b, &v, &s, &j, 0, 2, &e), 0);
	ck_assert_uint_eq(b.want[0], 3);
	ck_assert_uint_eq(b.in[0].n_seg, 2);
	ck_assert_int_eq(b.in[0].shape.dim[0], 3);
	ck_assert_uint_eq(b.in[0].seg[1].bytes, 16);

	b.out[0] = (struct placed){ true, DT_STRING, { 1, { 3 } }, 0, 15 };
	b.out[1] = (struct placed){ true, DT_INT8, { 2, { 3, 4 } }, 15, 12 };
	ck_assert_int_eq(bind_outputs(&b, out, &j, 0, 2, &e), 0);
	ck_assert_uint_eq(b.part[0].n_out, 2);
	ck_assert_uint_eq(b.part[0].out[0].bytes, 5);
	ck_assert_uint_eq(b.part[0].out[1].offset, 15);
	ck_assert_uint_eq(b.part[0].out[1].bytes, 4);
	ck_assert_uint_eq(b.part[1].n_out, 1);
	ck_assert_uint_eq(b.part[1].out[0].index, 1);
	ck_assert_uint_eq(b.part[1].out[0].offset, 19);
	ck_assert_uint_eq(b.part[1].out[0].bytes, 8);
	ck_assert_int_eq(b.part[1].out[0].shape.dim[0], 2);
	b.out[1].shape.dim[0] = 4;
	ck_assert_int_eq(bind_outputs(&b, out, &j, 0, 2, &e), -1);

	/* Parts that do not fit together, or lie outside. */
	t[1].shape.dim[1] = 4;
	ck_assert_int_eq(bind_inputs(&b, &v, &s, &j, 0, 2, &e), -1);
	ck_assert_int_eq(e.code, ERR_INTERNAL);
	ck_assert_int_eq(bind_inputs(&b, &v, &s, &j, 1, 1, &e), 0);
	t[1].offset = 4090;
	ck_assert_int_eq(bind_inputs(&b, &v, &s, &j, 1, 1, &e), -1);
	ck_assert_int_eq(e.code, ERR_INTERNAL);
	binder_done(&b);
	views_done(&v);
	shm_close(&shm);
}
END_TEST

START_TEST(a_cache_is_wiped_and_nothing_else)
{
	struct err e;
	int cache;

	make_folder();
	ck_assert_int_eq(mkdirat(dir, "c", 0700), 0);
	ck_assert_int_eq(mkdirat(dir, "c/mesa", 0700), 0);
	write_file("c/mesa/kernel", "k");
	ck_assert_int_eq(symlinkat("../m", dir, "c/link"), 0);
	ck_assert_int_eq(symlinkat("../../m", dir, "c/mesa/link"), 0);
	cache = openat(dir, "c", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(mkdirat(dir, "c/mesa/deep", 0700), 0);
	ck_assert_int_eq(mkdirat(dir, "c/clinferd-pocl.x", 0700), 0);
	write_file("c/clinferd-pocl.x/kernel", "k");
	ck_assert_int_eq(cache_wipe(cache, &e), 0);
	(void)close(cache);
	/* A driver runs from there. */
	ck_assert_int_eq(unlinkat(dir, "c/clinferd-pocl.x/kernel", 0), 0);
	ck_assert_int_eq(unlinkat(dir, "c/clinferd-pocl.x", AT_REMOVEDIR), 0);
	/* Empty, but there. */
	ck_assert_int_eq(unlinkat(dir, "c/mesa", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(dir, "c", AT_REMOVEDIR), 0);
	ck_assert_int_eq(faccessat(dir, "m/1/model", F_OK, 0), 0);
	remove_folder();
}
END_TEST

/* What of a list a child could do inside the sandbox, as bits. */
static int
try_things(void)
{
	int done = 0, fd;

	if (socket(AF_INET, SOCK_STREAM, 0) != -1)
		done |= 1;
	if (kill(getppid(), 0) == 0)
		done |= 2;
	fd = open("/etc/passwd", O_RDONLY);
	if (fd != -1)
		done |= 4;
	if (openat(dir, "new", O_CREAT | O_WRONLY, 0600) != -1)
		done |= 8;
	return done;
}

/* And what every worker must still be able to do. */
static int
need_things(int cache)
{
	int fd;

	if (open("/usr/bin/env", O_RDONLY) == -1 ||
	    openat(dir, "m/1/model", O_RDONLY) == -1 ||
	    openat(dir, "linked", O_RDONLY | O_DIRECTORY) == -1)
		return 16;
	fd = openat(cache, "file", O_CREAT | O_RDWR, 0600);
	if (fd == -1 || mkdirat(cache, "d", 0700) == -1 ||
	    renameat(cache, "file", cache, "d/file") == -1 ||
	    unlinkat(cache, "d/file", 0) == -1 ||
	    unlinkat(cache, "d", AT_REMOVEDIR) == -1)
		return 32;
	return kill(getpid(), 0) == 0 ? 0 : 64;
}

static int
in_sandbox(const char *read_dir, char text[SANDBOX_TEXT])
{
	char name[] = "/tmp/t_worker_cache.XXXXXX";
	int cache, tell[2], res;
	struct err e;

	ck_assert_ptr_nonnull(mkdtemp(name));
	cache = open(name, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(pipe(tell), 0);
	child = fork();
	if (child == 0) {
		struct sandbox_paths p = { cache, NULL, &read_dir, 1 };

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
		    sandbox_enter(SANDBOX_AUTO, &p, text, &e) == -1)
			_exit(127);
		if (write(tell[1], text, SANDBOX_TEXT) != SANDBOX_TEXT)
			_exit(126);
		res = try_things();
		_exit(res | need_things(cache));
	}
	ck_assert_int_eq(read(tell[0], text, SANDBOX_TEXT), SANDBOX_TEXT);
	res = reap();
	(void)close(cache);
	(void)rmdir(name);
	return res;
}

START_TEST(a_sandboxed_worker_can_do_its_work_and_no_more)
{
	char text[SANDBOX_TEXT], elsewhere[] = "/var/tmp/t_worker.XXXXXX";
	int done, may = 0;

	make_folder();
	/* A link to a folder elsewhere, as a repository may have. */
	ck_assert_ptr_nonnull(mkdtemp(elsewhere));
	ck_assert_int_eq(symlinkat(elsewhere, dir, "linked"), 0);
	done = in_sandbox(folder, text);
	/* What the kernel does not have cannot be expected of it. */
	if (strstr(text, "no seccomp") != NULL)
		may |= 1 | 2;
	if (strstr(text, "no landlock") != NULL)
		may |= 4 | 8;
	ck_assert_msg((done & ~may) == 0, "%s: %d", text, done);
	(void)unlinkat(dir, "new", 0);
	(void)unlinkat(dir, "linked", 0);
	(void)rmdir(elsewhere);
	remove_folder();
}
END_TEST

static int
leash(int sock)
{
	struct rlimit r;

	if (sandbox_leash(sock, &err) == -1)
		return err.code == ERR_UNAVAILABLE ? 2 : 3;
	if (getrlimit(RLIMIT_CORE, &r) == -1 || r.rlim_max != 0 ||
	    prctl(PR_GET_DUMPABLE) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 4;
	return fcntl(WORKER_FD_END, F_GETFD) == -1 ? 0 : 5;
}

START_TEST(a_worker_knows_its_parent)
{
	int pair[2], status = 0;
	pid_t between;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	child = fork();
	if (child == 0)
		_exit(dup2(pair[1], 3) == 3 && dup2(pair[0], 8) == 8 ?
		    leash(3) : 6);
	ck_assert_int_eq(reap(), 0);

	/* Not the one that made the socket: that is a grandparent. */
	between = fork();
	if (between == 0) {
		child = fork();
		if (child == 0)
			_exit(leash(dup2(pair[1], 3)));
		_exit(reap());
	}
	ck_assert_int_eq(waitpid(between, &status, 0), between);
	ck_assert_int_eq(WEXITSTATUS(status), 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("worker");
	TCase *c = tcase_create("pieces");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, files_are_read_beneath_only);
	tcase_add_test(c, options_are_checked);
	tcase_add_test(c, an_outbox_keeps_what_is_not_released);
	tcase_add_test(c, a_tensor_without_elements_lies_nowhere);
	tcase_add_test(c, rows_are_joined_and_told_apart);
	tcase_add_test(c, a_cache_is_wiped_and_nothing_else);
	tcase_add_test(c, a_sandboxed_worker_can_do_its_work_and_no_more);
	tcase_add_test(c, a_worker_knows_its_parent);
	suite_add_tcase(s, c);
	return suite_run(s);
}
