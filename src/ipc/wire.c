#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/memory.h"

/*
 * The mirror of channel.c's: what is cast to writable here is mapped read-only.
 */
static void
open_rings(struct wire *w)
{
	struct to_memory *in = (struct to_memory *)w->to.data;

	ring_init(&w->submit, &in->submit, &w->out->submit, in->submit_entry,
	    CHANNEL_JOBS);
	ring_init(&w->release, &in->release, &w->out->release,
	    in->release_entry, CHANNEL_HELD);
	ring_init(&w->complete, &w->out->complete, &in->complete,
	    w->out->complete_entry, MEMORY_DONES);
}

int
wire_open(struct wire *w, int to, int from, int bell, struct err *e)
{
	const size_t fixed = offsetof(struct from_memory, arena);

	*w = (struct wire){ .to.fd = -1, .from.fd = -1, .bell = bell };
	if (shm_map_own(&w->to, to, sizeof(struct to_memory),
	    sizeof(struct to_memory), false, e) == -1) {
		(void)close(from);
		goto fail;
	}
	if (shm_map_own(&w->from, from, fixed + 1, fixed + CHANNEL_ARENA_MAX,
	    true, e) == -1 || space_open(&w->space, CHANNEL_DESC, e) == -1)
		goto fail;
	w->in = (const struct to_memory *)w->to.data;
	w->out = (struct from_memory *)w->from.data;
	w->arena = w->out->arena;
	w->arena_bytes = w->from.bytes - fixed;
	open_rings(w);
	return 0;
fail:
	wire_close(w);
	return -1;
}

void
wire_close(struct wire *w)
{
	space_close(&w->space);
	shm_close(&w->to);
	shm_close(&w->from);
	if (w->bell != -1)
		(void)close(w->bell);
	w->bell = -1;
}

enum ring_result
wire_next(struct wire *w, struct job **to, struct err *e)
{
	uint64_t entry;
	uint32_t at, n;
	struct job *j;
	enum ring_result res = ring_peek(&w->submit, &entry);

	if (res == RING_BAD)
		(void)err_set(e, ERR_INVALID, "submission count is impossible");
	if (res != RING_OK)
		return res;
	if (!memory_entry_split(entry, &at, &n)) {
		(void)err_set(e, ERR_INVALID, "job at %u of %u bytes", at, n);
		return RING_BAD;
	}
	j = job_decode(w->in->desc + at, n, e);
	if (j == NULL)
		return RING_BAD;
	ring_drop(&w->submit);
	*to = j;
	return RING_OK;
}

bool
wire_waiting(struct wire *w)
{
	uint64_t entry;

	return ring_peek(&w->submit, &entry) != RING_EMPTY;
}

enum ring_result
wire_done(struct wire *w, const struct done *d)
{
	size_t n = done_bytes(d);
	enum ring_result res;
	uint32_t at;

	if (n == 0 || ring_popped(&w->complete) == RING_BAD)
		return RING_BAD;
	space_reclaim(&w->space, w->complete.peer);
	at = space_get(&w->space, (uint32_t)n);
	if (at == SPACE_NONE)
		return RING_FULL;
	done_encode(d, w->out->desc + at);
	res = ring_push(&w->complete, memory_entry(at, (uint32_t)n));
	if (res == RING_FULL)
		space_unget(&w->space);
	if (res != RING_WAKE)
		return res;
	memory_ring(w->bell);
	return RING_OK;
}

enum ring_result
wire_released(struct wire *w, uint64_t *job)
{
	return ring_pop(&w->release, job);
}

bool
wire_sleep(struct wire *w)
{
	return ring_sleep(&w->submit);
}

bool
wire_sleep_space(struct wire *w)
{
	return ring_sleep(&w->release);
}

int
wire_wake(struct wire *w)
{
	ring_awake(&w->submit);
	ring_awake(&w->release);
	return memory_hush(w->bell) == -1 ? -1 : 0;
}

void
wire_phase(struct wire *w, enum phase phase, uint64_t job)
{
	uint64_t now = (uint64_t)clock_ns() & MEMORY_PHASE_NS;

	atomic_store_explicit(&w->out->phase_job, job, memory_order_relaxed);
	atomic_store_explicit(&w->out->phase,
	    (uint64_t)phase << MEMORY_PHASE_SHIFT | now, memory_order_release);
}

void
wire_demoted(struct wire *w)
{
	(void)atomic_fetch_add_explicit(&w->out->demoted, 1,
	    memory_order_relaxed);
}

void
wire_trim(struct wire *w)
{
	(void)fallocate(w->from.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)offsetof(struct from_memory, arena), (off_t)w->arena_bytes);
}
