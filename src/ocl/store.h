/*
 * store: a folder of program binaries, named by what they were made from.
 *
 * What is loaded from here is run as native code, so the folder and its files
 * must be ours and nobody else's to write, and links are not followed.  Against
 * damage each file carries its key and a checksum of itself: a file that does
 * not fit is removed and counts as not there.  Files appear whole or not at all
 * (written beside, then renamed).  The folder is bounded; what was not used for
 * the longest time goes first.
 */
#ifndef OCL_STORE_H
#define OCL_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

struct store;

/* Makes the folder (not its parents) if it is not there. */
struct store	*store_open(const char *dir, struct err *);
void		 store_close(struct store *);		/* NULL is fine */

/* Bounds, for tests; the defaults are in store.c. */
void		 store_limit(struct store *, size_t files, uint64_t bytes);

enum store_result { STORE_FOUND, STORE_NONE, STORE_DAMAGED };

/* FOUND: *data is malloc'ed. */
enum store_result store_get(struct store *, const uint8_t key[SHA256_BYTES],
		    void **data, size_t *n);
int		 store_put(struct store *, const uint8_t key[SHA256_BYTES],
		    const void *data, size_t n, struct err *);

#endif
