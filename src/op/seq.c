#include "op/seq.h"

#include "op/shape.h"

int
val_make(struct view *v, struct val *dst, enum value_type form, int n,
    struct err *e)
{
	struct val *all = view_own(v, (size_t)n + 1, sizeof(*all), e);
	struct val **list = view_own(v, (size_t)n + 1, sizeof(*list), e);

	if (all == NULL || list == NULL)
		return -1;
	for (int i = 0; i < n; i++)
		list[i] = &all[i];
	dst->form = form;
	dst->row = ROW_MIXED;
	dst->elem = list;
	dst->n_elem = n;
	return 0;
}

static int
copy_tensor(struct view *v, struct val *dst, const struct val *src,
    struct err *e)
{
	size_t n = val_count(src), bytes = n * sizeof(struct string);
	struct string *s;
	void *p;

	if (src->type != DT_STRING && !dtype_bytes(src->type, n, &bytes))
		return op_overflow(e);
	if ((p = view_own(v, bytes + 1, 1, e)) == NULL)
		return -1;
	if (bytes > 0)
		memcpy(p, src->data, bytes);
	s = p;
	for (size_t i = 0; src->type == DT_STRING && i < n; i++)
		if ((s[i].s = view_string(v, s[i].s, s[i].n, e)) == NULL)
			return -1;
	dst->form = VALUE_TENSOR;
	dst->type = src->type;
	dst->shape = src->shape;
	dst->row = src->row;
	dst->data = p;
	return 0;
}

/* Nesting is at most optional(sequence(tensor)): a level more is refused. */
static int
copy_depth(struct view *v, struct val *dst, const struct val *src, int depth,
    struct err *e)
{
	if (depth > 3)
		return view_error(e, "values nested too deeply");
	if (src->form == VALUE_TENSOR)
		return copy_tensor(v, dst, src, e);
	if (val_make(v, dst, src->form, src->n_elem, e) != 0)
		return -1;
	dst->type = src->type;
	for (int i = 0; i < src->n_elem; i++)
		if (copy_depth(v, dst->elem[i], src->elem[i], depth + 1,
		    e) != 0)
			return -1;
	return 0;
}

int
seq_copy(struct view *v, struct val *dst, const struct val *src, struct err *e)
{
	return copy_depth(v, dst, src, 0, e);
}
