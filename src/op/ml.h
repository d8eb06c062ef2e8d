/* ml: what ai.onnx.ml's models share: features, labels, post transforms. */
#ifndef OP_ML_H
#define OP_ML_H

#include "plan/val.h"

struct floats {
	const float	*v;
	size_t		 n;
};

/* Of a tensor [C] or [N, C]: C. */
int64_t	 ml_features(const struct val *);

/* In place, over one row of n scores. */
int	 ml_post_transform(const char *how, double *y, int64_t n,
	    struct err *);

/* The labels: strings or integers, as many as there are classes. */
struct labels {
	const struct attr	*strings, *ints;
	int64_t			 n;
};

int	 labels_read(const struct view *, const char *ints, struct labels *,
	    struct err *);
/* Row r of an output of that kind gets label k < n. */
void	 labels_set(const struct labels *, void *out, int64_t r, int64_t k);

#endif
