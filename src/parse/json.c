#include "parse/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "parse/json_read.h"

/* Bytes that matter between strings. */
static const bool structural[256] = {
	['"'] = true, ['['] = true, [']'] = true, ['{'] = true, ['}'] = true,
};

/* Past the rest of a string; *escape: the next byte is escaped. */
static size_t
scan_string(const char *text, size_t at, size_t have, bool *string,
    bool *escape)
{
	for (; at < have; at++) {
		if (*escape) {
			*escape = false;
		} else if (text[at] == '\\') {
			*escape = true;
		} else if (text[at] == '"') {
			*string = false;
			return at + 1;
		}
	}
	return at;
}

static void
scan_close(struct json_scan *s)
{
	if (s->depth == 0)
		return;
	if (--s->depth != 3 || s->open == 0 ||
	    s->at + 1 - s->open < JSON_SPAN_MIN || s->n_spans == JSON_SPANS_MAX)
		return;
	s->span[s->n_spans++] = (struct json_span){ s->open, s->at + 1 };
}

int
json_scan(struct json_scan *s, const char *text, size_t have, struct err *e)
{
	for (; s->at < have; s->at++) {
		char c = text[s->at];

		if (s->string) {
			s->at = scan_string(text, s->at, have, &s->string,
			    &s->escape) - 1;
			continue;
		}
		if (!structural[(unsigned char)c])
			continue;
		if (c == '"') {
			s->string = true;
		} else if (c == '[' || c == '{') {
			if (s->depth++ == 3)
				s->open = c == '[' ? s->at : 0;
			if (s->depth > JSON_DEPTH_MAX)
				return err_set(e, ERR_INVALID, "nested deeper "
				    "than %d at byte %zu", JSON_DEPTH_MAX,
				    s->at);
		} else {
			scan_close(s);
		}
	}
	return 0;
}

/* Behind the array that begins at text[at]; end if it has no end. */
static size_t
array_end(const char *text, size_t at, size_t end)
{
	bool string = false, escape = false;
	size_t depth = 0;

	while (at < end) {
		char c = text[at++];

		if (!structural[(unsigned char)c])
			continue;
		if (c == '"') {
			string = true;
			at = scan_string(text, at, end, &string, &escape);
		} else if (c == '[' || c == '{') {
			depth++;
		} else if (--depth == 0) {
			return at;
		}
	}
	return end;
}

static int
read_data(struct reader *r, void *obj)
{
	struct json_input *in = obj;
	const struct json_scan *s = r->scan;

	if (read_peek(r) != '[')
		return read_fail(r, "expected an array");
	in->data.at = r->at;
	for (uint32_t i = 0; s != NULL && i < s->n_spans; i++)
		if (s->span[i].at == r->at)
			in->data.end = s->span[i].end;
	if (in->data.end == 0)
		in->data.end = array_end(r->text, r->at, r->end);
	r->at = in->data.end;
	return 0;
}

static int
read_in_name(struct reader *r, void *obj)
{
	return read_string(r, &((struct json_input *)obj)->name);
}

static int
read_type(struct reader *r, void *obj)
{
	struct json_input *in = obj;
	struct text t;

	if (read_string(r, &t) != 0)
		return -1;
	in->type = dtype_by_v2(t.at, t.n);
	if (in->type == DT_NONE)
		return read_fail(r, "'%.*s' is no datatype, expected FP32, "
		    "INT64 or the like", t.n < 32 ? (int)t.n : 32, t.at);
	return 0;
}

static int
read_dim(struct reader *r, void *obj)
{
	struct json_input *in = obj;
	uint64_t v;

	if (in->shape.rank == MAX_RANK)
		return read_fail(r, "more than %d dimensions", MAX_RANK);
	if (read_u64(r, &v) != 0)
		return -1;
	if (v > INT64_MAX)
		return read_fail(r, "dimension is too large");
	in->shape.dim[in->shape.rank++] = (int64_t)v;
	return 0;
}

static int
read_shape(struct reader *r, void *obj)
{
	struct json_input *in = obj;

	in->shape.rank = 0;
	return read_array(r, read_dim, obj);
}

static int
read_binary_size(struct reader *r, void *obj)
{
	struct json_input *in = obj;

	in->has_binary = true;
	return read_u64(r, &in->binary);
}

static int
read_in_region(struct reader *r, void *obj)
{
	struct text t;

	((struct json_input *)obj)->shared_memory = true;
	return read_string(r, &t);
}

/* A parameter nobody here knows: fine, unless it claims to be internal. */
static int
other_parameter(struct reader *r, void *obj)
{
	struct text key = { NULL, 0 };

	(void)obj;
	if (r->parts <= PATH_MAX_PARTS)
		key = r->path[r->parts - 1].key;
	if (key.n >= 7 && memcmp(key.at, "triton_", 7) == 0)
		return read_fail(r, "parameter names that begin with 'triton_' "
		    "are reserved");
	return 0;
}

static int
read_in_parameters(struct reader *r, void *obj)
{
	static const struct field fields[] = {
		{ "binary_data_size", read_binary_size },
		{ "shared_memory_region", read_in_region },
	};

	return read_object(r, fields, nitems(fields), other_parameter, obj);
}

/* Room for one more; a zeroed element at the end of an array that doubles. */
static void *
grow(struct reader *r, void **array, size_t *n, size_t size)
{
	void *bigger;

	if (*n == JSON_TENSORS_MAX) {
		(void)read_fail(r, "more than %d", JSON_TENSORS_MAX);
		return NULL;
	}
	if ((*n & (*n - 1)) == 0) {		/* full: 0, 1, 2, 4 ... */
		bigger = realloc(*array, (*n > 0 ? 2 * *n : 1) * size);
		if (bigger == NULL) {
			(void)err_memory(r->err, "request", 2 * *n * size);
			return NULL;
		}
		*array = bigger;
	}
	return memset((char *)*array + (*n)++ * size, 0, size);
}

static int
check_input(struct reader *r, const struct json_input *in)
{
	int sources = (in->data.end != 0) + in->has_binary + in->shared_memory;

	if (in->name.at == NULL)
		return read_fail(r, "no \"name\" in the input that ends");
	if (in->type == DT_NONE)
		return read_fail(r, "no \"datatype\" in the input that ends");
	if (in->shape.rank < 0)
		return read_fail(r, "no \"shape\" in the input that ends");
	if (sources != 1)
		return read_fail(r, "%s of \"data\" and parameters "
		    "\"binary_data_size\", \"shared_memory_region\", expected "
		    "one, in the input that ends", sources == 0 ? "none" :
		    "several");
	return 0;
}

static int
read_input(struct reader *r, void *obj)
{
	static const struct field fields[] = {
		{ "name", read_in_name },
		{ "datatype", read_type },
		{ "shape", read_shape },
		{ "parameters", read_in_parameters },
		{ "data", read_data },
	};
	struct json_request *q = obj;
	void *array = q->in;
	struct json_input *in = grow(r, &array, &q->n_in, sizeof(*in));

	q->in = array;
	if (in == NULL)
		return -1;
	in->shape.rank = -1;
	if (read_object(r, fields, nitems(fields), NULL, in) != 0)
		return -1;
	return check_input(r, in);
}

static int
read_inputs(struct reader *r, void *obj)
{
	return read_array(r, read_input, obj);
}

static int
read_out_name(struct reader *r, void *obj)
{
	return read_string(r, &((struct json_output *)obj)->name);
}

static int
read_out_binary(struct reader *r, void *obj)
{
	struct json_output *out = obj;

	out->has_binary = true;
	return read_bool(r, &out->binary);
}

static int
read_classification(struct reader *r, void *obj)
{
	return read_u64(r, &((struct json_output *)obj)->classification);
}

static int
read_out_region(struct reader *r, void *obj)
{
	struct text t;

	((struct json_output *)obj)->shared_memory = true;
	return read_string(r, &t);
}

static int
read_out_parameters(struct reader *r, void *obj)
{
	static const struct field fields[] = {
		{ "binary_data", read_out_binary },
		{ "classification", read_classification },
		{ "shared_memory_region", read_out_region },
	};

	return read_object(r, fields, nitems(fields), other_parameter, obj);
}

static int
read_output(struct reader *r, void *obj)
{
	static const struct field fields[] = {
		{ "name", read_out_name },
		{ "parameters", read_out_parameters },
	};
	struct json_request *q = obj;
	void *array = q->out;
	struct json_output *out = grow(r, &array, &q->n_out, sizeof(*out));

	q->out = array;
	if (out == NULL ||
	    read_object(r, fields, nitems(fields), NULL, out) != 0)
		return -1;
	if (out->name.at == NULL)
		return read_fail(r, "no \"name\" in the output that ends");
	return 0;
}

static int
read_outputs(struct reader *r, void *obj)
{
	((struct json_request *)obj)->has_outputs = true;
	return read_array(r, read_output, obj);
}

static int
read_id(struct reader *r, void *obj)
{
	return read_string(r, &((struct json_request *)obj)->id);
}

static int
read_priority(struct reader *r, void *obj)
{
	return read_u64(r, &((struct json_request *)obj)->priority);
}

static int
read_timeout(struct reader *r, void *obj)
{
	return read_u64(r, &((struct json_request *)obj)->timeout_us);
}

static int
read_binary_output(struct reader *r, void *obj)
{
	return read_bool(r, &((struct json_request *)obj)->binary_output);
}

/* A number or a string; 0 and "" mean that there is no sequence. */
static int
read_sequence(struct reader *r, void *obj)
{
	struct json_request *q = obj;
	struct text s = { NULL, 0 };
	uint64_t v = 0;

	if (read_peek(r) == '"' ? read_string(r, &s) : read_u64(r, &v))
		return -1;
	q->has_sequence |= s.n > 0 || v > 0;
	return 0;
}

static int
read_parameters(struct reader *r, void *obj)
{
	static const struct field fields[] = {
		{ "priority", read_priority },
		{ "timeout", read_timeout },
		{ "binary_data_output", read_binary_output },
		{ "sequence_id", read_sequence },
	};

	return read_object(r, fields, nitems(fields), other_parameter, obj);
}

static int
read_request(struct reader *r, struct json_request *q)
{
	static const struct field fields[] = {
		{ "id", read_id },
		{ "inputs", read_inputs },
		{ "outputs", read_outputs },
		{ "parameters", read_parameters },
	};

	if (read_object(r, fields, nitems(fields), NULL, q) != 0)
		return -1;
	if (read_peek(r) != '\0' || r->at != r->end)
		return read_fail(r, "expected nothing more");
	if (q->in == NULL)
		return read_fail(r, "no \"inputs\" in the request that ends");
	return 0;
}

int
json_infer(struct json_request *q, char *text, size_t len,
    const struct json_scan *scan, struct err *e)
{
	struct reader r = { .text = text, .end = len, .scan = scan, .err = e };
	size_t large = 0;

	*q = (struct json_request){ .n_in = 0 };
	for (uint32_t i = 0; scan != NULL && i < scan->n_spans; i++)
		large += scan->span[i].end - scan->span[i].at;
	if (len - large > JSON_ENVELOPE_MAX)
		return err_set(e, ERR_INVALID, "%zu bytes beside the data of "
		    "the inputs, or more than %d large inputs", len - large,
		    JSON_SPANS_MAX);
	if (read_request(&r, q) == 0)
		return 0;
	json_request_done(q);
	return -1;
}

void
json_request_done(struct json_request *q)
{
	free(q->in);
	free(q->out);
	*q = (struct json_request){ .n_in = 0 };
}
