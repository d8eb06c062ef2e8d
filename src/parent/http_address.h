/*
 * http_address: addresses to listen at, as written.  For http*.c only.
 */
#ifndef PARENT_HTTP_ADDRESS_H
#define PARENT_HTTP_ADDRESS_H

#include <netdb.h>
#include <stdbool.h>

#include "base/err.h"

struct http_address {
	const char	*path;		/* of a unix socket; or NULL: */
	char		 host[256];	/* without brackets */
	bool		 any;		/* no host in particular */
	const char	*port;
};

/* Points into text.  -1: *err has it and says what is expected. */
int	 http_address_parse(const char *text, struct http_address *,
	    struct err *);

/* What a host and port stand for: freeaddrinfo(*all).  -1: *err has text. */
int	 http_address_resolve(const char *text, const struct http_address *,
	    struct addrinfo **all, struct err *);

#endif
