/* Cast and its kin: from one element type to another, strings included. */
#include <errno.h>
#include <math.h>

#include "op/kernel.h"
#include "op/op.h"
#include "op/shape.h"

static int
cast_infer(struct view *v, struct err *e)
{
	int64_t to;

	if (op_want(v, 1, e) != 0 || attr_int(v->node, "to", 0, &to, e) != 0)
		return -1;
	if (to <= DT_NONE || to >= DT_COUNT)
		return view_error(e, "to is %lld, which is no type",
		    (long long)to);
	view_set(v, 0, (enum dtype)to, &v->in[0]->shape, v->in[0]->row);
	return 0;
}

static int
castlike_infer(struct view *v, struct err *e)
{
	if (op_want(v, 2, e) != 0)
		return -1;
	view_set(v, 0, v->in[1]->type, &v->in[0]->shape, v->in[0]->row);
	return 0;
}

static int
from_string(const struct string *s, enum dtype t, void *out, size_t i,
    struct err *e)
{
	char *end;
	char kind = dtype_info(t)->kind;

	errno = 0;
	if (kind == 'i')
		elem_set_i(t, out, i, strtoll(s->s, &end, 10));
	else if (kind == 'u')
		elem_set_i(t, out, i, (int64_t)strtoull(s->s, &end, 10));
	else
		elem_set_f(t, out, i, strtod(s->s, &end));
	if (end == s->s || end != s->s + s->n)
		return view_error(e,
		    "element %zu is a string that is no number",
		    i);
	return 0;
}

/* As few digits as bring the same float back. */
static int
float_text(char *text, size_t n, double x, int bits)
{
	int len = 0;

	if (isnan(x))
		return snprintf(text, n, "NaN");
	if (isinf(x))
		return snprintf(text, n, x < 0 ? "-INF" : "INF");
	for (int digits = 1; digits <= 17; digits++) {
		double back;

		len = snprintf(text, n, "%.*g", digits, x);
		back = strtod(text, NULL);
		if (bits <= 32 ? (float)back == (float)x : back == x)
			break;
	}
	return len;
}

static int
to_string(struct view *v, const struct val *x, size_t i, struct string *out,
    struct err *e)
{
	char text[64], kind = dtype_info(x->type)->kind;
	int n;

	if (kind == 'f')
		n = float_text(text, sizeof(text), elem_f(x->type, x->data, i),
		    dtype_info(x->type)->bits);
	else if (kind == 'u')
		n = snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)elem_i(x->type, x->data, i));
	else
		n = snprintf(text, sizeof(text), "%lld",
		    (long long)elem_i(x->type, x->data, i));
	out->n = (size_t)n;
	out->s = view_string(v, text, (size_t)n, e);
	return out->s == NULL ? -1 : 0;
}

/* float8 without saturation: what is beyond the range is infinite or NaN. */
static double
unsaturated(enum dtype t, double x)
{
	static const struct { enum dtype t; double max; } range[] = {
		{ DT_FLOAT8E4M3FN, 464 }, { DT_FLOAT8E4M3FNUZ, 248 },
		{ DT_FLOAT8E5M2, 61440 }, { DT_FLOAT8E5M2FNUZ, 61440 },
	};

	for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		if (range[i].t == t && fabs(x) > range[i].max)
			return NAN;
	return x;
}

static void
cast_number(const struct val *x, size_t i, enum dtype t, void *out,
    bool saturate)
{
	char to = dtype_info(t)->kind;

	if ((to == 'i' || to == 'u') && t != DT_BOOL)
		elem_set_i(t, out, i, elem_i(x->type, x->data, i));
	else if (dtype_info(x->type)->kind != 'f' && to != 'f')
		elem_set_i(t, out, i, elem_i(x->type, x->data, i));
	else if (saturate)
		elem_set_f(t, out, i, elem_f(x->type, x->data, i));
	else
		elem_set_f(t, out, i, unsaturated(t,
		    elem_f(x->type, x->data, i)));
}

static int
cast_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	enum dtype t = v->out[0]->type;
	void *out = view_alloc(v, 0, e);
	size_t n = val_count(x);
	int64_t saturate;

	if (out == NULL || attr_int(v->node, "saturate", 1, &saturate, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct string *s = x->data;
		struct string *o = out;

		if (x->type == DT_STRING && t == DT_STRING)
			o[i] = s[i];
		else if (x->type == DT_STRING) {
			if (from_string(&s[i], t, out, i, e) != 0)
				return -1;
		} else if (t == DT_STRING) {
			if (to_string(v, x, i, &o[i], e) != 0)
				return -1;
		} else
			cast_number(x, i, t, out, saturate != 0);
	}
	return 0;
}

static int
cast_plan(struct view *v, struct plan *p, struct err *e)
{
	const char *from = cl_type(p, v->in[0]->type);
	const char *to = cl_type(p, v->out[0]->type);
	bool truth = v->out[0]->type == DT_BOOL;
	size_t n = val_count(v->in[0]);
	struct step *s;

	if (v->in[0]->type == v->out[0]->type &&
	    v->in[0]->kind == VAL_DEVICE) {
		plan_view(p, v->out[0], v->in[0], 0);
		return 0;
	}
	if (from == NULL || to == NULL || n > INT32_MAX)
		return 1;
	s = plan_step(p, e, "cast", "cast", "-DTX=%s -DTY=%s -DTRUTH=%d", from,
	    to, truth);
	if (s == NULL)
		return -1;
	step_in(s, v->in[0]);
	step_out(s, v->out[0]);
	step_int(s, (int64_t)n);
	step_items(s, n);
	return plan_end(p, s, e);
}

#define ANY	"fdhiubsx"

OP_FAMILY(cast_ops);
const struct op cast_ops[] = {
	{ .name = "Cast", .since = 6, .types = ANY, .infer = cast_infer,
	  .host = cast_host, .plan = cast_plan },
	{ .name = "CastLike", .since = 15, .types = ANY, .infer =
	  castlike_infer, .host = cast_host, .plan = cast_plan },
	{ .name = NULL }
};
