/*
 * infer: one inference between its HTTP call and its request.
 * For infer.c, bind.c, answer.c and classify.c only.
 */
#ifndef PARENT_INFER_H
#define PARENT_INFER_H

#include "parent/api.h"
#include "parse/json.h"

/* Text read or written in one go; 2 ms at the very worst. */
#define TEXT_SLICE	((size_t)128 << 10)

enum infer_phase {
	INFER_TEXT,		/* gathering JSON */
	INFER_TENSORS,		/* binary data, straight into blocks */
	INFER_FILL,		/* JSON elements into blocks */
	INFER_SUBMITTED,
	INFER_DONE,		/* answered by the machinery; or refused */
};

/* How an output of the model is to be answered. */
struct infer_output {
	bool		 binary;
	uint64_t	 classes;	/* classification: how many; 0: no */
};

struct answer;

struct infer {
	struct exchange	*x;
	struct http_call *call;
	/* a reference; the request's, once made */
	struct version	*version;
	struct request	*request;
	enum infer_phase phase;
	bool		 raw;		/* tensors only, no JSON */

	/* The JSON text, freed as soon as it is in blocks. */
	char		*text;
	size_t		 len, cap;
	/* of it as announced; SIZE_MAX: all there is */
	size_t		 json_len;
	struct json_scan scan;
	struct json_request q;
	char		*id;		/* to be echoed */
	size_t		 id_len;

	/* Where the next bytes or elements go. */
	uint32_t	 input;
	size_t		 at;
	bool		 filling;
	struct json_fill fill;
	struct turn	 turn;

	/* Of its run, for who records it; the request is gone by then. */
	bool		 ran;
	int64_t		 queue_ns, compute_ns;

	struct infer_output *out;	/* by index in the signature */
	struct answer	*answer;
};

/* Answer with *err, counting it as a failure of the model's. */
void		 infer_fail(struct infer *, const struct err *);

/*
 * Fill request, out and id from q: every name, type, shape and size is checked
 * against the signature, and blocks are taken for the inputs.  -1: *err.
 */
int		 bind_request(struct infer *, struct err *);

/* The same for a body that is one tensor and nothing else. */
int		 bind_raw(struct infer *, struct err *);

/* The outputs are in request->out: begin to answer; goes on by itself. */
void		 answer_start(struct infer *);
void		 answer_free(struct infer *);

/*
 * The k best elements of each row of an output, as "value:index[:label]" in the
 * form of BYTES.  data: a copy of its elements.  -1: *err; else *out is
 * malloc'ed.
 */
int		 classify(const struct infer *, const struct request_output *,
		    const unsigned char *data, struct shape *shape,
		    unsigned char **out, size_t *n, struct err *);

#endif
