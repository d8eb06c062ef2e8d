/* clinfer run: one inference in this process. */
#include <getopt.h>

#include "tool/inputs.h"
#include "tool/session.h"
#include "tool/tool.h"
#include "tool/value.h"

struct run_options {
	struct session_options	 session;
	struct inputs		 inputs;
	const char		*out;
	const char		*model;
};

static const struct option long_options[] = {
	SESSION_LONG,
	{ "input", required_argument, NULL, 'i' },
	{ "shape", required_argument, NULL, 's' },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* TOOL_OK to go on; else the exit status, 'h' for help. */
static int
parse(struct run_options *o, int argc, char **argv)
{
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, SESSION_SHORT "i:o:h",
	    long_options, NULL)) != -1) {
		if (c == 'h')
			return 'h';
		if (c == 'i')
			ok = inputs_add(&o->inputs, optarg);
		else if (c == 's')
			ok = inputs_add_shape(&o->inputs, optarg);
		else if (c == 'o')
			o->out = optarg;
		else
			ok = session_option(&o->session, c, optarg);
	}
	if (!ok || optind + 1 != argc)
		return TOOL_USAGE;
	o->model = argv[optind];
	return TOOL_OK;
}

static int
infer(const struct run_options *o, struct net *net,
    const struct value_types *types, struct pool *pool, struct err *e)
{
	const struct signature *sig = net_signature(net);
	struct io in[SIG_TENSORS_MAX];
	struct outputs out = { .pool = NULL };

	if (inputs_make(&o->inputs, sig, types->in, pool, in, e) == -1 ||
	    value_run(net, in, sig->n_in, pool, &out, e) == -1)
		return -1;
	if (o->out != NULL)
		return value_save_all(o->out, sig->out, &out, e);
	for (uint32_t i = 0; i < out.n; i++)
		value_print(sig->out[i].name, &out.datum[i]);
	return 0;
}

static int
run(const struct run_options *o, struct session *s, struct model_file *f,
    struct pool *pool, struct err *e)
{
	struct net_options options = { 0 };
	struct value_types types;
	struct net *net;
	int r;

	if (model_file_open(f, o->model, e) == -1 ||
	    value_types(f, &types, e) == -1 ||
	    session_open(s, &o->session, e) == -1)
		return -1;
	net = net_load(s->engine, f->bytes, f->n, &f->source, &options, e);
	if (net == NULL)
		return -1;
	f->bytes = NULL;
	r = infer(o, net, &types, pool, e);
	net_free(net);
	return r;
}

int
tool_run(int argc, char **argv)
{
	struct run_options o = { .session.engine.check = true };
	struct model_file f = { .folder = -1 };
	struct session s = { NULL, NULL };
	struct pool *pool;
	struct err e;
	int r = parse(&o, argc, argv);

	if (r != TOOL_OK)
		return tool_usage("run", r == 'h' ? TOOL_OK : r);
	if ((pool = pool_new(SIZE_MAX / 2)) == NULL)
		return TOOL_FAILED;
	if (run(&o, &s, &f, pool, &e) == -1)
		r = tool_fail(&e, o.model);
	session_close(&s);
	model_file_close(&f);
	pool_free(pool);
	return r;
}
