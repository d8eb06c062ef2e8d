/* The daemon as a process: exit codes, signals, the service manager. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "suite.h"

#define ARGS	32
#define SLOW	1003	/* first element: the fake worker takes 100 ms */

static char	dir[64];
static char	self[PATH_MAX];		/* folder of this program */
static pid_t	daemon_pid;
static int	manager;		/* the service manager's end */

static void
path_of(char *path, const char *name)
{
	(void)snprintf(path, 128, "%s/%s", dir, name);
}

static void
put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	path_of(path, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void
unix_address(struct sockaddr_un *a, const char *name)
{
	char path[128];

	path_of(path, name);
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	(void)snprintf(a->sun_path, sizeof(a->sun_path), "%.100s", path);
}

static void
setup(void)
{
	struct sockaddr_un a;
	char path[128];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	(void)snprintf(dir, sizeof(dir), "/tmp/t_clinferd.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path_of(path, "models");
	ck_assert_int_eq(mkdir(path, 0755), 0);
	put("models/fake.onnx", "x");
	put("fake.icd", "x");
	path_of(path, "fake.icd");
	(void)setenv("OCL_ICD_VENDORS", path, 1);
	(void)setenv("FAKE_ROWS", "1", 1);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unix_address(&a, "notify");
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&a, sizeof(a)), 0);
	(void)setenv("NOTIFY_SOCKET", a.sun_path, 1);
}

static void
teardown(void)
{
	char command[128];

	if (daemon_pid > 0)
		(void)kill(daemon_pid, SIGKILL);
	(void)close(manager);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* Run the daemon with words of text as arguments. */
static pid_t
start(const char *text)
{
	char program[PATH_MAX + 32], *copy = strdup(text), *rest = copy;
	char *arg[ARGS + 1] = { program };
	int n = 1, null;
	pid_t pid;

	(void)snprintf(program, sizeof(program), "%s/../clinferd", self);
	while (n < ARGS && (arg[n] = strsep(&rest, " ")) != NULL)
		n++;
	arg[n] = NULL;
	if ((pid = fork()) == 0) {
		null = open("/dev/null", O_RDWR);
		(void)dup2(null, 1);
		if (getenv("WORLD_LOG") == NULL)
			(void)dup2(null, 2);
		(void)execv(program, arg);
		_exit(99);
	}
	free(copy);
	return pid;
}

static int
status_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* As a user would run it from a build tree, with the fake worker. */
static void
start_serving(const char *more)
{
	char text[2 * PATH_MAX];

	(void)snprintf(text, sizeof(text), "-c %s/conf -u root -l unix:%s/s "
	    "-m %s/models -s worker.cache=%s/cache "
	    "-s worker.program=%s/fake_worker "
	    "-s worker.environment=FAKE_*,*SAN_OPTIONS%s%s", dir, dir, dir,
	    dir, self, *more != '\0' ? " " : "", more);
	put("conf", "");
	daemon_pid = start(text);
}

/* The next word to the service manager that starts so. */
static void
expect_word(const char *want)
{
	struct pollfd p = { .fd = manager, .events = POLLIN };
	char text[256];
	ssize_t n;

	do {
		ck_assert_msg(poll(&p, 1, 20000) == 1, "no \"%s\"", want);
		n = recv(manager, text, sizeof(text) - 1, 0);
		ck_assert_int_ge(n, 0);
		text[n] = '\0';
	} while (strncmp(text, want, strlen(want)) != 0);
}

/* The same, and nothing but STATUS and pings before it. */
static void
expect_next(const char *want, const char *status)
{
	struct pollfd p = { .fd = manager, .events = POLLIN };
	char text[256];
	bool seen = status == NULL;
	ssize_t n;

	for (;;) {
		ck_assert_msg(poll(&p, 1, 20000) == 1, "no \"%s\"", want);
		n = recv(manager, text, sizeof(text) - 1, 0);
		ck_assert_int_ge(n, 0);
		text[n] = '\0';
		if (strncmp(text, want, strlen(want)) == 0)
			break;
		ck_assert_msg(strncmp(text, "STATUS=", 7) == 0 ||
		    strcmp(text, "WATCHDOG=1") == 0, "\"%s\"", text);
		seen |= status != NULL && strcmp(text + 7, status) == 0;
	}
	ck_assert_msg(seen, "no status \"%s\"", status);
}

static int
call(void)
{
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unix_address(&a, "s");
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void
send_text(int fd, const char *method_path, const char *body)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: %zu\r\n\r\n%s", method_path, strlen(body), body);

	ck_assert_int_eq(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

/* Head and body of the answer, as far as they come in one second of silence. */
static void
receive(int fd, char *text, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t at = 0;
	ssize_t n = 1;

	while (n > 0 && at < size - 1 && strchr(text, '}') == NULL &&
	    poll(&p, 1, 10000) == 1)
		if ((n = recv(fd, text + at, size - 1 - at, 0)) > 0) {
			at += (size_t)n;
			text[at] = '\0';
		}
}

static void
ask(int fd, int first)
{
	char body[256];

	(void)snprintf(body, sizeof(body), "{\"inputs\":[{\"name\":\"x\","
	    "\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":[%d,7]}]}", first);
	send_text(fd, "POST /v2/models/fake/infer", body);
}

static bool
is_ready(void)
{
	char text[2048] = "";
	int fd = call();

	if (fd == -1)
		return false;
	send_text(fd, "GET /v2/health/ready", "");
	receive(fd, text, sizeof(text));
	(void)close(fd);
	return strncmp(text, "HTTP/1.1 200", 12) == 0;
}

static void
wait_ready(void)
{
	int64_t end = clock_ns() + 20 * NS_PER_S;

	while (!is_ready()) {
		ck_assert(clock_ns() < end);
		(void)usleep(20000);
	}
}

static void
finish(void)
{
	ck_assert_int_eq(kill(daemon_pid, SIGTERM), 0);
	expect_next("STOPPING=1", NULL);
	ck_assert_int_eq(status_of(daemon_pid), 0);
	daemon_pid = 0;
}

START_TEST(exit_codes)
{
	char text[512];

	ck_assert_int_eq(status_of(start("-h")), 0);
	ck_assert_int_eq(status_of(start("-V")), 0);
	ck_assert_int_eq(status_of(start("--print-config")), 0);
	ck_assert_int_eq(status_of(start("--print-config=mdoc")), 0);
	ck_assert_int_eq(status_of(start("--print-config=troff")), 2);
	ck_assert_int_eq(status_of(start("-x")), 2);
	ck_assert_int_eq(status_of(start("what")), 2);
	ck_assert_int_eq(status_of(start("-w none")), 2);
	ck_assert_int_eq(status_of(start("-c /nowhere/conf -t")), 1);
	put("conf", "[queue]\nsize = 5\n");
	(void)snprintf(text, sizeof(text), "-t -c %s/conf -u root "
	    "-s worker.cache=%s/cache", dir, dir);
	ck_assert_int_eq(status_of(start(text)), 0);
	put("conf", "[queue]\nsize = five\n");
	ck_assert_int_eq(status_of(start(text)), 1);
	ck_assert_int_eq(status_of(start("-u root -l nonsense")), 2);
}
END_TEST

/* What a start would trip over is found without one, each by itself. */
START_TEST(a_trial_finds_it)
{
	static const char *const more[] = {
		"-l 192.0.2.1:8000", "-l unix:%s/none/s", "-l unix:%s/conf",
		"-s worker.program=%s", "-s worker.program=%s/conf",
		"-s worker.cache=%s/conf/cache", "-s engine.cl_dir=%s/none",
	};
	char text[1024], last[128];
	int n = snprintf(text, sizeof(text), "-t -c %s/conf -u root "
	    "-l unix:%s/s -m %s/none -s worker.cache=%s/cache "
	    "-s worker.program=%s/fake_worker", dir, dir, dir, dir, self);

	put("conf", "");
	ck_assert_int_eq(status_of(start(text)), 0);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		const char *rest = strstr(more[i], "%s");

		(void)snprintf(last, sizeof(last), "%.*s%s%s", (int)
		    (rest != NULL ? rest - more[i] : (int)strlen(more[i])),
		    more[i], rest != NULL ? dir : "", rest != NULL ?
		    rest + 2 : "");
		(void)snprintf(text + n, sizeof(text) - (size_t)n, " %s", last);
		ck_assert_msg(status_of(start(text)) == 1, "%s", last);
	}
	if (geteuid() == 0) {
		(void)snprintf(text + n, sizeof(text) - (size_t)n, " %s",
		    "-u nobody-of-this-name");
		ck_assert_int_eq(status_of(start(text)), 1);
	}
	/* Nothing was made. */
	path_of(last, "cache");
	ck_assert_int_eq(access(last, F_OK), -1);
}
END_TEST

START_TEST(it_serves_reloads_and_drains)
{
	char text[2048] = "";
	int fd, late;

	start_serving("");
	expect_word("READY=1");
	ck_assert_int_ne(fd = call(), -1);
	ask(fd, 5);
	receive(fd, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "\"data\":[10.0,14.0]"));
	/* A reload drops nothing. */
	text[0] = '\0';
	ask(fd, SLOW);
	(void)usleep(20000);
	put("conf", "[queue]\nsize = 7\n");
	ck_assert_int_eq(kill(daemon_pid, SIGHUP), 0);
	expect_word("RELOADING=1");
	expect_word("READY=1");
	receive(fd, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "\"data\":[2006.0,14.0]"));
	/* Nor does the end: what was accepted is answered first. */
	text[0] = '\0';
	ask(fd, SLOW);
	(void)usleep(20000);
	ck_assert_int_eq(kill(daemon_pid, SIGTERM), 0);
	expect_word("STOPPING=1");
	late = call();
	ck_assert_int_eq(late, -1);
	receive(fd, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "\"data\":[2006.0,14.0]"));
	(void)close(fd);
	ck_assert_int_eq(status_of(daemon_pid), 0);
	daemon_pid = 0;
}
END_TEST

/* READY means that requests are answered, also after a reload. */
START_TEST(it_tells_when_it_is_ready)
{
	put("models/slow.onnx", "x");
	start_serving("");
	expect_next("READY=1", "1 of 1 workers ready, 2 of 2 models ready, "
	    "0 failed");
	ck_assert(is_ready());
	put("models/slow2.onnx", "x");
	put("models/bad.onnx", "x");
	ck_assert_int_eq(kill(daemon_pid, SIGHUP), 0);
	expect_next("RELOADING=1", NULL);
	expect_next("READY=1", "1 of 1 workers ready, 3 of 4 models ready, "
	    "1 failed");
	ck_assert(is_ready());
	finish();
}
END_TEST

/* A machine without a device starts all the same, and says what is missing. */
START_TEST(it_starts_without_a_device)
{
	(void)setenv("FAKE_DEVICES", "", 1);
	start_serving("");
	expect_next("READY=1", "no worker is ready: 0 of 0 workers ready, "
	    "0 of 1 models ready, 0 failed");
	ck_assert(!is_ready());
	finish();
}
END_TEST

/* The init script hears at once of a start that failed. */
START_TEST(it_tells_that_it_cannot_start)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "-c /dev/null -u root "
	    "-l unix:%s/none/s -s worker.cache=%s/cache", dir, dir);
	ck_assert_int_eq(status_of(start(text)), 1);
	expect_next("ERRNO=", NULL);
}
END_TEST

START_TEST(it_feeds_the_watchdog)
{
	(void)setenv("WATCHDOG_USEC", "100000", 1);
	start_serving("");
	expect_word("READY=1");
	for (int i = 0; i < 3; i++)
		expect_word("WATCHDOG=1");
	finish();
	(void)unsetenv("WATCHDOG_USEC");
}
END_TEST

/* What does not end in time is answered all the same. */
START_TEST(a_drain_has_an_end)
{
	char text[2048] = "";
	int fd;

	start_serving("-s server.drain_timeout=100ms");
	wait_ready();
	ck_assert_int_ne(fd = call(), -1);
	ask(fd, SLOW - 1);		/* hangs */
	(void)usleep(20000);
	ck_assert_int_eq(kill(daemon_pid, SIGTERM), 0);
	receive(fd, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 503"));
	ck_assert_ptr_nonnull(strstr(text, "Server exiting"));
	(void)close(fd);
	ck_assert_int_eq(status_of(daemon_pid), 0);
	daemon_pid = 0;
}
END_TEST

/* Workers do not outlive a daemon that was killed. */
START_TEST(nothing_is_left_behind)
{
	char text[4096] = "", path[64], *at;
	int64_t end = clock_ns() + 20 * NS_PER_S;
	int fd;

	start_serving("");
	wait_ready();
	ck_assert_int_ne(fd = call(), -1);
	send_text(fd, "GET /v2/workers", "");
	receive(fd, text, sizeof(text));
	(void)close(fd);
	at = strstr(text, "\"pid\":");
	ck_assert_ptr_nonnull(at);
	(void)snprintf(path, sizeof(path), "/proc/%ld/exe",
	    strtol(at + 6, NULL, 10));
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(kill(daemon_pid, SIGKILL), 0);
	(void)waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
	while (readlink(path, text, sizeof(text)) != -1) {
		ck_assert(clock_ns() < end);
		(void)usleep(10000);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("clinferd");
	TCase *c = tcase_create("process");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, exit_codes);
	tcase_add_test(c, a_trial_finds_it);
	tcase_add_test(c, it_serves_reloads_and_drains);
	tcase_add_test(c, it_tells_when_it_is_ready);
	tcase_add_test(c, it_starts_without_a_device);
	tcase_add_test(c, it_tells_that_it_cannot_start);
	tcase_add_test(c, it_feeds_the_watchdog);
	tcase_add_test(c, a_drain_has_an_end);
	tcase_add_test(c, nothing_is_left_behind);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return suite_run(suite());
}
