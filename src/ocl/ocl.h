/*
 * ocl: one OpenCL device, however many lanes it takes to drive it.
 *
 * A lane is a host thread with its own cl_device, queue and kernel objects.  A
 * GPU has one lane and runs a step as an ND-range.  The CPU through PoCL has
 * one lane per core it may use, each a "basic" device that runs a kernel inside
 * the enqueue call: every lane runs one instance of the step's kernel, the
 * instances take pieces of work from a shared counter, and a spin barrier ends
 * the step. From here up all lanes are one device.
 *
 * Kernels are written once for both (cl/common.h): the last parameters of every
 * kernel are WORK, and FOR_WORK(g) walks the pieces that this instance takes.
 *
 * One thread calls everything here (the lanes are ocl's own).  An error that is
 * not the request's own comes back as ERR_DEVICE: the context is in doubt and
 * the process should end.
 */
#ifndef OCL_OCL_H
#define OCL_OCL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define OCL_NAME	256

enum ocl_type { OCL_CPU, OCL_GPU, OCL_ACCELERATOR, OCL_OTHER };

/* How kernels should look like; what operators ask, never the vendor. */
enum ocl_profile { PROFILE_CPU, PROFILE_GPU };

struct ocl_facts {
	char		 name[OCL_NAME];	/* "platform/device#k" */
	char		 platform[OCL_NAME];
	char		 device[OCL_NAME];
	char		 vendor[OCL_NAME];
	char		 driver[OCL_NAME];	/* driver version */
	char		 version[OCL_NAME];	/* CL_DEVICE_VERSION */
	enum ocl_type	 type;
	enum ocl_profile profile;
	int		 lanes;			/* 1, or cores of a PoCL CPU */
	uint32_t	 units;			/* compute units */
	uint64_t	 memory;		/* bytes, global */
	uint64_t	 max_alloc;		/* bytes of one buffer */
	uint64_t	 local_memory;		/* bytes */
	size_t		 max_group;		/* work-items in a group */
	int		 vec;		/* floats in a vector: 4, 8, 16 */
	bool		 fp64;			/* can compute doubles */
	bool		 shared;		/* buffers lie in host memory */
};

/*
 * The devices of all platforms the ICD loader sees; malloc'ed array, or NULL.
 */
int		 ocl_list(struct ocl_facts **, size_t *n, struct err *);

enum ocl_force { FORCE_NONE, FORCE_CPU, FORCE_GPU };

struct ocl_options {
	const char	*device;	/* part of its name; NULL: the first */
	int		 lanes;		/* 0: as many as cores are allowed */
	enum ocl_force	 profile;	/* tests run GPU kernels on a CPU */
	int		 vec;		/* 0: the device's; tests: 4, 8 or 16 */
	const char	*cache_dir;	/* program binaries; NULL: no cache */
	const char	*cl_dir;	/* files here win over built-in ones */
	bool		 cache_skip;	/* do not read the cache, only write */
};

/*
 * Open a device.  Sets POCL_* in the environment before the first OpenCL call
 * of the process where lanes need it, so call it before any other, once.
 */
struct ocl	*ocl_open(const struct ocl_options *, struct err *);
void		 ocl_close(struct ocl *);		/* NULL is fine */

/* From now on as cache_skip says: for a model whose loading ended a process. */
void		 ocl_cache_skip(struct ocl *, bool skip);

const struct ocl_facts *ocl_facts(const struct ocl *);

/* Device memory, zero-filled.  Offsets and sizes in bytes. */
struct ocl_buf;
struct ocl_buf	*ocl_buf_new(struct ocl *, size_t bytes, struct err *);
void		 ocl_buf_free(struct ocl *, struct ocl_buf *);
size_t		 ocl_buf_bytes(const struct ocl_buf *);
int		 ocl_write(struct ocl *, struct ocl_buf *, size_t off,
		    const void *, size_t n, struct err *);
int		 ocl_read(struct ocl *, struct ocl_buf *, size_t off, void *,
		    size_t n, struct err *);
int		 ocl_zero(struct ocl *, struct ocl_buf *, size_t off, size_t n,
		    struct err *);
/* The buffer's bytes where facts.shared, else NULL. */
void		*ocl_buf_host(struct ocl_buf *);

/*
 * Which kernel: a file of cl/ without ".cl", compiled with defines ("-DTW=14
 * -DNB=2", also the build cache's key) after an optional preamble of source
 * text (fused expressions).  All strings are copied.
 */
struct ocl_source {
	const char	*file;
	const char	*kernel;
	const char	*defines;
	const char	*preamble;	/* NULL: none */
};

/*
 * A kernel and its arguments, ready to be launched.  Created unbuilt;
 * ocl_build() compiles the programs of many steps in parallel (or takes them
 * from memory or the disk cache), makes the kernel objects of all lanes and
 * applies the arguments. Arguments may be set before or after.
 */
/*
 * A buffer must not be freed while a step has it as an argument and is still
 * run.
 */
struct ocl_step;
struct ocl_step	*ocl_step_new(struct ocl *, const struct ocl_source *,
		    struct err *);
void		 ocl_step_free(struct ocl *, struct ocl_step *);

/* Argument i (from 0; WORK is appended by us). */
int		 ocl_step_buf(struct ocl_step *, int i, struct ocl_buf *,
		    struct err *);
int		 ocl_step_bytes(struct ocl_step *, int i, const void *,
		    size_t n, struct err *);
/*
 * Private memory of each instance: n bytes of it, on the CPU profile only, once
 * in a step (cl/common.h: SCRATCH(T, x)).  What is in it at the start is
 * undefined.
 */
int		 ocl_step_scratch(struct ocl_step *, int i, size_t n,
		    struct err *);

/*
 * How much work: CPU profile: total pieces; GPU profile: total groups of
 * local[0] x local[1] work-items (each group one piece at a time; 0, or local
 * NULL: a default of the device).  total fits an int.  May be 0.
 */
int		 ocl_step_work(struct ocl_step *, size_t total,
		    const size_t local[2], struct err *);

/*
 * What is known of a step's program on this device.  A driver's compiler may
 * be wrong, and says nothing then: whoever knows what a kernel should compute
 * tries it and judges.  Verdicts good and bad are kept in the disk cache beside
 * the binary, under the same key; UNCHECKED only lasts as long as the process.
 */
enum ocl_trust { TRUST_UNKNOWN, TRUST_GOOD, TRUST_BAD, TRUST_UNCHECKED };

/* Find programs, not built yet, so that trust is known. */
int		 ocl_find(struct ocl *, struct ocl_step *const *, size_t n,
		    struct err *);
/* UNKNOWN before ocl_find() or ocl_build(). */
enum ocl_trust	 ocl_step_trust(const struct ocl_step *);
/* For all steps of that program. */
void		 ocl_step_judge(struct ocl *, struct ocl_step *,
		    enum ocl_trust);

int		 ocl_build(struct ocl *, struct ocl_step *const *, size_t n,
		    struct err *);

/*
 * Run built steps one after the other and wait for the end.  ns, if not NULL,
 * receives each step's time.  per_ns costs time itself: profiling only.
 */
int		 ocl_run(struct ocl *, struct ocl_step *const *, size_t n,
		    int64_t *ns, struct err *);

/* Bytes of device memory in buffers now; more than max are refused. */
size_t		 ocl_memory(const struct ocl *);
void		 ocl_memory_limit(struct ocl *, size_t max);

/* What became of programs so far; for logs, metrics and tests. */
struct ocl_stats {
	unsigned	 compiled;	/* from source */
	unsigned	 loaded;	/* from the disk cache */
	unsigned	 damaged;	/* found on disk, but of no use */
	unsigned	 unsaved;	/* could not be written there */
};
void		 ocl_stats(const struct ocl *, struct ocl_stats *);

#endif
