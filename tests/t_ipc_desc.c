/* What desc and ctl promise: what goes in comes out, and nothing else does. */
#include <sys/socket.h>

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/size.h"
#include "ipc/ctl.h"
#include "ipc/desc.h"
#include "suite.h"

static struct job_tensor tensors[] = {
	{ 0, DT_FLOAT, { 2, { 2, 64 } }, 7, 128, 512 },
	{ 3, DT_INT64, { 1, { 2 } }, 8, 1, 16 },
	{ 0, DT_FLOAT, { 2, { 1, 64 } }, 9, 0, 256 },
	{ 3, DT_STRING, { 1, { 1 } }, 9, 300, 9 },
};
static struct job_part parts[] = {
	{ 100, 0, 2, { 1, 0, 0, 5 }, 2, tensors },
	{ 101, 6, 1, { 1, 0, 0, 4 }, 2, tensors + 2 },
};
static const struct job job = { 42, 3, 2, parts };

static struct done_output outs[] = {
	{ 0, DT_FLOAT, { 2, { 2, 10 } }, 64, 80 },
	{ 255, DT_BOOL, { 0, { 0 } }, 4095, 1 },
};
static struct done_part done_parts[] = {
	{ ERR_NONE, "", 2, outs },
	{ ERR_INVALID, "node \"g\": index 7, want 0 to 3", 0, NULL },
};
static const struct done done = { 42, 1, 2, 3, 2, done_parts };

enum { ARENA = 4096 };

static unsigned char bytes[4096];

START_TEST(a_job_survives)
{
	size_t n = job_bytes(&job);
	struct err e;
	struct job *j;

	ck_assert_uint_gt(n, 0);
	ck_assert_uint_le(n, sizeof(bytes));
	job_encode(&job, bytes);
	j = job_decode(bytes, n, &e);
	ck_assert_ptr_nonnull(j);
	ck_assert_uint_eq(j->id, 42);
	ck_assert_uint_eq(j->model, 3);
	ck_assert_uint_eq(j->n_parts, 2);
	ck_assert_uint_eq(j->part[1].request, 101);
	ck_assert_uint_eq(j->part[1].first_row, 6);
	ck_assert_uint_eq(j->part[1].want[3], 4);
	for (int i = 0; i < 4; i++) {
		const struct job_tensor *t = &j->part[i / 2].in[i % 2];

		ck_assert_uint_eq(t->index, tensors[i].index);
		ck_assert_int_eq(t->type, tensors[i].type);
		ck_assert(shape_equal(&t->shape, &tensors[i].shape));
		ck_assert_uint_eq(t->segment, tensors[i].segment);
		ck_assert_uint_eq(t->offset, tensors[i].offset);
		ck_assert_uint_eq(t->bytes, tensors[i].bytes);
	}
	free(j);
}
END_TEST

START_TEST(a_completion_survives)
{
	size_t n = done_bytes(&done);
	struct err e;
	struct done *d;

	done_encode(&done, bytes);
	d = done_decode(bytes, n, ARENA, &e);
	ck_assert_ptr_nonnull(d);
	ck_assert_uint_eq(d->job, 42);
	ck_assert_uint_eq(d->input_ns, 1);
	ck_assert_uint_eq(d->compute_ns, 2);
	ck_assert_uint_eq(d->output_ns, 3);
	ck_assert_uint_eq(d->part[0].n_out, 2);
	ck_assert_uint_eq(d->part[0].out[1].index, 255);
	ck_assert_uint_eq(d->part[0].out[1].offset, 4095);
	ck_assert_int_eq(d->part[1].code, ERR_INVALID);
	ck_assert_str_eq(d->part[1].text, done_parts[1].text);
	ck_assert(done_has_output(d));
	free(d);
	ck_assert_ptr_null(done_decode(bytes, n, ARENA - 1, &e));
}
END_TEST

/* What is wrong with a tensor, and only that, is refused. */
START_TEST(a_wrong_tensor_is_refused)
{
	static const struct job_tensor wrong[] = {
		{ 256, DT_FLOAT, { 1, { 2 } }, 1, 0, 8 },
		{ 0, DT_COUNT, { 1, { 2 } }, 1, 0, 8 },
		{ 0, DT_NONE, { 1, { 2 } }, 1, 0, 8 },
		{ 0, DT_FLOAT, { 1, { 2 } }, 1, 0, 9 },
		{ 0, DT_FLOAT, { 1, { -2 } }, 1, 0, 8 },
		{ 0, DT_FLOAT, { 1, { 3 } }, 1, 0, 12 },
		{ 0, DT_FLOAT, { 2, { 2, INT64_MAX } }, 1, 0, 8 },
		{ 0, DT_STRING, { 1, { 2 } }, 1, 0, 7 },
	};
	struct job_tensor t = { 0, DT_FLOAT, { 1, { 2 } }, 1, 0, 8 };
	struct job_part p = { .rows = 2, .n_in = 1, .in = &t };
	struct job j = { 1, 1, 1, &p }, *got;
	struct err e;

	job_encode(&j, bytes);
	got = job_decode(bytes, job_bytes(&j), &e);
	ck_assert_ptr_nonnull(got);
	free(got);
	for (size_t i = 0; i < nitems(wrong); i++) {
		t = wrong[i];
		job_encode(&j, bytes);
		ck_assert_ptr_null(job_decode(bytes, job_bytes(&j), &e));
		ck_assert_int_eq(e.code, ERR_INVALID);
	}
}
END_TEST

START_TEST(too_much_has_no_size)
{
	static struct job_part many[DESC_PARTS_MAX + 1];
	static struct job_tensor big[SIG_TENSORS_MAX];
	struct job j = { 1, 1, DESC_PARTS_MAX + 1, many };

	ck_assert_uint_eq(job_bytes(&j), 0);
	j.n_parts = DESC_PARTS_MAX;
	ck_assert_uint_gt(job_bytes(&j), 0);
	for (int i = 0; i < DESC_PARTS_MAX; i++)
		many[i] = (struct job_part){ .n_in = SIG_TENSORS_MAX,
		    .in = big };
	ck_assert_uint_eq(job_bytes(&j), 0);
	j.n_parts = 0;
	ck_assert_uint_eq(job_bytes(&j), 0);
}
END_TEST

/*
 * Every cut is refused; every changed byte is refused or decodes to something.
 */
START_TEST(damage_is_survived)
{
	size_t nj = job_bytes(&job), nd = done_bytes(&done);
	unsigned char *copy;
	struct err e;

	for (size_t n = 0; n < nj + nd; n++) {
		size_t cut = n < nj ? n : n - nj;

		copy = malloc(cut + 1);
		if (n < nj) {
			job_encode(&job, bytes);
			memcpy(copy, bytes, cut);
			ck_assert_ptr_null(job_decode(copy, cut, &e));
		} else {
			done_encode(&done, bytes);
			memcpy(copy, bytes, cut);
			ck_assert_ptr_null(done_decode(copy, cut, ARENA, &e));
		}
		free(copy);
	}
	for (size_t i = 0; i < nj * 256; i++) {
		job_encode(&job, bytes);
		bytes[i / 256] = (unsigned char)i;
		free(job_decode(bytes, nj, &e));
	}
	for (size_t i = 0; i < nd * 256; i++) {
		done_encode(&done, bytes);
		bytes[i / 256] = (unsigned char)i;
		free(done_decode(bytes, nd, ARENA, &e));
	}
}
END_TEST

static struct ctl_msg
some_loaded(void)
{
	struct ctl_msg m = { .type = CTL_LOADED, .fd = -1 };
	struct signature *s = signature_new(2, 1);

	s->batchable = true;
	s->in[0] = (struct sig_tensor){ "x", DT_FLOAT, { 2, { -1, 64 } }, true,
	    false };
	s->in[1] = (struct sig_tensor){ "who knows", DT_STRING, { 0 }, false,
	    true };
	s->out[0] = (struct sig_tensor){ "y", DT_FLOAT, { 2, { -1, 10 } },
	    true, false };
	m.loaded = (struct ctl_loaded){ 5, 77, 1 << 20, s };
	return m;
}

START_TEST(messages_survive_with_their_descriptors)
{
	struct ctl parent, worker;
	struct ctl_msg m, load = { .type = CTL_LOAD };
	struct err e;
	int fd;

	load.fd = open("/", O_RDONLY);
	load.load = (struct ctl_load){ 5, "digits", 3, "digits/3/model.onnx",
	    32, CTL_FP32, CTL_CACHE_SKIP };
	ck_assert_int_eq(ctl_pair(&parent, &fd, &e), 0);
	ck_assert_int_eq(ctl_open_own(&worker, fd, &e), 0);
	ck_assert_int_eq(ctl_recv(&worker, &m, &e), 0);
	ck_assert_int_eq(ctl_send(&parent, &load, &e), 0);
	ck_assert_int_eq(ctl_recv(&worker, &m, &e), 1);
	ck_assert_int_eq(m.type, CTL_LOAD);
	ck_assert_str_eq(m.load.path, "digits/3/model.onnx");
	ck_assert_int_eq(m.load.cache, CTL_CACHE_SKIP);
	ck_assert_int_ge(fcntl(m.fd, F_GETFD), 0);
	ck_assert_int_eq(fcntl(m.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ctl_msg_done(&m);
	ctl_msg_done(&load);

	load = some_loaded();
	ck_assert_int_eq(ctl_send(&worker, &load, &e), 0);
	ck_assert_int_eq(ctl_recv(&parent, &m, &e), 1);
	ck_assert_int_eq(m.type, CTL_LOADED);
	ck_assert(signature_equal(m.loaded.signature, load.loaded.signature));
	ck_assert_uint_eq(m.loaded.load_ms, 77);
	ctl_msg_done(&m);
	ctl_msg_done(&load);

	ctl_close(&worker);
	ck_assert_int_eq(ctl_recv(&parent, &m, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	load = (struct ctl_msg){ .type = CTL_PING, .fd = -1 };
	ck_assert_int_eq(ctl_send(&parent, &load, &e), -1);
	ctl_close(&parent);
}
END_TEST

START_TEST(a_peer_that_is_behind_gets_everything_later)
{
	struct ctl parent, worker;
	struct ctl_msg m = { .type = CTL_SEGMENT_ADD, .fd = dup(0) };
	struct err e;
	int fd, sent, got = 0;

	ck_assert_int_eq(ctl_pair(&parent, &fd, &e), 0);
	ck_assert_int_eq(ctl_open_own(&worker, fd, &e), 0);
	for (sent = 0; parent.queued < 10; sent++) {
		m.segment.id = (uint32_t)sent;
		/* Only root may have any number of descriptors under way. */
		m.type = sent % 16 == 0 ? CTL_SEGMENT_ADD : CTL_SEGMENT_DROP;
		ck_assert_int_eq(ctl_send(&parent, &m, &e), 0);
	}
	m.type = CTL_SEGMENT_ADD;
	ctl_msg_done(&m);
	ck_assert_int_eq(ctl_flush(&parent, &e), 0);
	while (got < sent) {
		ck_assert_int_eq(ctl_recv(&worker, &m, &e), 1);
		ck_assert_uint_eq(m.segment.id, (uint32_t)got++);
		ctl_msg_done(&m);
		ck_assert_int_ge(ctl_flush(&parent, &e), 0);
	}
	ck_assert_int_eq(ctl_flush(&parent, &e), 1);
	ctl_close(&parent);
	ctl_close(&worker);
}
END_TEST

static void
send_raw(int to, const void *data, size_t n, int fd)
{
	union {
		struct cmsghdr	h;
		char		room[CMSG_SPACE(sizeof(int))];
	} c = { 0 };
	struct iovec v = { (void *)(uintptr_t)data, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
	    .msg_control = c.room, .msg_controllen = sizeof(c.room) };

	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(to, &m, 0), (ssize_t)n);
}

START_TEST(a_descriptor_where_none_belongs_is_closed)
{
	uint32_t pong = CTL_PONG;
	struct ctl parent;
	struct ctl_msg m;
	struct err e;
	int fd, next;

	ck_assert_int_eq(ctl_pair(&parent, &fd, &e), 0);
	next = dup(0);
	(void)close(next);
	send_raw(fd, &pong, sizeof(pong), 0);
	ck_assert_int_eq(ctl_recv(&parent, &m, &e), -1);
	ck_assert_int_eq(e.code, ERR_INVALID);
	ck_assert_int_eq(fcntl(next, F_GETFD), -1);
	send_raw(fd, "rubbish", 7, 0);
	ck_assert_int_eq(ctl_recv(&parent, &m, &e), -1);
	ck_assert_int_eq(fcntl(next, F_GETFD), -1);
	(void)close(fd);
	ctl_close(&parent);
}
END_TEST

START_TEST(damaged_messages_are_survived)
{
	struct ctl_msg m = some_loaded(), got;
	struct buf b;
	struct err e;
	char was;

	buf_init(&b, CTL_BYTES_MAX);
	ck_assert_int_eq(ctl_encode(&m, &b, &e), 0);
	ctl_msg_done(&m);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(ctl_decode(b.data, n, &got, &e), -1);
	for (size_t i = 0; i < b.len * 256; i++) {
		was = b.data[i / 256];
		b.data[i / 256] = (char)i;
		if (ctl_decode(b.data, b.len, &got, &e) == 0)
			ctl_msg_done(&got);
		b.data[i / 256] = was;
	}
	buf_done(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipc_desc");
	TCase *c = tcase_create("desc");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_job_survives);
	tcase_add_test(c, a_completion_survives);
	tcase_add_test(c, a_wrong_tensor_is_refused);
	tcase_add_test(c, too_much_has_no_size);
	tcase_add_test(c, damage_is_survived);
	tcase_add_test(c, messages_survive_with_their_descriptors);
	tcase_add_test(c, a_peer_that_is_behind_gets_everything_later);
	tcase_add_test(c, a_descriptor_where_none_belongs_is_closed);
	tcase_add_test(c, damaged_messages_are_survived);
	suite_add_tcase(s, c);
	return suite_run(s);
}
