/* Operators on strings: StringNormalizer, TfIdfVectorizer, LabelEncoder. */
#include <ctype.h>
#include <strings.h>

#include "op/op.h"
#include "op/shape.h"

static int
need_infer(struct view *v, struct err *e)
{
	return op_want(v, 1, e) != 0 ? -1 : op_need_all(v);
}

struct stop {
	const struct attr	*words;
	bool			 exact;
};

static int
stop_read(const struct view *v, struct stop *s, struct err *e)
{
	int64_t exact;

	s->words = attr_find(v->node, "stopwords");
	if (s->words != NULL && s->words->type != ATTR_STRINGS)
		return view_error(e, "stopwords are not strings");
	if (attr_int(v->node, "is_case_sensitive", 0, &exact, e) != 0)
		return -1;
	s->exact = exact != 0;
	return 0;
}

static bool
stopped(const struct stop *s, const struct string *x)
{
	for (size_t i = 0; s->words != NULL && i < s->words->n; i++) {
		const struct string *w = &s->words->strings[i];

		if (w->n == x->n && (s->exact ? memcmp(w->s, x->s, x->n) :
		    strncasecmp(w->s, x->s, x->n)) == 0)
			return true;
	}
	return false;
}

/* ASCII only: other letters of UTF-8 stay as they are. */
static int
change_case(struct view *v, const char *how, struct string *s, struct err *e)
{
	char *text;

	if (strcmp(how, "NONE") == 0)
		return 0;
	if ((text = view_own(v, s->n + 1, 1, e)) == NULL)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		text[i] = (char)(strcmp(how, "UPPER") == 0 ?
		    toupper((unsigned char)s->s[i]) :
		    tolower((unsigned char)s->s[i]));
	s->s = text;
	return 0;
}

/* One row of strings: stopwords go; nothing left is one empty string. */
static int
normalize_host(struct view *v, struct err *e)
{
	const struct string *in;
	struct string *kept, *out;
	struct shape o;
	const char *how;
	struct stop stop = { 0 };
	size_t n = 0;

	if (op_want_rank(v->in[0], 1, 2, "X", e) != 0 ||
	    stop_read(v, &stop, e) != 0 || attr_string(v->node,
	    "case_change_action", "NONE", &how, e) != 0)
		return -1;
	o = v->in[0]->shape;
	if (o.rank == 2 && o.dim[0] != 1)
		return view_error(e, "%lld rows, want one",
		    (long long)o.dim[0]);
	in = v->in[0]->data;
	kept = view_scratch(v, val_count(v->in[0]) + 1, sizeof(*kept), e);
	if (kept == NULL)
		return -1;
	for (size_t i = 0; i < val_count(v->in[0]); i++)
		if (!stopped(&stop, &in[i]))
			kept[n++] = in[i];
	if (n == 0)
		kept[n++] = (struct string){ "", 0 };
	o.dim[o.rank - 1] = (int64_t)n;
	if ((out = view_alloc_as(v, 0, DT_STRING, &o, e)) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		out[i] = kept[i];
		if (change_case(v, how, &out[i], e) != 0)
			return -1;
	}
	return 0;
}

struct tfidf {
	int64_t			 min, max, skip;
	const int64_t		*counts, *indexes, *ints;
	const struct attr	*strings;
	const float		*weights;
	size_t			 n_counts, n_indexes, n_ints, n_weights;
	const char		*mode;
	int64_t			 width;
};

static int
tfidf_read(const struct view *v, struct tfidf *t, struct err *e)
{
	size_t pool;

	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 1, 2, "X", e) != 0 ||
	    attr_int(v->node, "min_gram_length", 1, &t->min, e) != 0 ||
	    attr_int(v->node, "max_gram_length", 1, &t->max, e) != 0 ||
	    attr_int(v->node, "max_skip_count", 0, &t->skip, e) != 0 ||
	    attr_ints(v->node, "ngram_counts", &t->counts, &t->n_counts,
	    e) != 0 ||
	    attr_ints(v->node, "ngram_indexes", &t->indexes, &t->n_indexes,
	    e) != 0 ||
	    attr_ints(v->node, "pool_int64s", &t->ints, &t->n_ints, e) != 0 ||
	    attr_floats(v->node, "weights", &t->weights, &t->n_weights,
	    e) != 0 || attr_string(v->node, "mode", "TF", &t->mode, e) != 0)
		return -1;
	t->strings = attr_find(v->node, "pool_strings");
	if (t->strings != NULL && t->strings->type != ATTR_STRINGS)
		return view_error(e, "pool_strings are not strings");
	pool = t->strings != NULL ? t->strings->n : t->n_ints;
	if ((v->in[0]->type == DT_STRING) != (t->strings != NULL))
		return view_error(e, "the pool is of another type than X");
	if (t->min < 1 || t->max < t->min || t->skip < 0 ||
	    (size_t)t->max > t->n_counts)
		return view_error(e, "grams of %lld to %lld, %zu counts",
		    (long long)t->min, (long long)t->max, t->n_counts);
	t->width = 0;
	for (size_t i = 0; i < t->n_indexes; i++) {
		if (t->indexes[i] < 0 || t->indexes[i] > INT32_MAX)
			return view_error(e, "ngram index %lld",
			    (long long)t->indexes[i]);
		if (t->indexes[i] >= t->width)
			t->width = t->indexes[i] + 1;
	}
	for (size_t i = 0; i < t->n_counts; i++)
		if (t->counts[i] < 0 || (size_t)t->counts[i] > pool ||
		    (i > 0 && t->counts[i] < t->counts[i - 1]))
			return view_error(e, "ngram_counts are not in order");
	return 0;
}

static int
tfidf_infer(struct view *v, struct err *e)
{
	struct tfidf t;
	struct shape o;

	if (tfidf_read(v, &t, e) != 0)
		return -1;
	o = v->in[0]->shape;
	o.dim[o.rank - 1] = t.width;
	view_set(v, 0, DT_FLOAT, &o, o.rank == 2 ? row_unless(v->in[0], 2) :
	    row_any(v));
	return 0;
}

static bool
same_token(const struct tfidf *t, const struct val *x, size_t at, size_t pool)
{
	const struct string *s = x->data;

	if (t->strings == NULL)
		return elem_i(x->type, x->data, at) == t->ints[pool];
	return s[at].n == t->strings->strings[pool].n &&
	    memcmp(s[at].s, t->strings->strings[pool].s, s[at].n) == 0;
}

/* Occurrences of a gram in a row, its tokens `step` apart. */
static int64_t
count_gram(const struct tfidf *t, const struct val *x, size_t row, int64_t c,
    size_t gram, int64_t len, int64_t step)
{
	int64_t found = 0;

	for (int64_t i = 0; i + (len - 1) * step < c; i++) {
		int64_t k = 0;

		while (k < len && same_token(t, x,
		    row + (size_t)(i + k * step), gram + (size_t)k))
			k++;
		found += k == len;
	}
	return found;
}

static void
tfidf_row(const struct tfidf *t, const struct val *x, size_t row, int64_t c,
    float *out)
{
	size_t pool = t->strings != NULL ? t->strings->n : t->n_ints, g = 0;

	for (size_t k = 0; k < t->n_counts; k++) {
		int64_t len = (int64_t)k + 1;
		size_t end = k + 1 < t->n_counts ?
		    (size_t)t->counts[k + 1] : pool;

		for (size_t at = (size_t)t->counts[k]; at + k < end;
		    at += k + 1, g++) {
			int64_t n = 0, skips = len == 1 ? 0 : t->skip;
			float w = t->weights != NULL && g < t->n_weights ?
			    t->weights[g] : 1;

			if (g >= t->n_indexes)
				return;
			if (len < t->min || len > t->max)
				continue;
			for (int64_t s = 1; s - 1 <= skips && s <= c; s++)
				n += count_gram(t, x, row, c, at, len, s);
			out[t->indexes[g]] = strcmp(t->mode, "TF") == 0 ?
			    (float)n : strcmp(t->mode, "IDF") == 0 ?
			    (n > 0 ? w : 0) : (float)n * w;
		}
	}
}

static int
tfidf_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	float *out = view_alloc(v, 0, e);
	int64_t c, rows;
	struct tfidf t;

	if (out == NULL || tfidf_read(v, &t, e) != 0)
		return -1;
	c = x->shape.dim[x->shape.rank - 1];
	rows = x->shape.rank == 1 ? 1 : x->shape.dim[0];
	for (int64_t r = 0; r < rows; r++)
		tfidf_row(&t, x, (size_t)(r * c), c, out + r * t.width);
	return 0;
}

/* LabelEncoder: a list of keys and one of values, each of one type. */
struct side {
	const struct attr	*a;
	enum dtype		 type;
};

static int
side_find(const struct view *v, const char *const name[3], struct side *s,
    struct err *e)
{
	static const enum attr_type want[3] = {
		ATTR_STRINGS, ATTR_INTS, ATTR_FLOATS
	};
	static const enum dtype type[3] = { DT_STRING, DT_INT64, DT_FLOAT };

	for (int i = 0; i < 3; i++)
		if ((s->a = attr_find(v->node, name[i])) != NULL) {
			s->type = type[i];
			return s->a->type == want[i] ? 0 :
			    view_error(e, "%s is of the wrong type", name[i]);
		}
	return err_set(e, ERR_UNSUPPORTED, "%s or its kin are missing",
	    name[0]);
}

static int
encoder_read(const struct view *v, struct side *k, struct side *val,
    struct err *e)
{
	static const char *const keys[3] = {
		"keys_strings", "keys_int64s", "keys_floats"
	};
	static const char *const values[3] = {
		"values_strings", "values_int64s", "values_floats"
	};

	if (op_want(v, 1, e) != 0 || side_find(v, keys, k, e) != 0 ||
	    side_find(v, values, val, e) != 0)
		return -1;
	if (k->type != v->in[0]->type || k->a->n != val->a->n)
		return view_error(e, "%zu keys, %zu values, of %s", k->a->n,
		    val->a->n, dtype_info(k->type)->onnx);
	return 0;
}

static int
encoder_infer(struct view *v, struct err *e)
{
	struct side k, val;

	if (encoder_read(v, &k, &val, e) != 0)
		return -1;
	view_set(v, 0, val.type, &v->in[0]->shape, v->in[0]->row);
	return 0;
}

static bool
key_is(const struct side *k, size_t i, const struct val *x, size_t at)
{
	const struct string *s = x->data;

	if (k->type == DT_INT64)
		return k->a->ints[i] == elem_i(x->type, x->data, at);
	if (k->type == DT_FLOAT) {
		float f = (float)elem_f(x->type, x->data, at);

		return k->a->floats[i] == f ||
		    (f != f && k->a->floats[i] != k->a->floats[i]);
	}
	return k->a->strings[i].n == s[at].n &&
	    memcmp(k->a->strings[i].s, s[at].s, s[at].n) == 0;
}

/* What a key that is not in the list becomes. */
static int
encoder_default(const struct view *v, enum dtype t, void *out, size_t i,
    struct err *e)
{
	struct string *s = out;
	const char *text;
	int64_t n;
	float f;

	if (t == DT_STRING) {
		if (attr_string(v->node, "default_string", "_Unused", &text,
		    e) != 0)
			return -1;
		s[i] = (struct string){ text, strlen(text) };
	} else if (t == DT_INT64) {
		if (attr_int(v->node, "default_int64", -1, &n, e) != 0)
			return -1;
		elem_set_i(t, out, i, n);
	} else {
		if (attr_float(v->node, "default_float", -0.0f, &f, e) != 0)
			return -1;
		elem_set_f(t, out, i, f);
	}
	return 0;
}

static int
encoder_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	struct side k, val;

	if (out == NULL || encoder_read(v, &k, &val, e) != 0)
		return -1;
	for (size_t i = 0; i < val_count(x); i++) {
		size_t n = 0;

		while (n < k.a->n && !key_is(&k, n, x, i))
			n++;
		if (n == k.a->n) {
			if (encoder_default(v, val.type, out, i, e) != 0)
				return -1;
		} else if (val.type == DT_STRING)
			((struct string *)out)[i] = val.a->strings[n];
		else if (val.type == DT_INT64)
			((int64_t *)out)[i] = val.a->ints[n];
		else
			((float *)out)[i] = val.a->floats[n];
	}
	return 0;
}

OP_FAMILY(text_ops);
const struct op text_ops[] = {
	{ .name = "StringNormalizer", .since = 10, .types = "s",
	  .infer = need_infer, .host = normalize_host },
	{ .name = "TfIdfVectorizer", .since = 9, .types = "si",
	  .infer = tfidf_infer, .host = tfidf_host },
	{ .domain = "ai.onnx.ml", .name = "LabelEncoder", .since = 2,
	  .types = "sif", .infer = encoder_infer, .host = encoder_host },
	{ .name = NULL }
};
