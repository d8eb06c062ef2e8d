/*
 * net_help: load and run a net in a test, with less to say.
 *
 * A device is opened once per process (tests fork per case, so: per case).
 */
#ifndef TESTS_NET_HELP_H
#define TESTS_NET_HELP_H

#include "engine/engine.h"
#include "ocl/ocl.h"

#define HELP_OUTPUTS	8

struct outputs {
	int		 n;
	struct io	 io[HELP_OUTPUTS];	/* type and shape */
	void		*data[HELP_OUTPUTS];	/* malloc'ed */
	size_t		 bytes[HELP_OUTPUTS];
};

/*
 * The device: CLINFERD_TEST_PROFILE=gpu forces the GPU's kernels, _VEC=4, 8 or
 * 16 the width of vectors.
 */
struct ocl	*help_device(void);
struct ocl	*help_ocl(void);	/* the one of all engines here */
struct engine	*help_engine(const struct engine_options *);
/* Loads a copy of bytes; fails the test. */
struct net	*help_load(struct engine *, const void *bytes, size_t n);
struct io	 help_input(enum dtype, int rank, const int64_t *dims,
		    const void *, struct io_seg *);
int		 help_run(struct net *, const struct io *, uint32_t n_in,
		    struct outputs *, struct err *);
void		 help_free(struct outputs *);
void		*help_file(const char *path, size_t *n);
/* Numbers in [-1, 1] that depend on nothing but the seed. */
void		 help_random(uint32_t *seed, float *, size_t n);
/* Largest |a - b| / (1 + |b|) of floats; infinity if exactly one is a NaN. */
double		 help_diff(const float *a, const float *b, size_t n);

#endif
