/*
 * host_mem: who owns the bytes that a definition makes.
 *
 * `out` lives as long as the values that a node gives, `scratch` as long as the
 * call of its host().  Both are pools: bounded, zero-filled, freed whole.
 */
#ifndef PLAN_HOST_MEM_H
#define PLAN_HOST_MEM_H

#include "base/pool.h"

struct host_mem {
	struct pool	*out, *scratch;
	/* place[i]: where output i is wanted, place_bytes[i] of it, or NULL. */
	void *const	*place;
	const size_t	*place_bytes;
	int		 n_place;
};

#endif
