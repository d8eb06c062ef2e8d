/* The arguments and sizes of steps. */
#include "base/size.h"
#include "plan/build.h"

static struct arg *
add(struct step *s, enum arg_kind kind)
{
	struct arg *a;

	if (s->n_arg == ARGS_MAX) {
		(void)err_set(&s->err, ERR_INTERNAL, "over %d arguments",
		    ARGS_MAX);
		return NULL;
	}
	a = &s->arg[s->n_arg++];
	a->kind = kind;
	return a;
}

static void
add_bytes(struct step *s, const void *p, size_t n)
{
	struct arg *a = add(s, ARG_BYTES);

	if (a == NULL)
		return;
	a->size = n;
	memcpy(a->bytes, p, n);
}

/* The buffer, and where in it. */
static void
add_store(struct step *s, struct storage *store, int64_t offset, size_t size)
{
	struct arg *a = add(s, ARG_BUF);

	if (store == NULL) {
		(void)err_set(&s->err, ERR_MEMORY, "an argument has no memory");
		return;
	}
	if (a != NULL)
		a->store = store;
	if ((a = add(s, ARG_AT)) == NULL)
		return;
	a->store = store;
	a->offset = offset;
	a->size = size;
}

static void
add_val(struct step *s, struct val *v)
{
	if (elem_size(v->type) == 0) {
		(void)err_set(&s->err, ERR_INTERNAL,
		    "kernels do not take elements of type %s",
		    dtype_info(v->type)->onnx);
		return;
	}
	add_store(s, v->store, v->offset, elem_size(v->type));
}

void
step_in(struct step *s, struct val *v)
{
	int r;

	if (s->err.code != ERR_NONE)
		return;
	if (v->kind == VAL_HOST || v->kind == VAL_UNKNOWN) {
		(void)err_set(&s->err, ERR_INTERNAL, "an argument is not "
		    "on the device");
		return;
	}
	r = v->kind == VAL_KNOWN ? val_upload(s->plan, v, &s->err) :
	    val_store(s->plan, v, &s->err);
	if (r == 0)
		add_val(s, v);
}

void
step_out(struct step *s, struct val *v)
{
	if (s->err.code != ERR_NONE || val_store(s->plan, v, &s->err) < 0)
		return;
	if (v->kind == VAL_UNKNOWN)
		v->kind = VAL_DEVICE;
	add_val(s, v);
	if (s->out == NULL && v->offset == 0)
		s->out = v->store;
}

void
step_over(struct step *s, struct val *v)
{
	if (s->over == NULL && v->kind == VAL_DEVICE && v->offset == 0)
		s->over = v->store;
}

void
step_int(struct step *s, int64_t n)
{
	int32_t v = (int32_t)n;

	if (v != n && s->err.code == ERR_NONE)
		(void)err_set(&s->err, ERR_LIMIT, "a size of %lld does not fit "
		    "an int", (long long)n);
	add_bytes(s, &v, sizeof(v));
}

void
step_long(struct step *s, int64_t n)
{
	add_bytes(s, &n, sizeof(n));
}

void
step_float(struct step *s, float f)
{
	add_bytes(s, &f, sizeof(f));
}

void
step_pack(struct step *s, struct storage *store)
{
	add_store(s, store, 0, sizeof(float));
}

void
step_temp(struct step *s, struct storage *store)
{
	add_store(s, store, 0, sizeof(float));
}

void
step_scratch(struct step *s, size_t bytes)
{
	struct arg *a = add(s, ARG_SCRATCH);

	if (a != NULL)
		a->size = bytes;
}

void
step_error_word(struct step *s, const struct view *v)
{
	int32_t code = s->node_index + 1;

	(void)v;
	(void)add(s, ARG_ERROR);
	s->plan->checks = true;
	add_bytes(s, &code, sizeof(code));
}

void
step_groups_2d(struct step *s, size_t total, size_t l0, size_t l1)
{
	s->total = total;
	s->local[0] = l0;
	s->local[1] = l1;
	s->sized = true;
}

void
step_groups(struct step *s, size_t total, size_t local)
{
	step_groups_2d(s, total, local, 1);
}

#define ITEMS_PIECE	2048	/* items that are worth a piece of their own */
#define ITEMS_GROUP	64
#define ITEMS_GROUPS	((size_t)1 << 16)

void
step_items(struct step *s, size_t n)
{
	const struct ocl_facts *f = plan_facts(s->plan);
	size_t total, most = (size_t)f->lanes * 4;

	if (n > INT32_MAX / 2 && s->err.code == ERR_NONE)
		(void)err_set(&s->err, ERR_LIMIT, "%zu items are too many", n);
	if (f->profile == PROFILE_GPU) {
		total = n / ITEMS_GROUP + 1;
		step_groups(s, total < ITEMS_GROUPS ? total : ITEMS_GROUPS,
		    ITEMS_GROUP);
		return;
	}
	total = n / ITEMS_PIECE + 1;
	step_groups(s, f->lanes < 2 ? 1 : total < most ? total : most, 1);
}

void
step_preamble(struct step *s, const char *text)
{
	s->preamble = text;
}
