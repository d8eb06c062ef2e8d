/*
 * Answers: the JSON text of outputs in slices, then the bytes of the binary
 * ones by reference, out of the worker's memory.
 */
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/size.h"
#include "parent/infer.h"
#include "parse/num.h"

#define SCRATCH		((size_t)64 << 10)
#define AT_ONCE		((size_t)8192)	/* bytes answered without a turn */
#define COPY_BELOW	((size_t)4096)	/* not worth a hold */

/* What an output is answered with instead of its elements: labels, strings. */
struct own {
	unsigned char	*data;		/* in the form of BYTES */
	size_t		 n;
	struct shape	 shape;
};

enum answer_step {
	ANSWER_START,
	ANSWER_HEAD,		/* of the output at hand */
	ANSWER_DATA,		/* its elements */
	ANSWER_DONE,
};

struct answer {
	enum answer_step step;
	uint32_t	 output, piece;
	/* bytes into the piece, or into own data */
	size_t		 at;
	bool		 begun;		/* an element was printed */
	bool		 binary;	/* some output is, and not empty */
	struct own	*own;		/* by output */
	uint32_t	 n_own;
	struct turn	 turn;
	struct infer	*infer;
};

/* Text on its way to the body; written out at the end of each slice. */
struct writer {
	struct infer	*i;
	size_t		 n;		/* in scratch */
	size_t		 total;		/* in this slice */
	bool		 failed;
};

static char scratch[SCRATCH];

static void
write_out(struct writer *w)
{
	if (w->n > 0 && (!http_charge(w->i->call, w->n) ||
	    evbuffer_add(http_body(w->i->call), scratch, w->n) != 0))
		w->failed = true;
	w->total += w->n;
	w->n = 0;
}

/* Room for n bytes, n well below SCRATCH. */
static char *
room(struct writer *w, size_t n)
{
	if (SCRATCH - w->n < n)
		write_out(w);
	return scratch + w->n;
}

static void
put(struct writer *w, const char *s)
{
	size_t n = strlen(s);

	memcpy(room(w, n), s, n);
	w->n += n;
}

static void
put_u64(struct writer *w, uint64_t v)
{
	w->n += num_print_u64(v, room(w, NUM_TEXT));
}

/*
 * A string of any length, quoted; a character is never cut, as none is longer.
 */
static void
put_quoted(struct writer *w, const char *s, size_t n)
{
	enum { PART = 4096 };
	size_t part, wrote;
	char *at;

	*room(w, 1) = '"';
	w->n++;
	for (; n > 0; s += part, n -= part) {
		part = n < PART ? n : PART;
		while (part < n && part > PART - 4 && (s[part] & 0xc0) == 0x80)
			part--;
		at = room(w, JSON_QUOTE_ROOM(PART));
		wrote = json_quote(s, part, at);
		memmove(at, at + 1, wrote - 2);
		w->n += wrote - 2;
	}
	*room(w, 1) = '"';
	w->n++;
}

static void
put_shape(struct writer *w, const struct shape *s)
{
	put(w, "[");
	for (int d = 0; d < s->rank; d++) {
		if (d > 0)
			put(w, ",");
		put_u64(w, (uint64_t)s->dim[d]);
	}
	put(w, "]");
}

static void
put_opening(struct writer *w)
{
	const struct version *v = w->i->version;

	put(w, "{");
	if (w->i->id_len > 0) {
		put(w, "\"id\":");
		put_quoted(w, w->i->id, w->i->id_len);
		put(w, ",");
	}
	put(w, "\"model_name\":");
	put_quoted(w, v->model->name, strlen(v->model->name));
	put(w, ",\"model_version\":\"");
	put_u64(w, (uint64_t)v->number);
	put(w, "\",\"outputs\":[");
}

/* The bytes that follow as binary data. */
static size_t
binary_bytes(const struct answer *a, uint32_t k)
{
	return a->own[k].data != NULL ? a->own[k].n :
	    a->infer->request->out[k].bytes;
}

static void
put_head(struct writer *w, struct answer *a)
{
	const struct request_output *o = &w->i->request->out[a->output];
	const struct own *own = &a->own[a->output];
	const char *name = w->i->version->signature->out[o->index].name;
	const char *type = dtype_info(own->data != NULL ? DT_STRING :
	    o->type)->v2;

	put(w, a->output > 0 ? ",{\"name\":" : "{\"name\":");
	put_quoted(w, name, strlen(name));
	put(w, ",\"datatype\":\"");
	put(w, type != NULL ? type : "UNKNOWN");
	put(w, "\",\"shape\":");
	put_shape(w, own->data != NULL ? &own->shape : &o->shape);
	if (w->i->out[o->index].binary) {
		put(w, ",\"parameters\":{\"binary_data_size\":");
		put_u64(w, binary_bytes(a, a->output));
		put(w, "}}");
		a->binary |= binary_bytes(a, a->output) > 0;
		a->output++;
		return;
	}
	put(w, ",\"data\":[");
	a->step = ANSWER_DATA;
	a->begun = false;
	a->piece = 0;
	a->at = 0;
}

/* Some numbers; false when the output is through. */
static bool
put_numbers(struct writer *w, struct answer *a)
{
	const struct request_output *o = &w->i->request->out[a->output];
	const struct piece *p = &o->pieces[a->piece];
	size_t size = dtype_info(o->type)->bits / 8, wrote, n;

	if (a->piece == o->n_pieces)
		return false;
	if (p->bytes - a->at < size) {
		a->piece++;
		a->at = 0;
		return true;
	}
	if (a->begun)
		put(w, ",");
	(void)room(w, 4 * NUM_TEXT);
	n = json_print(o->type, (const char *)p->data + a->at,
	    (p->bytes - a->at) / size, scratch + w->n, SCRATCH - w->n, &wrote);
	a->begun |= n > 0;
	a->at += n * size;
	w->n += wrote;
	write_out(w);
	return true;
}

/* One string of own data, which was checked when it was copied. */
static bool
put_own(struct writer *w, struct answer *a)
{
	const struct own *own = &a->own[a->output];
	uint32_t len;

	if (a->at == own->n)
		return false;
	if (a->begun)
		put(w, ",");
	memcpy(&len, own->data + a->at, 4);
	put_quoted(w, (const char *)own->data + a->at + 4, len);
	a->at += 4 + (size_t)len;
	a->begun = true;
	return true;
}

static void
step(struct writer *w, struct answer *a)
{
	if (a->step == ANSWER_HEAD && a->output == w->i->request->n_out) {
		put(w, "]}");
		a->step = ANSWER_DONE;
	} else if (a->step == ANSWER_HEAD) {
		put_head(w, a);
	} else if (!(a->own[a->output].data != NULL ? put_own(w, a) :
	    put_numbers(w, a))) {
		put(w, "]}");
		a->output++;
		a->step = ANSWER_HEAD;
	}
}

/* A piece in the worker's memory, for as long as the socket needs it. */
struct sending {
	struct holder	 holder;
	struct infer	*infer;
};

static void
piece_sent(const void *data, size_t n, void *arg)
{
	struct sending *s = arg;

	(void)data;
	(void)n;
	holder_remove(&s->holder);
	free(s);
}

static void
copy_pieces(struct holder *h)
{
	struct sending *s = (struct sending *)(void *)h;
	struct stats *stats = &s->infer->x->server->parent->stats;

	stats->copied_bytes += http_copy(s->infer->call);
}

static bool
add_piece(struct infer *i, const struct piece *p)
{
	struct evbuffer *b = http_body(i->call);
	struct sending *s;

	if (p->bytes < COPY_BELOW || p->hold == NULL)
		return http_charge(i->call, p->bytes) &&
		    evbuffer_add(b, p->data, p->bytes) == 0;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return false;
	s->infer = i;
	s->holder.copy = copy_pieces;
	holder_add(&s->holder, p->hold);
	if (evbuffer_add_reference(b, p->data, p->bytes, piece_sent, s) == 0)
		return true;
	piece_sent(NULL, 0, s);
	return false;
}

static bool
add_binary(struct infer *i, struct answer *a)
{
	struct evbuffer *b = http_body(i->call);

	for (uint32_t k = 0; k < i->request->n_out; k++) {
		const struct request_output *o = &i->request->out[k];

		if (!i->out[o->index].binary)
			continue;
		if (a->own[k].data != NULL &&
		    evbuffer_add(b, a->own[k].data, a->own[k].n) != 0)
			return false;
		for (uint32_t p = 0; a->own[k].data == NULL && p < o->n_pieces;
		    p++)
			if (!add_piece(i, &o->pieces[p]))
				return false;
	}
	return true;
}

static void
no_memory(struct infer *i)
{
	http_error(i->call, 503, "no memory left for the answer");
}

/* Everything is in the body.  The call may be over when this returns. */
static void
finish(struct infer *i, struct answer *a)
{
	size_t json = evbuffer_get_length(http_body(i->call));
	char header[64];

	(void)snprintf(header, sizeof(header),
	    "Inference-Header-Content-Length: %zu\r\n", json);
	if (!add_binary(i, a)) {
		no_memory(i);
		return;
	}
	/* Or the worker's memory would be held until the last byte is sent. */
	request_free(i->request);
	i->request = NULL;
	if (a->binary)
		http_send(i->call, 200, "application/octet-stream", header);
	else
		http_send(i->call, 200, "application/json", NULL);
}

static bool	take_all_own(struct infer *);

static void
go_on(struct infer *i)
{
	struct answer *a = i->answer;
	struct writer w = { .i = i };

	if (a->step == ANSWER_START) {
		if (!take_all_own(i))
			return;
		put_opening(&w);
		a->step = ANSWER_HEAD;
	}
	while (a->step != ANSWER_DONE && w.total + w.n < TEXT_SLICE &&
	    !w.failed)
		step(&w, a);
	write_out(&w);
	if (w.failed)
		no_memory(i);
	else if (a->step != ANSWER_DONE)
		turn_add(http_turns(i->x->server->http), &a->turn);
	else
		finish(i, a);
}

static void
on_turn(struct turn *t)
{
	struct answer *a = (struct answer *)(void *)((char *)t -
	    offsetof(struct answer, turn));

	go_on(a->infer);
}

/* The output's pieces in one, out of reach of the worker. */
static unsigned char *
joined(struct infer *i, const struct request_output *o, struct err *e)
{
	unsigned char *data = NULL;
	size_t at = 0;

	if (http_charge(i->call, o->bytes))
		data = malloc(o->bytes > 0 ? o->bytes : 1);
	if (data == NULL) {
		(void)err_memory(e, "answer", o->bytes);
		return NULL;
	}
	for (uint32_t p = 0; p < o->n_pieces; p++) {
		if (!size_within(at, o->pieces[p].bytes, o->bytes))
			break;
		memcpy(data + at, o->pieces[p].data, o->pieces[p].bytes);
		at += o->pieces[p].bytes;
	}
	memset(data + at, 0, o->bytes - at);
	return data;
}

/* Are these lengths with their bytes, to the end? */
static bool
are_strings(const unsigned char *data, size_t n)
{
	size_t at = 0;
	uint32_t len;

	while (n - at >= 4) {
		memcpy(&len, data + at, 4);
		if (!size_within(at + 4, len, n))
			return false;
		at += 4 + (size_t)len;
	}
	return at == n;
}

static int
take_own(struct infer *i, uint32_t k, struct err *e)
{
	const struct request_output *o = &i->request->out[k];
	struct own *own = &i->answer->own[k];
	unsigned char *data;
	int rc = 0;

	if (i->out[o->index].classes == 0 &&
	    (o->type != DT_STRING || i->out[o->index].binary))
		return 0;
	data = joined(i, o, e);
	if (data == NULL)
		return -1;
	if (i->out[o->index].classes > 0) {
		rc = classify(i, o, data, &own->shape, &own->data, &own->n, e);
		free(data);
		return rc;
	}
	own->data = data;
	own->n = o->bytes;
	own->shape = o->shape;
	return are_strings(data, o->bytes) ? 0 : err_set(e, ERR_INTERNAL,
	    "output '%s' holds no strings",
	    i->version->signature->out[o->index].name);
}

/* False: answered with an error. */
static bool
take_all_own(struct infer *i)
{
	struct err e;

	for (uint32_t k = 0; k < i->answer->n_own; k++) {
		if (take_own(i, k, &e) == 0)
			continue;
		http_fail(i->call, &e, 0);
		return false;
	}
	return true;
}

/*
 * Many requests may be done at once, with a batch: only what is short is
 * written here and now.
 */
void
answer_start(struct infer *i)
{
	struct answer *a = calloc(1, sizeof(*a));
	uint32_t n = i->request->n_out;
	size_t bytes = 0;

	i->answer = a;
	if (a != NULL)
		a->own = calloc(n > 0 ? n : 1, sizeof(*a->own));
	if (a == NULL || a->own == NULL) {
		no_memory(i);
		return;
	}
	a->n_own = n;
	a->infer = i;
	a->turn.run = on_turn;
	for (uint32_t k = 0; k < n; k++)
		bytes += i->request->out[k].bytes;
	if (bytes <= AT_ONCE)
		go_on(i);
	else
		turn_add(http_turns(i->x->server->http), &a->turn);
}

void
answer_free(struct infer *i)
{
	struct answer *a = i->answer;

	if (a == NULL)
		return;
	if (a->infer != NULL)
		turn_remove(http_turns(i->x->server->http), &a->turn);
	for (uint32_t k = 0; k < a->n_own; k++)
		free(a->own[k].data);
	free(a->own);
	free(a);
	i->answer = NULL;
}
