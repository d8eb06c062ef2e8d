/*
 * log_text: what may stand in a line of a log, whoever wrote it.  For log.c.
 */
#ifndef BASE_LOG_TEXT_H
#define BASE_LOG_TEXT_H

#include <stddef.h>

/*
 * s to out, always with a NUL and cut to size: printable UTF-8 as it is, all
 * other bytes as \xNN.  Returns the length.
 */
size_t	 log_text_escape(char *out, size_t size, const char *s);

/*
 * As above, and in double quotes with \" and \\ if it holds anything else than
 * printable characters, or blanks, quotes, backslashes or '='.  What is cut
 * ends in "...".
 */
size_t	 log_text_quote(char *out, size_t size, const char *s);

#endif
