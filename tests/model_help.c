#include <check.h>
#include <stdlib.h>

#include "model_help.h"
#include "parse/pb.h"

#define MESSAGE_MAX	((size_t)64 << 20)

struct err e;

struct buf
new(void)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	return b;
}

void
put_text(struct buf *b, uint32_t num, const char *s)
{
	pb_put_bytes(b, num, s, strlen(s));
}

/* Put message m into b and free it. */
void
put(struct buf *b, uint32_t num, struct buf m)
{
	pb_put_bytes(b, num, m.data, m.len);
	buf_done(&m);
}

/* "a,b" as fields num; "" none; an empty name between commas. */
void
put_names(struct buf *b, uint32_t num, const char *list)
{
	for (const char *end; *list != '\0'; list = end + (*end == ',')) {
		end = list + strcspn(list, ",");
		pb_put_bytes(b, num, list, (size_t)(end - list));
	}
}

struct buf
node(const char *op, const char *in, const char *out)
{
	struct buf b = new();

	put_names(&b, 1, in);
	put_names(&b, 2, out);
	put_text(&b, 4, op);
	return b;
}

struct buf
value_info(const char *name, int64_t elem)
{
	struct buf b = new(), type = new(), tensor = new();

	put_text(&b, 1, name);
	pb_put_int(&tensor, 1, elem);
	put(&type, 1, tensor);
	put(&b, 2, type);
	return b;
}

/* A float tensor of n elements, raw bytes given. */
struct buf
tensor(const char *name, int64_t n, const void *raw, size_t bytes)
{
	struct buf b = new();

	pb_put_int(&b, 1, n);
	pb_put_int(&b, 2, DT_FLOAT);
	put_text(&b, 8, name);
	pb_put_bytes(&b, 9, raw, bytes);
	return b;
}

/* A graph of that input and output; the caller adds nodes (1), tensors (5). */
struct buf
graph(const char *in, const char *out)
{
	struct buf b = new();

	put_text(&b, 2, "g");
	if (in != NULL)
		put(&b, 11, value_info(in, DT_FLOAT));
	put(&b, 12, value_info(out, DT_FLOAT));
	return b;
}

struct buf
opset(const char *domain, int64_t version)
{
	struct buf b = new();

	put_text(&b, 1, domain);
	pb_put_int(&b, 2, version);
	return b;
}

struct buf
file(int64_t ir, struct buf g)
{
	struct buf b = new();

	pb_put_int(&b, 1, ir);
	put(&b, 7, g);
	put(&b, 8, opset("", 17));
	return b;
}

/* Load it; the model owns the bytes then, else they are freed here. */
struct model *
load_from(struct buf b, const struct model_source *source)
{
	void *bytes = malloc(b.len);
	struct model *m;

	ck_assert_ptr_nonnull(bytes);
	ck_assert(!buf_failed(&b));
	memcpy(bytes, b.data, b.len);
	if ((m = model_load(bytes, b.len, source, &e)) == NULL)
		free(bytes);
	buf_done(&b);
	return m;
}

struct model *
load(struct buf b)
{
	return load_from(b, NULL);
}

void
assert_refused(struct buf b, const char *why)
{
	ck_assert_ptr_null(load(b));
	ck_assert_msg(strstr(e.text, why) != NULL, "%s", e.text);
}

/* x -> Relu -> y */
struct buf
simple(void)
{
	struct buf g = graph("x", "y");

	put(&g, 1, node("Relu", "x", "y"));
	return g;
}

const struct value *
value_named(const struct graph *g, const char *name)
{
	for (int i = 0; i < g->n_value; i++)
		if (strcmp(g->value[i].name, name) == 0)
			return &g->value[i];
	ck_abort_msg("no value \"%s\"", name);
	return NULL;
}

/* A file of the fuzz corpus. */
struct model *
load_file(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	FILE *f;
	char *bytes = malloc(1 << 20);
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/model/%s",
	    srcdir != NULL ? srcdir : ".", name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL && bytes != NULL, "%s", path);
	n = fread(bytes, 1, 1 << 20, f);
	(void)fclose(f);
	struct model *m = model_load(bytes, n, NULL, &e);
	ck_assert_msg(m != NULL, "%s: %s", name, e.text);
	return m;
}
