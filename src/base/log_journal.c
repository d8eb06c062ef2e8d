#include "base/log_journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"

#define PAIR_NAME	32	/* of a pair */
#define FIELDS_MAX	24

static int		 fd = -1;
static const char	*identifier;
static struct sockaddr_un where;

bool
journal_is(int stream)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char end;

	return text != NULL && sscanf(text, "%llu:%llu%c", &dev, &ino,
	    &end) == 2 && fstat(stream, &st) == 0 && st.st_dev == dev &&
	    st.st_ino == ino;
}

void
journal_open(const char *path, const char *ident)
{
	journal_close();
	identifier = ident;
	where.sun_family = AF_UNIX;
	(void)snprintf(where.sun_path, sizeof(where.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void
journal_close(void)
{
	if (fd != -1)
		(void)close(fd);
	fd = -1;
}

/* What is written so far; a field that does not fit is left out whole. */
struct entry {
	char	*out;
	size_t	 n;
};

PRINTF(2, 3) static void
add(struct entry *e, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(e->out + e->n, JOURNAL_MAX - e->n, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < JOURNAL_MAX - e->n)
		e->n += (size_t)n;
}

/* "word=": its name in capitals; the length with the '=', or 0. */
static size_t
pair_name(const char *s, char name[PAIR_NAME])
{
	size_t n = 0;

	if (*s < 'a' || *s > 'z')
		return 0;
	for (; s[n] != '='; n++) {
		bool letter = s[n] >= 'a' && s[n] <= 'z';

		if (n == PAIR_NAME - 1 || !(letter || s[n] == '_' ||
		    (s[n] >= '0' && s[n] <= '9')))
			return 0;
		name[n] = letter ? (char)(s[n] - 'a' + 'A') : s[n];
	}
	name[n] = '\0';
	return n + 1;
}

/* A value as log_quote() writes it, its quotes taken off. */
static const char *
pair_value(const char *s, char value[JOURNAL_MAX])
{
	bool quoted = *s == '"';
	size_t n = 0;

	s += quoted;
	while (*s != '\0' && *s != (quoted ? '"' : ' ')) {
		if (quoted && *s == '\\' && (s[1] == '"' || s[1] == '\\'))
			s++;
		value[n++] = *s++;
	}
	value[n] = '\0';
	return s + (quoted && *s == '"');
}

size_t
journal_entry(char out[JOURNAL_MAX], const char *ident, int priority,
    const char *area, const char *text)
{
	struct entry e = { out, 0 };
	char name[PAIR_NAME], value[JOURNAL_MAX];
	const char *colon = strstr(text, ": ");
	size_t n;

	add(&e, "MESSAGE=%s: %s\n", area, text);
	add(&e, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nSYSLOG_PID=%d\n", priority,
	    ident, (int)getpid());
	add(&e, "CLINFERD_AREA=%s\n", area);
	if (colon != NULL && pair_name(text, name) == 0)
		text = colon + 2;
	for (int i = 0; i < FIELDS_MAX && strlen(text) < JOURNAL_MAX &&
	    (n = pair_name(text, name)) != 0; i++) {
		text = pair_value(text + n, value);
		add(&e, "CLINFERD_%s=%s\n", name, value);
		if (*text++ != ' ')
			break;
	}
	return e.n;
}

bool
journal_send(int priority, const char *area, const char *text)
{
	char out[JOURNAL_MAX];
	size_t n;

	if (fd == -1)
		return false;
	n = journal_entry(out, identifier, priority, area, text);
	/* Not connected: the journal may be another one after a restart. */
	return sendto(fd, out, n, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&where, sizeof(where)) == (ssize_t)n;
}
