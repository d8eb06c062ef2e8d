/*
 * client: one HTTP request to a daemon, and its answer.
 *
 * Blocking, a connection per request, with one deadline over all of it.  The
 * daemon is a peer like any other: what it answers is bounded and checked.
 *
 * Plain sockets: libevent's client connects no unix sockets and reads answers
 * less strictly than parse/http.h, which is there anyway.
 */
#ifndef TOOL_CLIENT_H
#define TOOL_CLIENT_H

#include <stddef.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/err.h"
#include "tool/url.h"

#define CLIENT_BODY_PARTS	257	/* JSON, and a tensor each */

struct client_request {
	const char	*method;
	const char	*path;		/* escaped, below the URL's prefix */
	/* of the body that is JSON, if tensors follow it; 0: none do */
	size_t		 json;
	const struct iovec *body;
	int		 n_body;
	size_t		 answer_max;	/* bytes of the answer's body */
};

struct client_answer {
	int		 status;
	struct buf	 body;
	/* of the body that is JSON: all of it, if no tensors follow */
	size_t		 json;
};

/*
 * -1: no answer, or none that makes sense; *err says which.  Any status is an
 * answer.  In both cases the caller calls client_done().
 */
int	 client_ask(const struct url *, double timeout_s,
	    const struct client_request *, struct client_answer *,
	    struct err *);
void	 client_done(struct client_answer *);

#endif
