#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_journal.h"
#include "base/log_limit.h"
#include "base/log_text.h"
#include "base/size.h"

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

static const char *const targets[] = {
	[LOG_TO_STDERR] = "stderr",
	[LOG_TO_SYSLOG] = "syslog",
	[LOG_TO_JOURNAL] = "journal",
	[LOG_TO_AUTO] = "auto",
};

/* Every area that lines are written in (make lint looks). */
static struct area {
	const char	*name;
	bool		 own;		/* has a level of its own */
	enum log_level	 level;
} areas[] = {
	{ .name = "main" },		/* start, end, reload */
	{ .name = "config" },
	{ .name = "http" },		/* listeners */
	{ .name = "access" },		/* requests, if log.access */
	{ .name = "model" },
	{ .name = "watch" },		/* the repositories' folders */
	{ .name = "device" },
	{ .name = "worker" },		/* also what workers print */
	{ .name = "load" },		/* workers' words */
	{ .name = "kernel" },
};

static struct area *
area_find(const char *name, size_t n)
{
	for (size_t i = 0; i < nitems(areas); i++)
		if (strlen(areas[i].name) == n &&
		    memcmp(areas[i].name, name, n) == 0)
			return &areas[i];
	return NULL;
}

bool
log_target_by_name(const char *name, enum log_target *t)
{
	for (unsigned i = 0; i < nitems(targets); i++)
		if (strcmp(targets[i], name) == 0) {
			*t = (enum log_target)i;
			return true;
		}
	return false;
}

void
log_open(enum log_target t, const char *ident)
{
	if (t == LOG_TO_AUTO)
		t = journal_is(STDERR_FILENO) ? LOG_TO_JOURNAL : LOG_TO_STDERR;
	target = t;
	closelog();
	if (t == LOG_TO_SYSLOG)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	journal_close();
	if (t == LOG_TO_JOURNAL)
		journal_open(JOURNAL_SOCKET, ident);
}

void
log_set_level(enum log_level l)
{
	level = l;
	for (size_t i = 0; i < nitems(areas); i++)
		areas[i].own = false;
}

int
log_area(const char *spec, bool set, struct err *e)
{
	size_t n = strcspn(spec, "=");
	struct area *a = area_find(spec, n);
	enum log_level l;
	struct buf b;

	if (a != NULL && spec[n] == '=' && log_level_by_name(spec + n + 1,
	    &l)) {
		if (set) {
			a->own = true;
			a->level = l;
		}
		return 0;
	}
	buf_init(&b, LINE);
	(void)log_areas(&b);
	(void)err_set(e, ERR_INVALID, "\"%.80s\": want AREA=LEVEL; areas are "
	    "%s; levels are error, warn, info, debug", spec,
	    b.data != NULL ? b.data : "");
	buf_done(&b);
	return -1;
}

bool
log_areas(struct buf *b)
{
	for (size_t i = 0; i < nitems(areas); i++)
		(void)buf_printf(b, "%s%s", i > 0 ? ", " : "", areas[i].name);
	return !buf_failed(b);
}

bool
log_on(const char *area, enum log_level l)
{
	const struct area *a = area_find(area, strcspn(area, "/"));

	return l <= (a != NULL && a->own ? a->level : level);
}

bool
log_level_by_name(const char *name, enum log_level *l)
{
	for (unsigned i = 0; i < nitems(levels); i++)
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

const char *
log_quote(char out[LOG_VALUE], const char *s)
{
	log_text_quote(out, LOG_VALUE, s);
	return out;
}

/*
 * One write per line, so that processes do not mix theirs.  With the priority
 * in front, as the journal reads it.
 */
static void
put_stderr(enum log_level l, const char *area, const char *text, bool numbered)
{
	char line[LINE + 64], number[8] = "";
	int n;

	if (numbered)
		(void)snprintf(number, sizeof(number), "<%d>",
		    levels[l].priority);
	n = snprintf(line, sizeof(line) - 1, "%s%s: %s: %s", number,
	    levels[l].name, area, text);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

static void
put(enum log_level l, const char *area, const char *text)
{
	if (target == LOG_TO_SYSLOG)
		syslog(levels[l].priority, "%s: %s: %s", levels[l].name, area,
		    text);
	else if (target != LOG_TO_JOURNAL)
		put_stderr(l, area, text, false);
	else if (!journal_send(levels[l].priority, area, text))
		put_stderr(l, area, text, true);
}

/* A line more of this call?  Says first how many it has swallowed. */
static bool
may_say(enum log_level l, const char *area, const char *fmt)
{
	uint64_t dropped = 0;
	char text[80];

	if (l == LOG_LV_DEBUG || strcmp(area, "access") == 0)
		return true;
	if (!log_limit(fmt, area, clock_ns(), &dropped))
		return false;
	if (dropped == 0)
		return true;
	(void)snprintf(text, sizeof(text), "said too much: lines=%llu not "
	    "logged; the next is like them", (unsigned long long)dropped);
	put(LOG_LV_WARN, area, text);
	return true;
}

static void
vlog(enum log_level l, const char *area, const char *fmt, va_list ap)
{
	char raw[LINE], text[LINE], name[33];

	if (!log_on(area, l) || !may_say(l, area, fmt))
		return;
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	log_text_escape(text, sizeof(text), raw);
	(void)snprintf(name, sizeof(name), "%s", area);
	put(l, name, text);
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
