#include "parent/conf.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"

enum kind { STRING, LIST, CHOICE, BYTES, TIME, COUNT };

struct key {
	const char	*section, *name;
	enum kind	 kind;
	size_t		 field;		/* offset in struct conf */
	const char	*fallback;	/* the default, as written in a file */
	int64_t		 min, max;	/* bytes, nanoseconds or a count */
	bool		 live;		/* a running daemon can take it over */
	const char	*choices;	/* CHOICE: words with spaces around */
	const char	*help;
};

#define K	INT64_C(1024)
#define M	(K * K)
#define G	(K * M)
#define MS	NS_PER_MS
#define S	NS_PER_S
#define H	(3600 * S)
#define AT(f)	offsetof(struct conf, f)
#define LIVE	true
#define START	false

static const struct key keys[] = {
	{ "server", "listen", LIST, AT(server_listen), "127.0.0.1:8000",
	    0, 0, START, NULL,
	    "Where to listen: host:port, [v6]:port or unix:/path." },
	{ "server", "user", STRING, AT(server_user), "_clinferd",
	    0, 0, START, NULL, "Started as root, become this user." },
	{ "server", "drain_timeout", TIME, AT(server_drain_ns), "30s",
	    0, H, LIVE, NULL,
	    "At the end, wait this long for answers under way." },

	{ "limits", "memory", BYTES, AT(limits_memory), "2G",
	    16 * M, 1024 * G, LIVE, NULL,
	    "Request bodies, shared memory and copies of answers together." },
	{ "limits", "connections", COUNT, AT(limits_connections), "1024",
	    1, 1000000, LIVE, NULL, "Open connections." },
	{ "limits", "head", BYTES, AT(limits_head), "32K",
	    1 * K, 1 * M, LIVE, NULL, "One request's line and headers." },
	{ "limits", "body", BYTES, AT(limits_body), "64M",
	    1 * K, 16 * G, LIVE, NULL, "One request's body." },
	{ "limits", "head_timeout", TIME, AT(limits_head_ns), "10s",
	    10 * MS, H, LIVE, NULL, "For a whole head to arrive." },
	{ "limits", "body_timeout", TIME, AT(limits_body_ns), "60s",
	    10 * MS, H, LIVE, NULL, "For a whole body to arrive." },
	{ "limits", "idle_timeout", TIME, AT(limits_idle_ns), "60s",
	    10 * MS, 24 * H, LIVE, NULL, "Between requests of a connection." },
	{ "limits", "send_timeout", TIME, AT(limits_send_ns), "60s",
	    10 * MS, H, LIVE, NULL, "For a client to take a whole answer." },

	{ "queue", "size", COUNT, AT(queue_size), "1024",
	    1, 1000000, LIVE, NULL,
	    "Requests that may wait, per model; more are refused with 503." },
	{ "queue", "timeout", TIME, AT(queue_timeout_ns), "60s",
	    1 * MS, 24 * H, LIVE, NULL,
	    "From a request's last byte to its answer; then 503." },
	{ "queue", "batch", COUNT, AT(queue_batch), "32",
	    0, 65536, START, NULL,
	    "Largest batch of a model whose config.pbtxt gives none; 0: no "
	    "batching." },
	{ "queue", "delay", TIME, AT(queue_delay_ns), "0",
	    0, 10 * S, LIVE, NULL,
	    "Wait this long for a batch to fill though a device is idle." },

	{ "worker", "devices", STRING, AT(worker_devices), "auto",
	    0, 0, START, NULL,
	    "auto (all GPUs and accelerators, else the CPU), all, gpu, cpu, or "
	    "substrings of device names." },
	{ "worker", "count", COUNT, AT(worker_count), "1",
	    1, 16, START, NULL, "Worker processes per device." },
	{ "worker", "program", STRING, AT(worker_program), "",
	    0, 0, START, NULL,
	    "The worker's executable; empty: the one installed with us." },
	{ "worker", "cache", STRING, AT(worker_cache), CACHE_DIR,
	    0, 0, START, NULL,
	    "Folder for compiled programs; each worker has one below it." },
	{ "worker", "environment", LIST, AT(worker_environment),
	    "POCL_* RUSTICL_* CUDA_*", 0, 0, START, NULL,
	    "Variables that workers inherit; all others are dropped." },
	{ "worker", "sandbox", CHOICE, AT(worker_sandbox), "auto",
	    0, 0, START, " auto required off ",
	    "auto: as far as this kernel can; required: or do not start; "
	    "off." },
	{ "worker", "output", BYTES, AT(worker_output), "64M",
	    1 * M, 16 * G, START, NULL,
	    "Shared memory for the outputs of one worker." },
	{ "worker", "hold_timeout", TIME, AT(worker_hold_ns), "2s",
	    10 * MS, H, LIVE, NULL,
	    "An answer not taken by then is copied out of shared memory." },
	{ "worker", "start_timeout", TIME, AT(worker_start_ns), "60s",
	    100 * MS, H, LIVE, NULL, "For a worker to open its device." },
	{ "worker", "load_timeout", TIME, AT(worker_load_ns), "300s",
	    100 * MS, H, LIVE, NULL, "For a model to be read and prepared." },
	{ "worker", "compile_timeout", TIME, AT(worker_compile_ns), "300s",
	    100 * MS, H, LIVE, NULL, "For a program to be compiled." },
	{ "worker", "run_timeout", TIME, AT(worker_run_ns), "30s",
	    100 * MS, H, LIVE, NULL,
	    "For one batch; a worker over it is killed and replaced." },

	{ "engine", "cl_dir", STRING, AT(engine_cl_dir), "",
	    0, 0, START, NULL,
	    "Read kernels from this folder, not from the program: for work on "
	    "them." },
	{ "engine", "memory", BYTES, AT(engine_memory), "0",
	    0, 1024 * G, START, NULL,
	    "Memory one worker may use for models, host and device; 0: what "
	    "the device has." },

	{ "models", "dir", LIST, AT(models_dir), MODELS_DIR " " EXAMPLE_DIR,
	    0, 0, START, NULL,
	    "Model repositories; the first that has a name wins." },
	{ "models", "watch", CHOICE, AT(models_watch), "yes",
	    0, 0, LIVE, " yes no ",
	    "Load, replace and unload models as their folders change; no: on "
	    "SIGHUP and request only." },

	{ "log", "level", CHOICE, AT(log_level), "info",
	    0, 0, LIVE, " error warn info debug ", "How much to say." },
	{ "log", "target", CHOICE, AT(log_target), "stderr",
	    0, 0, START, " stderr syslog ", "Where to say it." },
};

#undef K
#undef M
#undef G
#undef MS
#undef S
#undef H

static void *
field_of(struct conf *c, const struct key *k)
{
	return (char *)c + k->field;
}

void
conf_list_free(struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

static int
list_addn(struct conf_list *l, const char *s, size_t n)
{
	char **v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (v == NULL)
		return -1;
	l->v = v;
	if ((v[l->n] = strndup(s, n)) == NULL)
		return -1;
	l->n++;
	return 0;
}

int
conf_list_add(struct conf_list *l, const char *s)
{
	return list_addn(l, s, strlen(s));
}

static int
list_parse(struct conf_list *l, const char *s)
{
	static const char separators[] = " \t,";
	size_t n;

	conf_list_free(l);
	for (s += strspn(s, separators); *s != '\0';
	    s += strspn(s, separators)) {
		bool quoted = *s == '"';

		s += quoted;
		n = strcspn(s, quoted ? "\"" : separators);
		if (list_addn(l, s, n) == -1)
			return -1;
		s += n + (quoted && s[n] != '\0');
	}
	return 0;
}

struct unit {
	const char	*name;
	int64_t		 factor;
};

static const struct unit byte_units[] = {
	{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 },
	{ NULL, 0 },
};
static const struct unit time_units[] = {
	{ "us", NS_PER_US }, { "ms", NS_PER_MS }, { "s", NS_PER_S },
	{ "min", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S }, { NULL, 0 },
};
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

static const struct {
	const struct unit *units;
	const char	*expects;
} numbers[] = {
	[BYTES] = { byte_units, "a number of bytes (K, M, G behind it)" },
	[TIME] = { time_units, "a time (us, ms, s, min or h behind it)" },
	[COUNT] = { no_units, "a number" },
};

/* Digits and a unit; a bare 0 needs none. */
static int
number_parse(const struct key *k, const char *s, int64_t *out, struct err *e)
{
	const struct unit *u;
	long long v;
	char *end;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (end == s || errno != 0 || v < 0)
		return err_set(e, ERR_INVALID, "\"%s\" is not %s", s,
		    numbers[k->kind].expects);
	for (u = numbers[k->kind].units; u->name != NULL; u++)
		if (strcmp(u->name, end) == 0)
			break;
	if (u->name == NULL && !(v == 0 && *end == '\0'))
		return err_set(e, ERR_INVALID, "\"%s\" is not %s", s,
		    numbers[k->kind].expects);
	if (__builtin_mul_overflow(v, u->name != NULL ? u->factor : 1, out) ||
	    *out < k->min || *out > k->max)
		return err_set(e, ERR_INVALID, "%s is out of range", s);
	return 0;
}

static int
string_set(char **field, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return err_memory(e, "configuration", strlen(value));
	free(*field);
	*field = copy;
	return 0;
}

static int
choice_check(const struct key *k, const char *value, struct err *e)
{
	char word[64];

	(void)snprintf(word, sizeof(word), " %s ", value);
	if (strchr(value, ' ') == NULL && strstr(k->choices, word) != NULL)
		return 0;
	return err_set(e, ERR_INVALID, "\"%s\" is none of:%s", value,
	    k->choices);
}

static int
key_set(struct conf *c, const struct key *k, const char *value, struct err *e)
{
	void *f = field_of(c, k);
	int64_t n = 0;

	switch (k->kind) {
	case CHOICE:
		if (choice_check(k, value, e) == -1)
			return -1;
		return string_set(f, value, e);
	case STRING:
		return string_set(f, value, e);
	case LIST:
		if (list_parse(f, value) == -1)
			return err_memory(e, "configuration", strlen(value));
		return 0;
	default:
		break;
	}
	if (number_parse(k, value, &n, e) == -1)
		return -1;
	if (k->kind == BYTES)
		*(size_t *)f = (size_t)n;
	else if (k->kind == TIME)
		*(int64_t *)f = n;
	else
		*(uint32_t *)f = (uint32_t)n;
	return 0;
}

struct conf *
conf_new(void)
{
	struct conf *c = calloc(1, sizeof(*c));

	for (size_t i = 0; c != NULL && i < nitems(keys); i++)
		if (key_set(c, &keys[i], keys[i].fallback, NULL) == -1) {
			conf_free(c);
			return NULL;
		}
	return c;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < nitems(keys); i++) {
		void *f = field_of(c, &keys[i]);

		if (keys[i].kind == LIST)
			conf_list_free(f);
		else if (keys[i].kind == STRING || keys[i].kind == CHOICE)
			free(*(char **)f);
	}
	free(c);
}

/* Levenshtein's distance between short words. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[64], up, left, n = (unsigned)strnlen(b, nitems(row) - 1);

	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		left = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			up = row[j];
			left += a[i - 1] != b[j - 1];
			left = left < up + 1 ? left : up + 1;
			row[j] = left < row[j - 1] + 1 ? left : row[j - 1] + 1;
			left = up;
		}
	}
	return row[n];
}

static int
unknown(const char *section, const char *name, struct err *e)
{
	unsigned best = UINT_MAX, d;
	const struct key *near = keys;

	for (size_t i = 0; i < nitems(keys); i++) {
		d = 2 * distance(section, keys[i].section) +
		    distance(name, keys[i].name);
		if (d < best) {
			best = d;
			near = &keys[i];
		}
	}
	return err_set(e, ERR_INVALID, "no key \"%s.%s\"; the nearest is "
	    "\"%s.%s\"", section, name, near->section, near->name);
}

int
conf_set_key(struct conf *c, const char *section, const char *name,
    const char *value, struct err *e)
{
	for (size_t i = 0; i < nitems(keys); i++) {
		if (strcmp(keys[i].section, section) != 0 ||
		    strcmp(keys[i].name, name) != 0)
			continue;
		if (key_set(c, &keys[i], value, e) == -1)
			return err_prefix(e, "%s.%s", section, name);
		return 0;
	}
	return unknown(section, name, e);
}

int
conf_set(struct conf *c, const char *assignment, struct err *e)
{
	const char *equals = strchr(assignment, '='), *dot;
	char section[64], name[64];

	dot = equals == NULL ? NULL :
	    memchr(assignment, '.', (size_t)(equals - assignment));
	if (dot == NULL)
		return err_set(e, ERR_INVALID,
		    "\"%s\" is not SECTION.KEY=VALUE", assignment);
	(void)snprintf(section, sizeof(section), "%.*s",
	    (int)(dot - assignment), assignment);
	(void)snprintf(name, sizeof(name), "%.*s", (int)(equals - dot - 1),
	    dot + 1);
	return conf_set_key(c, section, name, equals + 1, e);
}

/* "# " and the text, broken before column 78. */
static void
print_comment(struct buf *out, const char *text)
{
	size_t column = 0, word;

	while (*text != '\0') {
		word = strcspn(text, " ");
		if (column == 0 || column + 1 + word > 76) {
			(void)buf_str(out, column == 0 ? "#" : "\n#");
			column = 1;
		}
		(void)buf_printf(out, " %.*s", (int)word, text);
		column += 1 + word;
		text += word;
		text += strspn(text, " ");
	}
	(void)buf_str(out, "\n");
}

bool
conf_print(struct buf *out)
{
	const char *section = "";
	char text[512];

	(void)buf_str(out, "# clinferd: every key with its default.  Those "
	    "marked (live) are taken over by\n# a running daemon on SIGHUP; "
	    "the others need a restart.\n");
	for (size_t i = 0; i < nitems(keys); i++) {
		const struct key *k = &keys[i];

		if (strcmp(section, k->section) != 0)
			(void)buf_printf(out, "\n[%s]\n", k->section);
		section = k->section;
		(void)buf_str(out, "\n");
		(void)snprintf(text, sizeof(text), "%s%s", k->help,
		    k->live ? "  (live)" : "");
		print_comment(out, text);
		(void)buf_printf(out, "#%s =%s%s\n", k->name,
		    *k->fallback != '\0' ? " " : "", k->fallback);
	}
	return !buf_failed(out);
}

static bool
list_equal(const struct conf_list *a, const struct conf_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static const size_t field_bytes[] = {
	[STRING] = sizeof(char *), [LIST] = sizeof(struct conf_list),
	[CHOICE] = sizeof(char *), [BYTES] = sizeof(size_t),
	[TIME] = sizeof(int64_t), [COUNT] = sizeof(uint32_t),
};

static bool
key_equal(const struct key *k, const void *a, const void *b)
{
	if (k->kind == LIST)
		return list_equal(a, b);
	if (k->kind == STRING || k->kind == CHOICE)
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	return memcmp(a, b, field_bytes[k->kind]) == 0;
}

void
conf_reload(struct conf *c, struct conf *next, conf_report *report, void *arg)
{
	char text[256], swap[sizeof(struct conf_list)];

	for (size_t i = 0; i < nitems(keys); i++) {
		const struct key *k = &keys[i];
		void *a = field_of(c, k), *b = field_of(next, k);

		if (key_equal(k, a, b))
			continue;
		(void)snprintf(text, sizeof(text), k->live ?
		    "%s.%s changed" : "%s.%s changed: needs a restart",
		    k->section, k->name);
		report(arg, text);
		if (!k->live)
			continue;
		memcpy(swap, a, field_bytes[k->kind]);
		memcpy(a, b, field_bytes[k->kind]);
		memcpy(b, swap, field_bytes[k->kind]);
	}
}
