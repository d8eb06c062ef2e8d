/*
 * impl: what the files of ocl/ share; nobody else includes it.
 */
#ifndef OCL_IMPL_H
#define OCL_IMPL_H

#include <CL/cl.h>
#include <sched.h>

#include "ocl/ocl.h"

#define LANES_MAX	256
#define STEP_ARGS	96

struct programs;
struct team;

/* How a step is launched. */
enum mode {
	MODE_LANES,		/* PoCL's CPU: an instance per lane */
	MODE_CPU,		/* another CPU driver: groups of one item */
	MODE_GPU
};

/* A device as the platforms list it; PoCL's equal CPU devices are one. */
struct found {
	struct ocl_facts	 facts;
	cl_platform_id		 platform;
	char			 platform_version[OCL_NAME];
	bool			 pocl;
	bool			 one_builder;	/* at a time, or it crashes */
	bool			 lane;		/* see device.c: kinds */
	int			 n;		/* lanes it could have */
	cl_device_id		 dev[LANES_MAX];
};

/*
 * All devices.  lanes: how many PoCL should offer, if this process may still
 * say.
 */
int		 device_find(struct found **, size_t *n, int lanes,
		    bool threads, struct err *);

/*
 * Lanes share no OpenCL object: drivers lock every object that a command
 * touches, and lanes that meet in a lock sleep for longer than most kernels
 * take.
 */
struct lane {
	cl_device_id		 dev;
	cl_context		 ctx;
	cl_command_queue	 queue;
};

struct ocl {
	struct ocl_facts	 facts;
	struct found		*found;		/* the one device */
	enum mode		 mode;
	int			 lanes;
	int			 instances;	/* of a CPU kernel */
	struct lane		*lane;		/* [lanes] */
	cl_context		 compiler;	/* NULL: nothing compiled yet */
	struct team		*team;
	struct programs		*programs;
	struct ocl_buf		*next;		/* LANES: the pieces' counter */
	bool			 tempdir;	/* is open; see tempdir.h */
	cpu_set_t		 cpus;		/* allowed at the start */
	size_t			 memory, memory_max;
	struct ocl_stats	 stats;

	/* What the lanes do now. */
	struct ocl_step		*now;
	_Atomic int		 failed;	/* a lane's cl_int, or 0 */
};

struct ocl_buf {
	cl_mem			*mem;		/* [lanes]: the same bytes */
	size_t			 bytes;
	void			*host;		/* LANES: its memory */
	size_t			 mapped;
};

/* One argument, kept so that it can be applied whenever the kernels exist. */
enum arg_kind { ARG_UNSET, ARG_BYTES, ARG_BUF, ARG_SCRATCH };
struct arg {
	enum arg_kind		 kind;
	struct ocl_buf		*buf;		/* BUF; SCRATCH: all lanes' */
	struct ocl_buf		**scratch;	/* SCRATCH: [lanes], owned */
	size_t			 n;
	uint8_t			 bytes[64];
};

struct program;				/* program.h */

struct ocl_step {
	struct ocl		*ocl;
	char			*file, *kernel, *defines, *preamble;
	struct program		*program;
	cl_kernel		*k;		/* [lanes]; NULL: not built */
	int			 n_arg;		/* without WORK */
	struct arg		 arg[STEP_ARGS];
	int			 n_set;		/* of them */
	size_t			 scratch;	/* of an instance; 0: none */
	int			 total;
	int			 trials;	/* LANES: see run.c */
	int64_t			 best[2];	/* ns alone, and by all lanes */
	size_t			 groups;	/* not LANES: of the range */
	size_t			 local[2];	/* as given; 0: a default */
};

#endif
