/*
 * trial: what a start with this configuration would trip over, as far as it can
 * be known without doing it (clinferd -t).
 */
#ifndef PARENT_TRIAL_H
#define PARENT_TRIAL_H

#include <stdbool.h>

#include "parent/conf.h"

/*
 * False: it would fail; every reason went to wrong().  What would work, but
 * hardly as meant, goes to doubt().
 */
bool	 trial(const struct conf *, conf_report *wrong, conf_report *doubt,
	    void *arg);

#endif
