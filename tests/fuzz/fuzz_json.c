/*
 * An inference body: scanned at once and in pieces, elements stored at once and
 * in slices; both ways must come to the same.
 */
#include "parse/json.h"

#define ROOM_MAX	((size_t)1 << 22)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint64_t
hash(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h;
}

static uint64_t
fill_all(const struct json_request *q, char *text, size_t slice)
{
	uint64_t h = 1469598103934665603u;
	struct err e;

	for (size_t i = 0; i < q->n_in; i++) {
		struct json_fill f;
		unsigned char *out;
		size_t room;
		int more;

		if (q->in[i].data.end == 0 ||
		    json_fill_room(q, i, &room, &e) != 0 || room > ROOM_MAX)
			continue;
		out = malloc(room > 0 ? room : 1);
		if (out == NULL)
			abort();
		json_fill_start(&f, q, i, text, out, room);
		do
			more = json_fill(&f, slice, &e);
		while (more == 1);
		if (f.used > room)
			abort();
		h = more == 0 ? hash(h, out, f.used) : hash(h, e.text, 8);
		free(out);
	}
	return h;
}

/* A number that tells all that was read. */
static uint64_t
read_all(const uint8_t *data, size_t n, size_t step)
{
	static struct json_scan scan;
	struct json_request q;
	struct err e;
	uint64_t h = 0;
	char *text = malloc(n > 0 ? n : 1);

	if (text == NULL)
		abort();
	if (n > 0)
		memcpy(text, data, n);
	memset(&scan, 0, sizeof(scan));
	for (size_t at = 0; at < n;) {
		at = n - at < step ? n : at + step;
		if (json_scan(&scan, text, at, &e) != 0) {
			free(text);
			return 1;
		}
	}
	if (json_infer(&q, text, n, &scan, &e) == 0) {
		h = fill_all(&q, text, step);
		h = hash(h, q.id.at, q.id.n) + q.n_in + q.n_out;
		json_request_done(&q);
	}
	free(text);
	return h;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint64_t h = read_all(data, n, n + 1);

	if (read_all(data, n, 1) != h || read_all(data, n, 13) != h)
		abort();
	return 0;
}
