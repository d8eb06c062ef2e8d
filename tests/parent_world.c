#include "parent_world.h"

#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/segment.h"
#include "parent/conf.h"
#include "parent/models.h"
#include "parent/queue.h"
#include "parent/sup.h"
#include "parent/workers.h"

uint32_t	world_priority;

static void
on_beat(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
on_added(void *arg, const struct segment *g)
{
	sup_segment_added(((struct parent *)arg)->sup, g);
}

static void
on_dropped(void *arg, uint32_t id)
{
	struct parent *p = arg;

	if (p->sup != NULL)
		sup_segment_dropped(p->sup, id);
}

void
world_model(struct world *w, const char *file, const char *text)
{
	char path[PATH_MAX], *slash;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/models/%s", w->dir, file);
	for (slash = path + strlen(w->dir) + 8;
	    (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	(void)unlink(path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

void
world_no_model(struct world *w, const char *file)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/models/%s", w->dir, file);
	ck_assert_int_eq(unlink(path), 0);
}

/* Call f for each word of a text. */
static void
each_word(struct world *w, const char *text, void (*f)(struct world *, char *))
{
	char *copy = strdup(text), *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			f(w, word);
	free(copy);
}

static void
set_key(struct world *w, char *word)
{
	struct err e;

	ck_assert_msg(conf_set(w->p.conf, word, &e) == 0, "%s", e.text);
}

static void
set_env(struct world *w, char *word)
{
	char *equals = strchr(word, '=');

	(void)w;
	*equals = '\0';
	(void)setenv(word, equals + 1, 1);
}

static void
add_model(struct world *w, char *word)
{
	world_model(w, word, "model");
}

static void
configure(struct world *w, const char *settings)
{
	char self[PATH_MAX], text[2 * PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	(void)snprintf(text, sizeof(text), "worker.program=%s/fake_worker "
	    "worker.cache=%s/cache models.dir=%s/models "
	    "worker.environment=FAKE_*,*SAN_OPTIONS worker.run_timeout=10s",
	    self, w->dir, w->dir);
	each_word(w, text, set_key);
	each_word(w, settings, set_key);
}

void
world_open(struct world *w, const char *settings, const char *env,
    const char *models)
{
	static const struct timeval beat = { 0, 2000 };
	char path[PATH_MAX];
	struct parent *p = &w->p;
	struct arena_events events = { on_added, on_dropped, p };
	struct err e;

	memset(w, 0, sizeof(*w));
	log_set_level(getenv("WORLD_LOG") != NULL ? LOG_LV_DEBUG :
	    LOG_LV_ERROR);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/t_parent.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	(void)snprintf(path, sizeof(path), "%s/models", w->dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	world_model(w, "../fake.icd", "none");
	(void)snprintf(path, sizeof(path), "%s/fake.icd", w->dir);
	(void)setenv("OCL_ICD_VENDORS", getenv("WORLD_ICD") != NULL ?
	    getenv("WORLD_ICD") : path, 1);
	each_word(w, env, set_env);
	each_word(w, models, add_model);
	p->base = event_base_new();
	p->conf = conf_new();
	configure(w, settings);
	p->arena = arena_new(p->conf->limits_memory, &events);
	p->models = models_new(p, &e);
	p->queue = queue_new(p, &e);
	p->sup = sup_new(p, &e);
	ck_assert_msg(p->sup != NULL, "%s", e.text);
	w->beat = event_new(p->base, -1, EV_PERSIST, on_beat, NULL);
	(void)event_add(w->beat, &beat);
	models_reload(p->models);
	sup_start(p->sup);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

void
world_close(struct world *w)
{
	struct parent *p = &w->p;

	p->draining = true;
	sup_free(p->sup);
	p->sup = NULL;
	models_free(p->models);
	queue_free(p->queue);
	arena_free(p->arena);
	event_free(w->beat);
	event_base_free(p->base);
	conf_free(p->conf);
	(void)nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
world_turn(struct world *w)
{
	(void)event_base_loop(w->p.base, EVLOOP_ONCE);
}

void
world_run_ms(struct world *w, int64_t ms)
{
	int64_t end = clock_ns() + ms * NS_PER_MS;

	while (clock_ns() < end)
		world_turn(w);
}

bool
world_ready(struct world *w, const char *model)
{
	return models_version(w->p.models, model, NULL, NULL) != NULL;
}

static void
on_done(struct request *r)
{
	struct ask *a = r->arg;

	a->done = true;
	a->calls++;
	a->err = r->err;
	for (uint32_t i = 0; i < r->n_out; i++)
		for (uint32_t k = 0; k < r->out[i].n_pieces; k++) {
			const struct piece *p = &r->out[i].pieces[k];
			uint32_t n = (uint32_t)(p->bytes / sizeof(float));

			if (a->n + n <= 4096)
				memcpy(a->y + a->n, p->data, p->bytes);
			a->n += n;
			a->pieces++;
		}
	if (a->keep)
		return;
	a->r = NULL;
	request_free(r);
}

static float
element(float x, int64_t column)
{
	return column == 0 ? x : (float)column;
}

int
world_ask(struct world *w, struct ask *a, const char *model, float x,
    int64_t rows, int64_t columns)
{
	struct version *v = models_version(w->p.models, model, NULL, &a->err);
	struct request *r;
	float *data;

	ck_assert_msg(v != NULL, "%s", a->err.text);
	r = a->r = request_new();
	r->version = version_get(v);
	r->in = calloc(1, sizeof(*r->in));
	r->n_in = 1;
	r->in->shape.rank = 2;
	r->in->shape.dim[0] = rows;
	r->in->shape.dim[1] = columns;
	r->in->bytes = (size_t)(rows * columns) * sizeof(float);
	r->in->block = block_new(w->p.arena, r->in->bytes, &a->err);
	ck_assert_ptr_nonnull(r->in->block);
	data = (float *)r->in->block->data;
	for (int64_t i = 0; i < rows; i++)
		for (int64_t k = 0; k < columns; k++)
			*data++ = element(x + (float)i, k);
	r->want[0] = 1;
	r->rows = v->batch_max > 0 ? rows : 0;
	r->priority = world_priority;
	r->done = on_done;
	r->arg = a;
	if (request_submit(r, &a->err) == 0)
		return 0;
	request_free(r);
	a->r = NULL;
	return -1;
}

bool
world_good(const struct ask *a, float x, int64_t rows, int64_t columns)
{
	if (a->calls != 1 || a->err.code != ERR_NONE ||
	    a->n != rows * columns)
		return false;
	for (int64_t i = 0; i < rows; i++)
		for (int64_t k = 0; k < columns; k++)
			if (i * columns + k < 4096 && a->y[i * columns + k] !=
			    2 * element(x + (float)i, k))
				return false;
	return true;
}

void
world_kill(struct world *w, uint32_t worker, int signal_number)
{
	struct worker_info info;

	ck_assert(workers_info(w->p.sup, worker, &info));
	ck_assert_int_gt(info.pid, 0);
	ck_assert_int_eq(kill(info.pid, signal_number), 0);
}
