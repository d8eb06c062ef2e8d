/*
 * log_limit: how often the same call may write a line.  For log.c.
 */
#ifndef BASE_LOG_LIMIT_H
#define BASE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_BURST	1000	/* lines at once ... */
#define LOG_PER_SECOND	10	/* ... and for ever */

/*
 * May the call with this format write a line in this area now?  *dropped: how
 * many it could not since the last that it could.
 */
bool	 log_limit(const char *fmt, const char *area, int64_t now_ns,
	    uint64_t *dropped);

#endif
