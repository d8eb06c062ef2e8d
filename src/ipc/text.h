/*
 * text: what a peer calls a text, made fit for a log line or a JSON string.
 */
#ifndef IPC_TEXT_H
#define IPC_TEXT_H

#include <stddef.h>

/*
 * In place: every control character becomes '?', and if the whole is not UTF-8,
 * every byte beyond ASCII too.  Returns how many there were.
 */
size_t	 text_clean(char *, size_t n);

#endif
