#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "ipc/cursor.h"
#include "ipc/desc.h"
#include "ipc/text.h"

/* The encoded form, one struct after the other. */
struct enc_job {
	uint64_t	id;
	uint32_t	model;
	uint32_t	n_parts;
	uint32_t	n_tensors;	/* of all parts */
	uint32_t	zero;
};

struct enc_part {
	uint64_t	request, first_row, rows;
	uint64_t	want[WANT_WORDS];
	uint32_t	n_tensors;
	uint32_t	zero;
};

struct enc_done {
	uint64_t	job;
	uint64_t	input_ns, compute_ns, output_ns;
	uint32_t	n_parts;
	uint32_t	n_tensors;	/* of all parts */
};

struct enc_done_part {
	uint32_t	code;
	uint32_t	n_tensors;
	uint32_t	n_text;		/* bytes behind it, padded to 8 */
	uint32_t	zero;
};

/* Input or output; rank dimensions of 64 bits follow. */
struct enc_tensor {
	uint32_t	index;
	uint16_t	type;
	uint16_t	rank;
	uint32_t	segment;	/* 0 for outputs */
	uint32_t	zero;
	uint64_t	offset, bytes;
};

_Static_assert(sizeof(struct enc_job) == 24, "shared layout");
_Static_assert(sizeof(struct enc_part) == 32 + 8 * WANT_WORDS, "shared layout");
_Static_assert(sizeof(struct enc_done) == 40, "shared layout");
_Static_assert(sizeof(struct enc_done_part) == 16, "shared layout");
_Static_assert(sizeof(struct enc_tensor) == 32, "shared layout");

static size_t
tensor_bytes(const struct shape *s)
{
	return sizeof(struct enc_tensor) + (size_t)s->rank * sizeof(int64_t);
}

size_t
job_bytes(const struct job *j)
{
	size_t n = sizeof(struct enc_job);

	if (j->n_parts == 0 || j->n_parts > DESC_PARTS_MAX)
		return 0;
	for (uint32_t p = 0; p < j->n_parts; p++) {
		if (j->part[p].n_in > SIG_TENSORS_MAX)
			return 0;
		n += sizeof(struct enc_part);
		for (uint32_t i = 0; i < j->part[p].n_in; i++)
			n += tensor_bytes(&j->part[p].in[i].shape);
	}
	return n <= DESC_BYTES_MAX ? n : 0;
}

static size_t
text_bytes(const char *text)
{
	size_t n = strlen(text);

	return n > DESC_TEXT_MAX ? DESC_TEXT_MAX : n;
}

size_t
done_bytes(const struct done *d)
{
	size_t n = sizeof(struct enc_done);

	if (d->n_parts == 0 || d->n_parts > DESC_PARTS_MAX)
		return 0;
	for (uint32_t p = 0; p < d->n_parts; p++) {
		if (d->part[p].n_out > SIG_TENSORS_MAX)
			return 0;
		n += sizeof(struct enc_done_part) +
		    size_round(text_bytes(d->part[p].text), 8);
		for (uint32_t i = 0; i < d->part[p].n_out; i++)
			n += tensor_bytes(&d->part[p].out[i].shape);
	}
	return n <= DESC_BYTES_MAX ? n : 0;
}

static void
put(unsigned char **to, const void *from, size_t n)
{
	memcpy(*to, from, n);
	*to += n;
}

static void
put_tensor(unsigned char **to, struct enc_tensor t, const struct shape *s)
{
	put(to, &t, sizeof(t));
	put(to, s->dim, (size_t)s->rank * sizeof(int64_t));
}

static void
put_part(unsigned char **to, const struct job_part *p)
{
	struct enc_part h = { .request = p->request, .first_row = p->first_row,
	    .rows = p->rows, .n_tensors = p->n_in };
	const struct job_tensor *t;

	memcpy(h.want, p->want, sizeof(h.want));
	put(to, &h, sizeof(h));
	for (t = p->in; t < p->in + p->n_in; t++)
		put_tensor(to, (struct enc_tensor){ .index = t->index,
		    .type = (uint16_t)t->type, .rank = (uint16_t)t->shape.rank,
		    .segment = t->segment, .offset = t->offset,
		    .bytes = t->bytes }, &t->shape);
}

void
job_encode(const struct job *j, void *where)
{
	struct enc_job h = { .id = j->id, .model = j->model,
	    .n_parts = j->n_parts };
	unsigned char *to = where;

	for (uint32_t p = 0; p < j->n_parts; p++)
		h.n_tensors += j->part[p].n_in;
	put(&to, &h, sizeof(h));
	for (uint32_t p = 0; p < j->n_parts; p++)
		put_part(&to, &j->part[p]);
}

static void
put_done_part(unsigned char **to, const struct done_part *p)
{
	struct enc_done_part h = { .code = (uint32_t)p->code,
	    .n_tensors = p->n_out, .n_text = (uint32_t)text_bytes(p->text) };
	size_t pad = size_round(h.n_text, 8) - h.n_text;
	const struct done_output *o;

	put(to, &h, sizeof(h));
	put(to, p->text, h.n_text);
	put(to, "\0\0\0\0\0\0\0", pad);
	for (o = p->out; o < p->out + p->n_out; o++)
		put_tensor(to, (struct enc_tensor){ .index = o->index,
		    .type = (uint16_t)o->type, .rank = (uint16_t)o->shape.rank,
		    .offset = o->offset, .bytes = o->bytes }, &o->shape);
}

void
done_encode(const struct done *d, void *where)
{
	struct enc_done h = { .job = d->job, .input_ns = d->input_ns,
	    .compute_ns = d->compute_ns, .output_ns = d->output_ns,
	    .n_parts = d->n_parts };
	unsigned char *to = where;

	for (uint32_t p = 0; p < d->n_parts; p++)
		h.n_tensors += d->part[p].n_out;
	put(&to, &h, sizeof(h));
	for (uint32_t p = 0; p < d->n_parts; p++)
		put_done_part(&to, &d->part[p]);
}

/* Does the tensor have the bytes that its type and shape say? */
static bool
right_size(enum dtype type, const struct shape *s, uint64_t bytes)
{
	size_t n;

	if (type != DT_STRING)
		return shape_bytes(s, type, &n) && n == bytes;
	return shape_count(s, &n) && size_mul(n, sizeof(uint32_t), &n) &&
	    bytes >= n;
}

/*
 * The next tensor, checked but for where its bytes are.  *above is one more
 * than the index of the one before it.
 */
static int
get_tensor(struct cursor *c, struct enc_tensor *t, struct shape *s,
    uint32_t *above, struct err *e)
{
	*s = (struct shape){ 0 };
	if (!cursor_get(c, t, sizeof(*t)))
		return err_set(e, ERR_INVALID, "cut short");
	if (t->index >= SIG_TENSORS_MAX || t->index < *above)
		return err_set(e, ERR_INVALID, "index %u, want %u to %u",
		    t->index, *above, SIG_TENSORS_MAX - 1);
	if (t->type == DT_NONE || t->type >= DT_COUNT || t->rank > MAX_RANK)
		return err_set(e, ERR_INVALID, "type %u, rank %u", t->type,
		    t->rank);
	s->rank = t->rank;
	if (!cursor_get(c, s->dim, (size_t)t->rank * sizeof(int64_t)))
		return err_set(e, ERR_INVALID, "cut short");
	if (!right_size((enum dtype)t->type, s, t->bytes))
		return err_set(e, ERR_INVALID,
		    "tensor %u: its shape does not have %llu bytes", t->index,
		    (unsigned long long)t->bytes);
	*above = t->index + 1;
	return 0;
}

static int
get_part(struct cursor *c, struct job_part *p, struct job_tensor *room,
    uint32_t n_room, struct err *e)
{
	struct enc_part h;
	struct enc_tensor t;
	struct job_tensor *in;
	uint32_t above = 0;

	if (!cursor_get(c, &h, sizeof(h)) || h.n_tensors > n_room)
		return err_set(e, ERR_INVALID, "cut short");
	*p = (struct job_part){ .request = h.request, .first_row = h.first_row,
	    .rows = h.rows, .n_in = h.n_tensors, .in = room };
	memcpy(p->want, h.want, sizeof(p->want));
	for (in = p->in; in < p->in + p->n_in; in++) {
		if (get_tensor(c, &t, &in->shape, &above, e) == -1)
			return -1;
		if (h.rows > 0 && (t.rank == 0 ||
		    (uint64_t)in->shape.dim[0] != h.rows))
			return err_set(e, ERR_INVALID,
			    "tensor %u: not of %llu rows", t.index,
			    (unsigned long long)h.rows);
		in->index = t.index;
		in->type = (enum dtype)t.type;
		in->segment = t.segment;
		in->offset = t.offset;
		in->bytes = t.bytes;
	}
	return 0;
}

/*
 * Are the counts of a header possible in n bytes, so that allocating for them
 * is no more than a few times n?
 */
static bool
counts_fit(size_t n, size_t header, size_t part, uint32_t n_parts,
    uint32_t n_tensors)
{
	return n >= header && n <= DESC_BYTES_MAX && n_parts > 0 &&
	    n_parts <= DESC_PARTS_MAX && n_tensors <= DESC_BYTES_MAX &&
	    header + n_parts * part +
	    n_tensors * sizeof(struct enc_tensor) <= n;
}

static int
get_parts(struct cursor *c, struct job *j, struct job_tensor *room,
    uint32_t n_room, struct err *e)
{
	struct job_part *p;

	for (uint32_t i = 0; i < j->n_parts; i++) {
		p = &j->part[i];
		if (get_part(c, p, room, n_room, e) == -1)
			return err_prefix(e, "part %u", i);
		if (j->n_parts > 1 && p->rows == 0)
			return err_set(e, ERR_INVALID,
			    "part %u of %u has no rows", i, j->n_parts);
		room += p->n_in;
		n_room -= p->n_in;
	}
	if (c->left > 0 || n_room > 0)
		return err_set(e, ERR_INVALID, "longer than its parts");
	return 0;
}

struct job *
job_decode(const void *from, size_t n, struct err *e)
{
	struct enc_job h = { 0 };
	struct job *j;
	struct job_tensor *tensors;
	struct cursor c;
	unsigned char *raw;
	size_t bytes;

	if (n >= sizeof(h))
		memcpy(&h, from, sizeof(h));
	if (!counts_fit(n, sizeof(h), sizeof(struct enc_part), h.n_parts,
	    h.n_tensors)) {
		(void)err_set(e, ERR_INVALID, "job: %u parts in %zu bytes",
		    h.n_parts, n);
		return NULL;
	}
	bytes = sizeof(*j) + h.n_parts * sizeof(*j->part) +
	    h.n_tensors * sizeof(*tensors) + n;
	j = malloc(bytes);
	if (j == NULL) {
		(void)err_memory(e, "job", bytes);
		return NULL;
	}
	*j = (struct job){ .id = h.id, .model = h.model, .n_parts = h.n_parts,
	    .part = (struct job_part *)(j + 1) };
	tensors = (struct job_tensor *)(j->part + h.n_parts);
	raw = (unsigned char *)(tensors + h.n_tensors);
	memcpy(raw, from, n);
	c = (struct cursor){ raw + sizeof(h), n - sizeof(h) };
	if (get_parts(&c, j, tensors, h.n_tensors, e) == -1) {
		(void)err_prefix(e, "job");
		free(j);
		return NULL;
	}
	return j;
}

/*
 * Of the private copy: the text is ended in place, over its padding or after.
 */
static int
get_text(struct cursor *c, uint32_t n, char *to, struct err *e)
{
	char pad[8];

	if (n > DESC_TEXT_MAX || !cursor_get(c, to, n) ||
	    !cursor_get(c, pad, size_round(n, 8) - n))
		return err_set(e, ERR_INVALID, "text of %u bytes", n);
	(void)text_clean(to, n);
	to[n] = '\0';
	return 0;
}

static int
get_output(struct cursor *c, struct done_output *o, uint32_t *above,
    uint64_t arena, struct err *e)
{
	struct enc_tensor t;

	if (get_tensor(c, &t, &o->shape, above, e) == -1)
		return -1;
	if (!size_within(t.offset, t.bytes, arena))
		return err_set(e, ERR_INVALID, "output %u: not in the arena",
		    t.index);
	o->index = t.index;
	o->type = (enum dtype)t.type;
	o->offset = t.offset;
	o->bytes = t.bytes;
	return 0;
}

struct done_room {
	struct done_output	*out;
	uint32_t		 n_out;
	char			*text;		/* as long as the descriptor */
};

static int
get_done_part(struct cursor *c, struct done_part *p, struct done_room *room,
    uint64_t arena, struct err *e)
{
	struct enc_done_part h;
	uint32_t above = 0;

	if (!cursor_get(c, &h, sizeof(h)) || h.n_tensors > room->n_out)
		return err_set(e, ERR_INVALID, "cut short");
	if (h.code > ERR_INTERNAL)
		return err_set(e, ERR_INVALID, "status %u", h.code);
	if (h.code != ERR_NONE && h.n_tensors > 0)
		return err_set(e, ERR_INVALID, "outputs after an error");
	*p = (struct done_part){ .code = (enum err_code)h.code,
	    .text = room->text, .n_out = h.n_tensors, .out = room->out };
	if (get_text(c, h.n_text, room->text, e) == -1)
		return -1;
	room->text += h.n_text + 1;
	for (uint32_t i = 0; i < p->n_out; i++)
		if (get_output(c, &p->out[i], &above, arena, e) == -1)
			return -1;
	room->out += p->n_out;
	room->n_out -= p->n_out;
	return 0;
}

static int
get_done_parts(struct cursor *c, struct done *d, struct done_room *room,
    uint64_t arena, struct err *e)
{
	for (uint32_t i = 0; i < d->n_parts; i++)
		if (get_done_part(c, &d->part[i], room, arena, e) == -1)
			return err_prefix(e, "part %u", i);
	if (c->left > 0 || room->n_out > 0)
		return err_set(e, ERR_INVALID, "longer than its parts");
	return 0;
}

/* One allocation for n encoded bytes: parts, outputs, texts, a private copy. */
static struct done *
done_alloc(const struct enc_done *h, size_t n, struct done_room *room,
    unsigned char **raw)
{
	struct done *d = malloc(sizeof(*d) + h->n_parts * sizeof(*d->part) +
	    h->n_tensors * sizeof(*room->out) + 2 * n);

	if (d == NULL)
		return NULL;
	*d = (struct done){ .job = h->job, .input_ns = h->input_ns,
	    .compute_ns = h->compute_ns, .output_ns = h->output_ns,
	    .n_parts = h->n_parts, .part = (struct done_part *)(d + 1) };
	room->out = (struct done_output *)(d->part + h->n_parts);
	room->n_out = h->n_tensors;
	*raw = (unsigned char *)(room->out + h->n_tensors);
	room->text = (char *)*raw + n;
	return d;
}

struct done *
done_decode(const void *from, size_t n, uint64_t arena, struct err *e)
{
	struct enc_done h = { 0 };
	struct done_room room;
	struct cursor c;
	struct done *d;
	unsigned char *raw;

	if (n >= sizeof(h))
		memcpy(&h, from, sizeof(h));
	if (!counts_fit(n, sizeof(h), sizeof(struct enc_done_part), h.n_parts,
	    h.n_tensors)) {
		(void)err_set(e, ERR_INVALID,
		    "completion: %u parts in %zu bytes", h.n_parts, n);
		return NULL;
	}
	d = done_alloc(&h, n, &room, &raw);
	if (d == NULL) {
		(void)err_memory(e, "completion", n);
		return NULL;
	}
	memcpy(raw, from, n);
	c = (struct cursor){ raw + sizeof(h), n - sizeof(h) };
	if (get_done_parts(&c, d, &room, arena, e) == -1) {
		(void)err_prefix(e, "completion");
		free(d);
		return NULL;
	}
	return d;
}

bool
done_has_output(const struct done *d)
{
	for (uint32_t p = 0; p < d->n_parts; p++)
		if (d->part[p].n_out > 0)
			return true;
	return false;
}
