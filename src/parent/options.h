/*
 * options: the command line of clinferd.
 *
 * Options win over the files, so they are kept as assignments and applied after
 * each reading of the files, also at a reload.
 */
#ifndef PARENT_OPTIONS_H
#define PARENT_OPTIONS_H

#include <stdbool.h>

#include "parent/conf.h"

enum options_do {
	DO_RUN,
	DO_TEST,		/* check the configuration */
	DO_EXIT,		/* help or version was printed: status 0 */
	DO_USAGE,		/* wrong usage was reported: status 2 */
	DO_PRINT,		/* print the commented configuration file */
	DO_PRINT_MDOC,		/* ... as a man page's list */
};

struct options {
	const char	*config;	/* file */
	bool		 config_given;
	bool		 verbose;
	struct conf_list set;		/* "section.key=value", in order */
};

/* Prints to standard output or error as needed. */
enum options_do	 options_parse(int argc, char **argv, struct options *);
void		 options_done(struct options *);

/*
 * The whole configuration: defaults, file, FILE's folder conf.d, options.
 * NULL: wrong somewhere; every mistake was reported.
 */
struct conf	*options_conf(const struct options *, conf_report *, void *arg);

#endif
