/*
 * cursor: reading private bytes that a peer wrote, front to back.
 *
 * A read beyond the end fails and leaves the target alone.
 */
#ifndef IPC_CURSOR_H
#define IPC_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct cursor {
	const unsigned char	*at;
	size_t			 left;
};

static inline bool
cursor_get(struct cursor *c, void *to, size_t n)
{
	if (n > c->left)
		return false;
	memcpy(to, c->at, n);
	c->at += n;
	c->left -= n;
	return true;
}

#endif
