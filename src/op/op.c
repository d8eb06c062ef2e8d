#include "op/op.h"

#include <stddef.h>
#include <string.h>

#include "base/size.h"

OP_FAMILY(along_ops);
OP_FAMILY(binary_ops);
OP_FAMILY(cast_ops);
OP_FAMILY(cells_ops);
OP_FAMILY(control_ops);
OP_FAMILY(conv_ops);
OP_FAMILY(einsum_ops);
OP_FAMILY(fill_ops);
OP_FAMILY(gather_ops);
OP_FAMILY(gemm_ops);
OP_FAMILY(grid_ops);
OP_FAMILY(loss_ops);
OP_FAMILY(ml_ops);
OP_FAMILY(move_ops);
OP_FAMILY(nms_ops);
OP_FAMILY(norm_ops);
OP_FAMILY(pad_ops);
OP_FAMILY(pool_ops);
OP_FAMILY(quant_ops);
OP_FAMILY(reduce_ops);
OP_FAMILY(repeat_ops);
OP_FAMILY(resize_ops);
OP_FAMILY(scale_ops);
OP_FAMILY(select_ops);
OP_FAMILY(sequence_ops);
OP_FAMILY(signal_ops);
OP_FAMILY(sort_ops);
OP_FAMILY(spatial_ops);
OP_FAMILY(text_ops);
OP_FAMILY(train_ops);
OP_FAMILY(tree_ops);
OP_FAMILY(unary_ops);
OP_FAMILY(views_ops);

static const struct op *const families[] = {
	along_ops,
	binary_ops,
	cast_ops,
	cells_ops,
	control_ops,
	conv_ops,
	einsum_ops,
	fill_ops,
	gather_ops,
	gemm_ops,
	grid_ops,
	loss_ops,
	ml_ops,
	move_ops,
	nms_ops,
	norm_ops,
	pad_ops,
	pool_ops,
	quant_ops,
	reduce_ops,
	repeat_ops,
	resize_ops,
	scale_ops,
	select_ops,
	sequence_ops,
	signal_ops,
	sort_ops,
	spatial_ops,
	text_ops,
	train_ops,
	tree_ops,
	unary_ops,
	views_ops,
};

/* A row's domain is left NULL for the standard one. */
static bool
row_is(const struct op *o, const char *domain, const char *name, int opset)
{
	return opset >= o->since && (o->until == 0 || opset <= o->until) &&
	    strcmp(o->name, name) == 0 &&
	    strcmp(o->domain == NULL ? "" : o->domain, domain) == 0;
}

const struct op *
op_find(const char *domain, const char *name, int opset)
{
	if (strcmp(domain, "ai.onnx") == 0)
		domain = "";
	for (size_t f = 0; f < nitems(families); f++)
		for (const struct op *o = families[f]; o->name != NULL; o++)
			if (row_is(o, domain, name, opset))
				return o;
	return NULL;
}

const struct op *
op_row(int i)
{
	for (size_t f = 0; f < nitems(families); f++)
		for (const struct op *o = families[f]; o->name != NULL; o++)
			if (i-- == 0)
				return o;
	return NULL;
}

/* The letter of a type in a row's list. */
static char
type_letter(enum dtype t)
{
	static const char letter[DT_COUNT] = {
		[DT_FLOAT] = 'f', [DT_DOUBLE] = 'd', [DT_FLOAT16] = 'h',
		[DT_BFLOAT16] = 'h', [DT_INT8] = 'i', [DT_INT16] = 'i',
		[DT_INT32] = 'i', [DT_INT64] = 'i', [DT_UINT8] = 'u',
		[DT_UINT16] = 'u', [DT_UINT32] = 'u', [DT_UINT64] = 'u',
		[DT_BOOL] = 'b', [DT_STRING] = 's', [DT_COMPLEX64] = 'c',
		[DT_COMPLEX128] = 'c',
	};

	if (t <= DT_NONE || t >= DT_COUNT)
		return '\0';
	return letter[t] != '\0' ? letter[t] : 'x';
}

bool
op_takes(const struct op *o, int i, enum dtype t)
{
	const char *word = o->types, *next;
	char letter = type_letter(t);

	while (i-- > 0 && (next = strchr(word, ' ')) != NULL)
		word = next + 1;
	for (; *word != '\0' && *word != ' '; word++)
		if (*word == '*' || (*word == letter && letter != '\0'))
			return true;
	return false;
}
