/*
 * A connection's bytes: a head, then maybe chunks.  Given whole and in pieces
 * the reader must come to the same end, and every text must lie inside the
 * head.
 */
#include "parse/http.h"

#define HEAD_MAX	4096

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct outcome {
	enum http_result result;
	size_t		 len;		/* of the head */
	size_t		 payload;	/* bytes out of chunks */
	size_t		 used;		/* up to the end of the body */
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
inside(struct text t, const char *buf, size_t len)
{
	must(t.n == 0 || (t.at >= buf && t.at + t.n <= buf + len));
}

static void
read_chunks(const char *in, size_t n, size_t step, struct outcome *o)
{
	struct http_chunks c = { 0 };
	struct text data;
	struct err e;
	size_t used, at = 0;

	o->result = HTTP_MORE;
	while (at < n && (o->result == HTTP_MORE || o->result == HTTP_DATA)) {
		size_t have = n - at < step ? n - at : step;

		o->result = http_chunks_next(&c, in + at, have, &used, &data,
		    &e);
		must(used <= have);
		if (o->result == HTTP_DATA) {
			inside(data, in + at, have);
			o->payload += data.n;
		}
		at += used;
	}
	o->used = at;
	if (o->result == HTTP_DATA)
		o->result = HTTP_MORE;
}

static void
all_inside(const struct http_head *h, const char *buf, size_t len)
{
	inside(h->path, buf, len);
	inside(h->query, buf, len);
	for (size_t i = 0; i < h->n_headers; i++) {
		inside(h->header[i].name, buf, len);
		inside(h->header[i].value, buf, len);
	}
}

/* The same bytes as an answer's head. */
static void
read_answer(const char *buf, size_t len)
{
	static struct http_head h;
	struct err e;

	if (http_parse_answer(buf, len, &h, &e) != 0) {
		must(e.text[0] != '\0');
		return;
	}
	must(h.code >= 100 && h.code <= 999);
	must(!(h.chunked && h.has_length));
	all_inside(&h, buf, len);
}

static struct outcome
read_all(const char *buf, size_t n, size_t step)
{
	static struct http_head h;
	struct http_find f = { 0 };
	struct outcome o = { .result = HTTP_MORE };
	struct err e;
	int status = 0;
	char *out;
	size_t have = 0, got;

	while (o.result == HTTP_MORE && have < n) {
		have = n - have < step ? n : have + step;
		o.result = http_find(&f, buf, have, HEAD_MAX, &o.len, &status,
		    &e);
	}
	if (o.result != HTTP_DONE) {
		must(o.result == HTTP_MORE || status >= 400);
		return o;
	}
	must(o.len <= n);
	read_answer(buf, o.len);
	if (http_parse(buf, o.len, &h, &status, &e) != 0) {
		must(status >= 400);
		o.result = HTTP_BAD;
		return o;
	}
	all_inside(&h, buf, o.len);
	(void)http_lists(&h, "accept-encoding", "gzip");
	out = malloc(h.path.n + 1);
	must(out != NULL);
	must(!http_unescape(h.path, out, &got) || got <= h.path.n);
	free(out);
	must(!(h.chunked && h.has_length));
	if (h.chunked)
		read_chunks(buf + o.len, n - o.len, step, &o);
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct outcome whole = read_all((const char *)data, n, n > 0 ? n : 1);
	static const size_t steps[] = { 1, 7, 64 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct outcome o = read_all((const char *)data, n, steps[i]);

		must(o.result == whole.result);
		if (o.result == HTTP_DONE)
			must(o.len == whole.len && o.payload == whole.payload &&
			    o.used == whole.used);
	}
	return 0;
}
