/*
 * Every operator with attributes and shapes that nobody meant: random ones,
 * small and huge.  Inference must refuse or answer; a definition whose answer
 * is small must then finish and stay within its tensors.  What goes wrong
 * shows under the sanitizers, as a hang, or as an output that was not made.
 */
#include <check.h>

#include "base/size.h"
#include "op_help.h"
#include "suite.h"

#define ROUNDS		60
#define ELEMENTS	4096	/* outputs larger than this are not computed */

static uint64_t seed;

static uint32_t
dice(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % n;
}

/* Mostly small, sometimes at an edge. */
static int64_t
number(void)
{
	static const int64_t edge[] = {
		INT64_MAX, INT64_MIN, INT32_MAX, INT32_MIN, -1, 0,
		INT64_C(1) << 40, -(INT64_C(1) << 62), 1000,
	};

	return dice(4) == 0 ? edge[dice(nitems(edge))] : (int64_t)dice(5) - 1;
}

static float
real(void)
{
	static const float edge[] = { 0, -1, 1e30f, 1e-30f, -1e30f, 0.5f };

	return dice(3) == 0 ? edge[dice(nitems(edge))] : (float)dice(4);
}

/* What operators ask for, and words they may find there. */
static const char *const int_names[] = {
	"axis", "keepdims", "to", "group", "blocksize", "batch_dims", "k",
	"ceil_mode", "storage_order", "transA", "transB", "upper", "detect",
	"num_groups", "size", "batch_axis", "time_axis", "p", "allowzero",
	"hidden_size", "layout", "exclusive", "reverse", "num_scan_inputs",
	"output_height", "output_width", "sampling_ratio", "block_size",
	"noop_with_empty_axes", "onesided", "antialias", "start", "end",
	"max_gram_length", "dtype", "select_last_index", "exclude_outside",
	"output_datatype", "output_dtype", "center_point_box", "new_axis",
	"stash_type", "sorted", "fmod", "targets", "axes", "ignore_index",
	"training_mode", "broadcast", "count_include_pad", "inverse",
};
static const char *const list_names[] = {
	"axes", "pads", "strides", "dilations", "kernel_shape", "perm",
	"starts", "ends", "split", "output_shape", "output_padding", "shape",
	"pooled_shape", "ngram_counts", "ngram_indexes", "pool_int64s",
	"scan_input_axes", "classlabels_ints", "keys_int64s", "values_int64s",
};
static const char *const string_names[] = {
	"mode", "auto_pad", "equation", "reduction", "direction",
	"coordinate_transformation_mode", "nearest_mode", "padding_mode",
	"norm", "post_transform", "approximate", "keep_aspect_ratio_policy",
};
static const char *const words[] = {
	"", "linear", "cubic", "nearest", "reflect", "edge", "SAME_UPPER",
	"VALID", "ij,jk->ik", "...i,j->i", "i,i,i,i,i", "add", "mean", "LEFT",
	"bidirectional", "tf_crop_and_resize", "align_corners", "CRD", "tanh",
	"not_larger", "wrap", "SAME_LOWER", "none", "LOGISTIC", "ab...->...",
};
static const char *const float_names[] = {
	"alpha", "beta", "epsilon", "scale", "spatial_scale", "ratio", "clip",
	"cubic_coeff_a", "value", "threshold", "momentum",
};
static const char *const float_lists[] = {
	"scales", "offset", "scale", "coefficients", "intercepts", "weights",
	"activation_alpha",
};

#define PICK(list)	list[dice(nitems(list))]

static void
random_attr(struct op_case *c, struct attr *a)
{
	int64_t *ints = op_case_get(c, 8 * sizeof(*ints));
	float *floats = op_case_get(c, 8 * sizeof(*floats));
	const char *word = PICK(words);

	for (int i = 0; i < 8; i++) {
		ints[i] = number();
		floats[i] = real();
	}
	switch (dice(6)) {
	case 0:
	case 1:
		*a = (struct attr){ PICK(int_names), ATTR_INT, 0,
		    { .i = ints[0] } };
		break;
	case 2:
	case 3:
		*a = (struct attr){ PICK(list_names), ATTR_INTS, dice(8),
		    { .ints = ints } };
		break;
	case 4:
		*a = (struct attr){ PICK(string_names), ATTR_STRING, 0,
		    { .s = { word, strlen(word) } } };
		break;
	default:
		if (dice(2))
			*a = (struct attr){ PICK(float_names), ATTR_FLOAT, 0,
			    { .f = floats[0] } };
		else
			*a = (struct attr){ PICK(float_lists), ATTR_FLOATS,
			    dice(8), { .floats = floats } };
	}
}

static enum dtype
random_type(const struct op *o, int i)
{
	enum dtype t = DT_FLOAT;

	for (int k = 0; k < 40; k++) {
		t = (enum dtype)(1 + dice(DT_COUNT - 1));
		if (op_takes(o, i, t) && t != DT_COMPLEX64 &&
		    t != DT_COMPLEX128)
			return t;
	}
	return op_takes(o, i, DT_FLOAT) ? DT_FLOAT : DT_INT64;
}

static void
random_input(struct op_case *c, int i)
{
	struct val *v = &c->val[i];
	size_t n = 0;
	void *data;

	*v = (struct val){ .kind = VAL_KNOWN,
	    .type = random_type(c->view.op, i) };
	v->shape.rank = (int)dice(5);
	for (int k = 0; k < v->shape.rank; k++)
		v->shape.dim[k] = dice(5);
	v->row = (int)dice((uint32_t)v->shape.rank + 2) - 1;
	if (v->row >= v->shape.rank)
		v->row = ROW_MIXED;
	ck_assert(shape_count(&v->shape, &n));
	v->data = data = op_case_get(c, (n + 1) * sizeof(struct string));
	for (size_t k = 0; k < n; k++)
		if (v->type == DT_STRING)
			((struct string *)data)[k] = (struct string){ "ab", 2 };
		else if (dtype_info(v->type)->kind == 'f')
			elem_set_f(v->type, data, k, real());
		else
			elem_set_i(v->type, data, k, number());
	c->in[i] = dice(8) == 0 ? NULL : v;
}

/* Like the first input, so that more cases get past the first checks. */
static void
copy_shape(struct op_case *c, int i)
{
	if (c->in[i] == NULL || c->in[0] == NULL ||
	    val_count(c->in[0]) > val_count(c->in[i]))
		return;
	c->in[i]->shape = c->in[0]->shape;
	c->in[i]->row = ROW_MIXED;
}

static bool
small(const struct op_case *c)
{
	for (int i = 0; i < c->view.n_out; i++) {
		struct shape s = c->out[i]->shape;
		size_t n;

		for (int k = 0; k < s.rank; k++)
			s.dim[k] = s.dim[k] < 0 ? 1 : s.dim[k];
		if (!shape_count(&s, &n) || n > ELEMENTS)
			return false;
	}
	return true;
}

static int
no_graph(void *arg, struct graph *g, struct val **in, int n_in,
    struct val **out, int n_out, struct err *e)
{
	(void)arg;
	(void)g;
	(void)in;
	(void)n_in;
	(void)out;
	(void)n_out;
	return err_set(e, ERR_UNSUPPORTED, "no graphs here");
}

/* 0: inferred and computed; -1: refused, or too large for here. */
static int
try_case(struct op_case *c)
{
	static const struct view_env env = { no_graph, NULL };
	const struct op *o = c->view.op;

	c->view.env = &env;
	for (int i = 0; i < c->view.n_in; i++)
		if (c->in[i] != NULL && !op_takes(o, i, c->in[i]->type))
			return -1;
	if (o->infer(&c->view, &c->err) != 0)
		return -1;
	for (int i = 0; i < c->view.n_out; i++)
		ck_assert_msg(c->out[i]->row >= ROW_MIXED &&
		    (c->out[i]->row == 0 ||
		    c->out[i]->row < c->out[i]->shape.rank),
		    "%s: row %d of rank %d", o->name, c->out[i]->row,
		    c->out[i]->shape.rank);
	if (!small(c) || o->host(&c->view, &c->err) != 0)
		return -1;
	ck_assert_msg(c->out[0]->data != NULL ||
	    c->out[0]->form != VALUE_TENSOR, "%s: no output", o->name);
	return 0;
}

static void
one(const struct op *o)
{
	struct op_case c;

	op_case_open(&c, o->domain == NULL ? "" : o->domain, o->name, o->since);
	c.node.n_in = c.view.n_in = (int)dice(OP_INPUTS);
	for (int i = 0; i < c.view.n_in; i++)
		random_input(&c, i);
	for (int i = 1; i < c.view.n_in; i++)
		if (dice(3) == 0)
			copy_shape(&c, i);
	c.node.n_attr = (int)dice(nitems(c.attr));
	for (int i = 0; i < c.node.n_attr; i++)
		random_attr(&c, &c.attr[i]);
	op_case_outputs(&c, 1 + (int)dice(3));
	(void)try_case(&c);
	op_case_close(&c);
}

/* Sound nodes of operators that chance alone would not build. */
static const struct {
	const char	*op;
	int		 opset;
	const char	*attrs, *in;
} sound[] = {
	{ "TreeEnsembleRegressor", 1, "nodes_treeids=[0,0,0] "
	  "nodes_nodeids=[0,1,2] nodes_featureids=[1,0,0] "
	  "nodes_values=[0.5,0.0,0.0] nodes_modes={BRANCH_LEQ,LEAF,LEAF} "
	  "nodes_truenodeids=[1,0,0] nodes_falsenodeids=[2,0,0] "
	  "target_treeids=[0,0] target_nodeids=[1,2] target_ids=[0,0] "
	  "target_weights=[1.0,2.0]", "f[2,2]: 1 0 0 1" },
	{ "TreeEnsembleClassifier", 1, "nodes_treeids=[0,0,0] "
	  "nodes_nodeids=[0,1,2] nodes_featureids=[1,0,0] "
	  "nodes_values=[0.5,0.0,0.0] nodes_modes={BRANCH_GT,LEAF,LEAF} "
	  "nodes_truenodeids=[1,0,0] nodes_falsenodeids=[2,0,0] "
	  "class_treeids=[0,0] class_nodeids=[1,2] class_ids=[1,1] "
	  "class_weights=[0.1,0.9] classlabels_int64s=[7,8]",
	  "f[2,2]: 1 0 0 1" },
	{ "LinearClassifier", 1, "coefficients=[1.0,2.0,3.0,4.0] "
	  "intercepts=[0.0,1.0] classlabels_ints=[7,8] "
	  "post_transform=SOFTMAX", "f[2,2]: 1 0 0 1" },
	{ "Scaler", 1, "offset=[1.0,2.0] scale=[0.5]", "f[1,2]: 1 2" },
	{ "ArrayFeatureExtractor", 1, "", "f[1,2]: 1 2; i[2]: 1 0" },
	{ "Conv", 11, "group=1 pads=[1,1] strides=[2] dilations=[1] "
	  "kernel_shape=[2]", "f[1,1,3]: 1 2 3; f[1,1,2]: 1 2; f[1]: 1" },
	{ "ConvTranspose", 11, "pads=[0,1] strides=[2] output_padding=[1] "
	  "output_shape=[4]", "f[1,1,2]: 1 2; f[1,1,2]: 3 4; f[1]: 1" },
	{ "ConvInteger", 10, "pads=[1,1] group=1",
	  "u[1,1,3]: 1 2 3; u[1,1,2]: 1 2; u[]: 1; u[1]: 2" },
	{ "QLinearConv", 10, "", "u[1,1,2]: 1 2; f[]: 1; u[]: 1; "
	  "u[1,1,1]: 1; f[]: 1; u[]: 0; f[]: 1; u[]: 1" },
	{ "QLinearMatMul", 10, "", "u[1,2]: 1 2; f[]: 1; u[]: 1; "
	  "u[2,1]: 1 1; f[]: 1; u[]: 0; f[]: 1; u[]: 1" },
	{ "MaxPool", 12, "kernel_shape=[2] pads=[1,0] strides=[1] "
	  "dilations=[1] ceil_mode=1", "f[1,1,3]: 1 2 3" },
	{ "AveragePool", 11, "kernel_shape=[2] pads=[1,0] strides=[1] "
	  "count_include_pad=1", "f[1,1,3]: 1 2 3" },
	{ "LpPool", 11, "kernel_shape=[2] p=2", "f[1,1,3]: 1 2 3" },
	{ "MaxUnpool", 11, "kernel_shape=[2] strides=[2] pads=[0,0]",
	  "f[1,1,2]: 1 2; i[1,1,2]: 0 3; i[3]: 1 1 4" },
	{ "RoiAlign", 16, "output_height=2 output_width=1 sampling_ratio=2",
	  "f[1,1,2,2]: 1 2 3 4; f[1,4]: 0 0 1 1; i[1]: 0" },
	{ "MaxRoiPool", 6, "pooled_shape=[1,2]",
	  "f[1,1,2,2]: 1 2 3 4; f[1,5]: 0 0 0 1 1" },
	{ "GridSample", 16, "align_corners=1", "f[1,1,2,2]: 1 2 3 4; "
	  "f[1,1,1,2]: 0.5 0" },
	{ "Resize", 13, "mode=cubic cubic_coeff_a=-0.5 exclude_outside=1",
	  "f[1,2]: 1 2; f[4]: 0 0 1 1; f[2]: 1 1.5" },
	{ "Resize", 18, "mode=linear axes=[1] antialias=1",
	  "f[1,4]: 1 2 3 4; -; -; i[1]: 2" },
	{ "Gemm", 13, "transA=1 transB=0 alpha=2.0",
	  "f[2,1]: 1 2; f[2,2]: 1 2 3 4; f[2]: 2 4" },
	{ "MatMul", 13, "", "f[2,1,2]: 1 2 3 4; f[2,1]: 1 1" },
	{ "Einsum", 12, "equation=bij,jk->bik",
	  "f[1,1,2]: 1 2; f[2,1]: 1 1" },
	{ "RNN", 14, "hidden_size=1", "f[1,1,1]: 1; f[1,1,1]: 1; "
	  "f[1,1,1]: 1; f[1,2]: 1 1; n[1]: 1; f[1,1,1]: 1" },
	{ "GRU", 14, "hidden_size=1 linear_before_reset=1 clip=1.0",
	  "f[2,1,1]: 1 2; f[1,3,1]: 1 1 1; f[1,3,1]: 1 1 1" },
	{ "LSTM", 14, "hidden_size=1 direction=reverse layout=0",
	  "f[2,1,1]: 1 2; f[1,4,1]: 1 1 1 1; f[1,4,1]: 1 1 1 1; "
	  "f[1,8]: 1 1 1 1 1 1 1 1; n[1]: 2" },
	{ "Where", 9, "", "b[2]: 1 0; f[2]: 1 2; f[1]: 3" },
	{ "BitShift", 11, "direction=LEFT", "u[2]: 1 2; u[2]: 9 200" },
	{ "Gather", 13, "axis=1", "f[2,2]: 1 2 3 4; i[1]: -1" },
	{ "GatherND", 13, "batch_dims=1", "f[2,2]: 1 2 3 4; i[2,1]: 1 0" },
	{ "ScatterElements", 16, "axis=0 reduction=mul",
	  "f[3]: 1 1 1; i[2]: 1 1; f[2]: 2 3" },
	{ "ScatterND", 16, "", "f[2,2]: 1 2 3 4; i[1,1]: 1; f[1,2]: 9 9" },
	{ "OneHot", 11, "axis=0", "i[2]: 1 -1; i[]: 3; f[2]: 0 1" },
	{ "TopK", 11, "axis=0 largest=0", "f[4]: 3 1 2 1; i[1]: 2" },
	{ "NonMaxSuppression", 11, "center_point_box=1",
	  "f[1,2,4]: 0 0 1 1 0 0 1 1; f[1,1,2]: 1 2; i[1]: 2; f[1]: 0.5" },
	{ "Pad", 13, "mode=reflect", "f[2,2]: 1 2 3 4; i[4]: 1 0 1 1" },
	{ "Slice", 13, "", "f[4]: 1 2 3 4; i[1]: 3; i[1]: 0; i[1]: 0; "
	  "i[1]: -2" },
	{ "Split", 13, "axis=0", "f[4]: 1 2 3 4; i[2]: 1 3" },
	{ "Concat", 13, "axis=0", "f[2]: 1 2; f[1]: 3" },
	{ "Tile", 13, "", "f[2]: 1 2; i[1]: 2" },
	{ "Expand", 13, "", "f[1,2]: 1 2; i[2]: 2 2" },
	{ "Reshape", 14, "allowzero=0", "f[2,2]: 1 2 3 4; i[2]: 1 -1" },
	{ "DepthToSpace", 13, "blocksize=2", "f[1,4,1,1]: 1 2 3 4" },
	{ "SpaceToDepth", 13, "blocksize=2", "f[1,1,2,2]: 1 2 3 4" },
	{ "BatchNormalization", 15, "training_mode=1", "f[2,1]: 1 2; "
	  "f[1]: 1; f[1]: 1; f[1]: 1; f[1]: 1" },
	{ "InstanceNormalization", 6, "", "f[1,1,2]: 1 2; f[1]: 1; f[1]: 1" },
	{ "GroupNormalization", 21, "num_groups=1",
	  "f[1,2,1]: 1 2; f[2]: 1 1; f[2]: 1 1" },
	{ "LRN", 13, "size=3", "f[1,3,1]: 1 2 3" },
	{ "CumSum", 14, "reverse=1", "f[3]: 1 2 3; n[]: 0" },
	{ "SoftmaxCrossEntropyLoss", 13, "ignore_index=1",
	  "f[2,2]: 1 2 3 4; i[2]: 0 1; f[2]: 1 1" },
	{ "STFT", 17, "onesided=1", "f[1,4,1]: 1 2 3 4; i[]: 1; f[2]: 1 1" },
	{ "DFT", 17, "axis=1 onesided=1", "f[1,4,1]: 1 2 3 4; i[]: 3" },
	{ "MelWeightMatrix", 17, "", "i[]: 2; i[]: 8; i[]: 8; f[]: 0; "
	  "f[]: 4" },
	{ "Range", 11, "", "i[]: 1; i[]: 9; i[]: 2" },
	{ "QuantizeLinear", 13, "axis=0", "f[2]: 1 3; f[2]: 2 1; u[2]: 1 0" },
	{ "Unique", 11, "axis=0 sorted=0", "f[3]: 2 1 2" },
	{ "Compress", 11, "axis=0", "f[3]: 2 1 2; b[2]: 0 1" },
	{ "Trilu", 14, "upper=0", "f[2,2]: 1 2 3 4; i[]: -1" },
	{ "ReverseSequence", 10, "time_axis=1 batch_axis=0",
	  "f[2,2]: 1 2 3 4; i[2]: 1 2" },
	{ "TfIdfVectorizer", 9, "mode=TF min_gram_length=1 "
	  "max_gram_length=2 max_skip_count=1 ngram_counts=[0,1] "
	  "ngram_indexes=[0,1] pool_int64s=[2,3,4]", "i[4]: 2 3 4 2" },
};

/* One thing about an input is changed; its bytes follow its shape. */
static void
mutate_input(struct op_case *c, int i)
{
	struct val *v = c->in[i];
	void *data;
	size_t n;

	if (v == NULL)
		return;
	switch (dice(4)) {
	case 0:
		c->in[i] = NULL;
		return;
	case 1:
		if (v->shape.rank > 0)
			v->shape.dim[dice((uint32_t)v->shape.rank)] = dice(6);
		break;
	case 2:
		v->shape.rank = (int)dice(6);
		for (int k = 0; k < v->shape.rank; k++)
			v->shape.dim[k] = dice(4);
		break;
	default:
		break;
	}
	ck_assert(shape_count(&v->shape, &n));
	v->data = data = op_case_get(c, 8 * (n + 1));
	for (size_t k = 0; k < n; k++)
		if (dtype_info(v->type)->kind == 'f')
			elem_set_f(v->type, data, k, real());
		else
			elem_set_i(v->type, data, k, number());
}

static void
mutate_attr(struct op_case *c)
{
	struct attr *a;
	int64_t *ints;

	if (c->node.n_attr == 0 || dice(5) == 0) {
		if (c->node.n_attr < (int)nitems(c->attr))
			random_attr(c, &c->attr[c->node.n_attr++]);
		return;
	}
	a = &c->attr[dice((uint32_t)c->node.n_attr)];
	if (a->type == ATTR_INT)
		a->i = number();
	else if (a->type == ATTR_FLOAT)
		a->f = real();
	else if (a->type == ATTR_INTS && a->n > 0) {
		ints = op_case_get(c, 64 * sizeof(*ints));
		memcpy(ints, a->ints, a->n * sizeof(*ints));
		ints[dice((uint32_t)a->n)] = number();
		if (dice(5) == 0)
			a->n = dice(8);
		a->ints = ints;
	} else if (a->type == ATTR_STRING) {
		a->s.s = PICK(words);
		a->s.n = strlen(a->s.s);
	}
}

START_TEST(sound_nodes_gone_wrong)
{
	struct op_case c;
	int ran = 0;

	seed = (uint64_t)_i * 104729 + 3;
	for (int k = 0; k < 8 * ROUNDS; k++) {
		op_case_open(&c, op_find("", sound[_i].op, sound[_i].opset) !=
		    NULL ? "" : "ai.onnx.ml", sound[_i].op, sound[_i].opset);
		op_case_attrs(&c, sound[_i].attrs);
		op_case_inputs(&c, sound[_i].in);
		op_case_outputs(&c, 1 + (int)dice(3));
		for (uint32_t m = dice(4); m > 0; m--)
			if (dice(2))
				mutate_attr(&c);
			else
				mutate_input(&c,
				    (int)dice((uint32_t)c.view.n_in));
		ran += try_case(&c) == 0;
		op_case_close(&c);
	}
	ck_assert_msg(ran > 0, "%s: never ran", sound[_i].op);
}
END_TEST

START_TEST(nothing_breaks)
{
	const struct op *o = op_row(_i);

	seed = (uint64_t)_i * 7919 + 1;
	for (int k = 0; k < ROUNDS; k++)
		one(o);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("op_hostile");
	TCase *t = tcase_create("random");
	int n = 0;

	while (op_row(n) != NULL)
		n++;
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, nothing_breaks, 0, n);
	tcase_add_loop_test(t, sound_nodes_gone_wrong, 0, nitems(sound));
	suite_add_tcase(s, t);
	return suite_run(s);
}
