#include "op/kernel.h"

#include "op/shape.h"

const char *
cl_type(const struct plan *p, enum dtype t)
{
	static const char *const name[DT_COUNT] = {
		[DT_FLOAT] = "float", [DT_UINT8] = "uchar",
		[DT_INT8] = "char", [DT_UINT16] = "ushort",
		[DT_INT16] = "short", [DT_INT32] = "int", [DT_INT64] = "long",
		[DT_BOOL] = "uchar", [DT_UINT32] = "uint", [DT_UINT64] =
		    "ulong",
		[DT_DOUBLE] = "double",
	};

	if (t <= DT_NONE || t >= DT_COUNT)
		return NULL;
	if (t == DT_DOUBLE && !plan_facts(p)->fp64)
		return NULL;
	return name[t];
}

bool
fits_int(const struct val *x)
{
	return val_count(x) <= INT32_MAX;
}

bool
all_float(const struct view *v)
{
	for (int i = 0; i < v->n_in; i++)
		if (v->in[i] != NULL &&
		    (v->in[i]->type != DT_FLOAT || !fits_int(v->in[i])))
			return false;
	return true;
}

struct line
line_of(const struct shape *s, int from, int to)
{
	struct line l;

	l.outer = shape_span(s, 0, from);
	l.n = shape_span(s, from, to);
	l.inner = shape_span(s, to, s->rank);
	return l;
}

/* Elements that make a piece worth taking. */
#define PIECE	4096

int64_t
rows_per_piece(const struct plan *p, int64_t n)
{
	if (plan_facts(p)->profile == PROFILE_GPU || n >= PIECE)
		return 1;
	return PIECE / (n < 1 ? 1 : n);
}

void
step_line(struct step *s, const struct plan *p, const struct line *l)
{
	int64_t per = rows_per_piece(p, l->n);

	step_int(s, l->outer);
	step_int(s, l->n);
	if (l->inner == 1) {
		step_int(s, per);
		step_groups(s, (size_t)((l->outer + per - 1) / per), ROW_LOCAL);
	} else {
		step_int(s, l->inner);
		step_items(s, (size_t)(l->outer * l->inner));
	}
}
