/*
 * labels: what the classes of an output are called, a line of a file each.
 *
 * As Triton reads label_filename: line i is the label of element i, the first
 * being 0; an empty line is no label.
 */
#ifndef PARSE_LABELS_H
#define PARSE_LABELS_H

#include <stddef.h>

#include "base/err.h"

#define LABELS_FILE_MAX	((size_t)4 << 20)	/* bytes */
#define LABEL_MAX	255			/* bytes of one */

struct labels;

/*
 * From the text of a file, of at most LABELS_FILE_MAX bytes: UTF-8, ends of
 * lines as Unix or Windows write them.  NULL: *err names line and expectation.
 */
struct labels	*labels_parse(const char *text, size_t n, struct err *);
void		 labels_free(struct labels *);	/* NULL is fine */

/* Of that class; "" if it has none.  NULL labels have none. */
const char	*labels_of(const struct labels *, size_t index);

#endif
