/*
 * utf8: is text what it says it is?  One answer for names, labels and strings.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Well-formed (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF)?
 */
bool	 utf8_valid(const char *, size_t n);

#endif
