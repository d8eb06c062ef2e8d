/* join: the answer of a request from the outputs of its parts; see queue.h. */
#include <stdlib.h>

#include "parent/models.h"
#include "parent/queue.h"

/* Output k of the answer from output k of every part. */
static int
join(struct request *r, uint32_t k, struct request_output *o, struct err *e)
{
	const struct part *first = &r->parts[0];

	o->shape = first->shape[k];
	if ((o->pieces = calloc(r->n_parts, sizeof(*o->pieces))) == NULL)
		return err_memory(e, "answer", r->n_parts);
	for (uint32_t i = 0; i < r->n_parts; i++) {
		const struct part *p = &r->parts[i];
		struct shape whole = p->shape[k];

		if (i > 0) {
			o->shape.dim[0] += whole.dim[0];
			whole.dim[0] = o->shape.dim[0];
			if (!shape_equal(&whole, &o->shape))
				return err_set(e, ERR_INTERNAL,
				    "output %u: parts differ in shape",
				    o->index);
		}
		o->pieces[i] = p->piece[k];
		o->pieces[i].hold = p->hold;
		hold_get(p->hold);
		o->n_pieces++;
		o->bytes += p->piece[k].bytes;
	}
	return 0;
}

void
request_outputs_free(struct request *r)
{
	for (uint32_t i = 0; i < r->n_out; i++) {
		for (uint32_t j = 0; j < r->out[i].n_pieces; j++)
			hold_put(r->out[i].pieces[j].hold);
		free(r->out[i].pieces);
	}
	free(r->out);
	r->out = NULL;
	r->n_out = 0;
}

static int
join_all(struct request *r, struct err *e)
{
	const struct signature *sig = r->version->signature;

	if ((r->out = calloc(sig->n_out + 1, sizeof(*r->out))) == NULL)
		return err_memory(e, "answer", sig->n_out);
	for (uint32_t i = 0; i < sig->n_out; i++) {
		struct request_output *o = &r->out[r->n_out];

		if ((r->want[i / 64] >> i % 64 & 1) == 0)
			continue;
		o->index = i;
		o->type = sig->out[i].type;
		if (join(r, r->n_out++, o, e) == -1)
			return -1;
	}
	return 0;
}

void
request_part_done(struct part *p)
{
	struct request *r = p->request;
	struct err e = { .code = ERR_NONE };

	p->state = PART_DONE;
	if (--r->parts_open > 0)
		return;
	if (join_all(r, &e) == -1) {
		request_outputs_free(r);
		request_answer(r, &e);
		return;
	}
	request_answer(r, NULL);
}
