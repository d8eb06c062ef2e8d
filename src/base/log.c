#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define LINE	2048

static enum log_level	level = LOG_LV_INFO;
static enum log_target	target = LOG_TO_STDERR;

static const struct {
	const char	*name;
	int		 priority;	/* syslog's */
} levels[] = {
	[LOG_LV_ERROR] = { "error", LOG_ERR },
	[LOG_LV_WARN] = { "warn", LOG_WARNING },
	[LOG_LV_INFO] = { "info", LOG_INFO },
	[LOG_LV_DEBUG] = { "debug", LOG_DEBUG },
};

void
log_open(enum log_target t, const char *ident)
{
	target = t;
	if (t == LOG_TO_SYSLOG)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_set_level(enum log_level l)
{
	level = l;
}

bool
log_on(enum log_level l)
{
	return l <= level;
}

bool
log_level_by_name(const char *name, enum log_level *l)
{
	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(levels[i].name, name) == 0) {
			*l = (enum log_level)i;
			return true;
		}
	return false;
}

const char *
log_level_name(enum log_level l)
{
	return levels[l].name;
}

/* Copy s to out, escaping what a terminal or a log reader could trip over. */
static size_t
escape(char *out, size_t size, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *s != '\0' && n + 5 < size; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != 0x7f && c != '\\') {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		if (c == '\\') {
			out[n++] = '\\';
			continue;
		}
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
	return n;
}

static void
vlog(enum log_level l, const char *area, const char *fmt, va_list ap)
{
	char raw[LINE], line[LINE + 64];
	size_t n;

	if (!log_on(l))
		return;
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	n = (size_t)snprintf(line, sizeof(line), "%s: %.32s: ", levels[l].name,
	    area);
	n += escape(line + n, sizeof(line) - n - 1, raw);
	if (target == LOG_TO_SYSLOG) {
		syslog(levels[l].priority, "%s", line);
		return;
	}
	line[n++] = '\n';
	/* One write per line, so that processes do not mix theirs. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

void
log_at(enum log_level l, const char *area, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(l, area, fmt, ap);
	va_end(ap);
}

#define LOG_FUNCTION(name, lv)						\
	void								\
	name(const char *area, const char *fmt, ...)			\
	{								\
		va_list ap;						\
									\
		va_start(ap, fmt);					\
		vlog(lv, area, fmt, ap);				\
		va_end(ap);						\
	}

LOG_FUNCTION(log_error, LOG_LV_ERROR)
LOG_FUNCTION(log_warn, LOG_LV_WARN)
LOG_FUNCTION(log_info, LOG_LV_INFO)
LOG_FUNCTION(log_debug, LOG_LV_DEBUG)
