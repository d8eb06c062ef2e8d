/* An ONNX file: loaded whole, or refused with a reason. */
#include <stdint.h>

#include "model/graph.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = { .code = ERR_NONE };
	struct model *m;
	void *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL)
		return 0;
	if (n > 0)
		memcpy(copy, data, n);
	if ((m = model_load(copy, n, NULL, &e)) != NULL)
		model_free(m);
	else
		free(copy);
	if (m == NULL && e.text[0] == '\0')
		abort();
	return 0;
}
