/* clinfer inspect: what a model is, without a device. */
#include <getopt.h>

#include "engine/engine.h"
#include "tool/file.h"
#include "tool/show.h"
#include "tool/tool.h"

#define OPS_MAX	256	/* kinds of operators that are counted */

struct count {
	const char	*domain, *op;
	int		 opset;
	size_t		 n;
};

struct summary {
	struct count	 count[OPS_MAX];
	size_t		 n;
	size_t		 nodes;
	bool		 json;
	bool		 first;		/* no unsupported node printed yet */
};

static void
count_node(struct summary *s, const struct node *n)
{
	size_t i;

	s->nodes++;
	for (i = 0; i < s->n; i++)
		if (strcmp(s->count[i].op, n->op) == 0 &&
		    strcmp(s->count[i].domain, n->domain) == 0)
			break;
	if (i == OPS_MAX)
		return;
	if (i == s->n)
		s->count[s->n++] = (struct count){ n->domain, n->op, n->opset,
		    0 };
	s->count[i].n++;
}

static void
count_graph(struct summary *s, const struct graph *g)
{
	for (int i = 0; i < g->n_node; i++) {
		const struct node *n = &g->node[i];

		count_node(s, n);
		for (int k = 0; k < n->n_attr; k++)
			if (n->attr[k].type == ATTR_GRAPH ||
			    n->attr[k].type == ATTR_GRAPHS)
				for (size_t j = 0; j < n->attr[k].n; j++)
					count_graph(s, &n->attr[k].g[j]);
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct count *x = a, *y = b;
	int r = strcmp(x->domain, y->domain);

	return r != 0 ? r : strcmp(x->op, y->op);
}

static const char *
type_text(const struct value *v)
{
	static const char *const outer[] = {
		[VALUE_TENSOR] = "", [VALUE_SEQUENCE] = "sequence of ",
		[VALUE_OPTIONAL] = "optional ", [VALUE_UNKNOWN] = "unknown ",
	};
	static char text[64];

	(void)snprintf(text, sizeof(text), "%s%s", outer[v->type],
	    v->elem == DT_NONE ? "" : dtype_info(v->elem)->onnx);
	return text;
}

static void
print_shape(const struct value *v)
{
	if (!v->has_shape) {
		(void)printf("?");
		return;
	}
	(void)printf("[");
	for (int i = 0; i < v->shape.rank; i++) {
		(void)fputs(i > 0 ? "," : "", stdout);
		if (v->shape.dim[i] >= 0)
			(void)printf("%lld", (long long)v->shape.dim[i]);
		else
			(void)show_string(stdout, v->dim_name[i] != NULL ?
			    v->dim_name[i] : "any");
	}
	(void)printf("]");
}

static void
print_values(const char *title, const struct graph *g, const int *list, int n)
{
	for (int i = 0; i < n; i++) {
		const struct value *v = &g->value[list[i]];

		(void)printf("%s ", title);
		(void)show_string(stdout, v->name);
		(void)printf(": %s ", type_text(v));
		print_shape(v);
		(void)printf("%s\n", v->init != NULL ? " (optional)" : "");
	}
}

static void
json_values(const char *title, const struct graph *g, const int *list, int n)
{
	(void)printf("\"%s\":[", title);
	for (int i = 0; i < n; i++) {
		const struct value *v = &g->value[list[i]];

		(void)printf("%s{\"name\":", i > 0 ? "," : "");
		show_json_string(v->name);
		(void)printf(",\"type\":\"%s\",\"shape\":", type_text(v));
		if (!v->has_shape)
			(void)printf("null");
		else
			(void)putchar('[');
		for (int k = 0; v->has_shape && k < v->shape.rank; k++)
			(void)printf("%s%lld", k > 0 ? "," : "",
			    (long long)v->shape.dim[k]);
		(void)printf("%s}", v->has_shape ? "]" : "");
	}
	(void)printf("],");
}

static void
print_model(const struct model *m, const struct summary *s)
{
	show_line("ir_version %lld, opset %d%s%s",
	    (long long)m->ir_version, m->opset,
	    m->producer[0] != '\0' ? ", by " : "", m->producer);
	print_values("input", m->graph, m->graph->in, m->graph->n_in);
	print_values("output", m->graph, m->graph->out, m->graph->n_out);
	(void)printf("%zu nodes, %zu parameters\n", s->nodes, m->parameters);
	for (size_t i = 0; i < s->n; i++)
		show_line("  %s%s%s-%d x %zu", s->count[i].domain,
		    s->count[i].domain[0] != '\0' ? "." : "", s->count[i].op,
		    s->count[i].opset, s->count[i].n);
}

static void
json_model(const struct model *m, const struct summary *s)
{
	(void)printf("{\"ir_version\":%lld,\"opset\":%d,",
	    (long long)m->ir_version, m->opset);
	json_values("inputs", m->graph, m->graph->in, m->graph->n_in);
	json_values("outputs", m->graph, m->graph->out, m->graph->n_out);
	(void)printf("\"nodes\":%zu,\"parameters\":%zu,\"operators\":[",
	    s->nodes, m->parameters);
	for (size_t i = 0; i < s->n; i++) {
		(void)printf("%s{\"domain\":", i > 0 ? "," : "");
		show_json_string(s->count[i].domain);
		(void)printf(",\"op\":");
		show_json_string(s->count[i].op);
		(void)printf(",\"opset\":%d,\"count\":%zu}", s->count[i].opset,
		    s->count[i].n);
	}
	(void)printf("],\"unsupported\":[");
}

static void
found(void *arg, const struct node *n, const char *why)
{
	struct summary *s = arg;

	if (!s->json) {
		show_line("not supported: node \"%s\" (%s-%d): %s",
		    n->name, n->op, n->opset, why);
		return;
	}
	(void)printf("%s{\"node\":", s->first ? "" : ",");
	show_json_string(n->name);
	(void)printf(",\"op\":");
	show_json_string(n->op);
	(void)printf(",\"why\":");
	show_json_string(why);
	(void)printf("}");
	s->first = false;
}

static int
inspect(const char *model, struct summary *s, struct err *e)
{
	struct model_file f;
	struct model *m;
	int missing;

	if (model_file_open(&f, model, e) == -1)
		return -1;
	if ((m = model_load(f.bytes, f.n, &f.source, e)) == NULL) {
		model_file_close(&f);
		return -1;
	}
	f.bytes = NULL;
	count_graph(s, m->graph);
	qsort(s->count, s->n, sizeof(*s->count), by_name);
	(s->json ? json_model : print_model)(m, s);
	missing = engine_unsupported(m, found, s);
	if (s->json)
		(void)printf("]}\n");
	else if (missing == 0)
		(void)printf("everything is supported\n");
	model_free(m);
	model_file_close(&f);
	return 0;
}

int
tool_inspect(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct summary s = { .first = true };
	struct err e;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'j')
			return tool_usage("inspect",
			    c == 'h' ? TOOL_OK : TOOL_USAGE);
		s.json = true;
	}
	if (optind + 1 != argc)
		return tool_usage("inspect", TOOL_USAGE);
	if (inspect(argv[optind], &s, &e) == -1)
		return tool_fail(&e, argv[optind]);
	return TOOL_OK;
}
