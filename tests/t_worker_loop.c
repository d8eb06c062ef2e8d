/*
 * The loop of clinferd-worker, with a model that adds one to its input in the
 * place of the engine: jobs, messages, outputs that are released late, the ways
 * to end.
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
#include "engine/engine.h"
#include "ipc/segment.h"
#include "ocl/ocl.h"
#include "worker/signals.h"
#include "worker/worker.h"
#include "model_folder.h"
#include "suite.h"

/* The engine's place is taken by a model of one input and one output. */

struct net {
	struct signature	*s;
	void			*bytes;
};

struct net *
net_load(struct engine *engine, void *bytes, size_t n,
    const struct model_source *source, const struct net_options *o,
    struct err *e)
{
	struct net *net;
	char more[4];

	(void)engine;
	(void)o;
	if (n != 4 || (memcmp(bytes, "good", 4) != 0 &&
	    memcmp(bytes, "bare", 4) != 0)) {
		(void)err_set(e, ERR_INVALID, "not a good model");
		return NULL;
	}
	if (source->external(source->arg, "weights", 2, 4, more, e) == -1)
		return NULL;
	net = calloc(1, sizeof(*net));
	net->bytes = bytes;
	net->s = signature_new(1, 1);
	net->s->batchable = true;
	net->s->in[0] = (struct sig_tensor){ "x", DT_FLOAT, { 2, { -1, 2 } },
	    true, false };
	net->s->out[0] = net->s->in[0];
	if (memcmp(bytes, "bare", 4) == 0)
		net->s->out[0].type = DT_NONE;
	return net;
}

size_t
engine_room(const struct engine *engine)
{
	(void)engine;
	return 64;
}

void
net_free(struct net *net)
{
	signature_free(net->s);
	free(net->bytes);
	free(net);
}

const struct signature *
net_signature(const struct net *net)
{
	return net->s;
}

size_t
net_memory(const struct net *net)
{
	(void)net;
	return 4;
}

/* A value of 13 is refused; one of 666 is the end of the device. */
int
net_run(struct net *net, const struct io *in, uint32_t n_in,
    const uint64_t *want, const struct run_sink *sink, struct err *e)
{
	float *to, x;

	(void)net;
	if (n_in != 1 || want[0] != 1)
		return err_set(e, ERR_INVALID, "inputs or outputs");
	to = sink->place(sink->arg, 0, &in[0],
	    (size_t)in[0].shape.dim[0] * 2 * sizeof(*to));
	if (to == NULL)
		return err_set(e, ERR_MEMORY, "no place");
	for (uint32_t s = 0; s < in[0].n_seg; s++)
		for (size_t i = 0; i < in[0].seg[s].bytes / sizeof(x); i++) {
			memcpy(&x, (const char *)in[0].seg[s].data +
			    i * sizeof(x), sizeof(x));
			if (x == 13)
				return err_set(e, ERR_INVALID, "thirteen");
			if (x == 666)
				return err_set(e, ERR_DEVICE, "the end");
			*to++ = x + 1;
		}
	return 0;
}

void
ocl_cache_skip(struct ocl *o, bool skip)
{
	(void)o;
	(void)skip;
}

_Noreturn void
worker_fail(enum worker_exit status, const struct err *e)
{
	(void)e;
	_exit((int)status);
}

/* A worker in another process, and the parent's ends of all it shares. */

static struct channel	*ch;
static struct ctl	 ctl;
static struct arena	*arena;
static pid_t		 child;
static struct err	 err;
static uint64_t		 next_job;

enum { BLOCKS = 16 };
static struct block	*blocks[BLOCKS];	/* of what was submitted */
static uint32_t		 n_blocks;

static void
run_worker(int sock, struct channel *c)
{
	static struct worker w = { .cache = -1, .spare = true };

	ctl_close(&ctl);
	if (ctl_open_own(&w.ctl, sock, &err) == -1 ||
	    wire_open(&w.wire, c->to.fd, c->from.fd, c->peer_bell,
	    &err) == -1 ||
	    outbox_open(&w.outbox, w.wire.arena_bytes, &err) == -1)
		_exit(99);
	(void)close(c->bell);
	signals_before();
	signals_after();
	worker_loop(&w);
	shelf_done(&w.shelf);
	views_done(&w.views);
	outbox_close(&w.outbox);
	binder_done(&w.binder);
	wire_close(&w.wire);
	ctl_close(&w.ctl);
	_exit(0);
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
on_dropped(void *arg, uint32_t id)
{
	struct ctl_msg m = { .type = CTL_SEGMENT_DROP, .fd = -1 };

	(void)arg;
	m.segment.id = id;
	if (child != 0)
		ck_assert_int_eq(ctl_send(&ctl, &m, &err), 0);
}

static void
setup(void)
{
	static const struct arena_events events = { on_added, on_dropped,
	    NULL };
	int sock;

	make_folder();
	arena = arena_new(1 << 26, &events);
	ch = channel_new(8192, &err);
	ck_assert_ptr_nonnull(ch);
	ck_assert_int_eq(ctl_pair(&ctl, &sock, &err), 0);
	child = fork();
	if (child == 0)
		run_worker(sock, ch);
	(void)close(sock);
	channel_started(ch);
	next_job = 1;
}

static void
put_blocks(void)
{
	while (n_blocks > 0)
		block_put(blocks[--n_blocks]);
}

static int
reap(void)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	child = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
teardown(void)
{
	if (child != 0) {
		(void)kill(child, SIGKILL);
		(void)reap();
	}
	put_blocks();
	/* Nobody is there to be told of its segments. */
	arena_free(arena);
	channel_put(ch);
	ctl_close(&ctl);
	remove_folder();
}

static void
hear(struct ctl_msg *m)
{
	struct pollfd p = { .fd = ctl.fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	ck_assert_int_eq(ctl_recv(&ctl, m, &err), 1);
}

static void
load(uint32_t handle, const char *path, enum ctl_type want)
{
	struct ctl_msg m = { .type = CTL_LOAD, .fd = dir };

	m.load = (struct ctl_load){ .handle = handle, .name = "m",
	    .version = 1, .max_batch = 8 };
	(void)snprintf(m.load.path, sizeof(m.load.path), "%s", path);
	ck_assert_int_eq(ctl_send(&ctl, &m, &err), 0);
	hear(&m);
	ck_assert_int_eq(m.type, want);
	if (want == CTL_LOADED) {
		ck_assert_uint_eq(m.loaded.handle, handle);
		ck_assert_str_eq(m.loaded.signature->in[0].name, "x");
	} else
		ck_assert_uint_gt(strlen(m.failed.err.text), 0);
	ctl_msg_done(&m);
}

/* Parts of one job, one row of two each; their values count up from base. */
static uint64_t
submit(const float *value, uint32_t n)
{
	struct job_part part[8] = { 0 };
	struct job_tensor t[8] = { 0 };
	struct job j = { next_job++, 7, n, part };
	float row[2];
	struct block *b = block_new(arena, n * sizeof(row) + 1, &err);

	ck_assert_ptr_nonnull(b);
	ck_assert_uint_lt(n_blocks, BLOCKS);
	blocks[n_blocks++] = b;
	for (uint32_t i = 0; i < n; i++) {
		row[0] = row[1] = value[i];
		/* Bytes may begin anywhere. */
		memcpy(b->data + 1 + i * sizeof(row), row, sizeof(row));
		t[i] = (struct job_tensor){ 0, DT_FLOAT, { 2, { 1, 2 } },
		    b->segment, b->offset + 1 + i * sizeof(row),
		    sizeof(row) };
		part[i] = (struct job_part){ .rows = 1, .want = { 1 },
		    .n_in = 1, .in = &t[i] };
	}
	ck_assert_int_eq(channel_submit(ch, &j), RING_OK);
	return j.id;
}

static struct done *
answer(void)
{
	struct pollfd p = { .fd = ch->bell, .events = POLLIN };
	struct done *d;
	enum ring_result r;

	while ((r = channel_complete(ch, &d, &err)) == RING_EMPTY) {
		if (!channel_sleep(ch))
			continue;
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
		ck_assert_int_eq(channel_wake(ch), 0);
	}
	ck_assert_int_eq(r, RING_OK);
	return d;
}

static void
check_part(const struct done *d, uint32_t p, float want)
{
	float got[2];

	ck_assert_int_eq(d->part[p].code, ERR_NONE);
	ck_assert_uint_eq(d->part[p].n_out, 1);
	ck_assert_uint_eq(d->part[p].out[0].bytes, sizeof(got));
	ck_assert_int_eq(d->part[p].out[0].shape.dim[0], 1);
	memcpy(got, channel_output(ch, &d->part[p].out[0]), sizeof(got));
	ck_assert(got[0] == want && got[1] == want);
}

START_TEST(jobs_are_answered)
{
	const float v[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct phase_now now;
	struct done *d;

	load(7, "m/1/model", CTL_LOADED);
	for (uint32_t n = 1; n <= 8; n++) {
		uint64_t id = submit(v, n);

		d = answer();
		ck_assert_uint_eq(d->job, id);
		ck_assert_uint_eq(d->n_parts, n);
		for (uint32_t p = 0; p < n; p++)
			check_part(d, p, v[p] + 1);
		ck_assert_int_eq(channel_release(ch, id), RING_OK);
		free(d);
		put_blocks();
	}
	ck_assert(channel_phase(ch, clock_ns(), &now));
	ck_assert(now.phase == PHASE_IDLE || now.phase == PHASE_RUN);
}
END_TEST

START_TEST(one_bad_request_fails_alone)
{
	const float v[3] = { 1, 13, 3 };
	struct done *d;

	load(7, "m/1/model", CTL_LOADED);
	(void)submit(v, 3);
	d = answer();
	check_part(d, 0, 2);
	ck_assert_int_eq(d->part[1].code, ERR_INVALID);
	ck_assert_str_eq(d->part[1].text, "thirteen");
	check_part(d, 2, 4);
	free(d);
}
END_TEST

/* Far more outputs than the arena holds, some released late. */
START_TEST(a_full_arena_is_waited_for)
{
	const float v[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint64_t held[64], first = 0, next = 0;
	struct phase_now now = { .phase = PHASE_IDLE };
	struct done *d;

	load(7, "m/1/model", CTL_LOADED);
	for (int i = 0; i < 128; i++) {
		held[next++ % 64] = submit(v, 8);
		d = answer();
		check_part(d, 7, 9);
		free(d);
		put_blocks();
	}
	/* 128 times 64 bytes are held: the next has to wait. */
	(void)submit(v, 8);
	for (int i = 0; i < 1000 && now.phase != PHASE_WAIT; i++) {
		(void)poll(NULL, 0, 10);
		ck_assert(channel_phase(ch, clock_ns(), &now));
	}
	ck_assert_int_eq(now.phase, PHASE_WAIT);
	ck_assert_int_eq(channel_complete(ch, &d, &err), RING_EMPTY);
	first = held[next % 64];
	ck_assert_int_eq(channel_release(ch, first), RING_OK);
	d = answer();
	check_part(d, 7, 9);
	free(d);
}
END_TEST

START_TEST(models_come_and_go_while_others_serve)
{
	const float v[1] = { 41 };
	struct ctl_msg m = { .type = CTL_UNLOAD, .fd = -1 };
	struct done *d;

	load(7, "m/1/model", CTL_LOADED);
	load(8, "m/1/none", CTL_LOAD_FAILED);
	load(8, "../secret", CTL_LOAD_FAILED);
	load(8, "m/1/up", CTL_LOAD_FAILED);
	load(8, "m/1/weights", CTL_LOAD_FAILED);
	load(8, "m/1/untyped", CTL_LOAD_FAILED);
	load(8, "m/1/large", CTL_LOAD_FAILED);
	load(7, "m/1/model", CTL_LOAD_FAILED);
	load(8, "m/1/beside", CTL_LOADED);
	m.handle = 8;
	ck_assert_int_eq(ctl_send(&ctl, &m, &err), 0);
	hear(&m);
	ck_assert_int_eq(m.type, CTL_UNLOADED);
	(void)submit(v, 1);
	d = answer();
	check_part(d, 0, 42);
	free(d);
}
END_TEST

START_TEST(a_model_that_is_not_there_is_an_error_of_the_job)
{
	const float v[1] = { 1 };
	struct done *d;

	(void)submit(v, 1);
	d = answer();
	ck_assert_int_eq(d->part[0].code, ERR_INTERNAL);
	free(d);
}
END_TEST

START_TEST(segments_are_let_go)
{
	const float v[1] = { 1 };
	struct ctl_msg m;

	load(7, "m/1/model", CTL_LOADED);
	(void)submit(v, 1);
	free(answer());
	put_blocks();
	ck_assert_int_eq(arena_sweep(arena, 1, 0), 0);
	hear(&m);
	ck_assert_int_eq(m.type, CTL_SEGMENT_DROPPED);
	ck_assert_uint_eq(m.segment.id, 1);
	(void)submit(v, 1);
	free(answer());
}
END_TEST

/* Jobs that come close upon each other are waited for awake, not for ever. */
START_TEST(a_brisk_worker_goes_to_sleep_again)
{
	const float v[1] = { 1 };
	int64_t until;
	uint64_t id;

	load(7, "m/1/model", CTL_LOADED);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++) {
			id = submit(v, 1);
			free(answer());
			ck_assert_int_eq(channel_release(ch, id), RING_OK);
			put_blocks();
		}
		until = clock_ns() + 10 * NS_PER_S;
		while (atomic_load(&ch->submit.rx->asleep) == 0)
			ck_assert_int_lt(clock_ns(), until);
	}
}
END_TEST

START_TEST(a_worker_drains_and_ends)
{
	const float v[2] = { 1, 2 };
	struct ctl_msg m = { .type = CTL_DRAIN, .fd = -1 };

	load(7, "m/1/model", CTL_LOADED);
	for (int i = 0; i < 3; i++)
		(void)submit(v, 2);
	ck_assert_int_eq(ctl_send(&ctl, &m, &err), 0);
	for (int i = 0; i < 3; i++)
		free(answer());
	ck_assert_int_eq(reap(), WORKER_EXIT_OK);
}
END_TEST

START_TEST(a_signal_drains_too)
{
	load(7, "m/1/model", CTL_LOADED);
	(void)kill(child, SIGTERM);
	ck_assert_int_eq(reap(), WORKER_EXIT_OK);
}
END_TEST

START_TEST(a_device_in_doubt_ends_the_worker)
{
	const float v[2] = { 1, 666 };
	struct phase_now now;
	uint64_t id;

	load(7, "m/1/model", CTL_LOADED);
	id = submit(v, 2);
	ck_assert_int_eq(reap(), WORKER_EXIT_DEVICE);
	/* The dead one still says what it was doing. */
	ck_assert(channel_phase(ch, clock_ns(), &now));
	ck_assert_int_eq(now.phase, PHASE_RUN);
	ck_assert_uint_eq(now.job, id);
}
END_TEST

START_TEST(nonsense_from_the_parent_ends_the_worker)
{
	load(7, "m/1/model", CTL_LOADED);
	ck_assert_int_eq(channel_release(ch, 99), RING_OK);
	ck_assert_int_eq(send(ctl.fd, "x", 1, 0), 1);
	ck_assert_int_eq(reap(), WORKER_EXIT_PARENT);
}
END_TEST

START_TEST(a_gone_parent_ends_the_worker)
{
	ctl_close(&ctl);
	ck_assert_int_eq(reap(), WORKER_EXIT_OK);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("worker_loop");
	TCase *l = tcase_create("loop");

	tcase_add_checked_fixture(l, setup, teardown);
	tcase_set_timeout(l, 60);
	tcase_add_test(l, jobs_are_answered);
	tcase_add_test(l, one_bad_request_fails_alone);
	tcase_add_test(l, a_full_arena_is_waited_for);
	tcase_add_test(l, models_come_and_go_while_others_serve);
	tcase_add_test(l, a_model_that_is_not_there_is_an_error_of_the_job);
	tcase_add_test(l, segments_are_let_go);
	tcase_add_test(l, a_brisk_worker_goes_to_sleep_again);
	tcase_add_test(l, a_worker_drains_and_ends);
	tcase_add_test(l, a_signal_drains_too);
	tcase_add_test(l, a_device_in_doubt_ends_the_worker);
	tcase_add_test(l, nonsense_from_the_parent_ends_the_worker);
	tcase_add_test(l, a_gone_parent_ends_the_worker);
	suite_add_tcase(s, l);
	return suite_run(s);
}
