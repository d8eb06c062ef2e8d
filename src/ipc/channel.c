#include <sys/mman.h>
#include <sys/socket.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/size.h"
#include "ipc/channel.h"
#include "ipc/memory.h"

static const char *const phase_names[PHASE_COUNT] = {
	[PHASE_START] = "start",
	[PHASE_IDLE] = "idle",
	[PHASE_LOAD] = "load",
	[PHASE_COMPILE] = "compile",
	[PHASE_RUN] = "run",
	[PHASE_WAIT] = "wait",
};

const char *
phase_name(enum phase p)
{
	return p < PHASE_COUNT ? phase_names[p] : "unknown";
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static int
create_memory(struct channel *c, size_t arena_bytes, struct err *e)
{
	size_t bytes;

	arena_bytes = size_round(arena_bytes, MEMORY_PAGE);
	if (shm_create(&c->to, "clinferd-to-worker", sizeof(struct to_memory),
	    SHM_PEER_READS, e) == -1)
		return -1;
	bytes = offsetof(struct from_memory, arena) + arena_bytes;
	if (shm_create(&c->from, "clinferd-from-worker", bytes,
	    SHM_PEER_WRITES, e) == -1)
		return -1;
	c->out = (struct to_memory *)c->to.data;
	c->in = (const struct from_memory *)c->from.data;
	c->arena = c->in->arena;
	c->arena_bytes = arena_bytes;
	return 0;
}

static int
create_bell(struct channel *c, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(e, "doorbell");
	c->bell = pair[0];
	c->peer_bell = pair[1];
	return 0;
}

/*
 * What the parent must not write is mapped read-only: the casts lend no right.
 */
static void
create_rings(struct channel *c)
{
	struct from_memory *in = (struct from_memory *)c->from.data;

	ring_init(&c->submit, &c->out->submit, &in->submit,
	    c->out->submit_entry, CHANNEL_JOBS);
	ring_init(&c->release, &c->out->release, &in->release,
	    c->out->release_entry, CHANNEL_HELD);
	ring_init(&c->complete, &in->complete, &c->out->complete,
	    in->complete_entry, MEMORY_DONES);
}

struct channel *
channel_new(size_t arena_bytes, struct err *e)
{
	struct channel *c;

	if (arena_bytes == 0 || arena_bytes > CHANNEL_ARENA_MAX) {
		(void)err_set(e, ERR_LIMIT,
		    "output arena of %zu bytes, want 1 to %zu", arena_bytes,
		    CHANNEL_ARENA_MAX);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void)err_memory(e, "channel", sizeof(*c));
		return NULL;
	}
	c->to.fd = c->from.fd = c->bell = c->peer_bell = -1;
	c->holds = 1;
	if (space_open(&c->space, CHANNEL_DESC, e) == -1 ||
	    create_memory(c, arena_bytes, e) == -1 ||
	    create_bell(c, e) == -1) {
		channel_put(c);
		return NULL;
	}
	create_rings(c);
	return c;
}

void
channel_get(struct channel *c)
{
	c->holds++;
}

void
channel_put(struct channel *c)
{
	if (c == NULL || --c->holds > 0)
		return;
	close_fd(&c->bell);
	close_fd(&c->peer_bell);
	space_close(&c->space);
	shm_close(&c->to);
	shm_close(&c->from);
	free(c);
}

void
channel_started(struct channel *c)
{
	close_fd(&c->peer_bell);
	shm_close_fd(&c->to);
	shm_close_fd(&c->from);
}

void
channel_detach(struct channel *c)
{
	channel_started(c);
	close_fd(&c->bell);
}

/* What a push came to; a worker that does not pop what it completes lies. */
static enum ring_result
pushed(struct channel *c, enum ring_result res)
{
	if (res == RING_FULL)
		return RING_BAD;
	if (res != RING_WAKE)
		return res;
	memory_ring(c->bell);
	return RING_OK;
}

enum ring_result
channel_submit(struct channel *c, const struct job *j)
{
	size_t n = job_bytes(j);
	enum ring_result res;
	uint32_t at;

	if (n == 0 || c->bell == -1 || c->open == CHANNEL_JOBS)
		return RING_FULL;
	if (ring_popped(&c->submit) == RING_BAD)
		return RING_BAD;
	space_reclaim(&c->space, c->submit.peer);
	at = space_get(&c->space, (uint32_t)n);
	if (at == SPACE_NONE)
		return RING_FULL;
	job_encode(j, c->out->desc + at);
	res = pushed(c, ring_push(&c->submit, memory_entry(at, (uint32_t)n)));
	if (res == RING_OK)
		c->open++;
	return res;
}

enum ring_result
channel_complete(struct channel *c, struct done **to, struct err *e)
{
	uint64_t entry;
	uint32_t at, n;
	struct done *d;
	enum ring_result res = ring_peek(&c->complete, &entry);

	if (res == RING_BAD)
		(void)err_set(e, ERR_INVALID, "completion count is impossible");
	if (res != RING_OK)
		return res;
	if (c->open == 0) {
		(void)err_set(e, ERR_INVALID, "completion of no job");
		return RING_BAD;
	}
	if (!memory_entry_split(entry, &at, &n)) {
		(void)err_set(e, ERR_INVALID, "completion at %u of %u bytes",
		    at, n);
		return RING_BAD;
	}
	d = done_decode(c->in->desc + at, n, c->arena_bytes, e);
	if (d == NULL)
		return RING_BAD;
	ring_drop(&c->complete);
	c->open--;
	*to = d;
	return RING_OK;
}

const void *
channel_output(const struct channel *c, const struct done_output *o)
{
	return c->arena + o->offset;
}

enum ring_result
channel_release(struct channel *c, uint64_t job)
{
	if (c->bell == -1)
		return RING_OK;
	return pushed(c, ring_push(&c->release, job));
}

bool
channel_sleep(struct channel *c)
{
	return ring_sleep(&c->complete);
}

int
channel_wake(struct channel *c)
{
	int n;

	ring_awake(&c->complete);
	n = memory_hush(c->bell);
	return n >= 0 && n < MEMORY_RINGS ? 0 : -1;
}

bool
channel_phase(const struct channel *c, int64_t now_ns, struct phase_now *to)
{
	uint64_t word = atomic_load_explicit(&c->in->phase,
	    memory_order_acquire);
	uint64_t phase = word >> MEMORY_PHASE_SHIFT;
	int64_t since = (int64_t)(word & MEMORY_PHASE_NS);

	if (phase >= PHASE_COUNT)
		return false;
	to->phase = (enum phase)phase;
	to->since_ns = since < now_ns ? since : now_ns;
	to->job = atomic_load_explicit(&c->in->phase_job, memory_order_relaxed);
	return true;
}

uint32_t
channel_demoted(const struct channel *c)
{
	return atomic_load_explicit(&c->in->demoted, memory_order_relaxed);
}

void
channel_trim(struct channel *c)
{
	/* Shared pages: the bytes stay, only this mapping forgets them. */
	(void)madvise(c->from.data, c->from.bytes, MADV_DONTNEED);
}
