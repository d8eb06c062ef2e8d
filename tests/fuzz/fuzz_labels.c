/* Any bytes as a file of labels: refused with a line, or read. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "parse/labels.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = { .code = ERR_NONE };
	struct labels *l = labels_parse((const char *)data, n, &e);

	if (l == NULL && e.code == ERR_NONE)
		abort();
	for (size_t i = 0; i <= n; i++) {
		const char *s = labels_of(l, i);

		if (strlen(s) > LABEL_MAX || !utf8_valid(s, strlen(s)))
			abort();
	}
	labels_free(l);
	return 0;
}
