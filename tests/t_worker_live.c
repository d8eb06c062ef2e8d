/*
 * The real clinferd-worker on PoCL, as the parent starts it: sandboxed, the
 * digits model loaded from a descriptor, single requests and a batch, with a
 * cold and a warm cache.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "ipc/channel.h"
#include "ipc/ctl.h"
#include "ipc/launch.h"
#include "ipc/segment.h"
#include "worker/cache.h"
#include "suite.h"

#define POCL	"/etc/OpenCL/vendors/pocl.icd"

enum { PIXELS = 64, DIGITS = 12, BATCH = 4, LIMIT_MS = 120000 };

/* Of tests/models/digits/requests: what the name says is the true label. */
static const char *const files[DIGITS] = { "00-2", "01-0", "02-4", "03-9",
    "04-4", "05-1", "06-2", "07-4", "08-6", "09-7", "10-9", "11-1" };

static struct channel	*ch;
static struct ctl	 ctl;
static struct arena	*arena;
static struct block	*images;	/* of all digits, one after the other */
static char		 cache[] = "/tmp/t_worker_live.XXXXXX";
static int		 cache_fd;
static char		 device[512], models[4096];
static pid_t		 child;
static struct err	 err;

static void
set_environment(void)
{
	static const char *const folders[] = { "HOME", "TMPDIR",
	    "XDG_CACHE_HOME", "POCL_CACHE_DIR" };

	(void)setenv("OCL_ICD_VENDORS", POCL, 1);
	for (size_t i = 0; i < nitems(folders); i++)
		(void)setenv(folders[i], cache, 1);
}

/* The first name of the listing. */
static void
list(void)
{
	FILE *f = popen("./clinferd-worker --list-devices", "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(device, sizeof(device), f));
	ck_assert_ptr_nonnull(strchr(device, '\t'));
	*strchr(device, '\t') = '\0';
	ck_assert_int_eq(pclose(f), 0);
}

static void
exec_worker(int sock)
{
	const int from[] = { sock, ch->peer_bell, ch->to.fd, ch->from.fd,
	    cache_fd };
	int high[nitems(from)];

	for (size_t i = 0; i < nitems(from); i++)
		high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 64);
	for (size_t i = 0; i < nitems(from); i++)
		if (dup2(high[i], WORKER_FD_CTL + (int)i) == -1)
			_exit(98);
	(void)execl("./clinferd-worker", "clinferd-worker", "--device",
	    device, "--sandbox", "auto", "--read", models, NULL);
	_exit(99);
}

static void
hear(struct ctl_msg *m, enum ctl_type want)
{
	struct pollfd p = { .fd = ctl.fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, LIMIT_MS), 1);
	ck_assert_msg(ctl_recv(&ctl, m, &err) == 1, "%s", err.text);
	ck_assert_msg(m->type == want, "type %d: %s", (int)m->type,
	    m->type == CTL_LOAD_FAILED ? m->failed.err.text : "");
}

static void
on_added(void *arg, const struct segment *s)
{
	struct ctl_msg m = { .type = CTL_SEGMENT_ADD, .fd = s->fd };

	(void)arg;
	m.segment = (struct ctl_segment){ s->id, s->bytes };
	ck_assert_int_eq(ctl_send(&ctl, &m, &err), 0);
}

static void
read_image(const char *name, float *to)
{
	char path[8192], text[16384], *at;
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/digits/requests/%s.json",
	    models, name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	at = strstr(text, "\"data\"");
	ck_assert_ptr_nonnull(at);
	at += strcspn(at, "0123456789");
	for (int i = 0; i < PIXELS; i++) {
		to[i] = strtof(at, &at);
		at += strspn(at, "], [\n");
	}
}

static void
read_images(void)
{
	images = block_new(arena, DIGITS * PIXELS * sizeof(float), &err);
	ck_assert_ptr_nonnull(images);
	for (int i = 0; i < DIGITS; i++)
		read_image(files[i], (float *)(void *)images->data +
		    (ptrdiff_t)i * PIXELS);
}

static void
start(void)
{
	struct ctl_msg m;
	int sock;

	ch = channel_new(1 << 20, &err);
	ck_assert_ptr_nonnull(ch);
	ck_assert_int_eq(ctl_pair(&ctl, &sock, &err), 0);
	child = fork();
	if (child == 0)
		exec_worker(sock);
	(void)close(sock);
	channel_started(ch);
	hear(&m, CTL_HELLO);
	ck_assert_str_eq(m.hello.build, LAUNCH_BUILD);
	ck_assert_str_eq(m.hello.device, device);
	ctl_msg_done(&m);
}

static void
load(void)
{
	struct ctl_msg m = { .type = CTL_LOAD,
	    .fd = open(models, O_RDONLY | O_DIRECTORY) };

	ck_assert_int_ge(m.fd, 0);
	m.load = (struct ctl_load){ .handle = 1, .name = "digits",
	    .version = 1, .path = "digits/1/model.onnx", .max_batch = BATCH };
	ck_assert_int_eq(ctl_send(&ctl, &m, &err), 0);
	ctl_msg_done(&m);
	hear(&m, CTL_LOADED);
	ck_assert_uint_eq(m.loaded.signature->n_in, 1);
	ck_assert_str_eq(m.loaded.signature->in[0].name, "image");
	ck_assert_uint_eq(m.loaded.signature->n_out, 2);
	ck_assert(m.loaded.signature->batchable);
	ctl_msg_done(&m);
}

/* Digits [first, first + n) as parts of one job, the first output wanted. */
static void
submit(uint64_t id, int first, int n)
{
	struct job_part part[DIGITS] = { 0 };
	struct job_tensor t[DIGITS];
	struct job j = { id, 1, (uint32_t)n, part };
	const size_t each = PIXELS * sizeof(float);

	for (int i = 0; i < n; i++) {
		t[i] = (struct job_tensor){ 0, DT_FLOAT,
		    { 2, { 1, PIXELS } }, images->segment,
		    images->offset + (size_t)(first + i) * each, each };
		part[i] = (struct job_part){ .rows = 1, .want = { 3 },
		    .n_in = 1, .in = &t[i] };
	}
	ck_assert_int_eq(channel_submit(ch, &j), RING_OK);
}

static struct done *
answer(void)
{
	struct pollfd p[2] = { { .fd = ch->bell, .events = POLLIN },
	    { .fd = ctl.fd, .events = POLLIN } };
	struct done *d;
	enum ring_result r;

	while ((r = channel_complete(ch, &d, &err)) == RING_EMPTY) {
		if (!channel_sleep(ch))
			continue;
		ck_assert_int_eq(poll(p, 2, LIMIT_MS), 1);
		ck_assert_int_eq(p[1].revents, 0);
		ck_assert_int_eq(channel_wake(ch), 0);
	}
	ck_assert_int_eq(r, RING_OK);
	return d;
}

static int64_t
label(const struct done_part *p)
{
	int64_t l;

	ck_assert_msg(p->code == ERR_NONE, "%s", p->text);
	ck_assert_uint_eq(p->n_out, 2);
	ck_assert_int_eq(p->out[0].type, DT_INT64);
	ck_assert_uint_eq(p->out[0].bytes, sizeof(l));
	ck_assert_uint_eq(p->out[1].bytes, 10 * sizeof(float));
	memcpy(&l, channel_output(ch, &p->out[0]), sizeof(l));
	return l;
}

static void
run_all(void)
{
	int64_t got[DIGITS];
	struct done *d;
	int right = 0;

	for (int i = 0; i < DIGITS; i++) {
		submit((uint64_t)i, i, 1);
		d = answer();
		got[i] = label(&d->part[0]);
		right += got[i] == files[i][3] - '0';
		ck_assert_int_eq(channel_release(ch, d->job), RING_OK);
		free(d);
	}
	ck_assert_int_ge(right, DIGITS - 2);
	for (int first = 0; first < DIGITS; first += BATCH) {
		submit((uint64_t)(DIGITS + first), first, BATCH);
		d = answer();
		ck_assert_uint_eq(d->n_parts, BATCH);
		for (int i = 0; i < BATCH; i++)
			ck_assert_int_eq(label(&d->part[i]), got[first + i]);
		free(d);
	}
}

static void
stop(void)
{
	struct ctl_msg m = { .type = CTL_DRAIN, .fd = -1 };
	int status;

	ck_assert_int_eq(ctl_send(&ctl, &m, &err), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	child = 0;
	channel_put(ch);
	ctl_close(&ctl);
}

START_TEST(digits_are_read)
{
	static const struct arena_events events = { .added = on_added };

	arena = arena_new(1 << 26, &events);
	for (int life = 0; life < 2; life++) {
		start();
		load();
		read_images();
		run_all();
		stop();
		block_put(images);
		(void)arena_sweep(arena, 1, 0);
	}
	arena_free(arena);
}
END_TEST

/* A worker must not outlive the one that can answer for it. */
START_TEST(a_dead_parent_takes_its_worker_along)
{
	int out[2], status;
	pid_t worker = 0, parent;
	ssize_t n;

	ck_assert_int_eq(pipe(out), 0);
	parent = fork();
	if (parent == 0) {
		start();
		n = write(out[1], &child, sizeof(child));
		_exit(n == sizeof(child) ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(parent, &status, 0), parent);
	ck_assert_int_eq(read(out[0], &worker, sizeof(worker)),
	    (ssize_t)sizeof(worker));
	for (int i = 0; i < 1000 && kill(worker, 0) == 0; i++)
		(void)poll(NULL, 0, 10);
	ck_assert_int_eq(kill(worker, 0), -1);
}
END_TEST

static void
setup(void)
{
	const char *srcdir = getenv("srcdir");

	(void)snprintf(models, sizeof(models), "%s/tests/models",
	    srcdir != NULL ? srcdir : ".");
	ck_assert_ptr_nonnull(mkdtemp(cache));
	cache_fd = open(cache, O_RDONLY | O_DIRECTORY);
	set_environment();
	list();
}

static void
teardown(void)
{
	if (child > 0)
		(void)kill(child, SIGKILL);
	(void)cache_wipe(cache_fd, &err);
	(void)unlinkat(cache_fd, "pocl", AT_REMOVEDIR);
	(void)rmdir(cache);
}

int
main(void)
{
	Suite *s = suite_create("worker_live");
	TCase *c = tcase_create("live");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 240);
	tcase_add_test(c, digits_are_read);
	tcase_add_test(c, a_dead_parent_takes_its_worker_along);
	suite_add_tcase(s, c);
	return suite_run(s);
}
