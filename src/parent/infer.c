#include "parent/infer.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/size.h"
#include "ipc/segment.h"

#define TEXT_FIRST	((size_t)64 << 10)
#define STRINGS_SLICE	65536		/* strings checked in one go */

void
infer_fail(struct infer *i, const struct err *e)
{
	int64_t now = clock_ns();

	i->phase = INFER_DONE;
	version_stats_fail(&i->version->stats,
	    i->call->arrived_ns != 0 ? now - i->call->arrived_ns : 0);
	http_fail(i->call, e, 0);
}

PRINTF(2, 3) static bool
refuse(struct infer *i, const char *fmt, ...)
{
	struct err e;
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(&e, ERR_INVALID, fmt, ap);
	va_end(ap);
	infer_fail(i, &e);
	return false;
}

static bool
refuse_json(struct infer *i, struct err *e)
{
	if (e->code == ERR_INVALID)
		(void)err_prefix(e, "failed to parse the request JSON");
	infer_fail(i, e);
	return false;
}

/* Inference-Header-Content-Length; SIZE_MAX if absent, -1: it is wrong. */
static int
read_header(struct infer *i, const struct http_head *head)
{
	static const char name[] = "inference-header-content-length";
	const struct http_header *h = NULL;
	size_t fields = 0, v = 0;
	uint64_t max = i->call->encoded || !head->has_length ? INT64_MAX :
	    head->length;

	i->json_len = SIZE_MAX;
	for (size_t k = 0; k < head->n_headers; k++) {
		if (text_is_nocase(head->header[k].name, name)) {
			h = &head->header[k];
			fields++;
		}
	}
	if (fields == 0)
		return 0;
	for (size_t k = 0; k < h->value.n && fields == 1; k++) {
		char c = h->value.at[k];

		if (c < '0' || c > '9' || k > 17)
			fields = 0;
		v = v * 10 + (size_t)(c - '0');
	}
	if (fields != 1 || h->value.n == 0 || v > max) {
		(void)refuse(i, "inference header size should be in range (0, "
		    "%llu), got: %.*s", (unsigned long long)max,
		    h->value.n < 40 ? (int)h->value.n : 40, h->value.at);
		return -1;
	}
	i->json_len = v;
	i->raw = v == 0;
	return 0;
}

static void	on_turn(struct turn *);

void
infer_begin(struct exchange *x, const struct http_head *head)
{
	struct infer *i;
	struct version *v;
	struct err e;

	v = models_version(x->server->parent->models, x->name,
	    exchange_number(x), &e);
	if (v == NULL) {
		http_fail(x->call, &e, e.code == ERR_UNAVAILABLE);
		return;
	}
	i = calloc(1, sizeof(*i));
	if (i == NULL) {
		http_error(x->call, 503, "out of memory");
		return;
	}
	x->infer = i;
	i->x = x;
	i->call = x->call;
	i->version = version_get(v);
	i->turn.run = on_turn;
	i->request = request_new();
	if (i->request == NULL) {
		(void)err_memory(&e, "request", sizeof(*i->request));
		infer_fail(i, &e);
		return;
	}
	i->request->version = version_get(v);
	if (read_header(i, head) == 0 && i->raw && bind_raw(i, &e) != 0)
		infer_fail(i, &e);
	if (i->raw)
		i->phase = i->phase == INFER_DONE ? INFER_DONE : INFER_TENSORS;
}

/* Room for more text: what is announced if that is little, else doubling. */
static bool
grow_text(struct infer *i)
{
	size_t cap = 2 * i->cap, most = i->json_len;
	char *text;

	if (most == SIZE_MAX && i->call->length > 0 && !i->call->encoded)
		most = (size_t)i->call->length;
	if (cap < TEXT_FIRST)
		cap = TEXT_FIRST;
	if (cap > most && most > i->cap)
		cap = most;
	if (!http_charge(i->call, cap - i->cap))
		return false;
	text = realloc(i->text, cap);
	if (text == NULL)
		return false;
	i->text = text;
	i->cap = cap;
	return true;
}

static void
free_text(struct infer *i)
{
	free(i->text);
	i->text = NULL;
	i->call->charged -= i->cap;
	budget_give(http_budget(i->x->server->http), i->cap);
	i->len = i->cap = 0;
}

static const char *
input_name(const struct infer *i, uint32_t k)
{
	return i->version->signature->in[i->request->in[k].index].name;
}

/* The next input with bytes to come, or NULL. */
static struct request_input *
next_tensor(struct infer *i)
{
	for (; i->input < i->request->n_in; i->input++, i->at = 0) {
		struct request_input *in = &i->request->in[i->input];

		if (i->at < in->bytes && (i->raw ||
		    i->q.in[i->input].has_binary))
			return in;
	}
	return NULL;
}

bool
infer_room(struct infer *i, char **p, size_t *n)
{
	struct request_input *in;
	struct err e;
	size_t most = i->json_len - i->len;

	if (i->phase == INFER_TENSORS) {
		in = next_tensor(i);
		if (in == NULL)
			return refuse(i, "unexpected additional input data for "
			    "model '%s'", i->version->model->name);
		*p = (char *)in->block->data + in->offset + i->at;
		*n = in->bytes - i->at;
		return true;
	}
	if (i->len == i->cap && !grow_text(i)) {
		(void)err_set(&e, ERR_UNAVAILABLE, "no memory left for request "
		    "bodies");
		infer_fail(i, &e);
		return false;
	}
	*p = i->text + i->len;
	*n = i->cap - i->len < most ? i->cap - i->len : most;
	return true;
}

/* All JSON is there: read it and take blocks for the inputs. */
static bool
read_text(struct infer *i)
{
	struct err e;

	if (json_infer(&i->q, i->text, i->len, &i->scan, &e) != 0)
		return refuse_json(i, &e);
	if (bind_request(i, &e) != 0) {
		infer_fail(i, &e);
		return false;
	}
	return true;
}

bool
infer_filled(struct infer *i, size_t n)
{
	struct err e;

	if (i->phase == INFER_TENSORS) {
		i->at += n;
		return true;
	}
	i->len += n;
	if (json_scan(&i->scan, i->text, i->len, &e) != 0)
		return refuse_json(i, &e);
	if (i->len < i->json_len)
		return true;
	i->phase = INFER_TENSORS;
	return read_text(i);
}

static void
on_done(struct request *r)
{
	struct infer *i = r->arg;

	i->phase = INFER_DONE;
	i->ran = r->started_ns != 0;
	i->queue_ns = r->started_ns - r->arrived_ns;
	i->compute_ns = r->compute_ns;
	if (r->err.code != ERR_NONE)
		http_fail(i->call, &r->err, r->retry_after_s);
	else
		answer_start(i);
}

static void
submit(struct infer *i)
{
	struct request *r = i->request;
	const struct model_config *c = i->version->config;
	struct err e;

	r->arrived_ns = i->call->arrived_ns;
	r->priority = i->q.priority < UINT32_MAX ? (uint32_t)i->q.priority :
	    UINT32_MAX;
	if (i->q.timeout_us > 0 &&
	    i->q.timeout_us < INT64_MAX / NS_PER_US / 2 && (!c->given ||
	    c->timeout_override))
		r->deadline_ns = r->arrived_ns + (int64_t)i->q.timeout_us *
		    NS_PER_US;
	r->done = on_done;
	r->arg = i;
	json_request_done(&i->q);
	free_text(i);
	if (request_submit(r, &e) == 0) {
		i->phase = INFER_SUBMITTED;
		return;
	}
	i->phase = INFER_DONE;
	http_fail(i->call, &e, e.code == ERR_UNAVAILABLE ? 1 : 0);
}

/* Elements of the input at hand; 1: more, 0: all, -1: *err. */
static int
fill_input(struct infer *i, size_t *budget, struct err *e)
{
	struct request_input *in = &i->request->in[i->input];
	size_t at;
	int rc;

	if (!i->filling)
		json_fill_start(&i->fill, &i->q, i->input, i->text,
		    in->block != NULL ? in->block->data + in->offset : NULL,
		    in->bytes);
	i->filling = true;
	at = i->fill.at;
	rc = json_fill(&i->fill, *budget, e);
	*budget -= i->fill.at - at < *budget ? i->fill.at - at : *budget;
	if (rc != 0)
		return rc;
	i->filling = false;
	if (i->fill.used > 0 && i->fill.used < in->bytes)
		block_trim(in->block, i->fill.used);
	in->bytes = i->fill.used;
	return 0;
}

/*
 * BYTES sent as they are must be lengths with their bytes, as many as
 * announced.
 */
static int
check_strings(struct infer *i, size_t *budget, struct err *e)
{
	const struct request_input *in = &i->request->in[i->input];
	const unsigned char *p = in->block != NULL ?
	    in->block->data + in->offset : NULL;
	size_t count;

	(void)shape_count(&in->shape, &count);
	for (int k = 0; i->at < in->bytes; k++) {
		uint32_t len;

		if (k == STRINGS_SLICE) {
			*budget = 0;
			return 1;
		}
		if (in->bytes - i->at < 4)
			break;
		len = (uint32_t)p[i->at] | (uint32_t)p[i->at + 1] << 8 |
		    (uint32_t)p[i->at + 2] << 16 | (uint32_t)p[i->at + 3] << 24;
		if (!size_within(i->at + 4, len, in->bytes))
			break;
		i->at += 4 + (size_t)len;
		i->fill.count++;
	}
	if (i->at == in->bytes && i->fill.count == count)
		return 0;
	return err_set(e, ERR_INVALID, "incomplete string data for input '%s', "
	    "expecting %zu strings, got %zu", input_name(i, i->input), count,
	    i->fill.count);
}

static bool
is_strings(const struct infer *i, uint32_t k)
{
	uint32_t index = i->request->in[k].index;

	return i->version->signature->in[index].type == DT_STRING;
}

/* A slice of what lies between the body and the request. */
static void
prepare(struct infer *i)
{
	size_t budget = TEXT_SLICE;
	struct err e;
	int rc = 0;

	while (budget > 0 && i->input < i->request->n_in) {
		if (!i->raw && i->q.in[i->input].data.end != 0)
			rc = fill_input(i, &budget, &e);
		else if (is_strings(i, i->input))
			rc = check_strings(i, &budget, &e);
		if (rc < 0) {
			(void)refuse_json(i, &e);
			return;
		}
		if (rc == 0) {
			i->input++;
			i->at = 0;
			i->fill.count = 0;
		}
	}
	if (i->input < i->request->n_in)
		turn_add(http_turns(i->x->server->http), &i->turn);
	else
		submit(i);
}

static void
on_turn(struct turn *t)
{
	prepare((struct infer *)(void *)((char *)t - offsetof(struct infer,
	    turn)));
}

void
infer_run(struct exchange *x)
{
	struct infer *i = x->infer;
	struct request_input *in;

	if (i->phase == INFER_TEXT && i->json_len != SIZE_MAX) {
		(void)refuse(i, "inference header size should be in range (0, "
		    "%zu), got: %zu", i->len, i->json_len);
		return;
	}
	if (i->phase == INFER_TEXT && !read_text(i))
		return;
	in = next_tensor(i);
	if (in != NULL) {
		(void)refuse(i, "unexpected size for input '%s', expecting %zu "
		    "additional bytes for model '%s'", input_name(i, i->input),
		    in->bytes - i->at, i->version->model->name);
		return;
	}
	i->phase = INFER_FILL;
	i->input = 0;
	i->at = 0;
	prepare(i);
}

void
infer_record(const struct infer *i, struct buf *b)
{
	char id[LOG_VALUE], text[LOG_VALUE];

	(void)buf_printf(b, " version=%lld", (long long)i->version->number);
	if (i->ran)
		(void)buf_printf(b, " queue_ms=%.3f compute_ms=%.3f",
		    (double)i->queue_ns / NS_PER_MS,
		    (double)i->compute_ns / NS_PER_MS);
	if (i->id == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%.*s",
	    (int)(i->id_len < sizeof(text) ? i->id_len : sizeof(text)), i->id);
	(void)buf_printf(b, " id=%s", log_quote(id, text));
}

void
infer_end(struct infer *i, bool gone)
{
	if (i == NULL)
		return;
	(void)gone;
	turn_remove(http_turns(i->x->server->http), &i->turn);
	answer_free(i);
	if (i->phase == INFER_SUBMITTED)
		request_cancel(i->request);
	else
		request_free(i->request);
	json_request_done(&i->q);
	version_put(i->version);
	free(i->text);
	free(i->id);
	free(i->out);
	free(i);
}
