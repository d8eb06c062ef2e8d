/* What shm, extent, segment, space and text promise. */
#include <sys/mman.h>

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/size.h"
#include "ipc/extent.h"
#include "ipc/segment.h"
#include "ipc/shm.h"
#include "ipc/space.h"
#include "ipc/text.h"
#include "suite.h"

START_TEST(a_reader_cannot_write_or_resize)
{
	struct shm s;
	struct err e;
	int fd;

	ck_assert_int_eq(shm_create(&s, "t", 8192, SHM_PEER_READS, &e), 0);
	s.data[8191] = 7;
	fd = dup(s.fd);
	ck_assert_int_eq(ftruncate(fd, 4096), -1);
	ck_assert_int_eq(ftruncate(fd, 16384), -1);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0), MAP_FAILED);
	shm_close(&s);
	(void)close(fd);
}
END_TEST

START_TEST(a_peers_memory_is_checked_before_it_is_mapped)
{
	struct shm s, peer;
	struct err e;
	int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	ck_assert_int_eq(shm_map_own(&peer, fd, 1, 4096, false, &e), -1);
	ck_assert_int_eq(e.code, ERR_INVALID);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);

	ck_assert_int_eq(shm_create(&s, "t", 4096, SHM_PEER_WRITES, &e), 0);
	ck_assert_int_eq(shm_map_own(&peer, dup(s.fd), 1, 4095, true, &e), -1);
	ck_assert_int_eq(shm_map_own(&peer, dup(s.fd), 4097, 9000, true, &e),
	    -1);
	ck_assert_int_eq(shm_map_own(&peer, open("/dev/null", O_RDWR), 1, 4096,
	    true, &e), -1);
	ck_assert_int_eq(shm_map_own(&peer, dup(s.fd), 1, 4096, true, &e), 0);
	peer.data[5] = 9;
	ck_assert_int_eq(s.data[5], 9);
	shm_close(&peer);
	shm_close(&s);
}
END_TEST

static uint32_t seed;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525U + 1013904223U;
	return (uint32_t)(((uint64_t)seed * n) >> 32);
}

enum { HELD = 400, ROUNDS = 40000 };

static void
check_apart(struct extent *const *x)
{
	for (int i = 0; i < HELD; i++)
		for (int k = 0; x[i] != NULL && k < i; k++)
			ck_assert(x[k] == NULL ||
			    x[i]->offset >= x[k]->offset + x[k]->bytes ||
			    x[k]->offset >= x[i]->offset + x[i]->bytes);
}

START_TEST(extents_do_not_overlap_and_join_again)
{
	const uint64_t whole = 1 << 22;
	struct extents *s = extents_new(whole);
	struct extent *x[HELD] = { 0 };
	uint64_t used = 0;

	seed = 1;
	for (int i = 0; i < ROUNDS; i++) {
		struct extent **p = &x[rnd(HELD)];

		if (*p != NULL && rnd(4) == 0)
			extent_trim(*p, 1 + rnd((uint32_t)(*p)->bytes));
		else if (*p != NULL)
			extent_put(*p), *p = NULL;
		else
			*p = extent_get(s, 1 + rnd(1U << rnd(20)));
		if (i % 1000 == 0)
			check_apart(x);
	}
	for (int i = 0; i < HELD; i++)
		used += x[i] != NULL ? x[i]->bytes : 0;
	ck_assert_uint_eq(used, extents_used(s));
	for (int i = 0; i < HELD; i++)
		if (x[i] != NULL)
			extent_put(x[i]);
	ck_assert_uint_eq(extents_used(s), 0);
	x[0] = extent_get(s, whole);
	ck_assert_ptr_nonnull(x[0]);
	ck_assert_ptr_null(extent_get(s, 1));
	extents_free(s);
}
END_TEST

START_TEST(an_odd_extent_can_be_taken_whole)
{
	struct extents *s = extents_new((1 << 20) + 64);
	struct extent *x = extent_get(s, (1 << 20) + 64);

	ck_assert_ptr_nonnull(x);
	extent_put(x);
	ck_assert_ptr_null(extent_get(s, (1 << 20) + 65));
	ck_assert_ptr_null(extent_get(s, 0));
	ck_assert_ptr_null(extent_get(s, UINT64_MAX));
	extents_free(s);
}
END_TEST

/* Of what a mixed load asks for, nearly all of the memory can be handed out. */
START_TEST(mixed_sizes_do_not_fragment)
{
	const uint64_t whole = 16 << 20;
	struct extents *s = extents_new(whole);
	static struct extent *x[HELD];
	uint64_t asked = 0, best = 0;

	seed = 2;
	for (int i = 0; i < ROUNDS; i++) {
		struct extent **p = &x[rnd(HELD)];

		if (*p != NULL)
			extent_put(*p);
		*p = extent_get(s, rnd(8) == 0 ? 600000 : 1000 + rnd(9000));
		asked = extents_used(s);
		best = asked > best ? asked : best;
	}
	ck_assert_uint_gt(best, whole / 8 * 7);
	extents_free(s);
}
END_TEST

static int added, dropped;

static void
on_added(void *arg, const struct segment *s)
{
	(void)arg;
	ck_assert_int_ge(s->fd, 0);
	added++;
}

static void
on_dropped(void *arg, uint32_t id)
{
	(void)arg;
	ck_assert_uint_gt(id, 0);
	dropped++;
}

static const struct arena_events events = { on_added, on_dropped, NULL };

START_TEST(an_arena_grows_to_its_limit_and_shrinks)
{
	struct arena *a = arena_new(3 * SEGMENT_BYTES, &events);
	struct block *b[4];
	struct segment seg;
	struct err e;

	added = dropped = 0;
	for (int i = 0; i < 3; i++) {
		b[i] = block_new(a, SEGMENT_BYTES - 100, &e);
		ck_assert_ptr_nonnull(b[i]);
		ck_assert_uint_eq((uintptr_t)b[i]->data % 64, 0);
		b[i]->data[SEGMENT_BYTES - 101] = 1;
	}
	ck_assert_ptr_null(block_new(a, 4096, &e));
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_int_eq(added, 3);

	/* A worker still holds it: nobody else gets it. */
	block_get(b[1]);
	block_put(b[1]);
	ck_assert_ptr_null(block_new(a, 4096, &e));
	block_put(b[1]);
	b[3] = block_new(a, 4096, &e);
	ck_assert_ptr_nonnull(b[3]);
	ck_assert_uint_eq(b[3]->segment, 2);
	block_put(b[3]);

	ck_assert_int_eq(arena_sweep(a, 1000, 500), 1500);
	ck_assert_int_eq(dropped, 0);
	ck_assert_int_eq(arena_sweep(a, 1500, 500), 0);
	ck_assert_int_eq(dropped, 1);
	ck_assert(arena_segment(a, 1, &seg));
	ck_assert_uint_eq(seg.id, 3);
	ck_assert(!arena_segment(a, 2, &seg));
	block_put(b[0]);
	block_put(b[2]);
	ck_assert_uint_eq(arena_used(a), 0);

	/* Empty segments make way for a block larger than any. */
	b[0] = block_new(a, 2 * SEGMENT_BYTES + 1, &e);
	ck_assert_ptr_nonnull(b[0]);
	ck_assert_int_eq(dropped, 3);
	block_trim(b[0], 10);
	ck_assert_uint_eq(arena_used(a), 64);
	block_put(b[0]);
	ck_assert_ptr_null(block_new(a, SIZE_MAX - 10, &e));
	ck_assert_int_eq(e.code, ERR_LIMIT);
	arena_free(a);
}
END_TEST

START_TEST(an_arena_below_a_segment_still_serves)
{
	struct arena *a = arena_new(100000, NULL);
	struct err e;
	struct block *b = block_new(a, 50000, &e);
	struct block *c = block_new(a, 40000, &e);

	ck_assert_ptr_nonnull(b);
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_null(block_new(a, 40000, &e));
	block_put(b);
	block_put(c);
	arena_free(a);
}
END_TEST

START_TEST(a_space_hands_out_apart_and_stays_low)
{
	struct space s;
	struct err e;
	uint32_t highest = 0, at, n;

	ck_assert_int_eq(space_open(&s, 1 << 20, &e), 0);
	seed = 3;
	for (uint32_t i = 0; i < 100000; i++) {
		if (i >= 4)
			space_reclaim(&s, i - 3);
		n = 8 * (1 + rnd(100));
		at = space_get(&s, n);
		ck_assert_uint_ne(at, SPACE_NONE);
		highest = at > highest ? at : highest;
		for (uint32_t k = s.oldest; k != i; k++) {
			struct extent *x = s.of[k % SPACE_ENTRIES];

			ck_assert(at >= x->offset + x->bytes ||
			    x->offset >= at + n);
		}
	}
	ck_assert_uint_lt(highest, 8 * 832);
	space_close(&s);
}
END_TEST

START_TEST(a_full_space_says_so)
{
	struct space s;
	struct err e;

	ck_assert_int_eq(space_open(&s, 1024, &e), 0);
	ck_assert_uint_eq(space_get(&s, 1032), SPACE_NONE);
	ck_assert_uint_eq(space_get(&s, 512), 0);
	ck_assert_uint_eq(space_get(&s, 512), 512);
	ck_assert_uint_eq(space_get(&s, 8), SPACE_NONE);
	space_unget(&s);
	ck_assert_uint_eq(space_get(&s, 504), 512);
	space_reclaim(&s, 1);
	ck_assert_uint_eq(space_get(&s, 512), 0);
	ck_assert_uint_eq(space_get(&s, 8), SPACE_NONE);
	/* A count that never was is no news. */
	space_reclaim(&s, 77);
	ck_assert_uint_eq(space_get(&s, 8), SPACE_NONE);
	space_close(&s);
}
END_TEST

START_TEST(text_is_cleaned)
{
	char t[] = "a\n\x1b\xc3\xa4\xf0\x9f\x98\x80";
	char u[] = "b\x7f\xc3\xa4\xff";

	ck_assert_uint_eq(text_clean(t, sizeof(t) - 1), 2);
	ck_assert_str_eq(t, "a??\xc3\xa4\xf0\x9f\x98\x80");
	ck_assert_uint_eq(text_clean(u, sizeof(u) - 1), 4);
	ck_assert_str_eq(u, "b????");
	ck_assert_uint_eq(text_clean(t, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipc");
	TCase *c = tcase_create("ipc");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_reader_cannot_write_or_resize);
	tcase_add_test(c, a_peers_memory_is_checked_before_it_is_mapped);
	tcase_add_test(c, extents_do_not_overlap_and_join_again);
	tcase_add_test(c, an_odd_extent_can_be_taken_whole);
	tcase_add_test(c, mixed_sizes_do_not_fragment);
	tcase_add_test(c, an_arena_grows_to_its_limit_and_shrinks);
	tcase_add_test(c, an_arena_below_a_segment_still_serves);
	tcase_add_test(c, a_space_hands_out_apart_and_stays_low);
	tcase_add_test(c, a_full_space_says_so);
	tcase_add_test(c, text_is_cleaned);
	suite_add_tcase(s, c);
	return suite_run(s);
}
