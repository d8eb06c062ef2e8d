/*
 * suite: how every t_*.c ends.
 */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>

#include "keep_drivers.h"

/* Run it, say what failed; the exit status. */
static inline int
suite_run(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

#endif
