/* Einsum and Det: sums of products by the book. */
#include <ctype.h>
#include <math.h>

#include "op/op.h"
#include "op/shape.h"

/*
 * A term's axes as labels: letters are themselves, the axes of an ellipsis are
 * small numbers counted from its end.
 */
#define LABELS		128
#define EINSUM_INPUTS	WALK_MAX

struct term {
	int	n;
	int	label[MAX_RANK];
};

struct einsum {
	struct term	in[EINSUM_INPUTS], out;
	int64_t		dim[LABELS];	/* 0 for labels that do not occur */
	bool		seen[LABELS];
	int		dots;		/* axes of the ellipsis */
};

/* One term's text up to ',' '-' or the end; rank -1: of the output. */
static const char *
parse_term(const char *s, struct term *t, int rank, int dots, struct err *e)
{
	int letters = 0, fill;

	t->n = 0;
	for (const char *p = s; *p != '\0' && *p != ',' && *p != '-'; p++)
		letters += isalpha((unsigned char)*p) != 0;
	fill = rank < 0 ? dots : rank - letters;
	for (; *s != '\0' && *s != ',' && *s != '-'; s++) {
		if (strncmp(s, "...", 3) == 0) {
			for (int k = fill; k > 0 && t->n < MAX_RANK; k--)
				t->label[t->n++] = k;
			s += 2;
		} else if (isalpha((unsigned char)*s)) {
			if (t->n == MAX_RANK)
				break;
			t->label[t->n++] = (unsigned char)*s;
		} else if (*s != ' ') {
			(void)view_error(e, "equation has '%c'",
			    isprint((unsigned char)*s) ? *s : '?');
			return NULL;
		}
	}
	if (rank >= 0 && t->n != rank) {
		(void)view_error(e, "a term has %d axes for rank %d", t->n,
		    rank);
		return NULL;
	}
	return s;
}

/* Without "->": the ellipsis, then letters that occur once, in order. */
static void
implied_output(struct einsum *q, int n)
{
	int count[LABELS] = { 0 };

	for (int i = 0; i < n; i++)
		for (int k = 0; k < q->in[i].n; k++)
			count[q->in[i].label[k]]++;
	for (int k = q->dots; k > 0 && q->out.n < MAX_RANK; k--)
		q->out.label[q->out.n++] = k;
	for (int c = 'A'; c <= 'z' && q->out.n < MAX_RANK; c++)
		if (count[c] == 1)
			q->out.label[q->out.n++] = c;
}

static int
take_dims(struct einsum *q, const struct term *t, const struct shape *s,
    struct err *e)
{
	for (int k = 0; k < t->n; k++) {
		int c = t->label[k];

		if (q->seen[c] && q->dim[c] != s->dim[k] && q->dim[c] != 1 &&
		    s->dim[k] != 1)
			return view_error(e, "an axis is both %lld and %lld",
			    (long long)q->dim[c], (long long)s->dim[k]);
		if (!q->seen[c] || q->dim[c] == 1)
			q->dim[c] = s->dim[k];
		q->seen[c] = true;
		if (c <= MAX_RANK && c > q->dots)
			q->dots = c;
	}
	return 0;
}

static int
einsum_read(const struct view *v, struct einsum *q, struct err *e)
{
	const char *s;

	memset(q, 0, sizeof(*q));
	if (v->n_in < 1 || v->n_in > EINSUM_INPUTS)
		return err_set(e, ERR_UNSUPPORTED, "%d inputs, at most %d are "
		    "done", v->n_in, EINSUM_INPUTS);
	if (op_want(v, v->n_in, e) != 0 ||
	    attr_string(v->node, "equation", "", &s, e) != 0)
		return -1;
	for (int i = 0; i < v->n_in; i++) {
		s = parse_term(s, &q->in[i], v->in[i]->shape.rank, 0, e);
		if (s == NULL)
			return -1;
		if ((*s == ',') != (i + 1 < v->n_in))
			return view_error(e, "the equation is not of %d terms",
			    v->n_in);
		s += *s == ',';
		if (take_dims(q, &q->in[i], &v->in[i]->shape, e) != 0)
			return -1;
	}
	if (strncmp(s, "->", 2) == 0) {
		if (parse_term(s + 2, &q->out, -1, q->dots, e) == NULL)
			return -1;
	} else
		implied_output(q, v->n_in);
	for (int k = 0; k < q->out.n; k++)
		if (!q->seen[q->out.label[k]])
			return view_error(e, "the output has an axis that no "
			    "input has");
	return 0;
}

static int
einsum_infer(struct view *v, struct err *e)
{
	struct einsum q;
	struct shape o;

	if (einsum_read(v, &q, e) != 0)
		return -1;
	o.rank = q.out.n;
	for (int k = 0; k < o.rank; k++)
		o.dim[k] = q.dim[q.out.label[k]];
	view_set(v, 0, v->in[0]->type, &o, row_any(v));
	return 0;
}

/* Steps of a term's tensor along each axis of the walk. */
static void
term_strides(const struct term *t, const struct shape *s, const int *label,
    int n, int64_t *out)
{
	int64_t own[MAX_RANK];

	shape_strides(s, own);
	for (int a = 0; a < n; a++) {
		out[a] = 0;
		for (int k = 0; k < t->n; k++)
			if (t->label[k] == label[a] && s->dim[k] != 1)
				out[a] += own[k];
	}
}

/* The walk over summed labels, for one element of the output. */
static double
einsum_sum(const struct view *v, const struct einsum *q,
    const struct walk *out, const int *label, const struct shape *over)
{
	int64_t steps[MAX_RANK];
	struct walk w;
	double sum = 0;

	walk_init(&w, over);
	for (int i = 0; i < v->n_in; i++) {
		term_strides(&q->in[i], &v->in[i]->shape, label, over->rank,
		    steps);
		walk_add_strides(&w, steps, out->off[i]);
	}
	for (; walk_more(&w); walk_next(&w)) {
		double x = 1;

		for (int i = 0; i < v->n_in; i++)
			x *= elem_f(v->in[i]->type, v->in[i]->data,
			    (size_t)w.off[i]);
		sum += x;
	}
	return sum;
}

static int
einsum_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	int64_t steps[MAX_RANK];
	struct shape over = { 0 };
	int label[MAX_RANK];
	struct einsum q;
	struct walk w;

	if (out == NULL || einsum_read(v, &q, e) != 0)
		return -1;
	for (int c = 0; c < LABELS; c++) {
		bool kept = !q.seen[c];

		for (int k = 0; k < q.out.n; k++)
			kept = kept || q.out.label[k] == c;
		if (kept)
			continue;
		if (over.rank == MAX_RANK)
			return view_error(e, "more than %d summed axes",
			    MAX_RANK);
		label[over.rank] = c;
		over.dim[over.rank++] = q.dim[c];
	}
	walk_init(&w, &v->out[0]->shape);
	for (int i = 0; i < v->n_in; i++) {
		term_strides(&q.in[i], &v->in[i]->shape, q.out.label, q.out.n,
		    steps);
		walk_add_strides(&w, steps, 0);
	}
	for (; walk_more(&w); walk_next(&w))
		elem_set_f(v->out[0]->type, out, w.i,
		    einsum_sum(v, &q, &w, label, &over));
	return 0;
}

static int
det_infer(struct view *v, struct err *e)
{
	struct shape s;
	int row;

	if (op_want(v, 1, e) != 0 ||
	    op_want_rank(v->in[0], 2, MAX_RANK, "X", e) != 0)
		return -1;
	s = v->in[0]->shape;
	s.rank -= 2;
	if (s.dim[s.rank] != s.dim[s.rank + 1])
		return view_error(e, "matrices of %lld by %lld",
		    (long long)s.dim[s.rank], (long long)s.dim[s.rank + 1]);
	row = row_unless(v->in[0], 3u << s.rank);
	view_set(v, 0, v->in[0]->type, &s, row);
	return 0;
}

/* Gaussian elimination with row pivots, in place. */
static double
det_of(double *m, int64_t n)
{
	double det = 1;

	for (int64_t c = 0; c < n; c++) {
		int64_t p = c;

		for (int64_t r = c + 1; r < n; r++)
			if (fabs(m[r * n + c]) > fabs(m[p * n + c]))
				p = r;
		if (m[p * n + c] == 0)
			return 0;
		for (int64_t k = 0; p != c && k < n; k++) {
			double t = m[p * n + k];

			m[p * n + k] = m[c * n + k];
			m[c * n + k] = t;
		}
		det *= p != c ? -m[c * n + c] : m[c * n + c];
		for (int64_t r = c + 1; r < n; r++) {
			double f = m[r * n + c] / m[c * n + c];

			for (int64_t k = c; k < n; k++)
				m[r * n + k] -= f * m[c * n + k];
		}
	}
	return det;
}

static int
det_host(struct view *v, struct err *e)
{
	const struct val *x = v->in[0];
	void *out = view_alloc(v, 0, e);
	int64_t n = x->shape.dim[x->shape.rank - 1];
	double *m = view_scratch(v, (size_t)(n * n) + 1, sizeof(*m), e);

	if (out == NULL || m == NULL)
		return -1;
	for (size_t i = 0; i < val_count(v->out[0]); i++) {
		for (int64_t k = 0; k < n * n; k++)
			m[k] = elem_f(x->type, x->data,
			    i * (size_t)(n * n) + (size_t)k);
		elem_set_f(x->type, out, i, det_of(m, n));
	}
	return 0;
}

OP_FAMILY(einsum_ops);
const struct op einsum_ops[] = {
	{ .name = "Einsum", .since = 12, .types = "fdhiu",
	  .infer = einsum_infer, .host = einsum_host },
	{ .name = "Det", .since = 11, .types = "fdh", .infer = det_infer,
	  .host = det_host },
	{ .name = NULL }
};
