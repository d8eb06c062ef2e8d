#include "model/load.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/size.h"
#include "base/utf8.h"

/* What a file of n bytes may cost beside itself: see load.h. */
#define BUDGET_BASE	((size_t)64 << 20)
#define BUDGET_FACTOR	16

/* the first with opset imports as they are today */
#define IR_MIN		3
#define OPSET_MAX	1000

void
load_budget(struct load *l, size_t n)
{
	l->budget = n < MODEL_POOL_MAX / BUDGET_FACTOR ?
	    BUDGET_BASE + BUDGET_FACTOR * n : MODEL_POOL_MAX;
}

void *
load_get(struct load *l, size_t n, size_t size, struct err *e)
{
	size_t all;
	void *p;

	if (!size_mul(n, size, &all) || all > l->budget) {
		(void)err_set(e, ERR_LIMIT,
		    "the model needs too much memory for its size");
		return NULL;
	}
	if ((p = pool_get(l->pool, all)) == NULL) {
		(void)err_memory(e, "the model", all);
		return NULL;
	}
	/* Small things cost their rounding, too. */
	all = size_round(all + 1, 16);
	l->budget -= all < l->budget ? all : l->budget;
	return p;
}

const char *
load_name(struct load *l, struct pb_span s, struct err *e)
{
	char *name;

	if (s.n == 0)
		return "";
	if (memchr(s.at, '\0', s.n) != NULL ||
	    !utf8_valid((const char *)s.at, s.n)) {
		(void)err_set(e, ERR_INVALID, "a name is not UTF-8 text");
		return NULL;
	}
	if ((name = load_get(l, s.n + 1, 1, e)) != NULL)
		memcpy(name, s.at, s.n);
	return name;
}

const char *
load_domain(struct load *l, struct pb_span s, struct err *e)
{
	if (s.n == 7 && memcmp(s.at, "ai.onnx", 7) == 0)
		return "";
	return load_name(l, s, e);
}

int
load_opsets(struct load *l, struct pb_many from, struct opset **out, size_t *n,
    struct err *e)
{
	struct opset *sets = load_get(l, from.count, sizeof(*sets), e);
	struct onnx_opset o;
	struct pb_span span;

	if (sets == NULL)
		return -1;
	*n = from.count;
	*out = sets;
	for (; pb_next(&from, &span); sets++) {
		if (onnx_read_opset(span, &o, e) == -1 ||
		    (sets->domain = load_domain(l, o.domain, e)) == NULL)
			return err_prefix(e, "opset_import");
		if (o.version < 1 || o.version > OPSET_MAX)
			return err_set(e, ERR_INVALID, "opset_import: version "
			    "%lld of domain \"%s\"", (long long)o.version,
			    sets->domain);
		sets->version = (int)o.version;
	}
	return 0;
}

int
load_enter(struct load *l, struct err *e)
{
	if (l->depth >= MODEL_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "graphs and functions nest more "
		    "than %d deep", MODEL_DEPTH_MAX);
	l->depth++;
	return 0;
}

void
load_leave(struct load *l)
{
	l->depth--;
}

/* The daemon's signatures hold so many tensors, and names of that length. */
static int
check_signature(const struct graph *g, const int *list, int n,
    const char *what, struct err *e)
{
	if (n > SIG_TENSORS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%d %ss, at most %d are "
		    "supported", n, what, SIG_TENSORS_MAX);
	for (int i = 0; i < n; i++) {
		if (strlen(g->value[list[i]].name) >= SIG_NAME_MAX)
			return err_set(e, ERR_UNSUPPORTED, "%s %d: its name is "
			    "longer than %d bytes", what, i, SIG_NAME_MAX - 1);
		for (int j = 0; j < i; j++)
			if (list[i] == list[j])
				return err_set(e, ERR_INVALID,
				    "%s \"%s\" twice", what,
				    g->value[list[i]].name);
	}
	return 0;
}

static int
read_model(struct load *l, struct model *m, struct pb_span file, struct err *e)
{
	struct onnx_model o;
	struct opset *opset;
	size_t n_opset;

	if (onnx_read_model(file, &o, e) == -1)
		return -1;
	if (o.graph.at == NULL)
		return err_set(e, ERR_INVALID, "not an ONNX model: no graph");
	if (o.ir_version < IR_MIN)
		return err_set(e, ERR_UNSUPPORTED, "IR version %lld, at least "
		    "%d is supported", (long long)o.ir_version, IR_MIN);
	l->ir_version = m->ir_version = o.ir_version;
	if ((m->producer = load_name(l, o.producer, e)) == NULL)
		return err_prefix(e, "producer_name");
	if (load_opsets(l, o.opsets, &opset, &n_opset, e) == -1 ||
	    function_read_all(l, o.functions, e) == -1)
		return -1;
	for (size_t i = 0; i < n_opset; i++)
		if (opset[i].domain[0] == '\0')
			m->opset = opset[i].version;
	if ((m->graph = load_get(l, 1, sizeof(*m->graph), e)) == NULL ||
	    graph_read(l, NULL, opset, n_opset, o.graph, m->graph, e) == -1 ||
	    check_signature(m->graph, m->graph->in, m->graph->n_in, "input",
	    e) == -1 || check_signature(m->graph, m->graph->out,
	    m->graph->n_out, "output", e) == -1)
		return -1;
	m->parameters = l->parameters;
	return 0;
}

struct model *
model_load(void *bytes, size_t n, const struct model_source *source,
    struct err *e)
{
	struct load l = { .source = source, .file = bytes };
	struct pool *pool = pool_new(MODEL_POOL_MAX);
	struct model *m = pool != NULL ? pool_get(pool, sizeof(*m)) : NULL;
	struct pb_span file = { bytes, n };

	if (m == NULL) {
		(void)err_memory(e, "a model", sizeof(*m));
		goto fail;
	}
	l.pool = m->pool = pool;
	load_budget(&l, n);
	if (getrandom(&l.key, sizeof(l.key), GRND_NONBLOCK) < 0)
		l.key = (uint64_t)clock_ns() ^ (uintptr_t)bytes;
	if (read_model(&l, m, file, e) == -1)
		goto fail;
	m->bytes = bytes;
	return m;
fail:
	pool_free(pool);
	return NULL;
}

void
model_free(struct model *m)
{
	if (m == NULL)
		return;
	free(m->bytes);
	pool_free(m->pool);
}
