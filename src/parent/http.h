/*
 * http: an HTTP/1.1 server on libevent's events.
 *
 * It owns the sockets, reads heads strictly (parse/http.h), decodes bodies
 * (chunks, gzip, deflate) straight to where the protocol wants them, sends
 * answers, and keeps the deadlines.  It knows nothing of routes or models;
 * errors are JSON.
 *
 * A call is one request with its answer.  On a connection there is one at a
 * time; requests that come early wait in the connection's buffer.
 *
 *	begin()		the head is there: refuse, or say where the body goes
 *	room(), filled()	for the body's bytes as they come
 *	ready()		the body is complete: answer now or later
 *	end()		always, once, last: sent, or the client is gone
 *
 * http_send() and http_error() answer, from any of them but end(), or later.
 */
#ifndef PARENT_HTTP_H
#define PARENT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "parent/budget.h"
#include "parent/loop.h"
#include "parse/http.h"

struct event_base;
struct evbuffer;
struct http;
struct http_conn;

struct http_limits {
	uint32_t	 connections;
	size_t		 head;		/* bytes */
	size_t		 body;		/* bytes, after decoding */
	int64_t		 head_ns;	/* for a whole head to arrive */
	/* for a body, and more if much of it came */
	int64_t		 body_ns;
	int64_t		 idle_ns;	/* between requests */
	/* for an answer, and more if it is long */
	int64_t		 send_ns;
};

struct http_stats {
	uint64_t	 accepted;
	uint64_t	 refused;	/* connections dropped at the limit */
	uint64_t	 requests;	/* heads read */
	uint64_t	 bytes_in, bytes_out;
	uint64_t	 answers[6];	/* by status / 100 */
	/* clients that left before their answer */
	uint64_t	 gone;
	uint64_t	 timeouts;
	uint32_t	 open;
};

/* One request and its answer. */
struct http_call {
	struct http_conn *conn;
	/* the listener's, as given to http_listen() */
	unsigned	 classes;
	enum http_method method;
	bool		 has_body;	/* one was announced, even if empty */
	uint64_t	 length;	/* of it as announced; 0: not known */
	bool		 encoded;	/* gzip or deflate: length is no help */
	/* http_send() or http_error() was called */
	bool		 answered;
	int64_t		 arrived_ns;	/* when the body was complete */
	/* bytes taken of the budget, given back at end */
	size_t		 charged;
	void		*arg;		/* the protocol's own */
};

#define HTTP_RECORD_PATH	256	/* bytes of a path that are kept */

/* What was answered, for an access log.  Texts are as the client sent them. */
struct http_record {
	const char	*peer;		/* "1.2.3.4:5", "[::1]:5" or "unix" */
	const char	*method;	/* "?": its head was not understood */
	const char	*path;		/* cut, without the query */
	int		 status;
	uint64_t	 in;		/* bytes of the body, decoded */
	uint64_t	 out;		/* bytes of the answer that left */
	int64_t		 ns;		/* since its head was there */
	bool		 gone;		/* left before it had all of it */
};

struct http_protocol {
	/* head is valid during the call only. */
	void	(*begin)(struct http_call *, const struct http_head *head);
	/*
	 * Where the next bytes of the body go: *p, at least one, *n at most.
	 * False: refused and answered.
	 */
	bool	(*room)(struct http_call *, char **p, size_t *n);
	/* n bytes were put there.  False: refused and answered. */
	bool	(*filled)(struct http_call *, size_t n);
	void	(*ready)(struct http_call *);
	void	(*end)(struct http_call *, bool gone);
	/*
	 * Before end(), of what was answered, if http_set_recording() was
	 * called; also of requests that begin() never saw.  May be NULL.
	 */
	void	(*record)(struct http_call *, const struct http_record *);
};

/* NULL: out of memory.  arg: the protocol's, see http_arg(). */
struct http	*http_new(struct event_base *, const struct http_protocol *,
		    void *arg);
void		 http_free(struct http *);	/* NULL is fine */

void		 http_set_limits(struct http *, const struct http_limits *);
const struct http_stats *http_stats(const struct http *);
struct turns	*http_turns(struct http *);
struct budget	*http_budget(struct http *);
void		*http_arg(const struct http_call *);

/*
 * Bind to "host:port", "[v6]:port", ":port" or "unix:/path"; accepts nothing
 * yet. Loopback addresses and unix sockets are near, others far: their calls
 * have the classes given for that.
 */
int		 http_listen(struct http *, const char *address, unsigned near,
		    unsigned far, struct err *);
void		 http_start(struct http *);

/* Is server.listen's word an address?  -1: *err says what is expected. */
int		 http_address_check(const char *, struct err *);

/*
 * Could we listen there, though perhaps not now because somebody does?  It is
 * bound to and let go; -1: *err says what would be wrong.
 */
int		 http_address_try(const char *, struct err *);

/*
 * Listen at these n addresses and no others: new ones are opened first.  Those
 * that stay are not touched; who waits at one that closes is still taken, who
 * comes then may have to try again, and its connections end after their next
 * answer.  -1: nothing has changed, and every reason was reported.
 */
int		 http_relisten(struct http *, char *const *address, size_t n,
		    unsigned near, unsigned far,
		    void (*report)(void *arg, const char *), void *arg);

/* Call record() from now on, or no longer. */
void		 http_set_recording(struct http *, bool);

/*
 * Close listeners and connections without a request; one of which something has
 * arrived goes on and is answered, and then its connection closed.
 */
void		 http_drain(struct http *);

/* ... but not if that takes too long: what is not whole gets 503. */
void		 http_drain_late(struct http *);
bool		 http_draining(const struct http *);

/* The body of the answer: add to it, then send. */
struct evbuffer	*http_body(struct http_call *);

/*
 * Answer with what is in http_body().  headers: more lines, each with its CRLF,
 * of our own making; or NULL.
 */
void		 http_send(struct http_call *, int status, const char *type,
		    const char *headers);

/* Answer {"error":"..."}; what was in http_body() is dropped. */
void		 http_error(struct http_call *, int status, const char *fmt,
		    ...) PRINTF(3, 4);

/*
 * As http_error() with *err, its code made a status, and a Retry-After if > 0.
 */
void		 http_fail(struct http_call *, const struct err *,
		    int retry_after_s);

/* The status that a code of errors is answered with. */
int		 http_status(enum err_code);

/*
 * Take n bytes of the budget for as long as the call lasts; false: none left.
 */
bool		 http_charge(struct http_call *, size_t n);

/*
 * Copy what is not sent yet to the heap, so that memory added by reference is
 * let go.  Returns the bytes copied.  May end the call (out of memory).
 */
size_t		 http_copy(struct http_call *);

#endif
