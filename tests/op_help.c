#include "op_help.h"

#include <check.h>
#include <ctype.h>

void *
op_case_get(struct op_case *c, size_t n)
{
	void *p = pool_get(c->pool, n == 0 ? 1 : n);

	ck_assert_ptr_nonnull(p);
	return p;
}

void
op_case_open(struct op_case *c, const char *domain, const char *op, int opset)
{
	memset(c, 0, sizeof(*c));
	c->pool = pool_new((size_t)1 << 28);
	c->mem.out = pool_new((size_t)1 << 28);
	c->mem.scratch = pool_new((size_t)1 << 28);
	ck_assert(c->pool != NULL && c->mem.out != NULL &&
	    c->mem.scratch != NULL);
	c->node = (struct node){ .name = "node", .op = op, .domain = domain,
	    .opset = opset, .attr = c->attr };
	c->view = (struct view){ .node = &c->node, .in = c->in, .out = c->out,
	    .needs = -1, .mem = &c->mem, .op = op_find(domain, op, opset) };
	ck_assert_msg(c->view.op != NULL, "%s-%d", op, opset);
}

void
op_case_close(struct op_case *c)
{
	pool_free(c->pool);
	pool_free(c->mem.out);
	pool_free(c->mem.scratch);
}

/* "[1,2]": into ints, or floats if there is a point in it. */
static const char *
parse_list(struct op_case *c, const char *s, struct attr *a)
{
	const char *end = strchr(s, ']');
	bool real = memchr(s, '.', (size_t)(end - s)) != NULL;
	float *f = op_case_get(c, 64 * sizeof(*f));
	int64_t *i = op_case_get(c, 64 * sizeof(*i));
	char *next;

	for (s++; s < end; s = *next == ',' ? next + 1 : next) {
		f[a->n] = strtof(s, &next);
		if (!real)
			i[a->n] = strtoll(s, &next, 10);
		a->n++;
	}
	a->type = real ? ATTR_FLOATS : ATTR_INTS;
	if (real)
		a->floats = f;
	else
		a->ints = i;
	return end + 1;
}

/* "{a,b}" */
static const char *
parse_words(struct op_case *c, const char *s, struct attr *a)
{
	struct string *w = op_case_get(c, 16 * sizeof(*w));

	a->type = ATTR_STRINGS;
	a->strings = w;
	for (; *s != '}'; a->n++) {
		size_t n = strcspn(++s, ",}");

		w[a->n] = (struct string){ pool_strn(c->pool, s, n), n };
		s += n;
	}
	return s + 1;
}

static const char *
parse_attr(struct op_case *c, const char *s, struct attr *a)
{
	size_t n = strcspn(s, "="), len;

	a->name = pool_strn(c->pool, s, n);
	s += n + 1;
	if (*s == '[')
		return parse_list(c, s, a);
	if (*s == '{')
		return parse_words(c, s, a);
	len = strcspn(s, " ");
	if (!isdigit((unsigned char)*s) && *s != '-') {
		a->type = ATTR_STRING;
		a->s = (struct string){ pool_strn(c->pool, s, len), len };
	} else if (memchr(s, '.', len) != NULL) {
		a->type = ATTR_FLOAT;
		a->f = strtof(s, NULL);
	} else {
		a->type = ATTR_INT;
		a->i = strtoll(s, NULL, 10);
	}
	return s + len;
}

void
op_case_attrs(struct op_case *c, const char *s)
{
	for (s += strspn(s, " "); *s != '\0'; s += strspn(s, " "))
		s = parse_attr(c, s, &c->attr[c->node.n_attr++]);
}

static enum dtype
letter(char c)
{
	switch (c) {
	case 'f':
		return DT_FLOAT;
	case 'd':
		return DT_DOUBLE;
	case 'i':
		return DT_INT64;
	case 'n':
		return DT_INT32;
	case 'u':
		return DT_UINT8;
	case 'c':
		return DT_INT8;
	default:
		return DT_BOOL;
	}
}

const char *
op_case_val(struct op_case *c, const char *s, struct val *v)
{
	size_t n;
	char *next;
	void *data;

	s += strspn(s, " ");
	*v = (struct val){ .kind = VAL_KNOWN, .type = letter(*s++),
	    .row = ROW_FREE };
	for (s++; *s != ']'; s = *next == ',' ? next + 1 : next)
		v->shape.dim[v->shape.rank++] = strtoll(s, &next, 10);
	s += 2;
	ck_assert(shape_count(&v->shape, &n));
	v->data = data = op_case_get(c, 8 * n);
	for (size_t i = 0; i < n; i++) {
		elem_set_f(v->type, data, i, strtod(s, &next));
		ck_assert_msg(next != s, "values missing at \"%s\"", s);
		s = next;
	}
	return s;
}

void
op_case_inputs(struct op_case *c, const char *s)
{
	int n = 0;

	for (s += strspn(s, " ;"); *s != '\0'; s += strspn(s, " ;"), n++) {
		if (*s == '-') {
			s++;
			continue;
		}
		s = op_case_val(c, s, &c->val[n]);
		c->in[n] = &c->val[n];
	}
	c->node.n_in = c->view.n_in = n;
}

void
op_case_outputs(struct op_case *c, int n)
{
	c->node.n_out = c->view.n_out = n;
	for (int i = 0; i < n; i++)
		c->out[i] = &c->val[OP_INPUTS + i];
}

int
op_case_run(struct op_case *c)
{
	const struct op *o = c->view.op;

	for (int i = 0; i < c->view.n_in; i++)
		if (c->in[i] != NULL && !op_takes(o, i, c->in[i]->type))
			return err_set(&c->err, ERR_UNSUPPORTED, "type %d", i);
	if (o->infer(&c->view, &c->err) != 0)
		return -1;
	return o->host(&c->view, &c->err);
}
