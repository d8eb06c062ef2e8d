/* The second pass: elements into typed memory. */
#include <string.h>

#include "base/size.h"
#include "parse/json_read.h"
#include "parse/num.h"

/*
 * One element is read in one go, so its text has a limit; what needs more can
 * be sent as binary data.
 */
#define STRING_MAX	((size_t)1 << 20)
#define NUMBER_MAX	((size_t)1 << 16)

PRINTF(3, 4) static int
fail(struct json_fill *f, struct err *e, const char *fmt, ...)
{
	char path[32 * MAX_RANK], what[ERR_TEXT];
	size_t n = 0;
	va_list ap;

	path[0] = '\0';
	for (int d = 1; d <= f->depth; d++)
		n += (size_t)snprintf(path + n, sizeof(path) - n, "[%lld]",
		    (long long)f->index[d]);
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_INVALID, "inputs[%zu].data%s: %s at byte %zu",
	    f->input, path, what, f->at);
}

int
json_fill_room(const struct json_request *q, size_t input, size_t *bytes,
    struct err *e)
{
	const struct json_input *in = &q->in[input];
	size_t text = in->data.end - in->data.at, n, all;
	char shape[SHAPE_TEXT];

	if (in->type != DT_STRING && !num_has_type(in->type))
		return err_set(e, ERR_INVALID, "inputs[%zu].data: %s has no "
		    "JSON form, send it as binary data", input,
		    dtype_info(in->type)->v2);
	/* n elements take n bytes, n - 1 commas and two brackets at least. */
	if (!shape_count(&in->shape, &n) || n > text / 2)
		return err_set(e, ERR_INVALID, "inputs[%zu].data: fewer "
		    "elements than the %s of shape", input,
		    shape_text(&in->shape, shape));
	if (in->type != DT_STRING)
		return shape_bytes(&in->shape, in->type, bytes) ? 0 : -1;
	/* A string is not longer than its text, and has 4 bytes in front. */
	if (!size_mul(n, 4, &all) || !size_add(all, text, bytes))
		return err_set(e, ERR_LIMIT, "inputs[%zu].data: too large",
		    input);
	return 0;
}

void
json_fill_start(struct json_fill *f, const struct json_request *q, size_t input,
    char *text, void *out, size_t room)
{
	const struct json_input *in = &q->in[input];

	*f = (struct json_fill){ .text = text, .at = in->data.at,
	    .end = in->data.end, .input = input, .type = in->type,
	    .shape = in->shape, .out = out, .room = room };
	(void)shape_count(&in->shape, &f->total);
}

static void
space(struct json_fill *f)
{
	while (f->at < f->stop && (f->text[f->at] == ' ' ||
	    f->text[f->at] == '\n' || f->text[f->at] == '\r' ||
	    f->text[f->at] == '\t'))
		f->at++;
}

static int
store_string(struct json_fill *f, struct err *e)
{
	unsigned char *at = f->out + f->used;
	size_t end = f->end - f->at > STRING_MAX ? f->at + STRING_MAX : f->end;
	const char *want;
	uint32_t len;
	ptrdiff_t n;

	if (f->room - f->used < 4)
		return fail(f, e, "no room for another string");
	n = json_unescape(f->text, &f->at, end, (char *)at + 4, &want);
	if (n < 0 && end < f->end && f->at == end)
		return fail(f, e, "the string is over %zu bytes", STRING_MAX);
	if (n < 0)
		return fail(f, e, "expected %s", want);
	len = (uint32_t)n;
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(len >> 8 * i);
	f->used += 4 + len;
	return 0;
}

static bool
word(struct json_fill *f, const char *w)
{
	size_t n = strlen(w);

	if (f->end - f->at < n || memcmp(f->text + f->at, w, n) != 0)
		return false;
	f->at += n;
	return true;
}

static int
store_number(struct json_fill *f, struct err *e)
{
	size_t left = f->end - f->at < NUMBER_MAX ? f->end - f->at : NUMBER_MAX;
	const char *p = f->text + f->at, *end;
	struct num n;

	if (f->type == DT_BOOL && (word(f, "true") || word(f, "false"))) {
		f->out[f->used++] = *p == 't';
		return 0;
	}
	end = num_scan(p, p + left, &n);
	if (end == p + NUMBER_MAX)
		return fail(f, e, "the number is over %zu bytes", NUMBER_MAX);
	if (end == NULL)
		return fail(f, e, "expected %s",
		    f->type == DT_BOOL ? "true or false" : "a number");
	if (!num_store(&n, f->type, f->out + f->used))
		return fail(f, e, "%.*s is no %s", end - p < 40 ?
		    (int)(end - p) : 40, p, dtype_info(f->type)->v2);
	f->used += dtype_info(f->type)->bits / 8;
	f->at += (size_t)(end - p);
	return 0;
}

static int
element(struct json_fill *f, struct err *e)
{
	if (f->count == f->total)
		return fail(f, e, "more elements than the shape's %zu",
		    f->total);
	if (f->depth != f->levels)
		return fail(f, e, "expected '[', as the shape has %d "
		    "dimensions", f->shape.rank);
	if ((f->type == DT_STRING ? store_string(f, e) : store_number(f,
	    e)) != 0)
		return -1;
	f->count++;
	f->index[f->depth]++;
	f->comma = true;
	f->value = false;
	return 0;
}

/* The first bracket but one tells whether rows are nested or all is flat. */
static int
open_array(struct json_fill *f, struct err *e)
{
	if (f->depth == 1 && f->levels == 0)
		f->levels = f->shape.rank;
	if (f->depth > 0 && f->depth >= f->levels)
		return fail(f, e, "expected no '[' there, as the shape has %d "
		    "dimensions", f->shape.rank);
	if (f->depth > 0 && f->index[f->depth] >= f->shape.dim[f->depth - 1])
		return fail(f, e, "more rows than the shape's %lld",
		    (long long)f->shape.dim[f->depth - 1]);
	f->at++;
	f->index[++f->depth] = 0;
	f->value = false;
	return 0;
}

static int
close_array(struct json_fill *f, struct err *e)
{
	int64_t want = (int64_t)f->total;
	int64_t got = f->index[f->depth];

	if (f->levels > 1)
		want = f->shape.dim[f->depth - 1];
	if (got != want) {
		f->depth--;
		return fail(f, e, "%lld values, expected %lld", (long long)got,
		    (long long)want);
	}
	f->at++;
	if (--f->depth > 0)
		f->index[f->depth]++;
	f->comma = true;
	return 0;
}

/* One token: a value, a bracket or a comma. */
static int
token(struct json_fill *f, struct err *e)
{
	char c;

	space(f);
	if (f->at == f->stop)
		return 0;
	c = f->text[f->at];
	if (f->comma) {
		if (c == ']')
			return close_array(f, e);
		if (c != ',')
			return fail(f, e, "expected ',' or ']'");
		f->at++;
		f->comma = false;
		f->value = true;
		return 0;
	}
	if (c == '[')
		return open_array(f, e);
	if (f->levels == 0)
		f->levels = 1;
	if (c == ']' && !f->value)
		return close_array(f, e);
	return element(f, e);
}

/* The brackets are closed: is all of the text used, and all of the memory? */
static int
finish(struct json_fill *f, struct err *e)
{
	if (f->at != f->end)
		return fail(f, e, "expected no more values");
	if (f->count != f->total)
		return fail(f, e, "%zu elements, expected %zu", f->count,
		    f->total);
	return 0;
}

int
json_fill(struct json_fill *f, size_t slice, struct err *e)
{
	f->stop = f->end - f->at > slice ? f->at + slice : f->end;
	while (f->at < f->stop) {
		if (token(f, e) != 0)
			return -1;
		if (f->depth == 0)
			return finish(f, e);
	}
	if (f->at == f->end)
		return fail(f, e, "the array does not end");
	return 1;
}
