/*
 * tool: clinfer, the user's tool.
 *
 * Each command is one row in clinfer.c and one function in a file of its name.
 * It gets its own argv (argv[0] is the command), returns the exit status: 0
 * done, 1 failed (the reason is on standard error), 2 wrong usage.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include <stdbool.h>

#include "base/err.h"

enum { TOOL_OK, TOOL_FAILED, TOOL_USAGE };

int	 tool_devices(int argc, char **argv);
int	 tool_inspect(int argc, char **argv);
int	 tool_run(int argc, char **argv);
int	 tool_check(int argc, char **argv);
int	 tool_bench(int argc, char **argv);
int	 tool_infer(int argc, char **argv);
int	 tool_status(int argc, char **argv);
int	 tool_workers(int argc, char **argv);
int	 tool_load(int argc, char **argv);
int	 tool_unload(int argc, char **argv);
int	 tool_metrics(int argc, char **argv);

/* "clinfer: what: what is wrong", escaped, on standard error; TOOL_FAILED. */
int	 tool_fail(const struct err *, const char *what);

/*
 * The usage of that command, on standard error for TOOL_USAGE; returns status.
 */
int	 tool_usage(const char *command, int status);

/* A number of at least min, or false. */
bool	 tool_number(const char *text, double min, double *out);

#endif
