/*
 * log: one line per event, "level: area: message key=value ...".
 *
 * To standard error, or to syslog.  Only parent/, worker/ and tool/ log; what
 * is below them fills a struct err.  A line never carries raw bytes from
 * outside: everything below 0x20, 0x7f and backslashes are escaped, long lines
 * cut.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_LV_ERROR, LOG_LV_WARN, LOG_LV_INFO, LOG_LV_DEBUG };

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

void	 log_open(enum log_target, const char *ident);
void	 log_set_level(enum log_level);
bool	 log_on(enum log_level);

/* "error" "warn" "info" "debug" <-> level; false if there is none such. */
bool	 log_level_by_name(const char *, enum log_level *);
const char *log_level_name(enum log_level);

void	 log_error(const char *area, const char *fmt, ...) PRINTF(2, 3);
void	 log_warn(const char *area, const char *fmt, ...) PRINTF(2, 3);
void	 log_info(const char *area, const char *fmt, ...) PRINTF(2, 3);
void	 log_debug(const char *area, const char *fmt, ...) PRINTF(2, 3);
void	 log_at(enum log_level, const char *area, const char *fmt, ...)
	    PRINTF(3, 4);

#endif
