#include <sys/socket.h>

#include <errno.h>

#include "ipc/memory.h"

/*
 * Never O_NONBLOCK: a flag of the description could be cleared by whoever
 * shares it.  MSG_DONTWAIT belongs to the call.
 */

void
memory_ring(int bell)
{
	if (bell != -1)
		(void)send(bell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int
memory_hush(int bell)
{
	char drop[MEMORY_RINGS];
	ssize_t n;

	n = recv(bell, drop, sizeof(drop), MSG_DONTWAIT);
	if (n > 0)
		return (int)n;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return -1;
}
