#include "tool/compare.h"

#include <math.h>

#include "plan/val.h"

static bool
close_to(double want, double got, const struct tolerance *t)
{
	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got);
	if (isinf(want) || isinf(got))
		return want == got;
	return fabs(got - want) <= t->absolute + t->relative * fabs(want);
}

/* The element as a number; of complex tensors every second is imaginary. */
static double
number(const struct tensor *t, size_t i)
{
	if (t->type == DT_COMPLEX64)
		return (double)((const float *)t->data)[i];
	if (t->type == DT_COMPLEX128)
		return ((const double *)t->data)[i];
	return elem_f(t->type, t->data, i);
}

static bool
same(const struct tensor *want, const struct tensor *got, size_t i,
    const struct tolerance *t)
{
	char kind = dtype_info(want->type)->kind;
	const struct string *a = want->data, *b = got->data;

	if (kind == 's')
		return a[i].n == b[i].n && memcmp(a[i].s, b[i].s, a[i].n) == 0;
	if (kind == 'f' || kind == 'c')
		return close_to(number(want, i), number(got, i), t);
	return elem_i(want->type, want->data, i) ==
	    elem_i(got->type, got->data, i);
}

/* How many differ, the first of them, and the largest difference. */
static int
compare_elements(const struct tensor *want, const struct tensor *got,
    const struct tolerance *t, struct err *e)
{
	bool complex = dtype_info(want->type)->kind == 'c';
	size_t n = want->count * (complex ? 2 : 1), bad = 0, first = 0;
	double worst = 0, d;

	for (size_t i = 0; i < n; i++) {
		if (same(want, got, i, t))
			continue;
		if (bad++ == 0)
			first = i;
		if (want->type == DT_STRING)
			continue;
		d = fabs(number(want, i) - number(got, i));
		if (d > worst || isnan(d))
			worst = d;
	}
	if (bad == 0)
		return 0;
	if (want->type == DT_STRING)
		return err_set(e, ERR_INVALID, "%zu of %zu strings differ, "
		    "first [%zu]: \"%.40s\", want \"%.40s\"", bad, n, first,
		    ((const struct string *)got->data)[first].s,
		    ((const struct string *)want->data)[first].s);
	return err_set(e, ERR_INVALID, "%zu of %zu values differ, first "
	    "[%zu]: %.9g, want %.9g; largest difference %.3g", bad, n, first,
	    number(got, first), number(want, first), worst);
}

static int
compare_tensors(const struct tensor *want, const struct tensor *got,
    const struct tolerance *t, struct err *e)
{
	char a[SHAPE_TEXT], b[SHAPE_TEXT];

	if (want->type != got->type)
		return err_set(e, ERR_INVALID, "type %s, want %s",
		    dtype_info(got->type)->onnx, dtype_info(want->type)->onnx);
	if (!shape_equal(&want->shape, &got->shape))
		return err_set(e, ERR_INVALID, "shape %s, want %s",
		    shape_text(&got->shape, a), shape_text(&want->shape, b));
	return compare_elements(want, got, t, e);
}

int
compare(const struct datum *want, const struct datum *got,
    const struct tolerance *t, struct err *e)
{
	static const char *const kinds[] = {
		[DATUM_TENSOR] = "a tensor", [DATUM_SEQUENCE] = "a sequence",
		[DATUM_NONE] = "nothing",
	};

	/* What an optional holds comes as a sequence of one. */
	if (want->kind == DATUM_TENSOR && got->kind == DATUM_SEQUENCE &&
	    got->n == 1)
		got = &got->elem[0];
	if (want->kind != got->kind)
		return err_set(e, ERR_INVALID, "%s, want %s",
		    kinds[got->kind], kinds[want->kind]);
	if (want->kind == DATUM_TENSOR)
		return compare_tensors(&want->tensor, &got->tensor, t, e);
	if (want->n != got->n)
		return err_set(e, ERR_INVALID, "%zu elements, want %zu",
		    got->n, want->n);
	for (size_t i = 0; i < want->n; i++)
		if (compare(&want->elem[i], &got->elem[i], t, e) == -1)
			return err_prefix(e, "element %zu", i);
	return 0;
}
