#include "ocl/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUILDERS_MAX	16

struct builders {
	struct ocl	*ocl;
	struct built	*list;
	size_t		 n;
	_Atomic size_t	*next;		/* nobody has taken this one yet */
};

static void
compile_one(struct ocl *ocl, struct built *p)
{
	p->ok = compile_source(ocl, &p->what, &p->program, &p->binary,
	    &p->bytes, &p->err) == 0;
}

static bool
is_done(const struct built *p)
{
	return p->ok || p->err.code != ERR_NONE;
}

static int
wanted(const struct ocl *ocl, size_t n)
{
	int want = ocl->found->one_builder ? 1 : CPU_COUNT(&ocl->cpus);

	if (want > BUILDERS_MAX)
		want = BUILDERS_MAX;
	return (size_t)want > n ? (int)n : want;
}

/* Threads. */

static void *
thread_main(void *arg)
{
	struct builders *b = arg;
	size_t i;

	while ((i = atomic_fetch_add(b->next, 1)) < b->n)
		compile_one(b->ocl, &b->list[i]);
	return NULL;
}

static void
by_threads(struct ocl *ocl, struct built *list, size_t n)
{
	_Atomic size_t next = 0;
	struct builders b = { .ocl = ocl, .list = list, .n = n, .next = &next };
	pthread_t thread[BUILDERS_MAX];
	int want = wanted(ocl, n), started = 0;

	while (want > 1 && started < want && pthread_create(&thread[started],
	    NULL, thread_main, &b) == 0)
		started++;
	/* No thread to be had: then here. */
	if (started == 0)
		(void)thread_main(&b);
	for (int i = 0; i < started; i++)
		(void)pthread_join(thread[i], NULL);
}

/* Processes. */

/* What a process says of one program; its binary follows. */
struct report {
	size_t		 i, bytes;
	bool		 ok;
	struct err	 err;
};

struct child {
	pid_t		 pid;
	int		 fd;		/* its reports */
};

static bool
send_all(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n > 0) {
		ssize_t sent = write(fd, at, n);

		if (sent == -1 && errno != EINTR)
			return false;
		at += sent > 0 ? sent : 0;
		n -= sent > 0 ? (size_t)sent : 0;
	}
	return true;
}

static bool
receive_all(int fd, void *data, size_t n)
{
	char *at = data;

	while (n > 0) {
		ssize_t got = read(fd, at, n);

		if (got == 0 || (got == -1 && errno != EINTR))
			return false;
		at += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	return true;
}

static bool
report_one(int fd, size_t i, const struct built *p)
{
	struct report r = { .i = i, .bytes = p->bytes, .ok = p->ok };

	if (!p->ok)
		r.err = p->err;
	return send_all(fd, &r, sizeof(r)) &&
	    send_all(fd, p->binary, p->bytes);
}

/*
 * fork() without exec(): the lanes' threads are outside of the driver between
 * two rounds, and its "basic" devices have none.
 */
static _Noreturn void
child_main(struct builders *b, int fd, pid_t parent)
{
	size_t i;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* The caller may be pinned to one core. */
	(void)sched_setaffinity(0, sizeof(b->ocl->cpus), &b->ocl->cpus);
	while ((i = atomic_fetch_add(b->next, 1)) < b->n) {
		if (is_done(&b->list[i]))
			continue;
		compile_one(b->ocl, &b->list[i]);
		if (!report_one(fd, i, &b->list[i]))
			_exit(1);
	}
	_exit(0);
}

static bool
child_start(struct builders *b, struct child *c)
{
	pid_t self = getpid();
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) == -1)
		return false;
	if ((c->pid = fork()) == 0)
		child_main(b, fd[1], self);
	(void)close(fd[1]);
	c->fd = fd[0];
	if (c->pid != -1)
		return true;
	(void)close(fd[0]);
	return false;
}

/* A driver's compiler has been at work there: nothing of it is believed. */
static bool
take_report(struct builders *b, int fd)
{
	struct report r;
	struct built *p;

	if (!receive_all(fd, &r, sizeof(r)) || r.i >= b->n ||
	    r.bytes > COMPILE_BINARY_MAX)
		return false;
	p = &b->list[r.i];
	if (is_done(p))
		return false;
	if (!r.ok) {
		p->err = r.err;
		p->err.text[sizeof(p->err.text) - 1] = '\0';
		return r.err.code != ERR_NONE;
	}
	if (r.bytes == 0 || (p->binary = malloc(r.bytes)) == NULL)
		return false;
	if (receive_all(fd, p->binary, r.bytes)) {
		p->bytes = r.bytes;
		p->ok = true;
		return true;
	}
	free(p->binary);
	p->binary = NULL;
	return false;
}

static void
child_end(struct child *c)
{
	(void)close(c->fd);
	c->fd = -1;
	/* If it has more to say, nobody hears that, and it ends. */
	while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
		;
}

static void
take_reports(struct builders *b, struct child *child, int n)
{
	struct pollfd p[BUILDERS_MAX];
	int open = n;

	while (open > 0) {
		for (int i = 0; i < n; i++)
			p[i] = (struct pollfd){ child[i].fd, POLLIN, 0 };
		if (poll(p, (nfds_t)n, -1) == -1 && errno != EINTR)
			break;
		for (int i = 0; i < n; i++) {
			if (child[i].fd == -1 || p[i].revents == 0 ||
			    take_report(b, child[i].fd))
				continue;
			child_end(&child[i]);
			open--;
		}
	}
	for (int i = 0; i < n; i++)
		if (child[i].fd != -1)
			child_end(&child[i]);
}

static void
by_processes(struct ocl *ocl, struct built *list, size_t n)
{
	struct builders b = { .ocl = ocl, .list = list, .n = n };
	int want = wanted(ocl, n), started = 0;
	struct child child[BUILDERS_MAX];

	b.next = mmap(NULL, sizeof(*b.next), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b.next == MAP_FAILED)
		return;
	while (started < want && child_start(&b, &child[started]))
		started++;
	take_reports(&b, child, started);
	(void)munmap(b.next, sizeof(*b.next));
}

void
builders_run(struct ocl *ocl, struct built *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		list[i].err.code = ERR_NONE;
	if (ocl->mode != MODE_LANES) {
		by_threads(ocl, list, n);
		return;
	}
	/* The first one here: processes then find the compiler in memory. */
	if (ocl->compiler == NULL)
		compile_one(ocl, &list[0]);
	if (wanted(ocl, n) > 1)
		by_processes(ocl, list, n);
	/* What none has brought: the compiler may take us with it, too. */
	for (size_t i = 0; i < n; i++)
		if (!is_done(&list[i]))
			compile_one(ocl, &list[i]);
}
