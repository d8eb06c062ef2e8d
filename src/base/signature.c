#include "base/signature.h"

#include <stdlib.h>
#include <string.h>

struct signature *
signature_new(uint32_t n_in, uint32_t n_out)
{
	struct signature *s;

	if (n_in > SIG_TENSORS_MAX || n_out > SIG_TENSORS_MAX)
		return NULL;
	s = calloc(1, sizeof(*s) + (n_in + n_out) * sizeof(*s->in));
	if (s == NULL)
		return NULL;
	s->n_in = n_in;
	s->n_out = n_out;
	s->in = (struct sig_tensor *)(s + 1);
	s->out = s->in + n_in;
	return s;
}

void
signature_free(struct signature *s)
{
	free(s);
}

static bool
tensors_equal(const struct sig_tensor *a, const struct sig_tensor *b,
    uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(a[i].name, b[i].name) != 0 ||
		    a[i].type != b[i].type ||
		    a[i].has_shape != b[i].has_shape ||
		    a[i].optional != b[i].optional ||
		    !shape_equal(&a[i].shape, &b[i].shape))
			return false;
	return true;
}

bool
signature_equal(const struct signature *a, const struct signature *b)
{
	return a->n_in == b->n_in && a->n_out == b->n_out &&
	    a->batchable == b->batchable &&
	    tensors_equal(a->in, b->in, a->n_in) &&
	    tensors_equal(a->out, b->out, a->n_out);
}

const struct sig_tensor *
signature_untyped(const struct signature *s)
{
	/* Outputs lie behind inputs. */
	for (uint32_t i = 0; i < s->n_in + s->n_out; i++)
		if (s->in[i].type == DT_NONE)
			return &s->in[i];
	return NULL;
}

static int
find(const struct sig_tensor *t, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(t[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
signature_find_in(const struct signature *s, const char *name)
{
	return find(s->in, s->n_in, name);
}

int
signature_find_out(const struct signature *s, const char *name)
{
	return find(s->out, s->n_out, name);
}
