/*
 * log_journal: lines as systemd's journal takes them (its native protocol): a
 * datagram of fields.  For log.c.
 *
 *	MESSAGE=model: loaded: model=digits version=1
 *	PRIORITY=6
 *	SYSLOG_IDENTIFIER=clinferd
 *	CLINFERD_AREA=model
 *	CLINFERD_MODEL=digits
 *	CLINFERD_VERSION=1
 *
 * Only the pairs that follow one another at the beginning of a text, or behind
 * its first ": ", become fields: what comes after them may be anybody's words.
 */
#ifndef BASE_LOG_JOURNAL_H
#define BASE_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#define JOURNAL_SOCKET	"/run/systemd/journal/socket"
#define JOURNAL_MAX	8192	/* bytes of a datagram */

/* Is it connected to the journal, as JOURNAL_STREAM says? */
bool	 journal_is(int fd);

/* Send there from now on; ident must stay. */
void	 journal_open(const char *path, const char *ident);
void	 journal_close(void);

/* One line, escaped already.  False: it was not taken. */
bool	 journal_send(int priority, const char *area, const char *text);

/* The datagram of journal_send(); its length. */
size_t	 journal_entry(char out[JOURNAL_MAX], const char *ident,
	    int priority, const char *area, const char *text);

#endif
