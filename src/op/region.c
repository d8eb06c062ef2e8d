#include "op/region.h"

#include <string.h>

#include "op/shape.h"

/* What the kernel takes; a region that is not so even after merging is rare. */
#define KERNEL_RANK	6

void
region_axis(struct region *r, int64_t dim, int64_t src, int64_t dst)
{
	r->dim[r->rank] = dim;
	r->src[r->rank] = src;
	r->dst[r->rank] = dst;
	r->rank++;
}

void
region_merge(struct region *r)
{
	struct region m = *r;

	m.rank = 0;
	for (int i = 0; i < r->rank; i++) {
		int k = m.rank - 1;

		if (r->dim[i] == 1)
			continue;
		if (k >= 0 && m.src[k] == r->src[i] * r->dim[i] &&
		    m.dst[k] == r->dst[i] * r->dim[i]) {
			m.dim[k] *= r->dim[i];
			m.src[k] = r->src[i];
			m.dst[k] = r->dst[i];
		} else
			region_axis(&m, r->dim[i], r->src[i], r->dst[i]);
	}
	*r = m;
}

static bool
region_empty(const struct region *r)
{
	for (int i = 0; i < r->rank; i++)
		if (r->dim[i] == 0)
			return true;
	return false;
}

static void
copy_line(enum dtype t, void *dst, const void *src, const struct region *r,
    int64_t s, int64_t d)
{
	int a = r->rank - 1;
	int64_t n = a < 0 ? 1 : r->dim[a];
	int64_t ss = a < 0 ? 0 : r->src[a], ds = a < 0 ? 0 : r->dst[a];

	for (int64_t i = 0; i < n; i++)
		elem_copy(t, dst, (size_t)(d + i * ds), src,
		    (size_t)(s + i * ss));
}

static void
copy_region(enum dtype t, void *dst, const void *src, const struct region *r)
{
	int64_t at[REGION_RANK] = { 0 }, s = r->src_off, d = r->dst_off;
	int a;

	do {
		copy_line(t, dst, src, r, s, d);
		for (a = r->rank - 2; a >= 0; a--) {
			s += r->src[a];
			d += r->dst[a];
			if (++at[a] < r->dim[a])
				break;
			s -= r->src[a] * r->dim[a];
			d -= r->dst[a] * r->dim[a];
			at[a] = 0;
		}
	} while (a >= 0);
}

int
region_host(struct view *v, region_fn *fn, struct err *e)
{
	void *data[64] = { NULL }, *p;
	struct region r;
	int got;

	for (int i = 0; i < v->n_out; i++) {
		if (v->out[i] == NULL)
			continue;
		if ((p = view_alloc(v, i, e)) == NULL)
			return -1;
		if (i < 64)
			data[i] = p;
	}
	for (int k = 0; (got = fn(v, k, &r, e)) == 1; k++) {
		if (view_out(v, r.out) == NULL || region_empty(&r))
			continue;
		region_merge(&r);
		p = r.out < 64 ? data[r.out] : (void *)v->out[r.out]->data;
		copy_region(v->in[r.in]->type, p, v->in[r.in]->data, &r);
	}
	return got;
}

/* The type that moves as many bits; NULL if elements are not whole bytes. */
static const char *
move_type(enum dtype t)
{
	static const struct { int bits; const char *name; } word[] = {
		{ 8, "uchar" }, { 16, "ushort" }, { 32, "uint" },
		{ 64, "ulong" }, { 0, NULL }
	};
	int k = 0;

	while (word[k].name != NULL && word[k].bits != dtype_info(t)->bits)
		k++;
	return word[k].name;
}

/* Elements of a piece on a CPU. */
#define PIECE	4096

/* CPU: whole lines, or pieces of long ones; GPU: element by element. */
static void
step_region(struct step *s, const struct plan *p, int64_t lines, int64_t last)
{
	int64_t per = last < PIECE ? PIECE / last : 1;
	int64_t chunk = last < PIECE ? last : PIECE;

	if (plan_facts(p)->profile == PROFILE_GPU) {
		step_int(s, lines * last);
		step_items(s, (size_t)(lines * last));
		return;
	}
	step_int(s, lines);
	step_int(s, per);
	step_int(s, chunk);
	step_groups(s, (size_t)((lines + per - 1) / per *
	    ((last + chunk - 1) / chunk)), 1);
}

static int
emit(struct view *v, const struct region *r, struct plan *p, struct err *e)
{
	bool gpu = plan_facts(p)->profile == PROFILE_GPU;
	int skip = KERNEL_RANK - r->rank;
	int64_t lines = 1;
	struct step *s;

	s = plan_step(p, e, "move", gpu ? "move_items" : "move_lines", "-DT=%s",
	    move_type(v->in[r->in]->type));
	if (s == NULL)
		return -1;
	step_in(s, v->in[r->in]);
	step_out(s, v->out[r->out]);
	step_long(s, r->src_off);
	step_long(s, r->dst_off);
	for (int i = 0; i < KERNEL_RANK; i++) {
		step_int(s, i < skip ? 1 : r->dim[i - skip]);
		step_long(s, i < skip ? 0 : r->src[i - skip]);
		step_long(s, i < skip ? 0 : r->dst[i - skip]);
	}
	for (int i = 0; i < r->rank - 1; i++)
		lines *= r->dim[i];
	step_region(s, p, lines, r->rank == 0 ? 1 : r->dim[r->rank - 1]);
	return plan_end(p, s, e);
}

/* All of them must fit the kernel before any is emitted. */
static int
fits(struct view *v, region_fn *fn, struct err *e)
{
	struct region r;
	int got;

	for (int k = 0; (got = fn(v, k, &r, e)) == 1; k++) {
		size_t n = 1;

		region_merge(&r);
		for (int i = 0; i < r.rank; i++)
			n *= (size_t)r.dim[i];
		if (r.rank > KERNEL_RANK || n > INT32_MAX ||
		    move_type(v->in[r.in]->type) == NULL)
			return 1;
	}
	return got;
}

int
region_plan(struct view *v, region_fn *fn, struct plan *p, struct err *e)
{
	struct region r;
	int got;

	if ((got = fits(v, fn, e)) != 0)
		return got;
	for (int k = 0; (got = fn(v, k, &r, e)) == 1; k++) {
		region_merge(&r);
		if (view_out(v, r.out) == NULL || region_empty(&r))
			continue;
		if (emit(v, &r, p, e) != 0)
			return -1;
	}
	return got;
}

int
same_host(struct view *v, struct err *e)
{
	void *out = view_alloc(v, 0, e);
	size_t n = val_count(v->in[0]);

	if (out == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		elem_copy(v->in[0]->type, out, i, v->in[0]->data, i);
	return 0;
}

int
same_plan(struct view *v, struct plan *p, struct err *e)
{
	(void)e;
	if (v->in[0]->kind != VAL_DEVICE || v->n_out != 1)
		return 1;
	plan_view(p, v->out[0], v->in[0], 0);
	return 0;
}
