/* A NumPy file: what is read is copied whole, and survives writing. */
#include <stdint.h>

#include "parse/npy.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct npy a, again;
	struct buf b;
	void *copy;

	if (npy_read(data, n, &a, NULL) == -1)
		return 0;
	if ((copy = malloc(a.bytes > 0 ? a.bytes : 1)) == NULL)
		return 0;
	npy_copy(&a, copy);
	buf_init(&b, a.bytes + 1024);
	npy_write(&b, a.type, &a.shape, copy, a.bytes);
	if (buf_failed(&b) || npy_read(b.data, b.len, &again, NULL) == -1 ||
	    again.type != a.type || !shape_equal(&again.shape, &a.shape) ||
	    (a.bytes > 0 && memcmp(again.data, copy, a.bytes) != 0))
		abort();
	buf_done(&b);
	free(copy);
	return 0;
}
