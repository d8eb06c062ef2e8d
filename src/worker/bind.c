#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "worker/bind.h"
#include "worker/views.h"

void
binder_done(struct binder *b)
{
	free(b->seg);
	free(b->part);
	free(b->part_err);
	free(b->done_out);
	*b = (struct binder){ 0 };
}

/*
 * The array with room for n elements; NULL, and the old one as it was, if out
 * of memory.
 */
static void *
grown(void *old, uint32_t cap, uint32_t n, size_t size)
{
	return n <= cap && old != NULL ? old : reallocarray(old, n, size);
}

static int
part_room(struct binder *b, uint32_t n)
{
	uint32_t n_out = n * b->each;
	void *part, *err, *out;

	part = grown(b->part, b->cap_part, n, sizeof(*b->part));
	if (part == NULL)
		return -1;
	b->part = part;
	err = grown(b->part_err, b->cap_part, n, sizeof(*b->part_err));
	if (err == NULL)
		return -1;
	b->part_err = err;
	if (n > b->cap_part)
		b->cap_part = n;
	out = grown(b->done_out, b->cap_out, n_out, sizeof(*b->done_out));
	if (out == NULL)
		return -1;
	b->done_out = out;
	if (n_out > b->cap_out)
		b->cap_out = n_out;
	return 0;
}

int
binder_room(struct binder *b, const struct job *j, uint32_t n_out,
    struct err *e)
{
	/* One more: what is not wanted is written there and left. */
	b->each = n_out + 1;
	if (part_room(b, j->n_parts) == -1)
		return err_memory(e, "parts", j->n_parts * sizeof(*b->part));
	for (uint32_t p = 0; p < j->n_parts; p++) {
		b->part[p] = (struct done_part){ .text = "" };
		b->part_err[p].code = ERR_NONE;
		b->part_err[p].text[0] = '\0';
	}
	return 0;
}

static bool
wanted(const uint64_t want[WANT_WORDS], uint32_t i)
{
	return (want[i / 64] >> (i % 64) & 1) != 0;
}

static int
view(const struct views *v, const struct job_tensor *t, struct io_seg *to,
    struct err *e)
{
	enum view_result r = views_find(v, t->segment, t->offset, t->bytes,
	    &to->data);

	to->bytes = t->bytes;
	if (r == VIEW_OK)
		return 0;
	return err_set(e, r == VIEW_UNKNOWN ? ERR_UNAVAILABLE : ERR_INTERNAL,
	    "input %u: %llu bytes at %llu of segment %u", t->index,
	    (unsigned long long)t->bytes, (unsigned long long)t->offset,
	    t->segment);
}

/* May these rows be joined with those that the input has already? */
static bool
joins(const struct io *in, const struct job_tensor *t)
{
	struct shape a = in->shape, b = t->shape;

	if (in->type != t->type || a.rank != b.rank || a.rank == 0)
		return false;
	a.dim[0] = b.dim[0] = 0;
	return shape_equal(&a, &b);
}

static int
bind_tensor(struct io *in, const struct job_tensor *t, struct io_seg *seg,
    bool first, struct err *e)
{
	if (first) {
		*in = (struct io){ .kind = IO_TENSOR, .type = t->type,
		    .shape = t->shape, .seg = seg, .n_seg = 1 };
		return 0;
	}
	if (in->kind != IO_TENSOR || !joins(in, t))
		return err_set(e, ERR_INTERNAL,
		    "input %u: parts of a batch differ", t->index);
	in->shape.dim[0] += t->shape.dim[0];
	in->n_seg++;
	return 0;
}

int
bind_inputs(struct binder *b, const struct views *v, const struct signature *s,
    const struct job *j, uint32_t first, uint32_t n, struct err *e)
{
	const struct job_part *lead = &j->part[first], *p;
	const struct job_tensor *t;
	uint32_t n_seg = n * (lead->n_in + 1);
	struct io_seg *seg = grown(b->seg, b->cap_seg, n_seg, sizeof(*seg));

	if (seg == NULL)
		return err_memory(e, "inputs", n_seg * sizeof(*seg));
	b->seg = seg;
	if (n_seg > b->cap_seg)
		b->cap_seg = n_seg;
	for (uint32_t i = 0; i < s->n_in; i++)
		b->in[i] = (struct io){ .kind = IO_NONE };
	memset(b->want, 0, sizeof(b->want));
	for (uint32_t k = 0; k < n; k++) {
		p = &j->part[first + k];
		if (p->n_in != lead->n_in)
			return err_set(e, ERR_INTERNAL,
			    "parts of a batch have %u and %u inputs",
			    lead->n_in, p->n_in);
		for (int w = 0; w < WANT_WORDS; w++)
			b->want[w] |= p->want[w];
		for (uint32_t i = 0; i < p->n_in; i++) {
			t = &p->in[i];
			seg = &b->seg[i * n + k];
			if (t->index >= s->n_in)
				return err_set(e, ERR_INTERNAL,
				    "input %u of %u", t->index, s->n_in);
			if (view(v, t, seg, e) == -1 ||
			    bind_tensor(&b->in[t->index], t, seg, k == 0,
			    e) == -1)
				return -1;
		}
	}
	return 0;
}

bool
bind_can_share(const struct signature *s)
{
	if (!s->batchable)
		return false;
	for (uint32_t i = 0; i < s->n_in; i++)
		if (dtype_info(s->in[i].type)->bits % 8 != 0)
			return false;
	for (uint32_t i = 0; i < s->n_out; i++)
		if (dtype_info(s->out[i].type)->bits % 8 != 0)
			return false;
	return true;
}

/* Bytes of count strings. */
static uint64_t
string_bytes(const unsigned char *at, uint64_t count, uint64_t left)
{
	uint64_t bytes = 0;
	uint32_t n;

	for (; count > 0 && size_within(bytes, sizeof(n), left); count--) {
		memcpy(&n, at + bytes, sizeof(n));
		bytes += sizeof(n) + n;
	}
	return bytes < left ? bytes : left;
}

/* How many bytes the next rows have, from that offset on. */
static uint64_t
row_bytes(const struct placed *o, uint64_t rows, uint64_t offset,
    const unsigned char *arena)
{
	uint64_t all = (uint64_t)o->shape.dim[0], each = 1;
	uint64_t end = o->offset + o->bytes;

	if (o->type != DT_STRING)
		return all > 0 ? o->bytes / all * rows : 0;
	for (int i = 1; i < o->shape.rank; i++)
		each *= (uint64_t)o->shape.dim[i];
	return string_bytes(arena + offset, each * rows, end - offset);
}

static uint64_t
all_rows(const struct job *j, uint32_t first, uint32_t n)
{
	uint64_t rows = 0;

	for (uint32_t k = 0; k < n; k++)
		rows += j->part[first + k].rows;
	return rows;
}

static int
share_output(struct binder *b, uint32_t i, const unsigned char *arena,
    const struct job *j, uint32_t first, uint32_t n, struct err *e)
{
	const struct placed *o = &b->out[i];
	uint64_t offset = o->offset, rows = all_rows(j, first, n);
	struct done_output *to;

	if (n > 1 && (o->shape.rank == 0 ||
	    (uint64_t)o->shape.dim[0] != rows))
		return err_set(e, ERR_INTERNAL,
		    "output %u of a batch of %llu rows has other rows", i,
		    (unsigned long long)rows);
	for (uint32_t k = first; k < first + n; k++) {
		uint64_t bytes = n == 1 ? o->bytes :
		    row_bytes(o, j->part[k].rows, offset, arena);

		to = &b->part[k].out[b->part[k].n_out];
		*to = (struct done_output){ .index = i, .type = o->type,
		    .shape = o->shape, .offset = offset, .bytes = bytes };
		if (n > 1)
			to->shape.dim[0] = (int64_t)j->part[k].rows;
		if (wanted(j->part[k].want, i))
			b->part[k].n_out++;
		offset += bytes;
	}
	return 0;
}

int
bind_outputs(struct binder *b, const unsigned char *arena, const struct job *j,
    uint32_t first, uint32_t n, struct err *e)
{
	for (uint32_t p = first; p < first + n; p++)
		b->part[p] = (struct done_part){ .text = "",
		    .out = b->done_out + (size_t)p * b->each };
	for (uint32_t i = 0; i + 1 < b->each; i++)
		if (b->out[i].there &&
		    share_output(b, i, arena, j, first, n, e) == -1)
			return -1;
	return 0;
}
