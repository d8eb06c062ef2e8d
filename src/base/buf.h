/*
 * buf: growable bytes that never exceed the maximum they were given.
 *
 * A failed call (over the maximum, or out of memory) marks the buffer; later
 * calls do nothing, and buf_failed() tells, so that a writer can check once at
 * the end.  After the first successful write there is always a NUL behind data.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"

struct buf {
	char	*data;
	size_t	 len;
	size_t	 cap;
	size_t	 max;
	bool	 failed;
};

void	 buf_init(struct buf *, size_t max);
/* frees; usable again as empty */
void	 buf_done(struct buf *);
void	 buf_clear(struct buf *);		/* empty, keeps the memory */
bool	 buf_add(struct buf *, const void *, size_t);
bool	 buf_str(struct buf *, const char *);
bool	 buf_printf(struct buf *, const char *fmt, ...) PRINTF(2, 3);
bool	 buf_vprintf(struct buf *, const char *fmt, va_list);

/* Room for n more bytes at data + len, for the caller to fill; or NULL. */
char	*buf_room(struct buf *, size_t n);

static inline bool
buf_failed(const struct buf *b)
{
	return b->failed;
}

#endif
