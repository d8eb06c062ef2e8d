/* The text of a number: whatever is read must print and read back the same. */
#include "base/size.h"
#include "parse/num.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const enum dtype types[] = { DT_FLOAT, DT_DOUBLE, DT_FLOAT16,
	    DT_BFLOAT16, DT_INT8, DT_UINT8, DT_INT16, DT_UINT16, DT_INT32,
	    DT_UINT32, DT_INT64, DT_UINT64 };
	const char *s = (const char *)data;
	char text[NUM_TEXT];
	struct num v, again;

	if (num_scan(s, s + n, &v) == NULL)
		return 0;
	for (size_t i = 0; i < nitems(types); i++) {
		uint64_t a = 0, b = 0;
		size_t len;

		if (!num_store(&v, types[i], &a))
			continue;
		len = num_print(types[i], &a, text);
		if (len > NUM_TEXT ||
		    num_scan(text, text + len, &again) != text + len ||
		    !num_store(&again, types[i], &b) ||
		    (a != b && v.kind != NUM_NAN))
			abort();
	}
	return 0;
}
