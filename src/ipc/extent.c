#include <stdbool.h>
#include <stdlib.h>

#include "ipc/extent.h"

/*
 * Sizes in units of EXTENT_ALIGN fall into classes: eight per power of two, so
 * that what is handed out is at most an eighth larger than the smallest fit.
 */
enum { SUB_BITS = 3, SUBS = 1 << SUB_BITS, POWERS = 48, SCAN = 32 };

struct extents {
	uint64_t	 bytes;
	uint64_t	 used;
	uint64_t	 powers;	/* bit p: some sub[p] is not zero */
	uint8_t		 sub[POWERS];	/* bit s: list[p][s] is not empty */
	struct extent	*list[POWERS][SUBS];
	struct extent	*lowest;
};

struct class {
	unsigned	power, sub;
};

static unsigned
log2_of(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n);
}

/* The class that a free extent of n bytes is listed in. */
static struct class
class_of(uint64_t bytes)
{
	uint64_t n = bytes / EXTENT_ALIGN;
	unsigned l;

	if (n < SUBS)
		return (struct class){ 0, (unsigned)n };
	l = log2_of(n);
	return (struct class){ l - SUB_BITS + 1,
	    (unsigned)(n >> (l - SUB_BITS)) & (SUBS - 1) };
}

/* The first class of which every extent has n bytes. */
static struct class
class_above(uint64_t bytes)
{
	uint64_t n = bytes / EXTENT_ALIGN;

	if (n >= SUBS)
		n += ((uint64_t)1 << (log2_of(n) - SUB_BITS)) - 1;
	return class_of(n * EXTENT_ALIGN);
}

static bool
is_free(const struct extent *x)
{
	return x->prev != NULL;
}

static void
list_add(struct extents *s, struct extent *x)
{
	struct class c = class_of(x->bytes);
	struct extent **head = &s->list[c.power][c.sub];

	x->next = *head;
	if (x->next != NULL)
		x->next->prev = &x->next;
	x->prev = head;
	*head = x;
	s->sub[c.power] |= (uint8_t)(1U << c.sub);
	s->powers |= (uint64_t)1 << c.power;
}

static void
list_remove(struct extents *s, struct extent *x)
{
	struct class c = class_of(x->bytes);

	*x->prev = x->next;
	if (x->next != NULL)
		x->next->prev = x->prev;
	x->next = NULL;
	x->prev = NULL;
	if (s->list[c.power][c.sub] != NULL)
		return;
	s->sub[c.power] &= (uint8_t)~(1U << c.sub);
	if (s->sub[c.power] == 0)
		s->powers &= ~((uint64_t)1 << c.power);
}

struct extents *
extents_new(uint64_t bytes)
{
	struct extents *s = calloc(1, sizeof(*s));
	struct extent *x = calloc(1, sizeof(*x));

	bytes &= ~(uint64_t)(EXTENT_ALIGN - 1);
	if (s == NULL || x == NULL || bytes == 0 || log2_of(bytes) >= POWERS) {
		free(s);
		free(x);
		return NULL;
	}
	x->of = s;
	x->bytes = bytes;
	s->bytes = bytes;
	s->lowest = x;
	list_add(s, x);
	return s;
}

void
extents_free(struct extents *s)
{
	struct extent *x, *next;

	if (s == NULL)
		return;
	for (x = s->lowest; x != NULL; x = next) {
		next = x->high;
		free(x);
	}
	free(s);
}

uint64_t
extents_used(const struct extents *s)
{
	return s->used;
}

/* The first listed in that class or one above; or NULL. */
static struct extent *
first_from(struct extents *s, struct class c)
{
	unsigned subs = s->sub[c.power] & (~0U << c.sub);
	uint64_t powers;

	if (subs == 0) {
		powers = s->powers & (~(uint64_t)1 << c.power);
		if (powers == 0)
			return NULL;
		c.power = (unsigned)__builtin_ctzll(powers);
		subs = s->sub[c.power];
	}
	return s->list[c.power][__builtin_ctz(subs)];
}

/* An extent of at least that size in the class of that size itself; or NULL. */
static struct extent *
scan(struct extents *s, uint64_t bytes)
{
	struct class c = class_of(bytes);
	struct extent *x = s->list[c.power][c.sub];

	for (int i = 0; x != NULL && i < SCAN; i++, x = x->next)
		if (x->bytes >= bytes)
			return x;
	return NULL;
}

/*
 * Cut what is behind the first bytes off, as a neighbour in no list; or NULL.
 */
static struct extent *
split(struct extent *x, uint64_t bytes)
{
	struct extent *rest = calloc(1, sizeof(*rest));

	if (rest == NULL)
		return NULL;
	rest->of = x->of;
	rest->offset = x->offset + bytes;
	rest->bytes = x->bytes - bytes;
	rest->low = x;
	rest->high = x->high;
	if (rest->high != NULL)
		rest->high->low = rest;
	x->high = rest;
	x->bytes = bytes;
	return rest;
}

/* Swallow the next higher one. */
static void
join(struct extent *x)
{
	struct extent *y = x->high;

	x->bytes += y->bytes;
	x->high = y->high;
	if (x->high != NULL)
		x->high->low = x;
	free(y);
}

static bool
round_up(uint64_t *bytes, uint64_t max)
{
	if (*bytes == 0 || *bytes > max)
		return false;
	*bytes = (*bytes + EXTENT_ALIGN - 1) & ~(uint64_t)(EXTENT_ALIGN - 1);
	return true;
}

struct extent *
extent_get(struct extents *s, uint64_t bytes)
{
	struct extent *x, *rest;
	bool all;

	if (!round_up(&bytes, s->bytes))
		return NULL;
	x = first_from(s, class_above(bytes));
	if (x == NULL)
		x = scan(s, bytes);
	if (x == NULL)
		return NULL;
	list_remove(s, x);
	all = x->bytes == bytes;
	rest = all ? NULL : split(x, bytes);
	if (rest == NULL && !all) {
		list_add(s, x);
		return NULL;
	}
	if (rest != NULL)
		list_add(s, rest);
	s->used += bytes;
	return x;
}

/* Back into the lists, one with its free neighbours. */
static void
release(struct extents *s, struct extent *x)
{
	if (x->high != NULL && is_free(x->high)) {
		list_remove(s, x->high);
		join(x);
	}
	if (x->low != NULL && is_free(x->low)) {
		x = x->low;
		list_remove(s, x);
		join(x);
	}
	list_add(s, x);
}

void
extent_put(struct extent *x)
{
	x->of->used -= x->bytes;
	release(x->of, x);
}

void
extent_trim(struct extent *x, uint64_t bytes)
{
	struct extent *rest;

	if (!round_up(&bytes, x->bytes) || bytes == x->bytes)
		return;
	rest = split(x, bytes);
	if (rest == NULL)
		return;		/* kept whole: only memory is lost */
	x->of->used -= rest->bytes;
	release(x->of, rest);
}
