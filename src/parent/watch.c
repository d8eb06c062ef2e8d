#include "parent/watch.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "parent/conf.h"
#include "parent/folders.h"
#include "parent/loop.h"
#include "parent/models.h"
#include "parent/pace.h"
#include "parent/parent.h"
#include "parent/repo.h"

#define SCAN_NS		(30 * NS_PER_S)
/* Between two readings of events: whoever copies causes thousands. */
#define DEAF_NS		(200 * NS_PER_MS)
#define SLICE_NS	(2 * NS_PER_MS)
#define EVENT_BYTES	16384

struct watch {
	struct parent	*parent;
	bool		 on;
	struct event	*timer;
	struct pace	 pace;

	struct folders	 folders;
	struct event	*readable;	/* NULL: without inotify */
	int64_t		 listen_ns;	/* deaf until then; 0: listening */

	int64_t		 scan_ns;	/* when the next begins */
	bool		 scanning;
	bool		 eager;		/* act on what it sees, at once */
	struct conf_list names;		/* of this scan */
	size_t		 at;		/* the next of them */
	char		 said[1024];	/* the last complaints */
};

static const struct conf_list *
dirs_of(const struct watch *w)
{
	return &w->parent->conf->models_dir;
}

static void
scan_soon(struct watch *w, int64_t in_ns)
{
	int64_t at = clock_ns() + in_ns;

	if (at < w->scan_ns)
		w->scan_ns = at;
}

/* What inotify says. */

static bool
is_known(const struct watch *w, const char *name)
{
	return models_find(w->parent->models, name) != NULL ||
	    pace_find(&w->pace, name) != NULL;
}

/*
 * An entry of a repository: a model's folder, its plain file, or what lies
 * beside that, model.onnx.data.
 */
static void
hear_entry(struct watch *w, const char *entry, int64_t now)
{
	char name[MODEL_NAME_MAX];
	size_t n = strlen(entry);

	if (n >= sizeof(name))
		return;
	(void)pace_event(&w->pace, entry, now);
	memcpy(name, entry, n + 1);
	while (n-- > 0) {
		if (name[n] != '.')
			continue;
		name[n] = '\0';
		if (is_known(w, name) || strcmp(entry + n, ".onnx") == 0)
			(void)pace_event(&w->pace, name, now);
	}
}

static void
hear_repository(struct watch *w, const char *entry, uint32_t mask)
{
	int64_t now = clock_ns();

	if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
		scan_soon(w, PACE_QUIET_NS);
	else if (entry[0] == '.' && entry[1] == '.')
		scan_soon(w, 0);	/* links through it lead elsewhere */
	else if (entry[0] != '.' && entry[0] != '\0') {
		hear_entry(w, entry, now);
		if (mask & (IN_CREATE | IN_MOVED_TO))
			folders_cover_model(&w->folders, dirs_of(w), entry);
	}
}

static void
heard(void *arg, const char *model, const char *entry, uint32_t mask)
{
	struct watch *w = arg;

	if (model == NULL) {
		log_warn("watch", "inotify: events were lost: looking at all");
		scan_soon(w, 0);
		return;
	}
	if (*model == '\0') {
		hear_repository(w, entry, mask);
		return;
	}
	/* Hidden files are somebody's temporary ones; ..data is none. */
	if (entry[0] == '.' && entry[1] != '.')
		return;
	(void)pace_event(&w->pace, model, clock_ns());
	if (mask & (IN_CREATE | IN_MOVED_TO))
		folders_cover_model(&w->folders, dirs_of(w), model);
}

/* Looking at the repository. */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Those that we have and the repository has no more are looked at, too. */
static void
add_known(struct watch *w)
{
	struct conf_list *l = &w->names;
	size_t n = l->n;

	for (struct model *m = models_first(w->parent->models); m != NULL;
	    m = m->next) {
		const char *name = m->name;

		if (n == 0 || bsearch(&name, l->v, n, sizeof(char *),
		    by_name) == NULL)
			(void)conf_list_add(l, name);
	}
}

static void
collect(void *arg, const char *text)
{
	char *to = arg;
	size_t n = strlen(to), size = sizeof(((struct watch *)0)->said);

	(void)snprintf(to + n, size - n, "%s%s", n > 0 ? "; " : "", text);
}

static void
scan_begin(struct watch *w)
{
	char complaints[sizeof(w->said)] = "";
	struct err e;

	w->scanning = true;
	w->at = 0;
	folders_begin(&w->folders);
	for (size_t i = 0; i < dirs_of(w)->n; i++)
		folders_cover(&w->folders, dirs_of(w)->v[i], "");
	(void)repo_names(dirs_of(w), &w->names, collect, complaints, &e);
	if (*complaints != '\0' && strcmp(complaints, w->said) != 0)
		log_warn("model", "repository: %s", complaints);
	memcpy(w->said, complaints, sizeof(w->said));
	add_known(w);
}

static void
scan_drop(struct watch *w)
{
	conf_list_free(&w->names);
	w->at = 0;
	w->scanning = w->eager = w->parent->looking = false;
}

static void
scan_end(struct watch *w)
{
	scan_drop(w);
	folders_sweep(&w->folders);
	w->scan_ns = clock_ns() + SCAN_NS;
}

/* Somebody says that it is as it should be: nothing is waited for. */
static void
bring(struct watch *w, const char *name)
{
	struct change *c = pace_find(&w->pace, name);

	if (c != NULL)
		pace_drop(&w->pace, c);
	models_bring(w->parent->models, name);
}

static void
scan_one(struct watch *w)
{
	const char *name = w->names.v[w->at++];
	struct models *ms = w->parent->models;
	uint64_t stamp;

	/* First, so that what comes later is told. */
	folders_cover_model(&w->folders, dirs_of(w), name);
	switch (repo_stamp(dirs_of(w), name, &stamp)) {
	case REPO_THERE:
		if (w->eager)
			bring(w, name);
		else if (!models_seen(ms, name, stamp))
			(void)pace_look(&w->pace, name, stamp, clock_ns());
		break;
	case REPO_ABSENT:
		if (models_find(ms, name) != NULL)
			(void)pace_look(&w->pace, name, 0, clock_ns());
		break;
	case REPO_UNKNOWN:
		break;
	}
}

/* Acting. */

static void
act(struct watch *w, struct change *c)
{
	struct models *ms = w->parent->models;
	enum verdict verdict = VERDICT_RETIRE;
	uint64_t stamp = 0;
	char name[MODEL_NAME_MAX];
	enum repo_there there = repo_stamp(dirs_of(w), c->name, &stamp);

	if (there == REPO_ABSENT)
		stamp = 0;
	/* Of what is not known, nothing is taken away. */
	if (there == REPO_THERE || (there == REPO_ABSENT &&
	    models_find(ms, c->name) != NULL))
		verdict = pace_judge(c, stamp, clock_ns());
	if (verdict == VERDICT_WAIT)
		return;
	memcpy(name, c->name, sizeof(name));
	pace_drop(&w->pace, c);
	if (verdict == VERDICT_ACT) {
		folders_cover_model(&w->folders, dirs_of(w), name);
		models_bring(ms, name);
	} else if (there == REPO_ABSENT)
		models_retire(ms, name);
}

/* When there is something to do next, and no timer runs but for that. */
static void
arm(struct watch *w)
{
	int64_t next = w->scanning ? 0 : w->scan_ns, due, left;
	struct timeval tv = { 0, 0 };

	if ((due = pace_next(&w->pace)) != 0 && due < next)
		next = due;
	if (w->listen_ns != 0 && w->listen_ns < next)
		next = w->listen_ns;
	left = next - clock_ns();
	if (left > 0) {
		left += NS_PER_US;	/* not too early by less than one */
		tv.tv_sec = left / NS_PER_S;
		tv.tv_usec = left % NS_PER_S / NS_PER_US;
	}
	(void)event_add(w->timer, &tv);
}

/* One slice of what is due. */
static void
go_on(struct watch *w)
{
	int64_t now = clock_ns(), end = now + SLICE_NS;
	struct change *c;

	if (w->listen_ns != 0 && now >= w->listen_ns) {
		w->listen_ns = 0;
		(void)event_add(w->readable, NULL);
	}
	if (!w->scanning && now >= w->scan_ns)
		scan_begin(w);
	while (w->at < w->names.n && clock_ns() < end)
		scan_one(w);
	if (w->scanning && w->at == w->names.n)
		scan_end(w);
	while (clock_ns() < end && (c = pace_due(&w->pace, now)) != NULL)
		act(w, c);
}

static void
on_timer(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();
	struct watch *w = arg;

	(void)fd;
	(void)what;
	if (!w->parent->draining) {
		go_on(w);
		arm(w);
	}
	loop_leave(entered);
}

/* What inotify has to say, or some of it. */
static void
listen_now(struct watch *w)
{
	char bytes[EVENT_BYTES];
	ssize_t n = read(w->folders.fd, bytes, sizeof(bytes));

	if (n > 0)
		folders_hear(&w->folders, bytes, (size_t)n, heard, w);
	w->listen_ns = clock_ns();
	/* A full buffer: there is more. */
	if (n < EVENT_BYTES / 2)
		w->listen_ns += DEAF_NS;
}

static void
on_readable(int fd, short what, void *arg)
{
	int64_t entered = loop_enter();
	struct watch *w = arg;

	(void)fd;
	(void)what;
	listen_now(w);
	if (!w->parent->draining)
		arm(w);
	loop_leave(entered);
}

/* Begin and end. */

static void
listen_open(struct watch *w)
{
	struct err e;

	if (folders_open(&w->folders, &e) == -1) {
		log_warn("watch", "%s: changes are found every %lld s", e.text,
		    (long long)(SCAN_NS / NS_PER_S));
		return;
	}
	w->readable = event_new(w->parent->base, w->folders.fd, EV_READ,
	    on_readable, w);
	if (w->readable != NULL)
		(void)event_add(w->readable, NULL);
	else
		folders_close(&w->folders);
}

static void
stop(struct watch *w)
{
	(void)event_del(w->timer);
	if (w->readable != NULL)
		event_free(w->readable);
	w->readable = NULL;
	w->listen_ns = 0;
	folders_close(&w->folders);
	pace_drop_all(&w->pace);
	scan_drop(w);
	w->on = false;
}

struct watch *
watch_new(struct parent *p, struct err *e)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w != NULL) {
		w->parent = p;
		w->folders.fd = -1;
		w->timer = event_new(p->base, -1, 0, on_timer, w);
	}
	if (w == NULL || w->timer == NULL) {
		free(w);
		(void)err_memory(e, "watch", sizeof(*w));
		return NULL;
	}
	return w;
}

void
watch_reload(struct watch *w)
{
	bool wanted = strcmp(w->parent->conf->models_watch, "yes") == 0;

	if (!wanted || !w->on)
		models_reload(w->parent->models);
	if (!wanted) {
		stop(w);
		return;
	}
	if (!w->on)
		listen_open(w);
	else if (w->readable != NULL)
		listen_now(w);
	scan_drop(w);
	w->scan_ns = clock_ns();
	w->eager = w->parent->looking = w->on;
	w->on = true;
	arm(w);
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	stop(w);
	event_free(w->timer);
	free(w);
}
