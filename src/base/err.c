#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[ERR_NONE] = "none",
	[ERR_INVALID] = "invalid",
	[ERR_NOT_FOUND] = "not found",
	[ERR_LIMIT] = "limit",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_UNAVAILABLE] = "unavailable",
	[ERR_MEMORY] = "memory",
	[ERR_SYSTEM] = "system",
	[ERR_DEVICE] = "device",
	[ERR_INTERNAL] = "internal",
};

const char *
err_name(enum err_code code)
{
	return names[code];
}

int
err_vset(struct err *e, enum err_code code, const char *fmt, va_list ap)
{
	if (e != NULL) {
		e->code = code;
		(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	}
	return -1;
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, code, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_SYSTEM, fmt, ap);
	va_end(ap);
	if (e != NULL) {
		size_t n = strlen(e->text);
		(void)snprintf(e->text + n, sizeof(e->text) - n, ": %s",
		    strerror(saved));
	}
	return -1;
}

int
err_memory(struct err *e, const char *what, size_t n)
{
	return err_set(e, ERR_MEMORY, "out of memory: %zu bytes for %s", n,
	    what);
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	char front[ERR_TEXT];
	size_t n, room;
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(front, sizeof(front), fmt, ap);
	va_end(ap);
	/* What does not fit is cut from the front: the reason stays. */
	n = strlen(e->text);
	room = sizeof(e->text) - 1 - n;
	if (room < 3)
		return -1;
	if (strlen(front) > room - 2)
		front[room - 2] = '\0';
	room = strlen(front);
	memmove(e->text + room + 2, e->text, n + 1);
	memcpy(e->text, front, room);
	memcpy(e->text + room, ": ", 2);
	return -1;
}
