/* The classification extension: "value:index" or "value:index:label". */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "parent/infer.h"
#include "parent/modelconf.h"
#include "parse/labels.h"

#define ELEMENTS_MAX	1000000
#define CLASSES_MAX	1000
#define ENTRIES_MAX	20000
/* bytes; doubles have 310 digits */
#define ENTRY_MAX	(400 + LABEL_MAX)

static double
value_at(enum dtype t, const unsigned char *data, size_t i)
{
	const struct dtype_info *info = dtype_info(t);
	size_t size = info->bits / 8;
	uint64_t u = 0;
	double d;
	float f;

	if (t == DT_FLOAT) {
		memcpy(&f, data + 4 * i, 4);
		return (double)f;
	}
	if (t == DT_DOUBLE) {
		memcpy(&d, data + 8 * i, 8);
		return d;
	}
	for (size_t b = 0; b < size; b++)
		u |= (uint64_t)data[size * i + b] << 8 * b;
	if (info->kind == 'i')
		return (double)((int64_t)(u << (64 - info->bits)) >>
		    (64 - info->bits));
	return (double)u;
}

struct entry {
	double		 value;
	size_t		 index;
};

static bool
better(const struct entry *a, const struct entry *b)
{
	return a->value > b->value ||
	    (a->value == b->value && a->index < b->index);
}

/* The k best of n elements, best first. */
static void
best_of(struct entry *best, size_t k, size_t n, enum dtype t,
    const unsigned char *data, size_t first)
{
	size_t have = 0, at;

	for (size_t i = 0; i < n; i++) {
		struct entry one = { value_at(t, data, first + i), i };

		if (have == k && !better(&one, &best[k - 1]))
			continue;
		have += have < k;
		for (at = have - 1; at > 0 && better(&one, &best[at - 1]); at--)
			best[at] = best[at - 1];
		best[at] = one;
	}
}

/* "value:index" or "value:index:label" of k entries behind *w. */
static void
put_row(const struct entry *best, size_t k, enum dtype t,
    const struct labels *labels, unsigned char *out, size_t *w)
{
	bool is_float = dtype_info(t)->kind == 'f';

	for (size_t i = 0; i < k; i++) {
		const char *label = labels_of(labels, best[i].index);
		char *text = (char *)out + *w + 4;
		uint32_t len = (uint32_t)snprintf(text, ENTRY_MAX - 4,
		    is_float ? "%.6f:%zu%s%s" : "%.0f:%zu%s%s", best[i].value,
		    best[i].index, *label != '\0' ? ":" : "", label);

		memcpy(out + *w, &len, 4);
		*w += 4 + len;
	}
}

/* What config.pbtxt calls the elements of that output. */
static const struct labels *
labels_for(const struct infer *i, const char *output)
{
	const struct model_tensor *t = modelconf_output(i->version->config,
	    output);

	return t != NULL ? t->classes : NULL;
}

int
classify(const struct infer *i, const struct request_output *o,
    const unsigned char *data, struct shape *shape, unsigned char **out,
    size_t *n, struct err *e)
{
	const char *name = i->version->signature->out[o->index].name;
	uint64_t k = i->out[o->index].classes;
	bool batched = i->version->batch_max > 0 && o->shape.rank > 1;
	const struct labels *labels = labels_for(i, name);
	char kind = dtype_info(o->type)->kind;
	size_t count, rows = 1, row;
	struct entry *best;

	if (kind != 'i' && kind != 'u' && o->type != DT_FLOAT &&
	    o->type != DT_DOUBLE)
		return err_set(e, ERR_INVALID, "class result not available for "
		    "output '%s' due to unsupported type '%s'", name,
		    dtype_info(o->type)->v2);
	if (!shape_count(&o->shape, &count) || count > ELEMENTS_MAX ||
	    count * (dtype_info(o->type)->bits / 8) > o->bytes)
		return err_set(e, ERR_INVALID, "class result not available for "
		    "output '%s': more than %d elements", name, ELEMENTS_MAX);
	if (batched)
		rows = (size_t)o->shape.dim[0];
	row = rows > 0 ? count / rows : 0;
	if (k > row)
		k = row;
	if (k > CLASSES_MAX || rows * k > ENTRIES_MAX)
		return err_set(e, ERR_INVALID, "classification of output '%s': "
		    "more than %d classes, or %d in all rows", name,
		    CLASSES_MAX, ENTRIES_MAX);
	*shape = (struct shape){ .rank = 1, .dim = { (int64_t)k } };
	if (batched)
		*shape = (struct shape){ .rank = 2, .dim = { (int64_t)rows,
		    (int64_t)k } };
	best = calloc(k > 0 ? k : 1, sizeof(*best));
	*out = malloc(rows * k * ENTRY_MAX + 1);
	if (best == NULL || *out == NULL) {
		free(best);
		return err_memory(e, "classification", rows * k * ENTRY_MAX);
	}
	*n = 0;
	for (size_t r = 0; r < rows && k > 0; r++) {
		best_of(best, k, row, o->type, data, r * row);
		put_row(best, k, o->type, labels, *out, n);
	}
	free(best);
	return 0;
}
