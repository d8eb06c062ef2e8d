/*
 * http_conn: a connection, for the files of http.h only.
 *
 *	http.c		the server: its lists, limits, listeners
 *	http_address.c	addresses as written
 *	http_listen.c	listeners and accepting
 *	http_conn.c	the states of a connection, reading, deadlines
 *	http_body.c	from bytes on the wire to bytes of the body
 *	http_send.c	answers: heads, compression, writing
 *	http_record.c	what an access log is told of a call
 */
#ifndef PARENT_HTTP_CONN_H
#define PARENT_HTTP_CONN_H

#include <sys/queue.h>

#include "parent/http.h"

struct inflate;
struct deflate;
struct record;

#define RECV_MAX	((size_t)256 << 10)	/* bytes of one recv() */
#define IN_SMALL	((size_t)4096)		/* buffers begin with that */

enum conn_state {
	CONN_HEAD,		/* between requests, or within a head */
	CONN_BODY,
	CONN_PENDING,		/* the protocol has the call */
	CONN_PACKING,		/* the answer is being compressed */
	CONN_SENDING,
	/* answered; reading what still comes, for a while */
	CONN_LINGER,
	CONN_CLOSED,
	CONN_STATES
};

enum encoding { ENC_NONE, ENC_GZIP, ENC_DEFLATE };

struct http_conn {
	struct http		*http;
	int			 fd;
	enum conn_state		 state;
	struct http_call	 call;
	/* by which it came, to compare: it may be gone */
	const struct http_listener *listener;
	bool			 last;	/* closed after its next answer */
	struct record		*record; /* of the call, if there is a log */
	struct event		*readable, *writable, *timer;
	TAILQ_ENTRY(http_conn)	 link;		/* of all */
	TAILQ_ENTRY(http_conn)	 idle_link;	/* of the idle ones */
	bool			 idle;		/* is in that list */
	bool			 running;	/* within conn_run() */
	bool			 reading;	/* readable is added */
	bool			 eof;
	bool			 in_call;	/* from its head to its end */
	bool			 begun;		/* the protocol knows of it */
	bool			 keep_alive;
	int			 minor;

	/* What was read and not used: in[at, have). */
	char			*in;
	size_t			 at, have, cap;
	struct http_find	 find;

	/* The body. */
	bool			 chunked;
	/* no more bytes of the request to come */
	bool			 raw_end;
	/* on the wire, if not chunked */
	uint64_t		 left;
	/* bytes given to the protocol */
	uint64_t		 decoded;
	struct http_chunks	 chunks;
	/* in in: framed, not yet decoded */
	struct text		 raw;
	struct inflate		*inflate;	/* or NULL */

	/* The answer. */
	struct evbuffer		*body, *out;
	enum encoding		 accepts;
	struct deflate		*deflate;
	char			 type[64];
	char			 headers[256];
	int			 status;

	/* for slices of bodies and answers */
	struct turn		 turn;
	int64_t			 deadline_ns;	/* 0: none */
	/* when the timer will fire; 0: not */
	int64_t			 timer_ns;
	/* of the current head, body, sending */
	int64_t			 since_ns;
	uint64_t		 moved;		/* bytes since then */
	size_t			 lingered;
};

TAILQ_HEAD(conn_list, http_conn);

struct http_listener;

struct http {
	struct event_base	*base;
	const struct http_protocol *protocol;
	void			*arg;
	struct http_limits	 limits;
	struct http_stats	 stats;
	struct budget		 budget;
	bool			 recording;
	struct turns		 turns;
	struct conn_list	 conns, idle;
	struct http_listener	*listeners;
	/* a descriptor for when there are none */
	int			 reserve;
	bool			 started;
	bool			 draining;
	/* not accepting: at the limit */
	bool			 paused;
	struct http_head	 head;		/* of the call that begins */
};

/* http.c */
/* room for another one */
void		 http_conn_closed(struct http *);

/* http_listen.c */
void		 listeners_enable(struct http *, bool);
void		 listeners_free(struct http *);

/* http_conn.c: owns fd from here on. */
void		 conn_new(struct http *, int fd, unsigned classes,
		    const struct http_listener *);
void		 conn_last(struct http_conn *);
/* may free it, not while running */
void		 conn_close(struct http_conn *);
void		 conn_run(struct http_conn *);
/* 0: none */
void		 conn_deadline(struct http_conn *, int64_t at_ns);

/* What a step of a state says. */
enum step {
	STEP_GO,		/* the state has changed, or more can be done */
	STEP_WAIT,		/* for the socket, a turn or the protocol */
	STEP_CLOSE,
};

/* http_body.c */
int		 body_start(struct http_conn *, const struct http_head *);
enum step	 body_step(struct http_conn *);
ssize_t		 body_recv(struct http_conn *);	/* as recv(); -2: refused */
bool		 body_direct(const struct http_conn *);
void		 body_done(struct http_conn *);

/* http_send.c */
enum step	 pack_step(struct http_conn *);
enum step	 send_step(struct http_conn *);
void		 send_done(struct http_conn *);
void		 http_refuse_encoding(struct http_call *, struct text value);

/* http_record.c */
void		 record_begin(struct http_conn *);
void		 record_head(struct http_conn *, const struct http_head *);
void		 record_end(struct http_conn *, bool gone);

#endif
