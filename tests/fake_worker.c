/*
 * A worker that speaks ipc and runs no model: supervision, batching and replay
 * are tested with it, without OpenCL.
 *
 * Its model doubles a float tensor, or multiplies it as its file says ("times
 * 3 ... end": without the end it is cut short).  What it does wrong is asked
 * for by what it is given: the file's name or text ("broken", "crash") when
 * loading, the first element of a part when running (the table "acts"),
 * FAKE_START when starting.  FAKE_DEVICES lists
 * devices, FAKE_MS is the time a run takes, FAKE_ROWS makes the model
 * batchable.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "ipc/channel.h"
#include "ipc/ctl.h"
#include "ipc/extent.h"
#include "ipc/launch.h"
#include "ipc/shm.h"

#define SEGMENTS	256
#define OUTPUTS		1024

static struct wire	 wire;
static struct ctl	 ctl;
static struct extents	*arena;
static struct { uint32_t id; struct shm shm; } segment[SEGMENTS];
static struct {
	uint64_t	 job;
	struct extent	*e[64];
	uint32_t	 n;
} output[OUTPUTS];
static const char	*device = "?";
static struct { uint32_t handle; float factor; } models[64];

static const char *
env(const char *name, const char *otherwise)
{
	const char *v = getenv(name);

	return v != NULL ? v : otherwise;
}

static void
die(const char *why)
{
	(void)fprintf(stderr, "error: fake: %s\n", why);
	exit(WORKER_EXIT_DEVICE);
}

static const unsigned char *
bytes_of(const struct job_tensor *t)
{
	for (int i = 0; i < SEGMENTS; i++)
		if (segment[i].id == t->segment && t->segment != 0)
			return segment[i].shm.data + t->offset;
	return NULL;
}

/* Control messages. */

/* What the model's file says: a factor; 0: it is broken. */
static float
read_factor(const struct ctl_msg *m)
{
	static char text[1 << 20];
	int fd = openat(m->fd, m->load.path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	(void)close(fd);
	if (n < 0)
		return 0;
	text[n] = '\0';
	if (strncmp(text, "crash", 5) == 0)
		abort();
	if (strncmp(text, "broken", 6) == 0)
		return 0;
	if (strncmp(text, "times ", 6) != 0)
		return 2;
	return strstr(text, "end") != NULL ? strtof(text + 6, NULL) : 0;
}

/* No handle comes twice: the oldest place is the next. */
static void
shelve(uint32_t handle, float factor)
{
	static uint32_t next;

	models[next % nitems(models)].handle = handle;
	models[next++ % nitems(models)].factor = factor;
}

static float
factor_of(uint32_t handle)
{
	for (size_t i = 0; i < nitems(models); i++)
		if (models[i].handle == handle)
			return models[i].factor;
	return 2;
}

static void
answer_load(const struct ctl_msg *m)
{
	float factor;
	struct ctl_msg a = { .type = CTL_LOADED, .fd = -1 };
	const char *path = m->load.path;
	struct err e;

	wire_phase(&wire, PHASE_LOAD, m->load.handle);
	if (strstr(path, "crash") != NULL &&
	    (strstr(path, "cached") == NULL || m->load.cache == CTL_CACHE_USE))
		abort();
	if (strstr(path, "slow") != NULL)
		(void)usleep(150000);
	if (strstr(path, "hang") != NULL)
		(void)pause();
	factor = read_factor(m);
	shelve(m->load.handle, factor);
	if (strstr(path, "bad") != NULL || factor == 0) {
		a.type = CTL_LOAD_FAILED;
		a.failed.handle = m->load.handle;
		(void)err_set(&a.failed.err, ERR_INVALID, "it is bad");
		(void)ctl_send(&ctl, &a, &e);
		return;
	}
	a.loaded.handle = m->load.handle;
	a.loaded.memory = 4096;
	a.loaded.signature = signature_new(1, 1);
	for (int i = 0; i < 2; i++) {
		struct sig_tensor *t = i == 0 ? a.loaded.signature->in :
		    a.loaded.signature->out;

		(void)snprintf(t->name, sizeof(t->name), i == 0 ? "x" : "y");
		t->type = DT_FLOAT;
		t->has_shape = true;
		t->shape.rank = 2;
		t->shape.dim[0] = t->shape.dim[1] = -1;
	}
	a.loaded.signature->batchable = *env("FAKE_ROWS", "") != '\0';
	if (strstr(path, "untyped") != NULL)
		a.loaded.signature->out[0].type = DT_NONE;
	(void)ctl_send(&ctl, &a, &e);
	signature_free(a.loaded.signature);
	wire_phase(&wire, PHASE_IDLE, 0);
}

static void
segment_add(struct ctl_msg *m)
{
	struct err e;

	for (int i = 0; i < SEGMENTS; i++) {
		if (segment[i].id != 0)
			continue;
		if (shm_map_own(&segment[i].shm, m->fd, 1, (size_t)1 << 40,
		    false, &e) == -1)
			die(e.text);
		m->fd = -1;
		segment[i].id = m->segment.id;
		return;
	}
	die("too many segments");
}

static void
segment_drop(const struct ctl_msg *m)
{
	for (int i = 0; i < SEGMENTS; i++)
		if (segment[i].id == m->segment.id) {
			shm_close(&segment[i].shm);
			segment[i].id = 0;
		}
}

static bool draining;

static void
control(void)
{
	struct ctl_msg m;
	struct err e;
	int r;

	while ((r = ctl_recv(&ctl, &m, &e)) == 1) {
		if (m.type == CTL_SEGMENT_ADD)
			segment_add(&m);
		else if (m.type == CTL_SEGMENT_DROP)
			segment_drop(&m);
		else if (m.type == CTL_LOAD)
			answer_load(&m);
		else if (m.type == CTL_DRAIN)
			draining = true;
		ctl_msg_done(&m);
	}
	if (r == -1)
		exit(WORKER_EXIT_OK);
}

/* Acts: what a first element asks for. */

static struct done *lie;	/* changes a completion before it goes */

static void
act_crash(void)
{
	abort();
}

static void
act_hang(void)
{
	for (;;)
		(void)pause();
}

static void
act_slow(void)
{
	(void)usleep(100000);
}

static void
act_lie_job(void)
{
	lie->job += 1000;
}

static void
act_lie_parts(void)
{
	lie->part[lie->n_parts++].text = "";
}

static void
act_lie_type(void)
{
	lie->part[0].out[0].type = DT_INT32;
}

static void
act_garble(void)
{
	memset(wire.from.data, 0xa5, 4096);
}

static void
act_quit(void)
{
	exit(WORKER_EXIT_DEVICE);
}

/* Ring and talk without end; whoever answers must not hear much of it. */
static void
act_flood(void)
{
	int64_t end = clock_ns() + 10 * NS_PER_S;

	while (clock_ns() < end)
		(void)send(wire.bell, "", 1, MSG_DONTWAIT);
}

static void
act_chatter(void)
{
	struct ctl_msg m = { .type = CTL_PONG, .fd = -1 };
	struct err e;

	for (int i = 0; i < 1000; i++)
		(void)ctl_send(&ctl, &m, &e);
	(void)pause();
}

static const struct {
	float	what;
	void	(*before)(void);
	void	(*after)(void);
} acts[] = {
	{ 1001, act_crash, NULL }, { 1002, act_hang, NULL },
	{ 1003, act_slow, NULL }, { 1004, NULL, act_lie_job },
	{ 1005, NULL, act_lie_parts }, { 1006, NULL, act_lie_type },
	{ 1007, NULL, act_garble }, { 1008, act_quit, NULL },
	{ 1011, act_flood, NULL }, { 1012, act_chatter, NULL },
};

#define FAIL	1009.0f			/* the part is answered with an error */

static void
act(const struct job *j, bool after)
{
	for (uint32_t p = 0; p < j->n_parts; p++)
		for (size_t i = 0; i < nitems(acts); i++) {
			void (*f)(void) = after ? acts[i].after :
			    acts[i].before;
			float x = 0;

			if (j->part[p].in[0].bytes >= sizeof(x))
				memcpy(&x, bytes_of(&j->part[p].in[0]),
				    sizeof(x));
			if (x == acts[i].what && f != NULL)
				f();
		}
}

static void
take_releases(void)
{
	uint64_t job;

	while (wire_released(&wire, &job) == RING_OK)
		for (int i = 0; i < OUTPUTS; i++)
			if (output[i].n > 0 && output[i].job == job) {
				while (output[i].n > 0)
					extent_put(output[i].e[--output[i].n]);
				break;
			}
}

/* Memory for an output; waits until the parent released some. */
static struct extent *
place(uint64_t job, uint64_t bytes)
{
	struct pollfd p = { .fd = wire.bell, .events = POLLIN };
	struct extent *e;
	int i = 0;

	while ((e = extent_get(arena, bytes)) == NULL) {
		wire_phase(&wire, PHASE_WAIT, job);
		if (wire_sleep_space(&wire))
			(void)poll(&p, 1, -1);
		if (wire_wake(&wire) == -1)
			exit(WORKER_EXIT_OK);
		take_releases();
	}
	while (i < OUTPUTS && output[i].n > 0 && output[i].job != job)
		i++;
	for (int k = 0; k < OUTPUTS; k++)
		if (output[k].n > 0 && output[k].job == job)
			i = k;
	if (i == OUTPUTS || output[i].n == 64)
		die("too many outputs");
	output[i].job = job;
	output[i].e[output[i].n++] = e;
	return e;
}

static void
run_part(const struct job *j, const struct job_part *p, struct done_part *d,
    struct done_output *o)
{
	float factor = factor_of(j->model);
	const struct job_tensor *t = &p->in[0];
	struct extent *e;
	float x = 0;

	d->text = "";
	if (t->bytes >= sizeof(x))
		memcpy(&x, bytes_of(t), sizeof(x));
	if (x == FAIL || (j->n_parts > 1 && x == FAIL + 1)) {
		d->code = ERR_INVALID;
		d->text = "the fake does not like it";
		return;
	}
	*o = (struct done_output){ .type = DT_FLOAT, .shape = t->shape };
	d->n_out = 1;
	d->out = o;
	if (t->bytes == 0)
		return;
	e = place(j->id, t->bytes);
	for (uint64_t i = 0; i < t->bytes / sizeof(x); i++) {
		memcpy(&x, bytes_of(t) + i * sizeof(x), sizeof(x));
		x *= factor;
		memcpy(wire.arena + e->offset + i * sizeof(x), &x, sizeof(x));
	}
	o->offset = e->offset;
	o->bytes = t->bytes;
}

static void
run(struct job *j)
{
	static struct done_part part[DESC_PARTS_MAX];
	static struct done_output out[DESC_PARTS_MAX];
	struct done d = { .job = j->id, .n_parts = j->n_parts, .part = part };
	int64_t began = clock_ns();

	memset(part, 0, sizeof(part));
	wire_phase(&wire, PHASE_RUN, j->id);
	act(j, false);
	(void)usleep((useconds_t)strtol(env("FAKE_MS", "0"), NULL, 10) * 1000);
	for (uint32_t i = 0; i < j->n_parts; i++)
		run_part(j, &j->part[i], &part[i], &out[i]);
	d.compute_ns = (uint64_t)(clock_ns() - began);
	lie = &d;
	act(j, true);
	while (wire_done(&wire, &d) == RING_FULL)
		(void)usleep(1000);
	wire_phase(&wire, PHASE_IDLE, 0);
}

static void
serve(void)
{
	struct pollfd p[2] = { { .fd = wire.bell, .events = POLLIN },
	    { .fd = ctl.fd, .events = POLLIN } };
	struct job *j;
	struct err e;
	enum ring_result r;

	for (;;) {
		control();
		take_releases();
		if ((r = wire_next(&wire, &j, &e)) == RING_OK) {
			control();
			run(j);
			free(j);
			continue;
		}
		if (r == RING_BAD)
			exit(WORKER_EXIT_PARENT);
		if (draining)
			exit(WORKER_EXIT_OK);
		if (wire_sleep(&wire))
			(void)poll(p, 2, -1);
		if (wire_wake(&wire) == -1)
			exit(WORKER_EXIT_OK);
	}
}

static void
say_hello(void)
{
	const char *start = env("FAKE_START", "");
	struct ctl_msg m = { .type = CTL_HELLO, .fd = -1 };
	struct err e;

	if (strcmp(start, "crash") == 0)
		die("cannot start");
	if (strcmp(start, "hang") == 0)
		(void)pause();
	(void)snprintf(m.hello.build, sizeof(m.hello.build), "%s",
	    strcmp(start, "build") == 0 ? "another" : LAUNCH_BUILD);
	(void)snprintf(m.hello.device, sizeof(m.hello.device), "%s", device);
	(void)ctl_send(&ctl, &m, &e);
}

static int
list(void)
{
	char all[1024], *rest = all, *name;

	(void)snprintf(all, sizeof(all), "%s",
	    env("FAKE_DEVICES", "Fake/cpu#0"));
	while ((name = strsep(&rest, ",")) != NULL)
		if (*name != '\0')
			(void)printf("%s\tcpu\t2\t1000000\n", name);
	return 0;
}

int
main(int argc, char **argv)
{
	struct err e;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list-devices") == 0)
			return list();
		if (strcmp(argv[i], "--device") == 0 && i + 1 < argc)
			device = argv[i + 1];
	}
	if (wire_open(&wire, WORKER_FD_TO, WORKER_FD_FROM, WORKER_FD_BELL,
	    &e) == -1 || ctl_open_own(&ctl, WORKER_FD_CTL, &e) == -1)
		die(e.text);
	if ((arena = extents_new(wire.arena_bytes)) == NULL)
		die("no memory");
	wire_phase(&wire, PHASE_START, 0);
	say_hello();
	wire_phase(&wire, PHASE_IDLE, 0);
	serve();
}
