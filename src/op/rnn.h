/*
 * rnn: what RNN, GRU and LSTM share: shapes, directions, activations, and the
 * walk over time steps.
 *
 * X is [seq, batch, input], or [batch, seq, input] with layout 1.  Everything
 * is computed in double, one batch entry and one direction at a time.
 */
#ifndef OP_RNN_H
#define OP_RNN_H

#include "plan/val.h"

struct act {
	double	(*f)(double x, double a, double b);
	double	a, b;
};

struct rnn {
	int		 gates;
	int64_t		 seq, batch, input, hidden, dirs;
	bool		 batch_first;
	bool		 first_reversed;
	double		 clip;			/* 0: none */
	struct act	 act[6];		/* up to three per direction */
	const struct val *x, *w, *r, *b, *len, *h0;
};

/* n_act activations per direction, with these defaults. */
int	 rnn_read(const struct view *, int gates, int n_act,
	    const char *const *dflt, struct rnn *, struct err *);
/* Outputs Y and Y_h (and Y_c): all but Y alike. */
void	 rnn_set(struct view *, const struct rnn *);

double	 rnn_act(const struct rnn *, const struct act *, double x);

/* The state of one direction of one batch entry, and its step's sums. */
struct rnn_run {
	int64_t	 dir, batch;
	double	*h, *c;			/* [hidden] */
	double	*xw;			/* [gates * hidden]: W x + Wb */
	double	*hr;			/* the same: R h + Rb */
	double	*tmp;			/* [hidden] */
};

/* R h + Rb of gate g into run->hr, for another h than the state's. */
void	 rnn_recur(const struct rnn *, struct rnn_run *, int g,
	    const double *h);

/*
 * For every direction and batch entry, every time step: sums, then cell(), then
 * h to Y; at the end h to Y_h and c to Y_c.
 */
int	 rnn_walk(struct view *, const struct rnn *, const struct val *c0,
	    void (*cell)(const struct rnn *, struct rnn_run *, void *arg),
	    void *arg, struct err *);

#endif
