/* Pointwise operators of one input. */
#include "op/pointwise.h"

EXPR(abs, 1, ABS(x))
EXPR(neg, 1, NEG(x))
EXPR(sign, 1, SIGN(x))
EXPR_F(acos, 1, acos(x))
EXPR_F(acosh, 1, acosh(x))
EXPR_F(asin, 1, asin(x))
EXPR_F(asinh, 1, asinh(x))
EXPR_F(atan, 1, atan(x))
EXPR_F(atanh, 1, atanh(x))
EXPR_F(ceil, 1, ceil(x))
EXPR_F(cos, 1, cos(x))
EXPR_F(cosh, 1, cosh(x))
EXPR_F(erf, 1, ERF(x))
EXPR_F(exp, 1, EXP(x))
EXPR_F(floor, 1, floor(x))
EXPR_F(log, 1, LOG(x))
EXPR_F(reciprocal, 1, 1.0f / x)
EXPR_F(round, 1, rint(x))
EXPR_F(sin, 1, sin(x))
EXPR_F(sinh, 1, sinh(x))
EXPR_F(sqrt, 1, sqrt(x))
EXPR_F(tan, 1, tan(x))
EXPR_F(tanh, 1, TANH(x))

EXPR(relu, 1, MAX(x, 0))
EXPR_F1(leaky, 1, alpha, 0.01f, SEL(LT(x, 0.0f), alpha * x, x))
EXPR_F1(thresholded, 1, alpha, 1.0f, SEL(GT(x, alpha), x, 0.0f))
EXPR_F1(elu, 1, alpha, 1.0f, SEL(LT(x, 0.0f), alpha * (EXP(x) - 1.0f), x))
EXPR_F1(celu, 1, alpha, 1.0f,
    MAX(x, 0.0f) + MIN(alpha * (EXP(x / alpha) - 1.0f), 0.0f))
EXPR_F2(selu, 1, alpha, 1.67326319217681884765625f,
    gamma, 1.05070102214813232421875f,
    gamma * SEL(LE(x, 0.0f), alpha * (EXP(x) - 1.0f), x))
EXPR_F2(hardsigmoid, 1, alpha, 0.2f, beta, 0.5f,
    MIN(MAX(alpha * x + beta, 0.0f), 1.0f))
EXPR_F(hardswish, 1, x * MIN(MAX(x * 0.16666667f + 0.5f, 0.0f), 1.0f))
EXPR_F(sigmoid, 1, SIGMOID(x))
EXPR_F(softplus, 1, MAX(x, 0.0f) + log1p(EXP(-ABS(x))))
EXPR_F(softsign, 1, x / (1.0f + ABS(x)))
EXPR_F(mish, 1, x * TANH(MAX(x, 0.0f) + log1p(EXP(-ABS(x)))))
EXPR_F1(swish, 1, alpha, 1.0f, x * SIGMOID(alpha * x))
EXPR_F2(shrink, 1, bias, 0.0f, lambd, 0.5f,
    SEL(LT(x, -lambd), x + bias, SEL(GT(x, lambd), x - bias, 0.0f)))

TEST_INT(not, 1, EQ(x, 0))
EXPR_INT(bitnot, 1, BNOT(x))

PW_FN(double, isnan_f, , isnan(x))
static const struct pointwise pw_isnan = {
	.arity = 1, .text = "isnan(x)", .f = isnan_f, .out = DT_BOOL,
};

static int
isinf_attrs(const struct view *v, float *attr, struct err *e)
{
	int64_t up, down;

	if (attr_int(v->node, "detect_positive", 1, &up, e) != 0 ||
	    attr_int(v->node, "detect_negative", 1, &down, e) != 0)
		return -1;
	attr[0] = up ? 0 : 2;		/* x > 0 is 1: below 2 */
	attr[1] = down ? 0 : 2;
	return 0;
}

PW_FN(double, isinf_f, PW_BIND2(up, down), SEL(isinf(x),
    SEL(GT(x, 0.0f), EQ(up, 0.0f), EQ(down, 0.0f)), EQ(1.0f, 0.0f)))
static const struct pointwise pw_isinf = {
	.arity = 1, .attr = { { "up", 0 }, { "down", 0 } }, .n_attr = 2,
	.text = "GE(fabs(x), SEL(GT(x, 0.0f), SEL(GT(up, 0.0f), NAN, INFINITY),"
	    " SEL(GT(down, 0.0f), NAN, INFINITY)))",
	.f = isinf_f, .out = DT_BOOL, .attrs = isinf_attrs,
};

/* Gelu's choice of formula is a string: two expressions in one. */
static int
gelu_attrs(const struct view *v, float *attr, struct err *e)
{
	const char *how;

	if (attr_string(v->node, "approximate", "none", &how, e) != 0)
		return -1;
	attr[0] = strcmp(how, "tanh") == 0;
	return 0;
}

PW_FN(double, gelu_f, PW_BIND1(approximate), 0.5f * x * (1.0f +
    SEL(GT(approximate, 0.0f), TANH(0.79788456f * (x + 0.044715f * x * x * x)),
    ERF(x * 0.70710678f))))
static const struct pointwise pw_gelu = {
	.arity = 1, .attr = { { "approximate", 0 } }, .n_attr = 1,
	.text = "0.5f * x * (1.0f + SEL(GT(approximate, 0.0f), "
	    "TANH(0.79788456f * (x + 0.044715f * x * x * x)), "
	    "ERF(x * 0.70710678f)))",
	.f = gelu_f, .attrs = gelu_attrs,
};

#define F	"fdhx"
#define N	"fdhiux"

OP_FAMILY(unary_ops);
const struct op unary_ops[] = {
	PW_ROW("Abs", 1, 0, N, abs),
	PW_ROW("Acos", 7, 0, F, acos),
	PW_ROW("Acosh", 9, 0, F, acosh),
	PW_ROW("Asin", 7, 0, F, asin),
	PW_ROW("Asinh", 9, 0, F, asinh),
	PW_ROW("Atan", 7, 0, F, atan),
	PW_ROW("Atanh", 9, 0, F, atanh),
	PW_ROW("BitwiseNot", 18, 0, "iu", bitnot),
	PW_ROW("Ceil", 1, 0, F, ceil),
	PW_ROW("Celu", 12, 0, F, celu),
	PW_ROW("Cos", 7, 0, F, cos),
	PW_ROW("Cosh", 9, 0, F, cosh),
	PW_ROW("Elu", 1, 0, F, elu),
	PW_ROW("Erf", 9, 0, F, erf),
	PW_ROW("Exp", 1, 0, F, exp),
	PW_ROW("Floor", 1, 0, F, floor),
	PW_ROW("Gelu", 20, 0, F, gelu),
	PW_ROW("HardSigmoid", 1, 0, F, hardsigmoid),
	PW_ROW("HardSwish", 14, 0, F, hardswish),
	PW_ROW("IsInf", 10, 0, F, isinf),
	PW_ROW("IsNaN", 9, 0, F, isnan),
	PW_ROW("LeakyRelu", 1, 0, F, leaky),
	PW_ROW("Log", 1, 0, F, log),
	PW_ROW("Mish", 18, 0, F, mish),
	PW_ROW("Neg", 1, 0, N, neg),
	PW_ROW("Not", 1, 0, "b", not),
	PW_ROW("Reciprocal", 1, 0, F, reciprocal),
	PW_ROW("Relu", 1, 0, N, relu),
	PW_ROW("Round", 11, 0, F, round),
	PW_ROW("Selu", 1, 0, F, selu),
	PW_ROW("Shrink", 9, 0, F, shrink),
	PW_ROW("Sigmoid", 1, 0, F, sigmoid),
	PW_ROW("Sign", 9, 0, N, sign),
	PW_ROW("Sin", 7, 0, F, sin),
	PW_ROW("Sinh", 9, 0, F, sinh),
	PW_ROW("Softplus", 1, 0, F, softplus),
	PW_ROW("Softsign", 1, 0, F, softsign),
	PW_ROW("Sqrt", 1, 0, F, sqrt),
	PW_ROW("Swish", 24, 0, F, swish),
	PW_ROW("Tan", 7, 0, F, tan),
	PW_ROW("Tanh", 1, 0, F, tanh),
	PW_ROW("ThresholdedRelu", 10, 0, F, thresholded),
	{ .name = NULL }
};
