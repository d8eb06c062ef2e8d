/* ai.onnx.preview.training: optimizers' steps, which are pointwise. */
#include <math.h>

#include "op/op.h"
#include "op/shape.h"

#define STATES	3		/* at most, the tensor itself included */

/*
 * R, T, then n tensors, n gradients, n of each state; outputs without
 * gradients.
 */
struct train {
	int	n, states;
	double	rate, t;
};

static int
train_read(const struct view *v, int states, struct train *q, struct err *e)
{
	int each = states + 1;

	if (v->n_in < 2 + each || (v->n_in - 2) % each != 0 ||
	    op_want(v, v->n_in, e) != 0)
		return view_error(e, "%d inputs, want 2 and a multiple of %d",
		    v->n_in, each);
	q->n = (v->n_in - 2) / each;
	q->states = states;
	for (int i = 2; i < v->n_in; i++)
		if (!shape_equal(&v->in[i]->shape,
		    &v->in[2 + (i - 2) % q->n]->shape))
			return view_error(e, "input %d has another shape", i);
	return 0;
}

static int
train_infer_as(struct view *v, int states, struct err *e)
{
	struct train q;

	if (train_read(v, states, &q, e) != 0)
		return -1;
	for (int i = 0; i < states * q.n; i++) {
		const struct val *x = v->in[2 + i + (i >= q.n ? q.n : 0)];

		view_set(v, i, x->type, &x->shape, row_any(v));
	}
	return 0;
}

/* s: the tensor and its states, changed in place. */
typedef int	step_fn(const struct view *, const struct train *, double g,
		    double s[STATES], struct err *);

static int
train_host_as(struct view *v, int states, step_fn *step, struct err *e)
{
	void *out[STATES];
	struct train q;

	if (train_read(v, states, &q, e) != 0 ||
	    val_scalar_f(v->in[0], &q.rate, e) != 0 ||
	    val_scalar_f(v->in[1], &q.t, e) != 0)
		return -1;
	for (int i = 0; i < q.n; i++) {
		const struct val *g = v->in[2 + q.n + i];

		for (int k = 0; k < states; k++)
			if ((out[k] = view_alloc(v, k * q.n + i, e)) == NULL)
				return -1;
		for (size_t j = 0; j < val_count(g); j++) {
			double s[STATES];

			for (int k = 0; k < states; k++) {
				const struct val *x = v->in[2 + i +
				    (k == 0 ? 0 : k + 1) * q.n];

				s[k] = elem_f(x->type, x->data, j);
			}
			if (step(v, &q, elem_f(g->type, g->data, j), s, e) != 0)
				return -1;
			for (int k = 0; k < states; k++)
				elem_set_f(v->in[2 + i]->type, out[k], j, s[k]);
		}
	}
	return 0;
}

static int
adagrad_step(const struct view *v, const struct train *q, double g,
    double s[STATES], struct err *e)
{
	float decay, eps, norm;

	if (attr_float(v->node, "decay_factor", 0, &decay, e) != 0 ||
	    attr_float(v->node, "epsilon", 1e-6f, &eps, e) != 0 ||
	    attr_float(v->node, "norm_coefficient", 0, &norm, e) != 0)
		return -1;
	g += norm * s[0];
	s[1] += g * g;
	s[0] -= q->rate / (1 + q->t * decay) * g / (sqrt(s[1]) + eps);
	return 0;
}

static int
adam_step(const struct view *v, const struct train *q, double g,
    double s[STATES], struct err *e)
{
	float a, b, eps, norm, post;
	double rate = q->rate;

	if (attr_float(v->node, "alpha", 0.9f, &a, e) != 0 ||
	    attr_float(v->node, "beta", 0.999f, &b, e) != 0 ||
	    attr_float(v->node, "epsilon", 1e-6f, &eps, e) != 0 ||
	    attr_float(v->node, "norm_coefficient", 0, &norm, e) != 0 ||
	    attr_float(v->node, "norm_coefficient_post", 0, &post, e) != 0)
		return -1;
	g += norm * s[0];
	s[1] = a * s[1] + (1 - a) * g;
	s[2] = b * s[2] + (1 - b) * g * g;
	if (q->t > 0)
		rate *= sqrt(1 - pow(b, q->t)) / (1 - pow(a, q->t));
	s[0] -= rate * s[1] / (sqrt(s[2]) + eps);
	s[0] *= 1 - post;
	return 0;
}

static int
momentum_step(const struct view *v, const struct train *q, double g,
    double s[STATES], struct err *e)
{
	float a, b, norm;
	const char *mode;

	if (attr_float(v->node, "alpha", 0, &a, e) != 0 ||
	    attr_float(v->node, "beta", 0, &b, e) != 0 ||
	    attr_float(v->node, "norm_coefficient", 0, &norm, e) != 0 ||
	    attr_string(v->node, "mode", "standard", &mode, e) != 0)
		return -1;
	g += norm * s[0];
	s[1] = a * s[1] + (q->t > 0 ? b : 1) * g;
	s[0] -= q->rate * (strcmp(mode, "nesterov") == 0 ? g + a * s[1] :
	    s[1]);
	return 0;
}

#define TRAIN(name, states)						\
static int								\
name##_infer(struct view *v, struct err *e)				\
{									\
	return train_infer_as(v, states, e);				\
}									\
									\
static int								\
name##_host(struct view *v, struct err *e)				\
{									\
	return train_host_as(v, states, name##_step, e);		\
}

TRAIN(adagrad, 2)
TRAIN(adam, 3)
TRAIN(momentum, 2)

#define ROW(op, id)							\
{									\
	.domain = "ai.onnx.preview.training", .name = op, .since = 1,	\
	.types = "fd i fd", .infer = id##_infer, .host = id##_host,	\
}

OP_FAMILY(train_ops);
const struct op train_ops[] = {
	ROW("Adagrad", adagrad),
	ROW("Adam", adam),
	ROW("Momentum", momentum),
	{ .name = NULL }
};
