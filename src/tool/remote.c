#include "tool/remote.h"

#include "tool/tool.h"

#define JSON_MAX	((size_t)16 << 20)
#define TIMEOUT_MAX	86400.0
#define PATH_MAX_BYTES	((size_t)16 << 10)

bool
remote_option(struct remote *r, int opt, const char *arg)
{
	struct err e;

	if (opt == 'u') {
		r->name = arg;
		if (url_parse(&r->url, arg, &e) == 0)
			return true;
		(void)tool_fail(&e, arg);
		return false;
	}
	if (opt == 0x201)
		return tool_number(arg, 0.001, &r->timeout_s) &&
		    r->timeout_s <= TIMEOUT_MAX;
	r->json |= opt == 0x202;
	return opt == 0x202;
}

int
remote_options(struct remote *r, const struct remote_operands *o, int argc,
    char **argv, const char **operand)
{
	static const struct option options[] = {
		REMOTE_LONG,
		REMOTE_JSON,
		{ NULL, 0, NULL, 0 },
	};
	int c, n;

	while ((c = getopt_long(argc, argv, REMOTE_SHORT, options, NULL)) != -1)
		if (c == 'h' || !remote_option(r, c, optarg))
			return c == 'h' ? 'h' : TOOL_USAGE;
	n = argc - optind;
	if (n < o->least || n > o->most || (r->json && !o->json))
		return TOOL_USAGE;
	if (operand != NULL)
		*operand = n > 0 ? argv[optind] : NULL;
	return TOOL_OK;
}

static void
add_escaped(struct buf *b, const char *word)
{
	for (; *word != '\0'; word++) {
		unsigned char c = (unsigned char)*word;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || strchr("-._~", c) != NULL)
			(void)buf_add(b, word, 1);
		else
			(void)buf_printf(b, "%%%02X", c);
	}
}

void
remote_path(struct buf *b, const char *pattern, const char *word,
    const char *second)
{
	buf_init(b, PATH_MAX_BYTES);
	for (; *pattern != '\0'; pattern++) {
		if (*pattern != '%') {
			(void)buf_add(b, pattern, 1);
			continue;
		}
		add_escaped(b, word);
		word = second;
	}
}

int
remote_ask(struct remote *r, const struct client_request *q,
    struct client_answer *a, struct err *e)
{
	if (r->url.host[0] == '\0' && url_parse(&r->url, r->name, e) == -1)
		return -1;
	if (client_ask(&r->url, r->timeout_s, q, a, e) == 0)
		return 0;
	client_done(a);
	return err_prefix(e, "%s", r->name);
}

/* In the daemon's own words, if it has some. */
static int
refused(const struct client_answer *a, struct err *e)
{
	json_t *j = remote_json(a, NULL);
	const char *why = remote_text(j, "error");

	(void)err_set(e, ERR_UNAVAILABLE, "%s (status %d)", *why != '\0' ?
	    why : "the daemon refuses and does not say why", a->status);
	json_decref(j);
	return -1;
}

int
remote_ask_200(struct remote *r, const struct client_request *q,
    struct client_answer *a, struct err *e)
{
	if (remote_ask(r, q, a, e) == -1)
		return -1;
	if (a->status == 200)
		return 0;
	(void)refused(a, e);
	client_done(a);
	return err_prefix(e, "%s", r->name);
}

json_t *
remote_json(const struct client_answer *a, struct err *e)
{
	json_error_t why;
	json_t *j = json_loadb(a->body.data != NULL ? a->body.data : "",
	    a->json, JSON_REJECT_DUPLICATES, &why);

	if (j == NULL)
		(void)err_set(e, ERR_INVALID, "its answer is not JSON: %s at "
		    "byte %d", why.text, why.position);
	return j;
}

json_t *
remote_get(struct remote *r, const char *method, const char *path, int *status,
    struct err *e)
{
	struct client_request q = { .method = method, .path = path,
	    .answer_max = JSON_MAX };
	struct client_answer a;
	json_t *j;

	if ((status != NULL ? remote_ask(r, &q, &a, e) :
	    remote_ask_200(r, &q, &a, e)) == -1)
		return NULL;
	if (status != NULL)
		*status = a.status;
	if ((j = remote_json(&a, e)) == NULL)
		(void)err_prefix(e, "%s%s", r->name, path);
	client_done(&a);
	return j;
}

const char *
remote_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "";
}
