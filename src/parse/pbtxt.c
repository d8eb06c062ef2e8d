#include "parse/pbtxt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
pbtxt_start(struct pbtxt *p, const char *text, size_t n)
{
	memset(p, 0, sizeof(*p));
	p->at = text;
	p->end = text + n;
	p->line = 1;
	p->depth = 1;
}

static struct pbtxt_level *
top(struct pbtxt *p)
{
	return &p->level[p->depth - 1];
}

static int
wrong(const struct pbtxt *p, struct err *e, const char *want)
{
	if (p->at == p->end)
		return err_set(e, ERR_INVALID, "line %u: the end, want %s",
		    p->line, want);
	return err_set(e, ERR_INVALID, "line %u: '%c', want %s", p->line,
	    *p->at, want);
}

/* Over blanks and comments. */
static void
blank(struct pbtxt *p)
{
	bool comment = false;

	for (; p->at < p->end; p->at++) {
		if (*p->at == '\n') {
			p->line++;
			comment = false;
		} else if (*p->at == '#')
			comment = true;
		else if (!comment && *p->at != ' ' && *p->at != '\t' &&
		    *p->at != '\r')
			return;
	}
}

static bool
is(const struct pbtxt *p, char c)
{
	return p->at < p->end && *p->at == c;
}

/* Blanks, then that character if it is there. */
static bool
take(struct pbtxt *p, char c)
{
	blank(p);
	if (!is(p, c))
		return false;
	p->at++;
	return true;
}

static bool
word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Up to max digits of that base, as a byte. */
static char
number_escape(struct pbtxt *p, int base, int max)
{
	int v = 0;

	for (; max > 0 && p->at < p->end && digit(*p->at) < base; max--)
		v = v * base + digit(*p->at++);
	return (char)v;
}

/* What stands behind a backslash. */
static char
escape(struct pbtxt *p)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	const char *found;
	char c = *p->at;

	if (c >= '0' && c <= '7')
		return number_escape(p, 8, 3);
	p->at++;
	if (c == 'x' || c == 'X')
		return number_escape(p, 16, 2);
	found = c != '\0' ? strchr(from, c) : NULL;
	return found != NULL ? to[found - from] : c;
}

/* One quoted piece, added to the text. */
static int
quoted(struct pbtxt *p, struct err *e)
{
	char quote = *p->at++, c;

	while (p->at < p->end && *p->at != quote) {
		c = *p->at;
		if (c == '\n')
			return wrong(p, e, "the end of the string");
		p->at++;
		if (c == '\\') {
			if (p->at == p->end)
				break;
			c = escape(p);
		}
		if (p->len == PBTXT_TEXT - 1)
			return err_set(e, ERR_LIMIT, "line %u: string of more "
			    "than %d bytes", p->line, PBTXT_TEXT - 1);
		p->text[p->len++] = c;
	}
	if (!is(p, quote))
		return wrong(p, e, "the end of the string");
	p->at++;
	return 0;
}

static int
string(struct pbtxt *p, struct err *e)
{
	p->kind = PBTXT_STRING;
	do {
		if (quoted(p, e) == -1)
			return -1;
		blank(p);
	} while (is(p, '"') || is(p, '\''));
	p->text[p->len] = '\0';
	return 0;
}

/* A number or a word, as it is written. */
static int
bare(struct pbtxt *p, struct err *e)
{
	p->kind = PBTXT_WORD;
	if (is(p, '-') || is(p, '+')) {
		p->text[p->len++] = *p->at++;
		blank(p);
	}
	if (p->at < p->end && ((*p->at >= '0' && *p->at <= '9') ||
	    *p->at == '.'))
		p->kind = PBTXT_NUMBER;
	while (p->at < p->end && (word_char(*p->at) || *p->at == '.' ||
	    ((*p->at == '-' || *p->at == '+') && p->len > 0 &&
	    p->kind == PBTXT_NUMBER))) {
		if (p->len == PBTXT_NAME)
			return wrong(p, e, "the end of the value");
		p->text[p->len++] = *p->at++;
	}
	p->text[p->len] = '\0';
	return p->len > 0 ? 0 : wrong(p, e, "a value");
}

static int
open_message(struct pbtxt *p, struct err *e)
{
	char closer = *p->at == '{' ? '}' : '>';

	if (p->depth == PBTXT_DEPTH)
		return err_set(e, ERR_LIMIT, "line %u: deeper than %d levels",
		    p->line, PBTXT_DEPTH);
	p->at++;
	p->depth++;
	memset(top(p), 0, sizeof(*top(p)));
	top(p)->closer = closer;
	return 0;
}

/* A value of the field p->name. */
static int
value(struct pbtxt *p, enum pbtxt_event *event, struct err *e)
{
	p->len = 0;
	blank(p);
	if (is(p, '{') || is(p, '<')) {
		*event = PBTXT_OPEN;
		return open_message(p, e);
	}
	*event = PBTXT_VALUE;
	if (is(p, '"') || is(p, '\''))
		return string(p, e);
	return bare(p, e);
}

static int
field_name(struct pbtxt *p, struct err *e)
{
	bool extension = is(p, '[');
	size_t n = 0;

	if (extension)
		p->at++;
	while (p->at < p->end && (word_char(*p->at) ||
	    (extension && (*p->at == '.' || *p->at == '/')))) {
		if (n == PBTXT_NAME - 1)
			return wrong(p, e, "the end of the name");
		p->name[n++] = *p->at++;
	}
	p->name[n] = '\0';
	if (n == 0 || (extension && !take(p, ']')))
		return wrong(p, e, "the name of a field");
	return 0;
}

/* The next value of the list we are in; *over: there is none. */
static int
list_value(struct pbtxt *p, enum pbtxt_event *event, bool *over,
    struct err *e)
{
	struct pbtxt_level *l = top(p);

	*over = take(p, ']');
	if (*over) {
		l->list = false;
		return 0;
	}
	if (l->comma && !take(p, ','))
		return wrong(p, e, "',' or ']'");
	l->comma = true;
	memcpy(p->name, l->name, sizeof(p->name));
	return value(p, event, e);
}

static int
field(struct pbtxt *p, enum pbtxt_event *event, bool *list, struct err *e)
{
	struct pbtxt_level *l = top(p);
	bool colon;

	*list = false;
	if (field_name(p, e) == -1)
		return -1;
	colon = take(p, ':');
	if (take(p, '[')) {
		l->list = *list = true;
		l->comma = false;
		memcpy(l->name, p->name, sizeof(l->name));
		return 0;
	}
	if (!colon && !is(p, '{') && !is(p, '<'))
		return wrong(p, e, "':'");
	return value(p, event, e);
}

int
pbtxt_next(struct pbtxt *p, enum pbtxt_event *event, struct err *e)
{
	bool again = true;

	while (again) {
		if (top(p)->list) {
			if (list_value(p, event, &again, e) == -1)
				return -1;
			continue;
		}
		(void)(take(p, ',') || take(p, ';'));
		blank(p);
		if (p->at == p->end && p->depth == 1) {
			*event = PBTXT_END;
			return 0;
		}
		if (p->depth > 1 && is(p, top(p)->closer)) {
			p->at++;
			p->depth--;
			*event = PBTXT_CLOSE;
			return 0;
		}
		if (field(p, event, &again, e) == -1)
			return -1;
	}
	return 0;
}

int
pbtxt_skip(struct pbtxt *p, struct err *e)
{
	unsigned outside = p->depth - 1;
	enum pbtxt_event event;

	do {
		if (pbtxt_next(p, &event, e) == -1)
			return -1;
	} while (p->depth > outside);
	return 0;
}

bool
pbtxt_int(const struct pbtxt *p, int64_t *out)
{
	long long v;
	char *end;

	if (p->kind != PBTXT_NUMBER)
		return false;
	errno = 0;
	v = strtoll(p->text, &end, 0);
	if (errno != 0 || *end != '\0')
		return false;
	*out = v;
	return true;
}

bool
pbtxt_bool(const struct pbtxt *p, bool *out)
{
	static const char *const words[] = { "false", "true", "0", "1", "f",
	    "t", "False", "True" };

	if (p->kind == PBTXT_STRING)
		return false;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(p->text, words[i]) == 0) {
			*out = i % 2 == 1;
			return true;
		}
	return false;
}
