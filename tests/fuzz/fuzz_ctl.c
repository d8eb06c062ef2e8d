/*
 * Control messages, as either side reads them.  What is accepted encodes again,
 * and decodes to the same bytes.
 */
#include "ipc/ctl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ctl_msg m, again;
	struct buf one, two;
	struct err e;

	if (ctl_decode(data, n, &m, &e) == -1)
		return 0;
	buf_init(&one, CTL_BYTES_MAX);
	buf_init(&two, CTL_BYTES_MAX);
	if (ctl_encode(&m, &one, &e) == -1 ||
	    ctl_decode(one.data, one.len, &again, &e) == -1 ||
	    ctl_encode(&again, &two, &e) == -1 || one.len != two.len ||
	    memcmp(one.data, two.data, one.len) != 0)
		abort();
	ctl_msg_done(&m);
	ctl_msg_done(&again);
	buf_done(&one);
	buf_done(&two);
	return 0;
}
