/* url: where a daemon listens, as people write it. */
#ifndef TOOL_URL_H
#define TOOL_URL_H

#include <stdbool.h>

#include "base/err.h"

#define URL_DEFAULT	"http://127.0.0.1:8000"

struct url {
	bool	local;		/* a unix socket, whose path is in host */
	char	host[256];	/* a name or address, without brackets */
	char	port[6];
	char	prefix[256];	/* before every path; no slash at its end */
};

/*
 * "[http://]HOST[:PORT][/PREFIX]", "[v6]:PORT" or "unix:/path".  -1: *err says
 * what is wrong with it.
 */
int	 url_parse(struct url *, const char *text, struct err *);

#endif
