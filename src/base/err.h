/*
 * err: how everything below parent/ and worker/ says what went wrong.
 *
 * The caller owns a struct err and passes it down; whoever fails fills it and
 * returns -1 (or NULL).  Nothing here logs: the outermost layer does, once.
 *
 * A message names the object, the place and the expectation, most general
 * first:
 *
 *	resnet.onnx: node "conv1" (Conv-11): pads has 3 values, want 4
 *
 * so the failing function writes the last part with err_set() and each caller
 * that knows more puts its part in front with err_prefix().
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum err_code {
	ERR_NONE,
	ERR_INVALID,		/* the input is wrong: HTTP 400 */
	ERR_NOT_FOUND,		/* no such object: 404 */
	ERR_LIMIT,		/* the input is over a limit: 413 */
	ERR_UNSUPPORTED,	/* right, but not something we do: 501 */
	ERR_UNAVAILABLE,	/* not now: 503 */
	ERR_MEMORY,		/* out of memory, ours or the device's: 503 */
	ERR_SYSTEM,		/* a system call failed: 500 */
	/* the OpenCL context is in doubt: fatal to a worker */
	ERR_DEVICE,
	ERR_INTERNAL,		/* our own fault: 500 */
};

#define ERR_TEXT	512

struct err {
	enum err_code	code;
	char		text[ERR_TEXT];	/* cut, never overrun; UTF-8 as given */
};

#define PRINTF(f, a)	__attribute__((format(printf, f, a)))

/* Fill *e (which may be NULL) and return -1, for "return err_set(...)". */
int	 err_set(struct err *e, enum err_code, const char *fmt, ...)
	    PRINTF(3, 4);
int	 err_vset(struct err *e, enum err_code, const char *fmt, va_list);

/* As err_set(ERR_SYSTEM), with ": " and the text of errno behind. */
int	 err_sys(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Out of memory for n bytes of what. */
int	 err_memory(struct err *e, const char *what, size_t n);

/* Put text and ": " in front of what is there, cut to what fits; returns -1. */
int	 err_prefix(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* The stable lower-case name of a code, for logs and tests: "invalid". */
const char *err_name(enum err_code);

#endif
