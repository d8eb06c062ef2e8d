/*
 * ctl: typed messages between the parent and a worker, with descriptors.
 *
 * Seldom and small, over a SOCK_SEQPACKET pair: one packet is one message.  The
 * parent believes nothing of what a worker sends: decoding is a pure function
 * with limits, a descriptor where none belongs is closed, sending and receiving
 * never block.  What happens to requests goes through ipc/channel.h, not here.
 *
 *	parent -> worker			worker -> parent
 *						HELLO	once, its device usable
 *	SEGMENT_ADD + fd
 *	SEGMENT_DROP				SEGMENT_DROPPED
 *	LOAD + directory fd			LOADED or LOAD_FAILED
 *	UNLOAD					UNLOADED
 *	DRAIN	finish what was submitted,	then it exits with status 0
 *	PING					PONG
 *
 * A model's handle is the parent's choice, used once per worker life.  Loading
 * the same handle again is an error.  A worker that is about to fail tells so
 * in its log (standard error) and by its exit status (enum worker_exit).
 */
#ifndef IPC_CTL_H
#define IPC_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/signature.h"

#define CTL_BYTES_MAX	((size_t)192 << 10)	/* of one message */
#define CTL_TEXT_MAX	256		/* of a name, its NUL included */
#define CTL_PATH_MAX	1024		/* of a path, its NUL included */
#define CTL_QUEUE_MAX	1024		/* messages waiting to be sent */

enum worker_exit {
	WORKER_EXIT_OK = 0,		/* drained, or the parent is gone */
	WORKER_EXIT_START = 1,		/* could not start: the log says why */
	WORKER_EXIT_USAGE = 2,
	WORKER_EXIT_NO_DEVICE = 3,	/* no such OpenCL device */
	WORKER_EXIT_SANDBOX = 4,	/* sandbox required and not possible */
	WORKER_EXIT_DEVICE = 5,		/* the OpenCL context is in doubt */
	WORKER_EXIT_PARENT = 6,		/* the parent's memory says nonsense */
	WORKER_EXIT_MEMORY = 7,
};

enum ctl_type {
	CTL_HELLO = 1,
	CTL_SEGMENT_ADD,
	CTL_SEGMENT_DROP,
	CTL_SEGMENT_DROPPED,
	CTL_LOAD,
	CTL_LOADED,
	CTL_LOAD_FAILED,
	CTL_UNLOAD,
	CTL_UNLOADED,
	CTL_DRAIN,
	CTL_PING,
	CTL_PONG,
	CTL_TYPES,
};

enum ctl_device { CTL_CPU, CTL_GPU, CTL_ACCELERATOR, CTL_OTHER };
enum ctl_precision { CTL_FP32, CTL_BF16, CTL_FP16, CTL_INT8 };
enum ctl_cache {
	CTL_CACHE_USE,
	CTL_CACHE_SKIP,			/* neither read nor write programs */
	CTL_CACHE_WIPE,			/* empty it first, then use it */
};

struct ctl_hello {
	char		 build[CTL_TEXT_MAX];	/* must equal the parent's */
	char		 device[CTL_TEXT_MAX];	/* "platform/device#k" */
	char		 vendor[CTL_TEXT_MAX];
	char		 driver[CTL_TEXT_MAX];	/* its version */
	char		 sandbox[CTL_TEXT_MAX];	/* "landlock 6, seccomp" */
	enum ctl_device	 type;
	uint32_t	 compute_units;
	uint64_t	 memory;		/* bytes */
	uint64_t	 max_alloc;		/* bytes of one buffer */
};

struct ctl_segment {
	uint32_t	 id;
	uint64_t	 bytes;			/* 0 in DROP and DROPPED */
};

struct ctl_load {
	uint32_t	 handle;
	char		 name[CTL_TEXT_MAX];	/* for messages */
	uint64_t	 version;
	char		 path[CTL_PATH_MAX];	/* beneath the folder passed */
	uint32_t	 max_batch;		/* rows of a run; 0, 1: alone */
	enum ctl_precision precision;
	enum ctl_cache	 cache;
};

struct ctl_loaded {
	uint32_t	 handle;
	uint32_t	 load_ms;
	uint64_t	 memory;		/* bytes held for the model */
	struct signature *signature;		/* owned by the message */
};

struct ctl_failed {
	uint32_t	 handle;
	struct err	 err;
};

struct ctl_msg {
	enum ctl_type	 type;
	int		 fd;	/* -1: none.  Received: owned by the message */
	union {
		struct ctl_hello	 hello;
		struct ctl_segment	 segment;	/* ADD DROP DROPPED */
		struct ctl_load		 load;
		struct ctl_loaded	 loaded;
		struct ctl_failed	 failed;
		uint32_t		 handle;	/* UNLOAD UNLOADED */
	};
};

/* Append the bytes of a message; fails over a limit or out of memory. */
int		 ctl_encode(const struct ctl_msg *, struct buf *, struct err *);

/*
 * Fill *m (fd: -1) from the bytes of one packet; ERR_INVALID if they are no
 * message, ERR_MEMORY.  On success ctl_msg_done() releases what it holds.
 */
int		 ctl_decode(const void *, size_t, struct ctl_msg *m,
		    struct err *);

/* Frees the signature, closes the descriptor. */
void		 ctl_msg_done(struct ctl_msg *);

/* Does a message of that type carry a descriptor? */
bool		 ctl_has_fd(enum ctl_type);

/* One end of the pair. */
struct ctl {
	int		 fd;		/* poll it for reading */
	unsigned char	*in;		/* CTL_BYTES_MAX of them */
	struct ctl_packet *first, **last;	/* waiting to be sent */
	uint32_t	 queued;
};

/* A connected pair: the parent's end and, for the worker, a descriptor. */
int		 ctl_pair(struct ctl *, int *worker_fd, struct err *);

/* The worker's end.  Takes the descriptor over, also on failure. */
int		 ctl_open_own(struct ctl *, int fd, struct err *);
void		 ctl_close(struct ctl *);

/*
 * Send, or keep for ctl_flush() if the peer is behind.  The message stays the
 * caller's; its descriptor is duplicated if it has to wait.  -1: the peer is
 * gone, or CTL_QUEUE_MAX are waiting.
 */
int		 ctl_send(struct ctl *, const struct ctl_msg *, struct err *);

/*
 * Send what waits.  1: all sent, 0: the peer is behind (poll for writing), -1.
 */
int		 ctl_flush(struct ctl *, struct err *);

/*
 * 1: *m is the next message (ctl_msg_done() it); 0: none now; -1: the peer is
 * gone (ERR_UNAVAILABLE) or talks nonsense (ERR_INVALID).
 */
int		 ctl_recv(struct ctl *, struct ctl_msg *m, struct err *);

#endif
