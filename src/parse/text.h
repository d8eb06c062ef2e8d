/* text: bytes in somebody else's buffer, without a NUL behind. */
#ifndef PARSE_TEXT_H
#define PARSE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	const char	*at;
	size_t		 n;
};

bool		 text_is(struct text, const char *);		/* exactly */
bool		 text_is_nocase(struct text, const char *);	/* ASCII */

/* Without spaces and tabs around it. */
struct text	 text_trim(struct text);

/*
 * Bytes of the UTF-8 character at the start of p[0, n), n > 0; 0: it is none.
 */
size_t		 text_utf8(const char *p, size_t n);

#endif
