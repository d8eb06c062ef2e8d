/*
 * model_help: ONNX files written field by field, for the tests of the reader.
 *
 * Each function below gives a message that the caller puts into another with
 * put(), which frees it, or hands to load(), which does too.
 */
#ifndef TESTS_MODEL_HELP_H
#define TESTS_MODEL_HELP_H

#include "base/buf.h"
#include "base/err.h"
#include "model/graph.h"

extern struct err	 e;		/* of the last load */

struct buf	 new(void);
void		 put_text(struct buf *, uint32_t num, const char *);

/* Put message m into b and free it. */
void		 put(struct buf *b, uint32_t num, struct buf m);

/* "a,b" as fields num; "" none; an empty name between commas. */
void		 put_names(struct buf *, uint32_t num, const char *list);

struct buf	 node(const char *op, const char *in, const char *out);
struct buf	 value_info(const char *name, int64_t elem);

/* A float tensor of n elements, raw bytes given. */
struct buf	 tensor(const char *name, int64_t n, const void *raw,
		    size_t bytes);

/* A graph of that input and output; the caller adds nodes (1), tensors (5). */
struct buf	 graph(const char *in, const char *out);

/* x -> Relu -> y */
struct buf	 simple(void);
struct buf	 opset(const char *domain, int64_t version);
struct buf	 file(int64_t ir, struct buf g);

struct model	*load_from(struct buf, const struct model_source *);
struct model	*load(struct buf);
struct model	*load_file(const char *name);	/* of the fuzz corpus */
void		 assert_refused(struct buf, const char *why);
const struct value *value_named(const struct graph *, const char *name);

#endif
