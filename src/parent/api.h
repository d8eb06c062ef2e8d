/*
 * api: the Open Inference Protocol (V2) with Triton's extensions, over http.h.
 * For the files of server.h only:
 *
 *	server.c	server.h, and the callbacks of http.h
 *	route.c		the table of routes
 *	infer.c		an inference: its body in, its request submitted
 *	bind.c		its names, types, shapes against the signature
 *	answer.c	its outputs out, as JSON or bytes
 *	classify.c	the classification extension
 *	info.c		health, metadata, configuration, statistics, workers
 *	repository.c	index, load and unload
 *	metrics.c	/metrics
 *
 * An exchange is what the protocol keeps for one call; it ends with it.
 */
#ifndef PARENT_API_H
#define PARENT_API_H

#include <jansson.h>

#include "base/buf.h"
#include "parent/http.h"
#include "parent/models.h"
#include "parent/parent.h"
#include "parent/request.h"
#include "parent/server.h"

#define CONTROL_BODY_MAX	((size_t)64 << 10)

/* Classes of routes; a listener allows a set of them. */
#define CLASS_INFER	1u
#define CLASS_INFO	2u
#define CLASS_METRICS	4u
#define CLASS_CONTROL	8u
#define CLASS_FAR	(CLASS_INFER | CLASS_INFO | CLASS_METRICS)
#define CLASS_NEAR	(CLASS_FAR | CLASS_CONTROL)

struct server {
	struct parent	*parent;
	struct http	*http;
};

enum body_kind {
	BODY_NONE,		/* taken and dropped */
	BODY_TEXT,		/* gathered as text, up to CONTROL_BODY_MAX */
	BODY_INFER,		/* infer.c's */
};

struct exchange;

struct route {
	enum http_method method;	/* HTTP_GET answers HEAD too */
	unsigned	 class;
	/*
	 * '*' stands for a model's name, '#' for a version, '?' for any word.
	 */
	const char	*pattern;
	enum body_kind	 body;
	void		(*run)(struct exchange *);	/* the body is there */
};

struct infer;

struct exchange {
	struct server	*server;
	struct http_call *call;
	const struct route *route;
	char		 name[MODEL_NAME_MAX];	/* '*', decoded; "" if none */
	char		 number[24];		/* '#', or "" */
	struct buf	 text;			/* BODY_TEXT */
	struct infer	*infer;			/* BODY_INFER */
	/* of a load or unload under way */
	struct ticket	*ticket;
};

/* NULL: none for that path (*status 404), or not with that method (405). */
const struct route *route_find(enum http_method, struct text path,
		    struct text *name, struct text *number, int *status);

/* The version as in the path, or NULL for "the newest". */
const char	*exchange_number(const struct exchange *);

/* Answer with JSON; takes the reference.  NULL: out of memory, 500. */
void		 reply_json(struct exchange *, int status, json_t *);
void		 reply_empty(struct exchange *);

/*
 * The body of BODY_TEXT as an object, {} if empty; or NULL: already answered.
 */
json_t		*exchange_json(struct exchange *);

/* infer.c */
void		 infer_begin(struct exchange *, const struct http_head *);
bool		 infer_room(struct infer *, char **p, size_t *n);
bool		 infer_filled(struct infer *, size_t n);
void		 infer_run(struct exchange *);
void		 infer_end(struct infer *, bool gone);	/* NULL is fine */
/* What an access log may want to know: " name=value" each. */
void		 infer_record(const struct infer *, struct buf *);

/* info.c */
void		 info_live(struct exchange *);
void		 info_ready(struct exchange *);
void		 info_server(struct exchange *);
void		 info_models(struct exchange *);
void		 info_model(struct exchange *);
void		 info_model_ready(struct exchange *);
void		 info_workers(struct exchange *);

/* modelinfo.c */
void		 info_config(struct exchange *);
void		 info_stats(struct exchange *);
void		 info_all_stats(struct exchange *);

/* repository.c */
void		 repository_index(struct exchange *);
void		 repository_load(struct exchange *);
void		 repository_unload(struct exchange *);
void		 repository_named(struct exchange *);

/* metrics.c */
void		 metrics_show(struct exchange *);

#endif
