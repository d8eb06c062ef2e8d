/*
 * runner: test cases of ONNX, run one after the other in this process.
 *
 * The child side of clinfer check.  Reads the folder of a case from standard
 * input, answers on CHILD_ANSWER with one line, "PASS" or "FAIL reason", and
 * goes on until its input ends.
 */
#ifndef TOOL_RUNNER_H
#define TOOL_RUNNER_H

#include "tool/compare.h"
#include "tool/session.h"

/* The exit status. */
int	 runner(const struct session_options *, const struct tolerance *);

#endif
