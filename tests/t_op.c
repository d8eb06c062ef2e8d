/* Operators' definitions where their meaning is easy to get wrong. */
#include <check.h>
#include <math.h>

#include "base/size.h"
#include "op_help.h"
#include "suite.h"

struct example {
	const char	*op;
	int		 opset;
	const char	*attrs, *in, *out;	/* out NULL: must be refused */
};

/* Expected values by hand from the operators' texts. */
static const struct example examples[] = {
	/* Python's slices: clamped, backwards, empty */
	{ "Slice", 13, "", "f[4]: 1 2 3 4; i[1]: -1; i[1]: -9; i[1]: 0; "
	  "i[1]: -1", "f[4]: 4 3 2 1" },
	{ "Slice", 13, "", "f[4]: 1 2 3 4; i[1]: 1; i[1]: 99; i[1]: 0; "
	  "i[1]: 2", "f[2]: 2 4" },
	{ "Slice", 13, "", "f[4]: 1 2 3 4; i[1]: 3; i[1]: 1", "f[0]:" },
	{ "Slice", 13, "", "f[4]: 1 2 3 4; i[1]: 0; i[1]: 4; i[1]: 0; "
	  "i[1]: 0", NULL },
	{ "Slice", 9, "starts=[1] ends=[3] axes=[0]", "f[4]: 1 2 3 4",
	  "f[2]: 2 3" },
	{ "Reshape", 14, "", "f[2,3]: 1 2 3 4 5 6; i[2]: 0 -1",
	  "f[2,3]: 1 2 3 4 5 6" },
	{ "Reshape", 14, "", "f[2,3]: 1 2 3 4 5 6; i[2]: -1 -1", NULL },
	{ "Reshape", 14, "", "f[2,3]: 1 2 3 4 5 6; i[1]: 7", NULL },
	{ "Transpose", 13, "perm=[1,0]", "f[2,3]: 1 2 3 4 5 6",
	  "f[3,2]: 1 4 2 5 3 6" },
	{ "Transpose", 13, "perm=[1,1]", "f[2,3]: 1 2 3 4 5 6", NULL },
	{ "Concat", 13, "axis=-1", "f[2,1]: 1 2; f[2,2]: 3 4 5 6",
	  "f[2,3]: 1 3 4 2 5 6" },
	{ "Concat", 13, "axis=0", "f[2,1]: 1 2; f[2,2]: 3 4 5 6", NULL },
	{ "Expand", 13, "", "f[2,1]: 1 2; i[3]: 2 1 2",
	  "f[2,2,2]: 1 1 2 2 1 1 2 2" },
	{ "Tile", 13, "", "f[2]: 1 2; i[1]: 2", "f[4]: 1 2 1 2" },
	{ "Tile", 13, "", "f[2]: 1 2; i[1]: -2", NULL },
	{ "DepthToSpace", 13, "blocksize=2 mode=CRD",
	  "f[1,4,1,1]: 1 2 3 4", "f[1,1,2,2]: 1 2 3 4" },
	{ "DepthToSpace", 13, "blocksize=0", "f[1,4,1,1]: 1 2 3 4", NULL },
	{ "Pad", 13, "mode=reflect", "f[3]: 1 2 3; i[2]: 2 2",
	  "f[7]: 3 2 1 2 3 2 1" },
	{ "Pad", 13, "", "f[3]: 1 2 3; i[2]: -1 1; f[1]: 9", "f[3]: 2 3 9" },
	{ "Pad", 13, "mode=edge", "f[0]: ; i[2]: 1 1", NULL },
	{ "Squeeze", 13, "", "f[2,1]: 1 2; i[1]: 0", NULL },
	{ "Unsqueeze", 13, "", "f[2]: 1 2; i[2]: 0 0", NULL },

	/* integers: division by zero and overflow are values */
	{ "Div", 14, "", "i[3]: 7 -7 1; i[3]: 2 2 0", "i[3]: 3 -3 0" },
	{ "Mod", 13, "", "i[3]: -7 7 5; i[3]: 3 -3 0", "i[3]: 2 -2 0" },
	{ "Mod", 13, "fmod=1", "i[2]: -7 7; i[2]: 3 -3", "i[2]: -1 1" },
	{ "Pow", 15, "", "i[3]: 2 -1 3; i[3]: 10 -3 -1", "i[3]: 1024 -1 0" },
	{ "Sub", 14, "", "u[1]: 3; u[1]: 5", "u[1]: 254" },
	{ "Clip", 13, "", "c[3]: -5 0 9; c[]: -2; c[]: 4", "c[3]: -2 0 4" },
	{ "Relu", 14, "", "f[3]: -1 nan 2", "f[3]: 0 nan 2" },
	{ "Max", 13, "", "f[2]: nan 1; f[2]: 0 nan", "f[2]: nan nan" },
	{ "Add", 6, "broadcast=1 axis=0", "f[2,2]: 1 2 3 4; f[2]: 10 20",
	  "f[2,2]: 11 12 23 24" },
	{ "Cast", 13, "to=6", "f[3]: -1.9 1.9 nan", "n[3]: -1 1 0" },
	{ "Cast", 13, "to=9", "f[3]: 0.5 0 -1", "b[3]: 1 0 1" },
	{ "Round", 11, "", "f[4]: 0.5 1.5 2.5 -0.5", "f[4]: 0 2 2 0" },

	/* reductions: all axes without any, none with noop */
	{ "ReduceSum", 13, "keepdims=0", "f[2,2]: 1 2 3 4", "f[]: 10" },
	{ "ReduceSum", 13, "noop_with_empty_axes=1", "f[2]: 1 2; i[0]:",
	  "f[2]: 1 2" },
	{ "ReduceMean", 13, "axes=[0] keepdims=0", "f[2,2]: 1 2 3 4",
	  "f[2]: 2 3" },
	{ "ReduceLogSumExp", 13, "keepdims=0", "d[2]: 1000 1000",
	  "d[]: 1000.6931471805599" },
	{ "ReduceMax", 13, "axes=[5]", "f[2]: 1 2", NULL },
	{ "ArgMax", 13, "axis=0 select_last_index=1", "f[3]: 2 1 2",
	  "i[1]: 2" },
	{ "CumSum", 14, "exclusive=1 reverse=1", "f[3]: 1 2 3; n[]: 0",
	  "f[3]: 5 3 0" },
	{ "Softmax", 11, "axis=0", "f[2,1]: 0 0", "f[2,1]: 0.5 0.5" },
	{ "Hardmax", 13, "", "f[3]: 1 3 3", "f[3]: 0 1 0" },
	{ "TopK", 11, "largest=0", "f[4]: 3 1 2 1; i[1]: 2", "f[2]: 1 1" },
	{ "TopK", 11, "", "f[2]: 3 1; i[1]: 3", NULL },

	/* windows */
	{ "MaxPool", 12, "kernel_shape=[2] strides=[2] ceil_mode=1",
	  "f[1,1,3]: 1 2 3", "f[1,1,2]: 2 3" },
	{ "AveragePool", 11, "kernel_shape=[2] pads=[1,0]", "f[1,1,2]: 2 4",
	  "f[1,1,2]: 2 3" },
	{ "AveragePool", 11, "kernel_shape=[2] pads=[1,0] "
	  "count_include_pad=1", "f[1,1,2]: 2 4", "f[1,1,2]: 1 3" },
	{ "MaxPool", 12, "kernel_shape=[5]", "f[1,1,3]: 1 2 3", NULL },
	{ "MaxPool", 12, "kernel_shape=[1] strides=[0]", "f[1,1,3]: 1 2 3",
	  NULL },
	{ "Conv", 11, "group=2", "f[1,2,2]: 1 2 3 4; f[2,1,1]: 10 100",
	  "f[1,2,2]: 10 20 300 400" },
	{ "Conv", 11, "group=3", "f[1,2,2]: 1 2 3 4; f[2,1,1]: 10 100",
	  NULL },
	{ "Conv", 11, "auto_pad=SAME_LOWER", "f[1,1,2]: 1 2; f[1,1,2]: 1 10",
	  "f[1,1,2]: 10 21" },
	{ "ConvTranspose", 11, "strides=[2] output_padding=[1]",
	  "f[1,1,2]: 1 2; f[1,1,1]: 3", "f[1,1,4]: 3 0 6 0" },

	/* indices: from the end, out of range */
	{ "Gather", 13, "axis=1", "f[2,2]: 1 2 3 4; i[1]: -1",
	  "f[2,1]: 2 4" },
	{ "Gather", 13, "", "f[2]: 1 2; i[1]: 2", NULL },
	{ "GatherND", 13, "", "f[2,2]: 1 2 3 4; i[2,1]: 1 -2",
	  "f[2,2]: 3 4 1 2" },
	{ "ScatterElements", 16, "reduction=add",
	  "f[3]: 1 1 1; i[2]: 1 1; f[2]: 2 3", "f[3]: 1 6 1" },
	{ "ScatterND", 16, "", "f[2]: 1 2; i[1,1]: 5; f[1]: 9", NULL },
	{ "OneHot", 11, "axis=0", "i[2]: 1 -1; i[]: 3; f[2]: 0 1",
	  "f[3,2]: 0 0 1 0 0 1" },

	/* products, numpy's way */
	{ "MatMul", 13, "", "f[2]: 1 2; f[2,2]: 1 2 3 4", "f[2]: 7 10" },
	{ "MatMul", 13, "", "f[2,1,2]: 1 2 3 4; f[2,1]: 1 1",
	  "f[2,1,1]: 3 7" },
	{ "MatMul", 13, "", "f[2]: 1 2; f[3]: 1 2 3", NULL },
	{ "Gemm", 13, "transA=1 alpha=2.0 beta=0.5",
	  "f[2,1]: 1 2; f[2,2]: 1 2 3 4; f[2]: 2 4", "f[1,2]: 15 22" },
	{ "Einsum", 12, "equation=ij->ji", "f[1,2]: 1 2", "f[2,1]: 1 2" },
	{ "Einsum", 12, "equation=ii", "f[2,2]: 1 2 3 4", "f[]: 5" },
	{ "Einsum", 12, "equation=ij,jk", "f[2,2]: 1 2 3 4", NULL },
	{ "Det", 11, "", "f[2,2]: 0 2 3 4", "f[]: -6" },

	{ "Resize", 13, "coordinate_transformation_mode=asymmetric "
	  "nearest_mode=floor", "f[1,2]: 1 2; -; f[2]: 1 2",
	  "f[1,4]: 1 1 2 2" },
	{ "Resize", 13, "mode=linear", "f[2]: 1 3; -; f[1]: 2",
	  "f[4]: 1 1.5 2.5 3" },
	{ "Resize", 13, "", "f[2]: 1 3; -; f[1]: 0", NULL },
	{ "QuantizeLinear", 13, "", "f[4]: 1 3 1000 -9; f[]: 2; u[]: 10",
	  "u[4]: 10 12 255 6" },
	{ "Range", 11, "", "i[]: 5; i[]: 0; i[]: -2", "i[3]: 5 3 1" },
	{ "Range", 11, "", "i[]: 5; i[]: 0; i[]: 0", NULL },
	{ "Range", 11, "", "f[]: 0; f[]: 1; f[]: 0", NULL },
	{ "NonZero", 13, "", "f[2,2]: 0 1 2 0", "i[2,2]: 0 1 1 0" },
	{ "Compress", 11, "axis=1", "f[2,2]: 1 2 3 4; b[2]: 0 1",
	  "f[2,1]: 2 4" },
	{ "Trilu", 14, "upper=0", "f[2,2]: 1 2 3 4; i[]: -1",
	  "f[2,2]: 0 0 3 0" },
	{ "ReverseSequence", 10, "time_axis=1 batch_axis=0",
	  "f[2,2]: 1 2 3 4; i[2]: 1 2", "f[2,2]: 1 2 4 3" },
	{ "ReverseSequence", 10, "time_axis=1 batch_axis=0",
	  "f[2,2]: 1 2 3 4; i[2]: 1 3", NULL },
};

static void
same(const struct val *got, const struct val *want, const struct example *x)
{
	ck_assert_msg(got->type == want->type && shape_equal(&got->shape,
	    &want->shape), "%s: type or shape", x->op);
	for (size_t i = 0; i < val_count(want); i++) {
		double a = elem_f(got->type, got->data, i);
		double b = elem_f(want->type, want->data, i);

		ck_assert_msg((isnan(a) && isnan(b)) ||
		    fabs(a - b) <= 1e-6 * (1 + fabs(b)),
		    "%s: element %zu is %g, want %g", x->op, i, a, b);
	}
}

START_TEST(examples_hold)
{
	const struct example *x = &examples[_i];
	struct op_case c;
	struct val want;

	op_case_open(&c, "", x->op, x->opset);
	op_case_attrs(&c, x->attrs);
	op_case_inputs(&c, x->in);
	op_case_outputs(&c, 1);
	if (x->out == NULL) {
		ck_assert_msg(op_case_run(&c) == -1, "%s: not refused", x->op);
		ck_assert_msg(c.err.text[0] != '\0', "%s: no reason", x->op);
	} else {
		(void)op_case_val(&c, x->out, &want);
		ck_assert_msg(op_case_run(&c) == 0, "%s: %s", x->op,
		    c.err.text);
		same(&c.view.out[0][0], &want, x);
	}
	op_case_close(&c);
}
END_TEST

/* Each row is whole, and no two speak for the same opset. */
START_TEST(rows_are_whole)
{
	const struct op *o, *p;

	for (int i = 0; (o = op_row(i)) != NULL; i++) {
		ck_assert_msg(o->infer != NULL && o->host != NULL &&
		    o->types != NULL && o->types[0] != '\0' && o->since > 0 &&
		    (o->until == 0 || o->until >= o->since), "%s", o->name);
		ck_assert_msg(o->pw == NULL || o->plan == NULL, "%s", o->name);
		ck_assert_msg(!(o->flags & OP_EPILOGUE) ||
		    o->channel_axis != NULL, "%s", o->name);
		for (int k = 0; k < i; k++) {
			p = op_row(k);
			ck_assert_msg(strcmp(o->name, p->name) != 0 ||
			    (p->until != 0 && p->until < o->since) ||
			    (o->until != 0 && o->until < p->since) ||
			    strcmp(o->domain ? o->domain : "",
			    p->domain ? p->domain : "") != 0, "%s twice",
			    o->name);
		}
	}
}
END_TEST

START_TEST(rows_are_found_by_opset)
{
	ck_assert_ptr_nonnull(op_find("", "Softmax", 12));
	ck_assert_ptr_ne(op_find("", "Softmax", 12),
	    op_find("", "Softmax", 13));
	ck_assert_ptr_eq(op_find("ai.onnx", "Softmax", 13),
	    op_find("", "Softmax", 21));
	ck_assert_ptr_null(op_find("", "Gelu", 19));
	ck_assert_ptr_null(op_find("com.example", "Softmax", 13));
	ck_assert(op_takes(op_find("", "Gather", 13), 0, DT_STRING));
	ck_assert(!op_takes(op_find("", "Gather", 13), 1, DT_FLOAT));
	ck_assert(!op_takes(op_find("", "Gather", 13), 7, DT_FLOAT));
}
END_TEST

/* Where rows lie: input row -> output row. */
static const struct {
	const char	*op, *attrs, *in;
	int		 row, want;
} rows[] = {
	{ "Relu", "", "f[2,3]: 1 2 3 4 5 6", 0, 0 },
	{ "Add", "", "f[2,3]: 1 2 3 4 5 6; f[3]: 1 2 3", 0, 0 },
	{ "Add", "", "f[2,1]: 1 2; f[2,1]: 1 2", 0, ROW_MIXED },
	{ "Transpose", "perm=[1,0]", "f[2,3]: 1 2 3 4 5 6", 0, 1 },
	{ "Reshape", "", "f[2,3]: 1 2 3 4 5 6; i[3]: 2 3 1", 0, 0 },
	{ "Reshape", "", "f[2,3]: 1 2 3 4 5 6; i[1]: 6", 0, ROW_MIXED },
	{ "ReduceSum", "keepdims=0", "f[2,3]: 1 2 3 4 5 6; i[1]: 1", 0, 0 },
	{ "ReduceSum", "", "f[2,3]: 1 2 3 4 5 6; i[1]: 0", 0, ROW_MIXED },
	{ "ReduceMax", "axes=[0] keepdims=0", "f[2,3]: 1 2 3 4 5 6", 1, 0 },
	{ "Softmax", "axis=0", "f[2,3]: 1 2 3 4 5 6", 0, ROW_MIXED },
	{ "MatMul", "", "f[2,1]: 1 2; f[1,2]: 1 2", 0, 0 },
	{ "Gemm", "transA=1", "f[2,1]: 1 2; f[2,2]: 1 2 3 4", 0, ROW_MIXED },
	{ "Conv", "", "f[2,1,1]: 1 2; f[1,1,1]: 1", 0, 0 },
	{ "Conv", "", "f[1,2,1]: 1 2; f[1,2,1]: 1 2", 1, ROW_MIXED },
	{ "Concat", "axis=0", "f[2,1]: 1 2; f[2,1]: 1 2", 0, ROW_MIXED },
	{ "Slice", "", "f[2,2]: 1 2 3 4; i[1]: 0; i[1]: 1; i[1]: 1", 0, 0 },
	{ "Slice", "", "f[2,2]: 1 2 3 4; i[1]: 0; i[1]: 1", 0, ROW_MIXED },
	{ "Gather", "axis=1", "f[2,2]: 1 2 3 4; i[1]: 0", 0, 0 },
	{ "Unsqueeze", "", "f[2]: 1 2; i[1]: 0", 0, 1 },
	{ "Shape", "", "f[2,2]: 1 2 3 4", 0, ROW_MIXED },
	{ "LayerNormalization", "", "f[2,2]: 1 2 3 4; f[2]: 1 1", 0, 0 },
	{ "LayerNormalization", "axis=0", "f[2,1]: 1 2; f[2,1]: 1 1", 0,
	  ROW_MIXED },
};

START_TEST(rows_go_where_they_should)
{
	struct op_case c;

	op_case_open(&c, "", rows[_i].op, 17);
	op_case_attrs(&c, rows[_i].attrs);
	op_case_inputs(&c, rows[_i].in);
	op_case_outputs(&c, 1);
	c.in[0]->row = rows[_i].row;
	ck_assert_msg(op_case_run(&c) == 0, "%s: %s", rows[_i].op, c.err.text);
	ck_assert_msg(c.out[0]->row == rows[_i].want, "%s %d: %d, want %d",
	    rows[_i].op, _i, c.out[0]->row, rows[_i].want);
	op_case_close(&c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("op");
	TCase *t = tcase_create("definitions");

	tcase_add_loop_test(t, examples_hold, 0, nitems(examples));
	tcase_add_loop_test(t, rows_go_where_they_should, 0, nitems(rows));
	tcase_add_test(t, rows_are_whole);
	tcase_add_test(t, rows_are_found_by_opset);
	suite_add_tcase(s, t);
	return suite_run(s);
}
