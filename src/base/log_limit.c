#include "base/log_limit.h"

#include "base/clock.h"
#include "base/size.h"

#define COST	(NS_PER_S / LOG_PER_SECOND)

/*
 * A call is its two pointers.  Of two that fall on the same place the later one
 * begins anew: they get more than their share then, never less.
 */
static struct call {
	const char	*fmt, *area;
	int64_t		 full_ns;	/* when it has all its lines again */
	uint64_t	 dropped;
} calls[128];

bool
log_limit(const char *fmt, const char *area, int64_t now_ns,
    uint64_t *dropped)
{
	uintptr_t key = (uintptr_t)fmt * 31 + (uintptr_t)area;
	struct call *c = &calls[(key ^ key >> 7 ^ key >> 14) % nitems(calls)];

	*dropped = 0;
	if (c->fmt != fmt || c->area != area)
		*c = (struct call){ .fmt = fmt, .area = area };
	if (c->full_ns < now_ns)
		c->full_ns = now_ns;
	if (c->full_ns + COST > now_ns + LOG_BURST * COST) {
		c->dropped++;
		return false;
	}
	c->full_ns += COST;
	*dropped = c->dropped;
	c->dropped = 0;
	return true;
}
