/*
 * modelconf: what a model's config.pbtxt says, or what we assume without one.
 *
 * Read from protobuf text (parse/pbtxt.h).  Fields that we do not act on are
 * accepted when they are known to the format and reported as warnings when not.
 */
#ifndef PARENT_MODELCONF_H
#define PARENT_MODELCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"
#include "base/shape.h"
#include "base/signature.h"

struct labels;

struct model_tensor {
	char		 name[SIG_NAME_MAX];
	enum dtype	 type;
	struct shape	 shape;	/* without the batch dimension if batched */
	bool		 has_shape;
	bool		 optional;
	char		*labels;	/* label_filename; or NULL */
	struct labels	*classes;	/* what it holds, once read; or NULL */
};

enum version_policy { POLICY_LATEST, POLICY_ALL, POLICY_SPECIFIC };

#define PRIORITIES_MAX	8

struct model_config {
	uint32_t	 refs;
	bool		 given;			/* there was a config.pbtxt */
	char		*file;	/* default_model_filename; or NULL */
	bool		 has_batch_max;
	int64_t		 batch_max;	/* max_batch_size; 0: no batching */
	bool		 dynamic_batching;	/* given */
	int64_t		 delay_ns;	/* max_queue_delay_microseconds */
	int64_t		*preferred;		/* preferred_batch_size */
	uint32_t	 n_preferred;
	uint32_t	 priorities;	/* priority_levels; at least 1 */
	uint32_t	 priority;	/* default_priority_level; at least 1 */
	uint32_t	 queue_max;	/* max_queue_size; 0: the daemon's */
	int64_t		 timeout_ns; /* default_timeout_microseconds; 0: ours */
	bool		 timeout_override;	/* allow_timeout_override */
	enum version_policy policy;
	uint32_t	 latest;		/* POLICY_LATEST: how many */
	int64_t		*specific;		/* POLICY_SPECIFIC */
	uint32_t	 n_specific;
	struct model_tensor *in, *out;
	uint32_t	 n_in, n_out;
};

/* What holds without a config.pbtxt.  NULL if out of memory. */
struct model_config *modelconf_new(void);

/*
 * From the text of a config.pbtxt.  name: of the folder, must equal the field
 * "name" if there is one.  warn() is called for each field that is not known or
 * not acted on.  NULL: *err names line and expectation.
 */
struct model_config *modelconf_parse(const char *text, size_t n,
		    const char *name, void (*warn)(void *arg, const char *text),
		    void *arg, struct err *);

/*
 * Shared by the versions of a model; the last put frees.  NULL is fine to put.
 */
struct model_config *modelconf_get(struct model_config *);
void		 modelconf_put(struct model_config *);

/*
 * Does the file agree with what the model says of itself?  -1: *err names the
 * tensor and both sides.
 */
int		 modelconf_check(const struct model_config *,
		    const struct signature *, struct err *);

/* What the file says of that output of the model; or NULL. */
const struct model_tensor *modelconf_output(const struct model_config *,
		    const char *name);

/*
 * Read the label files that outputs name, from the model's folder.  -1: *err
 * names output, file and line.
 */
int		 modelconf_read_labels(struct model_config *, int dir,
		    struct err *);

#endif
