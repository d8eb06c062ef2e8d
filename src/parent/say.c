/*
 * say: what a worker prints goes into our log, escaped there, line by line, not
 * more than it deserves; the last lines explain its death.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "parent/parent.h"
#include "parent/sup.h"

#define BURST		100.0	/* lines */
#define PER_SECOND	10.0

/*
 * "warn: " and the like in front, as our own workers write.  What drivers print
 * is mostly noise; the last of it is in the report of a death anyway.
 */
static bool
own_level(const char **text, enum log_level *l)
{
	char word[8];
	size_t n = strcspn(*text, ":");

	if (n >= sizeof(word) || (*text)[n] == '\0' || (*text)[n + 1] != ' ')
		return false;
	memcpy(word, *text, n);
	word[n] = '\0';
	if (!log_level_by_name(word, l))
		return false;
	*text += n + 2;
	return true;
}

static bool
may_log(struct say *s)
{
	int64_t now = clock_ns();

	s->tokens += PER_SECOND * (double)(now - s->tokens_ns) /
	    (double)NS_PER_S;
	s->tokens_ns = now;
	if (s->tokens > BURST)
		s->tokens = BURST;
	if (s->tokens < 1) {
		s->dropped++;
		return false;
	}
	s->tokens -= 1;
	if (s->dropped > 0)
		log_warn(s->name, "said too much: lines=%llu not logged",
		    (unsigned long long)s->dropped);
	s->dropped = 0;
	return true;
}

static void
say_line(struct say *s)
{
	const char *text = s->line;
	enum log_level l = LOG_LV_DEBUG;

	s->line[s->len] = '\0';
	s->len = 0;
	if (*text == '\0')
		return;
	/* Our own news says nothing about a death. */
	if (!own_level(&text, &l) || l <= LOG_LV_WARN)
		memcpy(s->last[s->lines++ % SAY_LINES], s->line, SAY_LINE);
	if (log_on(s->name, l) && may_log(s))
		log_at(l, s->name, "%s", text);
}

/* One read's worth; false when there is nothing more now. */
static bool
take(struct say *s)
{
	char in[4096];
	ssize_t n = read(s->fd, in, sizeof(in));

	/* At the end of the pipe the event would come for ever. */
	if (n == 0 && s->event != NULL)
		(void)event_del(s->event);
	if (n <= 0)
		return n == -1 && errno == EINTR;
	for (ssize_t i = 0; i < n; i++) {
		if (in[i] != '\n')
			s->line[s->len++] = in[i] != '\0' ? in[i] : ' ';
		if (in[i] == '\n' || s->len == SAY_LINE - 1)
			say_line(s);
	}
	return true;
}

static void
on_readable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)take(arg);
}

void
say_open(struct say *s, struct parent *p, int fd, uint32_t id)
{
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->tokens = BURST;
	s->tokens_ns = clock_ns();
	(void)snprintf(s->name, sizeof(s->name), "worker/%u", id);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	s->event = event_new(p->base, fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->event != NULL)
		(void)event_add(s->event, NULL);
}

void
say_drain(struct say *s)
{
	/* A child of the dead one may still write: not for ever. */
	for (int i = 0; i < 16 && s->fd != -1 && take(s); i++)
		;
	if (s->len > 0)
		say_line(s);
}

void
say_close(struct say *s)
{
	if (s->event != NULL)
		event_free(s->event);
	s->event = NULL;
	if (s->fd != -1)
		(void)close(s->fd);
	s->fd = -1;
}

size_t
say_tail(const struct say *s, char *text, size_t size)
{
	uint32_t n = s->lines < SAY_LINES ? s->lines : SAY_LINES;
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = s->lines - n; i < s->lines && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s",
		    at == 0 ? "" : " | ", s->last[i % SAY_LINES]);
	return at < size ? at : size - 1;
}
