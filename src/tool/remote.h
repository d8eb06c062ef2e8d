/*
 * remote: a daemon, as the commands that talk to one see it.
 *
 * What it answers is text of somebody else's: it is checked here and escaped
 * where it is printed (show.h).
 */
#ifndef TOOL_REMOTE_H
#define TOOL_REMOTE_H

#include <getopt.h>
#include <stdbool.h>

#include <jansson.h>

#include "tool/client.h"

struct remote {
	const char	*name;		/* the URL as given */
	struct url	 url;
	double		 timeout_s;
	bool		 json;		/* --json: a program reads it */
};

/*
 * Options that these commands have in common, as rows for getopt_long(); those
 * that know --json add REMOTE_JSON.
 */
#define REMOTE_SHORT	"u:h"
#define REMOTE_LONG							\
	{ "url", required_argument, NULL, 'u' },			\
	{ "timeout", required_argument, NULL, 0x201 },			\
	{ "help", no_argument, NULL, 'h' }
#define REMOTE_JSON	{ "json", no_argument, NULL, 0x202 }

/* With the defaults of a command that may take so many seconds. */
#define REMOTE_INIT(seconds)						\
	(struct remote){ .name = URL_DEFAULT, .timeout_s = (seconds) }

/* False if opt is none of those, or its argument is wrong. */
bool	 remote_option(struct remote *, int opt, const char *arg);

/* What a command without options of its own takes besides those. */
struct remote_operands {
	int	 least, most;		/* operands; at most one */
	bool	 json;			/* knows --json */
};

/*
 * *operand: the operand, or NULL (and NULL will do if none is taken).  TOOL_OK
 * to go on; 'h' for help; else the exit status.
 */
int	 remote_options(struct remote *, const struct remote_operands *,
	    int argc, char **argv, const char **operand);

/*
 * "/v2/models/" and such, with what follows "%" escaped for a path:
 * remote_path(b, "/v2/models/%/load", name).  Words in the order of the "%".
 */
void	 remote_path(struct buf *, const char *pattern, const char *word,
	    const char *second);

/*
 * Ask, and take any answer; -1: there is none, *err names the URL.  Only then
 * client_done() is not the caller's to call.
 */
int	 remote_ask(struct remote *, const struct client_request *,
	    struct client_answer *, struct err *);

/* As remote_ask(), and a status other than 200 is an error, in its words. */
int	 remote_ask_200(struct remote *, const struct client_request *,
	    struct client_answer *, struct err *);

/* The JSON of an answer, tensors left out; NULL: it is none. */
json_t	*remote_json(const struct client_answer *, struct err *);

/*
 * Ask for JSON without a body; NULL: *err.  status NULL: any but 200 is an
 * error.
 */
json_t	*remote_get(struct remote *, const char *method, const char *path,
	    int *status, struct err *);

/* The member, or "" if it is no string. */
const char *remote_text(const json_t *, const char *key);

#endif
