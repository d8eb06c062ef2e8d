#include "tool/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* In the child, between fork and exec. */
static void
become(char *const argv[], int in, int out, size_t memory)
{
	struct rlimit space = { memory, memory }, none = { 0, 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(RLIMIT_CORE, &none);
	if (memory > 0)
		(void)setrlimit(RLIMIT_AS, &space);
	/*
	 * out may be CHILD_ANSWER already, and dup2() would keep its O_CLOEXEC.
	 */
	if (dup2(in, STDIN_FILENO) == -1)
		_exit(127);
	if (out == CHILD_ANSWER)
		(void)fcntl(out, F_SETFD, 0);
	else if (dup2(out, CHILD_ANSWER) == -1)
		_exit(127);
	(void)execv("/proc/self/exe", argv);
	_exit(127);
}

int
child_start(struct child *c, char *const argv[], size_t memory,
    struct err *e)
{
	int to[2], from[2];

	*c = (struct child){ .to = -1, .from = -1 };
	if (pipe2(to, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	if (pipe2(from, O_CLOEXEC) == -1) {
		(void)close(to[0]);
		(void)close(to[1]);
		return err_sys(e, "pipe");
	}
	(void)fflush(NULL);
	c->pid = fork();
	if (c->pid == 0)
		become(argv, to[0], from[1], memory);
	(void)close(to[0]);
	(void)close(from[1]);
	c->to = to[1];
	c->from = from[0];
	if (c->pid != -1)
		return 0;
	c->pid = 0;
	(void)close(c->to);
	(void)close(c->from);
	return err_sys(e, "fork");
}

enum child_event
child_wait(struct child *c, struct buf *b, int64_t until)
{
	struct pollfd p = { .fd = c->from, .events = POLLIN };
	int64_t left = until - clock_ns();
	char chunk[4096];
	ssize_t n;

	if (poll(&p, 1, left > 0 ? (int)(left / NS_PER_MS) + 1 : 0) == 0)
		return CHILD_LATE;
	n = read(c->from, chunk, sizeof(chunk));
	if (n == -1 && errno == EINTR)
		return CHILD_SAID;
	if (n <= 0)
		return CHILD_GONE;
	(void)buf_add(b, chunk, (size_t)n);
	return CHILD_SAID;
}

void
child_kill(struct child *c)
{
	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
}

int
child_end(struct child *c, struct err *e)
{
	int status = 0;

	if (c->to != -1)
		(void)close(c->to);
	if (c->from != -1)
		(void)close(c->from);
	while (c->pid > 0 && waitpid(c->pid, &status, 0) == -1 &&
	    errno == EINTR)
		;
	*c = (struct child){ .to = -1, .from = -1 };
	if (WIFSIGNALED(status))
		return err_set(e, ERR_INTERNAL, "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return err_set(e, ERR_INTERNAL, "exited with status %d",
		    WEXITSTATUS(status));
	return 0;
}
