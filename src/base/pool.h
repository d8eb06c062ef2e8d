/*
 * pool: memory of one life, freed in one call.
 *
 * For what lives as long as a model, a plan or a test: many small objects, no
 * single one freed alone.  Zero-filled, aligned for any type, bounded by a
 * maximum given at the start (hostile files reach that, not the machine's end).
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

struct pool;

/* NULL if out of memory. */
struct pool	*pool_new(size_t max);
void		 pool_free(struct pool *);	/* NULL is fine */

/* n zero bytes, or NULL over the maximum or out of memory. */
void		*pool_get(struct pool *, size_t n);

/* n * size, checked. */
void		*pool_array(struct pool *, size_t n, size_t size);

/* A copy of n bytes with a NUL behind. */
char		*pool_strn(struct pool *, const char *, size_t n);
char		*pool_str(struct pool *, const char *);

/* Bytes handed out so far. */
size_t		 pool_used(const struct pool *);

#endif
