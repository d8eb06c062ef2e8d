/*
 * log: one line per event, "level: area: message key=value ...".
 *
 * To standard error, to syslog or to the journal.  Only parent/, worker/ and
 * tool/ log; what is below them fills a struct err.  A line never carries raw
 * bytes from outside: control characters and what is no UTF-8 are escaped as
 * \xNN, long lines cut.  A value that a client, a file's name or a driver chose
 * goes through log_quote(), so that it cannot pass for another pair or the
 * next word.
 *
 * What is said again and again by the same call is limited, and counted: a
 * client who can provoke a line cannot fill a disk with it.  Only "access" and
 * debug lines, which somebody asked for, are not.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum log_level { LOG_LV_ERROR, LOG_LV_WARN, LOG_LV_INFO, LOG_LV_DEBUG };

enum log_target {
	LOG_TO_STDERR,
	LOG_TO_SYSLOG,
	LOG_TO_JOURNAL,		/* standard error where there is none */
	LOG_TO_AUTO,		/* the journal if that is standard error */
};

#define LOG_VALUE	320	/* bytes that log_quote() needs */

/* May be called again to change it.  ident must stay. */
void	 log_open(enum log_target, const char *ident);

/* "auto" "stderr" "syslog" "journal"; false if there is none such. */
bool	 log_target_by_name(const char *, enum log_target *);

/* Of all areas: what was said of single ones is forgotten. */
void	 log_set_level(enum log_level);

/*
 * "area=level": of that area alone, if set; else only look whether it could be.
 * -1: *err says which areas or levels there are.
 */
int	 log_area(const char *, bool set, struct err *);

/* All areas, with blanks between them. */
bool	 log_areas(struct buf *);

/* Would a line be written?  What is behind a slash in the area is no matter. */
bool	 log_on(const char *area, enum log_level);

/* "error" "warn" "info" "debug" <-> level; false if there is none such. */
bool	 log_level_by_name(const char *, enum log_level *);
const char *log_level_name(enum log_level);

/*
 * A value for a "key=value" as text in out: as it is, or, if it holds blanks,
 * quotes, '=' or what must be escaped, in double quotes.  Cut after some 200
 * bytes.  Returns out.
 */
const char *log_quote(char out[LOG_VALUE], const char *);

void	 log_error(const char *area, const char *fmt, ...) PRINTF(2, 3);
void	 log_warn(const char *area, const char *fmt, ...) PRINTF(2, 3);
void	 log_info(const char *area, const char *fmt, ...) PRINTF(2, 3);
void	 log_debug(const char *area, const char *fmt, ...) PRINTF(2, 3);
void	 log_at(enum log_level, const char *area, const char *fmt, ...)
	    PRINTF(3, 4);

#endif
