/* clinfer infer: one inference by a daemon. */
#include "base/size.h"
#include "parse/json.h"
#include "parse/num.h"
#include "tool/inputs.h"
#include "tool/remote_model.h"
#include "tool/show.h"
#include "tool/tool.h"

#define TENSORS_MAX	((size_t)8 << 30)	/* bytes, both ways */

struct infer_options {
	struct remote		 remote;
	struct remote_model	 model;
	struct inputs		 inputs;
	const char		*out;
};

static const struct option long_options[] = {
	REMOTE_LONG,
	REMOTE_JSON,
	{ "input", required_argument, NULL, 'i' },
	{ "shape", required_argument, NULL, 's' },
	{ "output", required_argument, NULL, 'o' },
	{ "version", required_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static bool
set_version(struct infer_options *o, const char *arg)
{
	size_t n = strspn(arg, "0123456789");

	o->model.version = arg;
	return n > 0 && n < 19 && arg[n] == '\0';
}

/* TOOL_OK to go on; else the exit status, 'h' for help. */
static int
parse(struct infer_options *o, int argc, char **argv)
{
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, REMOTE_SHORT "i:o:",
	    long_options, NULL)) != -1) {
		if (c == 'h')
			return 'h';
		if (c == 'i')
			ok = inputs_add(&o->inputs, optarg);
		else if (c == 's')
			ok = inputs_add_shape(&o->inputs, optarg);
		else if (c == 'o')
			o->out = optarg;
		else if (c == 'V')
			ok = set_version(o, optarg);
		else
			ok = remote_option(&o->remote, c, optarg);
	}
	if (!ok || optind + 1 != argc)
		return TOOL_USAGE;
	o->model.name = argv[optind];
	return TOOL_OK;
}

/* The daemon would say so, too, but not which file it was. */
static int
check_input(const struct sig_tensor *t, const struct io *io, struct err *e)
{
	/* What has no known rank is told as [-1]. */
	bool any = t->shape.rank == 1 && t->shape.dim[0] == -1;
	char have[SHAPE_TEXT], want[SHAPE_TEXT];

	if (io->kind == IO_NONE)
		return 0;
	if (io->kind == IO_TENSOR && io->type == t->type &&
	    (any || shape_allows(&t->shape, &io->shape)))
		return 0;
	return err_set(e, ERR_INVALID, "input \"%s\" is %s %s, the model wants "
	    "%s %s", t->name, remote_type(io->type),
	    shape_text(&io->shape, have), remote_type(t->type),
	    shape_text(&t->shape, want));
}

static int
make_inputs(const struct infer_options *o, const struct signature *s,
    struct pool *pool, struct io *in, struct err *e)
{
	static const enum value_type tensors[SIG_TENSORS_MAX];

	if (inputs_make(&o->inputs, s, tensors, pool, in, e) == -1)
		return -1;
	for (uint32_t i = 0; i < s->n_in; i++)
		if (check_input(&s->in[i], &in[i], e) == -1)
			return -1;
	return 0;
}

static void
show_elements(const struct tensor *t)
{
	size_t size = dtype_info(t->type)->bits / 8, n;
	const unsigned char *p = t->data;
	const struct string *s = t->data;
	char text[4096];

	for (size_t i = 0; t->type == DT_STRING && i < t->count; i++) {
		(void)fputs(i > 0 ? "," : "", stdout);
		show_json_bytes(s[i].s, s[i].n);
	}
	for (size_t i = 0; t->type != DT_STRING && i < t->count;) {
		(void)fputs(i > 0 ? "," : "", stdout);
		i += json_print(t->type, p + i * size, t->count - i, text,
		    sizeof(text), &n);
		(void)fwrite(text, 1, n, stdout);
	}
}

/* As the protocol answers without binary tensors. */
static void
show_answer(const struct remote_outputs *out)
{
	char shape[SHAPE_TEXT];

	(void)fputs("{\"model_name\":", stdout);
	show_json_string(out->model);
	(void)fputs(",\"model_version\":", stdout);
	show_json_string(out->version);
	(void)fputs(",\"outputs\":[", stdout);
	for (uint32_t i = 0; i < out->outputs.n; i++) {
		const struct tensor *t = &out->outputs.datum[i].tensor;

		(void)fputs(i > 0 ? ",{\"name\":" : "{\"name\":", stdout);
		show_json_string(out->names[i].name);
		(void)printf(",\"datatype\":\"%s\",\"shape\":%s,\"data\":[",
		    remote_type(t->type), shape_text(&t->shape, shape));
		show_elements(t);
		(void)fputs("]}", stdout);
	}
	(void)puts("]}");
}

static int
show(const struct infer_options *o, const struct remote_outputs *out,
    struct err *e)
{
	if (o->out != NULL && value_save_all(o->out, out->names, &out->outputs,
	    e) == -1)
		return -1;
	if (o->remote.json)
		show_answer(out);
	else if (o->out == NULL)
		for (uint32_t i = 0; i < out->outputs.n; i++)
			value_print(out->names[i].name,
			    &out->outputs.datum[i]);
	return 0;
}

static int
infer(struct infer_options *o, struct pool *pool, struct err *e)
{
	struct io in[SIG_TENSORS_MAX];
	struct remote_outputs out;
	struct signature *s;
	int r;

	if ((s = remote_signature(&o->remote, &o->model, e)) == NULL)
		return -1;
	if ((uint32_t)o->inputs.n_given < s->n_in)
		remote_mark_optional(&o->remote, &o->model, s);
	r = make_inputs(o, s, pool, in, e);
	if (r == 0)
		r = remote_infer(&o->remote, &o->model, s, in, pool, &out, e);
	signature_free(s);
	return r == -1 ? -1 : show(o, &out, e);
}

int
tool_infer(int argc, char **argv)
{
	struct infer_options o = { .remote = REMOTE_INIT(60),
	    .inputs.all = true };
	struct pool *pool;
	struct err e;
	int r = parse(&o, argc, argv);

	if (r != TOOL_OK)
		return tool_usage("infer", r == 'h' ? TOOL_OK : r);
	if ((pool = pool_new(TENSORS_MAX)) == NULL)
		return TOOL_FAILED;
	if (infer(&o, pool, &e) == -1)
		r = tool_fail(&e, o.model.name);
	pool_free(pool);
	return r;
}
