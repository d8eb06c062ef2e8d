#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/ctl.h"

/* A message that waits for the peer. */
struct ctl_packet {
	struct ctl_packet	*next;
	int			 fd;
	size_t			 n;
	unsigned char		 bytes[];
};

enum { SEND_BUFFER = 1 << 20, CONTROL_FDS = 4 };

int
ctl_open_own(struct ctl *c, int fd, struct err *e)
{
	int want = SEND_BUFFER;

	*c = (struct ctl){ .fd = fd };
	c->last = &c->first;
	c->in = malloc(CTL_BYTES_MAX);
	if (c->in == NULL) {
		ctl_close(c);
		return err_memory(e, "control messages", CTL_BYTES_MAX);
	}
	/* The system cuts it to its own limit; what does not fit waits. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof(want));
	return 0;
}

int
ctl_pair(struct ctl *c, int *worker_fd, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(e, "control socket");
	if (ctl_open_own(c, pair[0], e) == -1) {
		(void)close(pair[1]);
		return -1;
	}
	*worker_fd = pair[1];
	return 0;
}

static void
packet_free(struct ctl_packet *p)
{
	if (p->fd != -1)
		(void)close(p->fd);
	free(p);
}

static void
drop_first(struct ctl *c)
{
	struct ctl_packet *p = c->first;

	c->first = p->next;
	if (c->first == NULL)
		c->last = &c->first;
	c->queued--;
	packet_free(p);
}

void
ctl_close(struct ctl *c)
{
	while (c->first != NULL)
		drop_first(c);
	free(c->in);
	c->in = NULL;
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
}

/* 1: sent, 0: the peer is behind, -1. */
static int
send_bytes(int to, const void *bytes, size_t n, int fd, struct err *e)
{
	union {
		struct cmsghdr	h;
		char		room[CMSG_SPACE(sizeof(int))];
	} ctl = { 0 };
	struct iovec v = { (void *)(uintptr_t)bytes, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (fd != -1) {
		m.msg_control = ctl.room;
		m.msg_controllen = sizeof(ctl.room);
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.h), &fd, sizeof(fd));
	}
	if (sendmsg(to, &m, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
		return 1;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
		return 0;
	return err_sys(e, "control socket: send");
}

static int
keep(struct ctl *c, const struct buf *b, int fd, struct err *e)
{
	struct ctl_packet *p;

	if (c->queued >= CTL_QUEUE_MAX)
		return err_set(e, ERR_LIMIT,
		    "control socket: %u messages are waiting", c->queued);
	p = malloc(sizeof(*p) + b->len);
	if (p == NULL)
		return err_memory(e, "control message", b->len);
	*p = (struct ctl_packet){ .fd = -1, .n = b->len };
	memcpy(p->bytes, b->data, b->len);
	if (fd != -1)
		p->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd != -1 && p->fd == -1) {
		free(p);
		return err_sys(e, "control message: descriptor");
	}
	*c->last = p;
	c->last = &p->next;
	c->queued++;
	return 0;
}

int
ctl_send(struct ctl *c, const struct ctl_msg *m, struct err *e)
{
	struct buf b;
	int fd = ctl_has_fd(m->type) ? m->fd : -1;
	int res = 0;

	buf_init(&b, CTL_BYTES_MAX);
	if (ctl_encode(m, &b, e) == -1)
		res = -1;
	else if (c->first == NULL)
		res = send_bytes(c->fd, b.data, b.len, fd, e);
	if (res == 0)
		res = keep(c, &b, fd, e);
	buf_done(&b);
	return res == -1 ? -1 : 0;
}

int
ctl_flush(struct ctl *c, struct err *e)
{
	int res;

	while (c->first != NULL) {
		res = send_bytes(c->fd, c->first->bytes, c->first->n,
		    c->first->fd, e);
		if (res != 1)
			return res;
		drop_first(c);
	}
	return 1;
}

/* Keep the first descriptor that came, close any others. */
static void
take_fds(struct msghdr *m, int *fd)
{
	struct cmsghdr *h;
	size_t n;
	int one;

	for (h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			memcpy(&one, CMSG_DATA(h) + i * sizeof(int),
			    sizeof(one));
			if (*fd == -1)
				*fd = one;
			else
				(void)close(one);
		}
	}
}

static int
check_packet(const struct msghdr *h, const struct ctl_msg *m, int fd,
    struct err *e)
{
	if ((h->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return err_set(e, ERR_INVALID, "control message is too long");
	if (ctl_has_fd(m->type) != (fd != -1))
		return err_set(e, ERR_INVALID,
		    "control message of type %u %s a descriptor",
		    (unsigned)m->type, fd == -1 ? "without" : "with");
	return 0;
}

int
ctl_recv(struct ctl *c, struct ctl_msg *m, struct err *e)
{
	union {
		struct cmsghdr	h;
		char		room[CMSG_SPACE(CONTROL_FDS * sizeof(int))];
	} ctl;
	struct iovec v = { c->in, CTL_BYTES_MAX };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1,
	    .msg_control = ctl.room, .msg_controllen = sizeof(ctl.room) };
	int fd = -1;
	ssize_t n;

	n = recvmsg(c->fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == -1 || (n == 0 && h.msg_controllen == 0))
		return err_set(e, ERR_UNAVAILABLE, "control socket: closed");
	take_fds(&h, &fd);
	if (ctl_decode(c->in, (size_t)n, m, e) == -1) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	m->fd = fd;
	if (check_packet(&h, m, fd, e) == 0)
		return 1;
	ctl_msg_done(m);
	return -1;
}
