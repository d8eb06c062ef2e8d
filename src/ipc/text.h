/*
 * text: what a peer calls a text, made fit for a log line or a JSON string.
 */
#ifndef IPC_TEXT_H
#define IPC_TEXT_H

#include <stddef.h>

/*
 * In place: every byte that is a control character or not part of well-formed
 * UTF-8 becomes '?'.  Returns how many there were.
 */
size_t	 text_clean(char *, size_t n);

#endif
