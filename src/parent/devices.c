/*
 * devices: which OpenCL devices there are, without ever calling OpenCL here.
 *
 * One worker program per driver lists its devices, all at once, each with a
 * time limit: a driver that hangs or crashes hides only its own devices.
 */
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "ipc/launch.h"
#include "parent/conf.h"
#include "parent/parent.h"
#include "parent/sup.h"

#define ICD_DIR		"/etc/OpenCL/vendors"
#define DRIVERS_MAX	32
#define DEVICES_MAX	256

/* One driver being asked. */
struct query {
	struct listing	*listing;
	char		*icd;
	pid_t		 pid;		/* 0: over */
	int		 out;
	struct event	*event;
	struct buf	 text;
};

struct listing {
	struct sup	*sup;
	struct query	 query[DRIVERS_MAX];
	uint32_t	 n, open;
	struct event	*finish;
	void		(*done)(struct sup *, struct device *, uint32_t);
};

static void
query_close(struct query *q)
{
	if (q->pid == 0)
		return;
	/* At the end of its output it has nothing more to do. */
	(void)kill(q->pid, SIGKILL);
	(void)waitpid(q->pid, NULL, 0);
	q->pid = 0;
	event_free(q->event);
	(void)close(q->out);
	q->listing->open--;
}

void
devices_cancel(struct listing *l)
{
	if (l == NULL)
		return;
	for (uint32_t i = 0; i < l->n; i++) {
		query_close(&l->query[i]);
		buf_done(&l->query[i].text);
		free(l->query[i].icd);
	}
	if (l->finish != NULL)
		event_free(l->finish);
	free(l);
}

/* "NAME <tab> TYPE <tab> UNITS <tab> MEMORY"; false: not such a line. */
static bool
parse_line(char *line, struct device *d)
{
	char *field[4], *end;

	for (int i = 0; i < 4; i++)
		if ((field[i] = strsep(&line, "\t")) == NULL)
			return false;
	if (line != NULL || *field[0] == '\0' ||
	    strlen(field[0]) >= sizeof(d->name) ||
	    strlen(field[1]) >= sizeof(d->type))
		return false;
	(void)snprintf(d->name, sizeof(d->name), "%s", field[0]);
	(void)snprintf(d->type, sizeof(d->type), "%s", field[1]);
	d->units = (uint32_t)strtoul(field[2], &end, 10);
	d->memory = strtoull(field[3], NULL, 10);
	return *end == '\0';
}

static void
report(const struct device *d)
{
	char name[LOG_VALUE], type[LOG_VALUE], icd[LOG_VALUE];

	log_info("device", "found: device=%s type=%s units=%u memory_mib=%llu "
	    "driver=%s", log_quote(name, d->name), log_quote(type, d->type),
	    d->units, (unsigned long long)(d->memory >> 20),
	    log_quote(icd, d->icd));
}

static void
finish(int fd, short what, void *arg)
{
	struct listing *l = arg;
	struct device *all = calloc(DEVICES_MAX, sizeof(*all));
	char *rest, *line;
	uint32_t n = 0;

	(void)fd;
	(void)what;
	for (uint32_t i = 0; all != NULL && i < l->n; i++) {
		rest = l->query[i].text.data;
		while (rest != NULL && n < DEVICES_MAX &&
		    (line = strsep(&rest, "\n")) != NULL) {
			if (!parse_line(line, &all[n]))
				continue;
			all[n].icd = l->query[i].icd;
			report(&all[n++]);
		}
	}
	l->done(l->sup, all, n);
	free(all);
	devices_cancel(l);
}

static void
on_output(int fd, short what, void *arg)
{
	static const struct timeval now;
	struct query *q = arg;
	struct listing *l = q->listing;
	char in[4096];
	ssize_t n = 0;

	if ((what & EV_TIMEOUT) != 0)
		log_warn("device", "driver does not answer: %s", q->icd);
	else if ((n = read(fd, in, sizeof(in))) == -1 && errno == EINTR)
		return;
	if (n > 0 && buf_add(&q->text, in, (size_t)n))
		return;
	query_close(q);
	if (l->open == 0)
		(void)event_add(l->finish, &now);
}

static void
ask(struct listing *l, const char *icd)
{
	struct query *q = &l->query[l->n];
	const struct timeval limit = {
		l->sup->parent->conf->worker_start_ns / NS_PER_S + 1, 0
	};
	struct err e;
	int pipe_fd[2];

	memset(q, 0, sizeof(*q));
	q->listing = l;
	buf_init(&q->text, DEVICES_MAX * LAUNCH_LINE_MAX);
	if ((q->icd = strdup(icd)) == NULL || pipe2(pipe_fd, O_CLOEXEC) == -1) {
		free(q->icd);
		return;
	}
	q->out = pipe_fd[0];
	q->event = event_new(l->sup->parent->base, q->out, EV_READ | EV_PERSIST,
	    on_output, q);
	q->pid = spawn_listing(l->sup, icd, pipe_fd[1], &e);
	(void)close(pipe_fd[1]);
	if (q->pid == -1 || q->event == NULL) {
		log_error("device", "driver %s: %s", icd, e.text);
		if (q->event != NULL)
			event_free(q->event);
		(void)close(q->out);
		free(q->icd);
		return;
	}
	(void)event_add(q->event, &limit);
	l->n++;
	l->open++;
}

static int
is_icd(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && strcmp(d->d_name + n - 4, ".icd") == 0;
}

/* Every .icd file of the folder, or the one file that is named. */
static int
ask_all(struct listing *l, const char *where, struct err *e)
{
	struct dirent **found = NULL;
	char path[PATH_MAX];
	struct stat st;
	int n;

	if (stat(where, &st) == 0 && !S_ISDIR(st.st_mode)) {
		ask(l, where);
		return 0;
	}
	n = scandir(where, &found, is_icd, alphasort);
	if (n == -1 && errno != ENOENT)
		return err_sys(e, "%s", where);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", where,
		    found[i]->d_name);
		if (l->n < DRIVERS_MAX)
			ask(l, path);
		free(found[i]);
	}
	free(found);
	return 0;
}

struct listing *
devices_list(struct sup *sup, void (*done)(struct sup *, struct device *,
    uint32_t), struct err *e)
{
	static const struct timeval now;
	const char *where = getenv("OCL_ICD_VENDORS");
	struct listing *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)err_memory(e, "listing", sizeof(*l));
		return NULL;
	}
	l->sup = sup;
	l->done = done;
	l->finish = event_new(sup->parent->base, -1, 0, finish, l);
	if (l->finish == NULL) {
		(void)err_memory(e, "event", 0);
		devices_cancel(l);
		return NULL;
	}
	if (ask_all(l, where != NULL ? where : ICD_DIR, e) == -1) {
		devices_cancel(l);
		return NULL;
	}
	if (l->open == 0)
		(void)event_add(l->finish, &now);
	return l;
}

static bool
is_gpu(const struct device *d)
{
	return strcmp(d->type, "gpu") == 0 ||
	    strcmp(d->type, "accelerator") == 0;
}

/*
 * auto without a GPU: one CPU device, PoCL's if it is there, since more than
 * one driver on the same cores only get in each other's way.
 */
static bool
is_auto(const struct device *all, uint32_t n, uint32_t i)
{
	uint32_t best = n;

	for (uint32_t k = 0; k < n; k++)
		if (is_gpu(&all[k]))
			return is_gpu(&all[i]);
	for (uint32_t k = n; k-- > 0;)
		if (strcmp(all[k].type, "cpu") == 0 && (best == n ||
		    strncmp(all[best].name, "Portable", 8) != 0 ||
		    strncmp(all[k].name, "Portable", 8) == 0))
			best = k;
	return i == best;
}

static bool
named(const struct device *d, const char *wanted)
{
	char word[DEVICE_NAME_MAX];
	size_t n;

	for (; *wanted != '\0'; wanted += n + (wanted[n] != '\0')) {
		n = strcspn(wanted, ",");
		(void)snprintf(word, sizeof(word), "%.*s", (int)n, wanted);
		if (*word != '\0' && strcasestr(d->name, word) != NULL)
			return true;
	}
	return false;
}

bool
devices_chosen(const struct device *all, uint32_t n, uint32_t i,
    const char *wanted)
{
	if (strcmp(wanted, "auto") == 0)
		return is_auto(all, n, i);
	if (strcmp(wanted, "all") == 0)
		return true;
	if (strcmp(wanted, "gpu") == 0)
		return is_gpu(&all[i]);
	if (strcmp(wanted, "cpu") == 0)
		return strcmp(all[i].type, "cpu") == 0;
	return named(&all[i], wanted);
}
