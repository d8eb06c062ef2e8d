#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "ipc/shm.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U		/* Linux 6.3 */
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010	/* Linux 5.1 */
#endif

#define SIZE_SEALS	(F_SEAL_SHRINK | F_SEAL_GROW)

static int
new_memfd(const char *name)
{
	int fd = memfd_create(name,
	    MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd == -1 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

static int
map(struct shm *s, bool writable)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	void *p = mmap(NULL, s->bytes, prot, MAP_SHARED, s->fd, 0);

	if (p == MAP_FAILED)
		return -1;
	s->data = p;
	return 0;
}

int
shm_create(struct shm *s, const char *name, size_t bytes, enum shm_peer peer,
    struct err *e)
{
	struct shm n = { .fd = -1, .bytes = bytes };
	int seals = SIZE_SEALS | F_SEAL_SEAL;

	if (peer == SHM_PEER_READS)
		seals |= F_SEAL_FUTURE_WRITE;
	n.fd = new_memfd(name);
	if (n.fd == -1)
		return err_sys(e, "memfd_create %s", name);
	if (ftruncate(n.fd, (off_t)bytes) == -1) {
		(void)err_sys(e, "%s: %zu bytes", name, bytes);
		goto fail;
	}
	if (map(&n, peer == SHM_PEER_READS) == -1) {
		(void)err_sys(e, "%s: map %zu bytes", name, bytes);
		goto fail;
	}
	if (fcntl(n.fd, F_ADD_SEALS, seals) == -1) {
		(void)err_sys(e, "%s: seal", name);
		goto fail;
	}
	*s = n;
	return 0;
fail:
	shm_close(&n);
	return -1;
}

static int
check_peer(int fd, size_t min, size_t max, size_t *bytes, struct err *e)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals == -1)
		return err_sys(e, "shared memory: seals");
	if ((seals & SIZE_SEALS) != SIZE_SEALS)
		return err_set(e, ERR_INVALID,
		    "shared memory: its size is not sealed");
	if (fstat(fd, &st) == -1)
		return err_sys(e, "shared memory: fstat");
	if (st.st_size <= 0 || (uint64_t)st.st_size < min ||
	    (uint64_t)st.st_size > max)
		return err_set(e, ERR_INVALID,
		    "shared memory: %lld bytes, want %zu to %zu",
		    (long long)st.st_size, min, max);
	*bytes = (size_t)st.st_size;
	return 0;
}

int
shm_map_own(struct shm *s, int fd, size_t min, size_t max, bool writable,
    struct err *e)
{
	struct shm n = { .fd = fd };

	if (check_peer(fd, min, max, &n.bytes, e) == -1)
		goto fail;
	if (map(&n, writable) == -1) {
		(void)err_sys(e, "shared memory: map %zu bytes", n.bytes);
		goto fail;
	}
	*s = n;
	return 0;
fail:
	shm_close(&n);
	return -1;
}

void
shm_close_fd(struct shm *s)
{
	/* A zeroed struct owns nothing; its 0 is not standard input. */
	if (s->fd > 0)
		(void)close(s->fd);
	s->fd = -1;
}

void
shm_close(struct shm *s)
{
	if (s->data != NULL)
		(void)munmap(s->data, s->bytes);
	shm_close_fd(s);
	*s = (struct shm){ .fd = -1 };
}
