/*
 * shm: memory shared between the parent and a worker, by file descriptor.
 *
 * Always a sealed memfd: SHRINK and GROW are sealed before a peer sees it, so
 * that no peer can turn our accesses into SIGBUS; FUTURE_WRITE as well where
 * the peer must only read, so that our own mapping is the last writable one
 * there will ever be.  What comes from a peer is checked for both before it is
 * mapped.
 */
#ifndef IPC_SHM_H
#define IPC_SHM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct shm {
	int		 fd;		/* -1: closed, the mapping lives on */
	size_t		 bytes;
	unsigned char	*data;		/* NULL: not mapped */
};

enum shm_peer {
	SHM_PEER_READS,		/* mapped read-write here, read-only there */
	SHM_PEER_WRITES,	/* mapped read-only here, read-write there */
};

/* New zero-filled memory, mapped and sealed for that peer. */
int	 shm_create(struct shm *, const char *name, size_t bytes, enum shm_peer,
	    struct err *);

/*
 * Map what a peer passed.  Takes the descriptor over, also on failure.  Fails
 * unless it is sealed memory of min to max bytes; writable: map read-write.
 */
int	 shm_map_own(struct shm *, int fd, size_t min, size_t max,
	    bool writable, struct err *);

/* Close the descriptor, keep the mapping. */
void	 shm_close_fd(struct shm *);

/* Unmap and close; fine on a zeroed or already closed one. */
void	 shm_close(struct shm *);

#endif
