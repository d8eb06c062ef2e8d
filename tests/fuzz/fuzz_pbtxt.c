/* Any bytes as a config.pbtxt: refused with a line, or read. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "parse/pbtxt.h"
#include "parent/modelconf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
no_warning(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

/* Every message that is opened is closed, and the reading ends. */
static void
read_events(const char *text, size_t n)
{
	struct pbtxt p;
	enum pbtxt_event event = PBTXT_VALUE;
	struct err e;
	size_t events = 0;
	int depth = 0;

	pbtxt_start(&p, text, n);
	while (event != PBTXT_END && pbtxt_next(&p, &event, &e) == 0) {
		depth += (event == PBTXT_OPEN) - (event == PBTXT_CLOSE);
		if (depth < 0 || depth >= PBTXT_DEPTH || events++ > 2 * n + 2)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct model_config *c;
	struct err e = { .code = ERR_NONE };

	read_events((const char *)data, n);
	c = modelconf_parse((const char *)data, n, "m", no_warning, NULL, &e);
	if (c == NULL && e.code == ERR_NONE)
		abort();
	modelconf_put(c);
	return 0;
}
