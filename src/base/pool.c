#include "base/pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

#define BLOCK	((size_t)16 * 1024)
#define ALIGN	alignof(max_align_t)

struct block {
	struct block		*next;
	alignas(max_align_t) char data[];
};

struct pool {
	struct block	*blocks;
	char		*at;		/* free space of the newest block */
	size_t		 left;
	size_t		 used;
	size_t		 max;
};

struct pool *
pool_new(size_t max)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->max = max;
	return p;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	for (struct block *b = p->blocks, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(p);
}

/* A block for n bytes; one that is large for its own stays apart. */
static void *
grow(struct pool *p, size_t n)
{
	size_t bytes = n > BLOCK / 4 ? n : BLOCK;
	struct block *b = calloc(1, sizeof(*b) + bytes);

	if (b == NULL)
		return NULL;
	b->next = p->blocks;
	p->blocks = b;
	if (bytes - n > p->left) {
		p->at = b->data + n;
		p->left = bytes - n;
	}
	return b->data;
}

void *
pool_get(struct pool *p, size_t n)
{
	void *r = p->at;

	if (n == 0)
		n = 1;
	if (n > p->max - p->used || p->max - p->used - n < ALIGN)
		return NULL;
	n = size_round(n, ALIGN);
	if (n <= p->left) {
		p->at += n;
		p->left -= n;
	} else if ((r = grow(p, n)) == NULL)
		return NULL;
	p->used += n;
	return r;
}

void *
pool_array(struct pool *p, size_t n, size_t size)
{
	size_t all;

	return size_mul(n, size, &all) ? pool_get(p, all) : NULL;
}

char *
pool_strn(struct pool *p, const char *s, size_t n)
{
	char *r = n < SIZE_MAX ? pool_get(p, n + 1) : NULL;

	if (r != NULL && n > 0)
		memcpy(r, s, n);
	return r;
}

char *
pool_str(struct pool *p, const char *s)
{
	return pool_strn(p, s, strlen(s));
}

size_t
pool_used(const struct pool *p)
{
	return p->used;
}
