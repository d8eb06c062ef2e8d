/*
 * Descriptors: the first byte says whether a job or a completion, then its
 * bytes. What is accepted encodes to the same length and is accepted again.
 */
#include "ipc/desc.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { ARENA = 1 << 16 };

static void
try_job(const uint8_t *data, size_t n)
{
	struct err e;
	struct job *j = job_decode(data, n, &e), *again;
	void *bytes;

	if (j == NULL)
		return;
	bytes = malloc(n);
	if (bytes == NULL || job_bytes(j) != n)
		abort();
	job_encode(j, bytes);
	again = job_decode(bytes, n, &e);
	if (again == NULL || again->n_parts != j->n_parts)
		abort();
	free(again);
	free(bytes);
	free(j);
}

static void
try_done(const uint8_t *data, size_t n)
{
	struct err e;
	struct done *d = done_decode(data, n, ARENA, &e), *again;
	size_t bytes;
	void *room;

	if (d == NULL)
		return;
	bytes = done_bytes(d);
	room = malloc(bytes);
	if (bytes == 0 || bytes > n || room == NULL)
		abort();
	done_encode(d, room);
	again = done_decode(room, bytes, ARENA, &e);
	if (again == NULL || done_has_output(again) != done_has_output(d))
		abort();
	free(again);
	free(room);
	free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	if (data[0] == 'j')
		try_job(data + 1, n - 1);
	else
		try_done(data + 1, n - 1);
	return 0;
}
