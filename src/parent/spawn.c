/*
 * spawn: fork and exec of the worker program, which is opened once so that all
 * workers are of one build whatever is installed meanwhile.
 *
 * A worker's environment is made from nothing, its descriptors have fixed
 * numbers, and CPU workers share the cores that we may use between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/size.h"
#include "parent/conf.h"
#include "parent/parent.h"
#include "parent/sup.h"

#define ENV_MAX		128
#define ARGS_MAX	128

/* Sources of descriptors are moved above the fixed numbers first. */
#define FD_SAFE		64

extern char **environ;

int
spawn_open_program(const struct conf *c, struct err *e)
{
	const char *tried[2] = { c->worker_program,
	    LIBEXEC_DIR "/clinferd-worker" };
	char self[PATH_MAX], beside[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct stat st;
	int fd;

	if (*tried[0] == '\0' && n > 0) {
		self[n] = '\0';
		*strrchr(self, '/') = '\0';
		(void)snprintf(beside, sizeof(beside), "%s/clinferd-worker",
		    self);
		tried[0] = beside;
	}
	fd = open(tried[0], O_PATH | O_CLOEXEC);
	if (fd == -1 && *c->worker_program == '\0')
		fd = open(tried[1], O_PATH | O_CLOEXEC);
	if (fd != -1 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		errno = EACCES;
	else if (fd != -1 && faccessat(fd, "", X_OK, AT_EMPTY_PATH) == 0)
		return fd;
	(void)err_sys(e, "worker program %s", tried[0]);
	if (fd != -1)
		(void)close(fd);
	return -1;
}

/* What a child is given; made before the fork, freed after it. */
struct outfit {
	char	*env[ENV_MAX + 1];
	size_t	 n_env;
	char	*arg[ARGS_MAX + 1];
	size_t	 n_arg;
	bool	 failed;	/* out of memory, or too many */
};

static void
outfit_done(struct outfit *o)
{
	for (size_t i = 0; i < o->n_env; i++)
		free(o->env[i]);
	for (size_t i = 0; i < o->n_arg; i++)
		free(o->arg[i]);
}

static void
give(struct outfit *o, const char *name, const char *value)
{
	if (o->n_env == ENV_MAX ||
	    asprintf(&o->env[o->n_env], "%s=%s", name, value) == -1)
		o->failed = true;
	else
		o->n_env++;
}

static void
argue(struct outfit *o, const char *text)
{
	if (o->n_arg == ARGS_MAX || (o->arg[o->n_arg] = strdup(text)) == NULL)
		o->failed = true;
	else
		o->n_arg++;
}

static void
argue_pair(struct outfit *o, const char *option, const char *value)
{
	argue(o, option);
	argue(o, value);
}

/* Variables that are ours whatever worker.environment says. */
static const char *const ours[] = {
	"PATH", "LC_ALL", "HOME", "TMPDIR", "OCL_ICD_VENDORS",
	"XDG_CACHE_HOME", "POCL_CACHE_DIR", "POCL_DEVICES",
	"POCL_CPU_MAX_CU_COUNT", "POCL_MAX_PTHREAD_COUNT", "CUDA_CACHE_PATH",
	"NEO_CACHE_DIR", "MESA_SHADER_CACHE_DIR",
};

static bool
inherits(const char *name, const struct conf_list *allowed)
{
	for (size_t i = 0; i < nitems(ours); i++)
		if (strcmp(ours[i], name) == 0)
			return false;
	for (size_t i = 0; i < allowed->n; i++)
		if (fnmatch(allowed->v[i], name, 0) == 0)
			return true;
	return false;
}

static void
give_inherited(struct outfit *o, const struct conf_list *allowed)
{
	char name[256];
	const char *equals;

	for (char **v = environ; *v != NULL; v++) {
		equals = strchr(*v, '=');
		if (equals == NULL || (size_t)(equals - *v) >= sizeof(name))
			continue;
		memcpy(name, *v, (size_t)(equals - *v));
		name[equals - *v] = '\0';
		if (inherits(name, allowed))
			give(o, name, equals + 1);
	}
}

/* cache: the folder for everything a driver wants to write. */
static void
give_driver(struct outfit *o, const struct conf *c, const char *icd,
    const char *cache)
{
	static const char *const caches[] = {
		"HOME", "TMPDIR", "XDG_CACHE_HOME", "CUDA_CACHE_PATH",
		"NEO_CACHE_DIR", "MESA_SHADER_CACHE_DIR",
	};

	give(o, "PATH", "/usr/bin:/bin");
	give(o, "LC_ALL", "C.UTF-8");
	give(o, "OCL_ICD_VENDORS", icd);
	for (size_t i = 0; i < nitems(caches); i++)
		give(o, caches[i], cache);
	give_inherited(o, &c->worker_environment);
}

/* Shares of the cores. */

/* Cores that a quota of this cgroup or one above allows; 0: no quota. */
static int
quota_cores(void)
{
	char line[512], path[1024], *end, *slash;
	long quota, period, best = 0;
	FILE *f = fopen("/proc/self/cgroup", "re");

	line[0] = '\0';
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "0::", 3) == 0)
			break;
	if (f != NULL)
		(void)fclose(f);
	if (strncmp(line, "0::", 3) != 0)
		return 0;
	line[strcspn(line, "\n")] = '\0';
	(void)snprintf(path, sizeof(path), "%s", line + 3);
	do {
		char file[1200], text[64];

		(void)snprintf(file, sizeof(file), "/sys/fs/cgroup%s/cpu.max",
		    path);
		f = fopen(file, "re");
		if (f != NULL && fgets(text, sizeof(text), f) != NULL) {
			quota = strtol(text, &end, 10);
			period = end != text ? strtol(end, NULL, 10) : 0;
			if (period > 0 && quota > 0 && (best == 0 ||
			    (quota + period - 1) / period < best))
				best = (quota + period - 1) / period;
		}
		if (f != NULL)
			(void)fclose(f);
		if ((slash = strrchr(path, '/')) != NULL)
			*slash = '\0';
	} while (slash != NULL);
	return (int)best;
}

/*
 * The i-th of n shares of the cores in all, of which at most limit may be used
 * (0: no limit).  More shares than cores: they double up.
 */
void
spawn_share(const cpu_set_t *all, int limit, uint32_t i, uint32_t n,
    cpu_set_t *share)
{
	int cores[CPU_SETSIZE], have = 0, from, to;

	for (int c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, all))
			cores[have++] = c;
	if (limit > 0 && limit < have)
		have = limit;
	CPU_ZERO(share);
	if (have == 0)
		return;
	from = (int)((int64_t)have * i / n);
	to = (int)((int64_t)have * (i + 1) / n);
	if (to <= from)
		to = from + 1;
	for (int k = from; k < to; k++)
		CPU_SET(cores[k], share);
}

/* This slot's share; false: it may run anywhere. */
static bool
share_of(const struct slot *s, cpu_set_t *share)
{
	cpu_set_t all;
	uint32_t i = 0, n = 0;

	if (strcmp(s->device.type, "cpu") != 0 ||
	    sched_getaffinity(0, sizeof(all), &all) == -1)
		return false;
	for (uint32_t k = 0; k < s->sup->n; k++) {
		const struct slot *o = s->sup->slot[k];

		if (strcmp(o->device.type, "cpu") != 0 || !slot_stays(o))
			continue;
		if (o == s)
			i = n;
		n++;
	}
	spawn_share(&all, quota_cores(), i, n, share);
	return true;
}

uint64_t
spawn_outfit(const struct slot *s)
{
	const struct conf_list *dirs = &s->sup->parent->conf->models_dir;
	uint64_t h = HASH_START;
	cpu_set_t share;

	for (size_t i = 0; i < dirs->n; i++)
		h = hash_add(h, dirs->v[i], strlen(dirs->v[i]) + 1);
	return share_of(s, &share) ? hash_add(h, &share, sizeof(share)) :
	    h;
}

/* The child, between fork and exec: system calls only. */

struct child {
	int		 program;
	int		 fd[WORKER_FD_END];	/* what becomes 0, 1, 2 ... */
	int		 n_fds;
	const cpu_set_t	*share;			/* NULL: as we are */
};

static void
become(const struct child *c, struct outfit *o)
{
	int high[WORKER_FD_END], program;
	sigset_t none;

	(void)setpgid(0, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (c->share != NULL)
		(void)sched_setaffinity(0, sizeof(*c->share), c->share);
	program = fcntl(c->program, F_DUPFD_CLOEXEC, FD_SAFE);
	for (int i = 0; i < c->n_fds; i++)
		high[i] = fcntl(c->fd[i], F_DUPFD_CLOEXEC, FD_SAFE);
	for (int i = 0; i < c->n_fds; i++)
		if (high[i] == -1 || dup2(high[i], i) == -1)
			_exit(WORKER_EXIT_START);
	(void)syscall(SYS_close_range, (unsigned)c->n_fds, ~0U,
	    CLOSE_RANGE_CLOEXEC);
	(void)syscall(SYS_execveat, program, "", o->arg, o->env,
	    AT_EMPTY_PATH);
	_exit(WORKER_EXIT_START);
}

static pid_t
spawn(const struct child *c, struct outfit *o, struct err *e)
{
	pid_t pid = -1;

	if (o->failed)
		(void)err_set(e, ERR_MEMORY, "environment of a worker");
	else if ((pid = fork()) == -1)
		(void)err_sys(e, "fork");
	if (pid == 0)
		become(c, o);
	outfit_done(o);
	return pid;
}

int
spawn_check_cache(const struct conf *c, struct err *e)
{
	if (mkdir(c->worker_cache, 0755) == -1 && errno != EEXIST)
		return err_sys(e, "%s: no folder for the workers' caches (set "
		    "worker.cache)", c->worker_cache);
	if (access(c->worker_cache, W_OK | X_OK) == -1)
		return err_sys(e, "%s: not to be written (set worker.cache)",
		    c->worker_cache);
	return 0;
}

/* Worker i's folder, made if need be; path gets its name. */
static int
open_cache(const struct conf *c, const char *name, char *path, size_t size,
    struct err *e)
{
	int fd;

	if (mkdir(c->worker_cache, 0755) == -1 && errno != EEXIST)
		return err_sys(e, "%s (worker.cache)", c->worker_cache);
	(void)snprintf(path, size, "%s/%s", c->worker_cache, name);
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return err_sys(e, "%s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd != -1 ? fd : err_sys(e, "%s", path);
}

static void
dress_worker(struct outfit *o, const struct slot *s, const char *cache,
    const cpu_set_t *share)
{
	const struct conf *c = s->sup->parent->conf;
	char text[32];

	give_driver(o, c, s->device.icd, cache);
	if (share != NULL) {
		(void)snprintf(text, sizeof(text), "%d", CPU_COUNT(share));
		give(o, "POCL_CPU_MAX_CU_COUNT", text);
		give(o, "POCL_MAX_PTHREAD_COUNT", text);
	}
	argue(o, "clinferd-worker");
	argue_pair(o, "--device", s->device.name);
	(void)snprintf(text, sizeof(text), "%u", s->id);
	argue_pair(o, "--id", text);
	argue_pair(o, "--sandbox", c->worker_sandbox);
	if (*c->engine_cl_dir != '\0')
		argue_pair(o, "--cl-dir", c->engine_cl_dir);
	if (c->engine_memory != 0) {
		(void)snprintf(text, sizeof(text), "%zu", c->engine_memory);
		argue_pair(o, "--memory", text);
	}
	for (size_t i = 0; i < c->models_dir.n; i++)
		argue_pair(o, "--read", c->models_dir.v[i]);
}

/*
 * Start the worker of a slot whose channel is open; ctl: the worker's end.
 * Returns our end of the pipe it writes to, and sets s->pid.
 */
int
spawn_worker(struct slot *s, int ctl, struct err *e)
{
	struct outfit o = { .failed = false };
	char cache[PATH_MAX], name[32];
	cpu_set_t share;
	bool shared = share_of(s, &share);
	int out[2], null, dir;
	struct child c = { .program = s->sup->program, .n_fds = WORKER_FD_END };

	(void)snprintf(name, sizeof(name), "worker-%u", s->id);
	dir = open_cache(s->sup->parent->conf, name, cache, sizeof(cache), e);
	if (dir == -1)
		return -1;
	if (pipe2(out, O_CLOEXEC) == -1) {
		(void)close(dir);
		return err_sys(e, "pipe");
	}
	s->outfit = spawn_outfit(s);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dress_worker(&o, s, cache, shared ? &share : NULL);
	c.share = shared ? &share : NULL;
	c.fd[0] = null;
	c.fd[1] = c.fd[2] = out[1];
	c.fd[WORKER_FD_CTL] = ctl;
	c.fd[WORKER_FD_BELL] = s->channel->peer_bell;
	c.fd[WORKER_FD_TO] = s->channel->to.fd;
	c.fd[WORKER_FD_FROM] = s->channel->from.fd;
	c.fd[WORKER_FD_CACHE] = dir;
	s->pid = spawn(&c, &o, e);
	(void)close(null);
	(void)close(dir);
	(void)close(out[1]);
	if (s->pid != -1)
		return out[0];
	s->pid = 0;
	(void)close(out[0]);
	return -1;
}

pid_t
spawn_listing(struct sup *sup, const char *icd, int out, struct err *e)
{
	const struct conf *conf = sup->parent->conf;
	struct outfit o = { .failed = false };
	char cache[PATH_MAX];
	int null, dir;
	struct child c = { .program = sup->program, .n_fds = 3 };
	pid_t pid;

	dir = open_cache(conf, "listing", cache, sizeof(cache), e);
	if (dir == -1)
		return -1;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	give_driver(&o, conf, icd, cache);
	argue(&o, "clinferd-worker");
	argue(&o, "--list-devices");
	c.fd[0] = null;
	c.fd[1] = out;
	c.fd[2] = null;
	pid = spawn(&c, &o, e);
	(void)close(null);
	(void)close(dir);
	return pid;
}
