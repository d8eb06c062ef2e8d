/*
 * scratch: a folder of the test's own, and what was reported while it ran.
 *
 * setup() and teardown() are a fixture: an empty folder dir, nothing said.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

extern char	said[64][512];
extern int	n_said;
extern char	dir[];

void		 hear(void *arg, const char *text);	/* a conf_report */
void		 setup(void);
void		 teardown(void);

/* Write a file below dir, its folders made; the path, until the next call. */
const char	*put(const char *name, const char *text);

#endif
