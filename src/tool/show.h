/*
 * show: text from elsewhere (a daemon, a model, a file's name) on a terminal.
 *
 * Control characters and bytes that are no UTF-8 come out as \xNN: nobody but
 * the user drives the user's terminal.
 */
#ifndef TOOL_SHOW_H
#define TOOL_SHOW_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "base/err.h"

/* s[0, n) escaped; columns written.  NULL file: only counts them. */
size_t	 show_text(FILE *, const char *s, size_t n);

/* The same for a string with a NUL behind. */
size_t	 show_string(FILE *, const char *s);

/* A line on standard output, escaped as a whole. */
void	 show_line(const char *fmt, ...) PRINTF(1, 2);

/* As a JSON string, quotes included, on standard output; or s[0, n) so. */
void	 show_json_string(const char *s);
void	 show_json_bytes(const char *s, size_t n);

/* A JSON text and a newline on standard output, in ASCII. */
void	 show_json(const json_t *);

/*
 * Aligned columns on standard output.  rows: an array of arrays of strings, the
 * first of them the head; owned from here on, NULL is fine.
 */
void	 show_table_own(json_t *rows);

#endif
