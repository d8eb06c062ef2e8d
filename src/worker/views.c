#include <stdlib.h>
#include <unistd.h>

#include "base/size.h"
#include "ipc/segment.h"
#include "ipc/shm.h"
#include "worker/views.h"

struct view {
	uint32_t	id;
	struct shm	shm;
};

static struct view *
find(const struct views *v, uint32_t id)
{
	for (uint32_t i = 0; i < v->n; i++)
		if (v->view[i].id == id)
			return &v->view[i];
	return NULL;
}

static int
room(struct views *v, struct err *e)
{
	uint32_t cap = v->cap > 0 ? 2 * v->cap : 16;
	struct view *more;

	if (v->n < v->cap)
		return 0;
	more = reallocarray(v->view, cap, sizeof(*more));
	if (more == NULL)
		return err_memory(e, "segments", cap * sizeof(*more));
	v->view = more;
	v->cap = cap;
	return 0;
}

int
views_add_own(struct views *v, uint32_t id, uint64_t bytes, int fd,
    struct err *e)
{
	struct view new = { .id = id };

	if (find(v, id) != NULL || bytes == 0 || bytes > SEGMENT_MAX) {
		(void)close(fd);
		return err_set(e, ERR_INVALID,
		    "segment %u of %llu bytes: known, or no size", id,
		    (unsigned long long)bytes);
	}
	if (room(v, e) == -1) {
		(void)close(fd);
		return -1;
	}
	if (shm_map_own(&new.shm, fd, bytes, bytes, false, e) == -1)
		return err_prefix(e, "segment %u", id);
	/* The mapping is all that is needed: descriptors are few. */
	shm_close_fd(&new.shm);
	v->view[v->n++] = new;
	return 0;
}

int
views_drop(struct views *v, uint32_t id, struct err *e)
{
	struct view *one = find(v, id);

	if (one == NULL)
		return err_set(e, ERR_INVALID, "segment %u: not known", id);
	shm_close(&one->shm);
	*one = v->view[--v->n];
	return 0;
}

void
views_done(struct views *v)
{
	while (v->n > 0)
		shm_close(&v->view[--v->n].shm);
	free(v->view);
	*v = (struct views){ 0 };
}

enum view_result
views_find(const struct views *v, uint32_t id, uint64_t offset, uint64_t bytes,
    const void **at)
{
	static const uint64_t nothing;
	const struct view *one = find(v, id);

	/* Tensors without elements have no memory, so no segment. */
	if (bytes == 0) {
		*at = &nothing;
		return VIEW_OK;
	}
	if (one == NULL)
		return VIEW_UNKNOWN;
	if (!size_within(offset, bytes, one->shm.bytes))
		return VIEW_OUTSIDE;
	*at = one->shm.data + offset;
	return VIEW_OK;
}
