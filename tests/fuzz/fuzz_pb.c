/* Protobuf: every walk after pb_read() gives as many elements as it counted. */
#include <stdint.h>

#include "base/size.h"
#include "parse/pb.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct msg {
	struct pb_many	spans, ints, floats, doubles;
	struct pb_span	span;
	int64_t		i;
	float		f;
};

static const struct pb_field fields[] = {
	{ 1, PB_SPANS, offsetof(struct msg, spans) },
	{ 2, PB_INTS, offsetof(struct msg, ints) },
	{ 3, PB_FLOATS, offsetof(struct msg, floats) },
	{ 4, PB_DOUBLES, offsetof(struct msg, doubles) },
	{ 5, PB_SPAN, offsetof(struct msg, span) },
	{ 6, PB_INT, offsetof(struct msg, i) },
	{ 7, PB_FLOAT, offsetof(struct msg, f) },
};

static void
walk(struct pb_span s, int depth)
{
	struct msg m = { 0 };
	struct pb_span inner;
	size_t n = 0;
	void *numbers;

	if (depth > 8 || pb_read(s, fields, nitems(fields), &m, NULL) == -1)
		return;
	/* Exactly as much as was counted: a sanitizer sees one more. */
	if ((numbers = malloc(8 * m.ints.count + 1)) == NULL)
		return;
	pb_ints(m.ints, numbers);
	free(numbers);
	if ((numbers = malloc(4 * m.floats.count + 1)) == NULL)
		return;
	pb_floats(m.floats, numbers);
	free(numbers);
	if ((numbers = malloc(8 * m.doubles.count + 1)) == NULL)
		return;
	pb_doubles(m.doubles, numbers);
	free(numbers);
	for (struct pb_many it = m.spans; pb_next(&it, &inner); n++)
		walk(inner, depth + 1);
	if (n != m.spans.count)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	walk((struct pb_span){ data, n }, 0);
	return 0;
}
