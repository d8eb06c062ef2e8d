/*
 * clock: monotonic time; nothing in this project measures with anything else.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US	INT64_C(1000)
#define NS_PER_MS	INT64_C(1000000)
#define NS_PER_S	INT64_C(1000000000)

static inline int64_t
clock_of(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Nanoseconds since some fixed moment; comparable between processes. */
static inline int64_t
clock_ns(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

#endif
