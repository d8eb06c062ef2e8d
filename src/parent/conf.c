#include "parent/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "parent/conf_key.h"

#define K	INT64_C(1024)
#define M	(K * K)
#define G	(K * M)
#define MS	NS_PER_MS
#define S	NS_PER_S
#define H	(3600 * S)
#define AT(f)	offsetof(struct conf, f)
#define LIVE	true
#define START	false

const struct key conf_keys[] = {
	{ "server", "listen", ADDRESSES, AT(server_listen), "127.0.0.1:8000",
	    1, 64, LIVE, NULL,
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

	{ "worker", "devices", DEVICES, AT(worker_devices), "auto",
	    0, 0, LIVE, NULL,
	    "auto (all GPUs and accelerators, else the CPU), all, gpu, cpu, or "
	    "substrings of device names." },
	{ "worker", "count", COUNT, AT(worker_count), "1",
	    1, 16, LIVE, NULL, "Worker processes per device." },
	{ "worker", "program", STRING, AT(worker_program), "",
	    0, 0, START, NULL,
	    "The worker's executable; empty: the one installed with us." },
	{ "worker", "cache", STRING, AT(worker_cache), CACHE_DIR,
	    0, 0, START, NULL,
	    "Folder for compiled programs; each worker has one below it." },
	{ "worker", "environment", LIST, AT(worker_environment),
	    "POCL_* RUSTICL_* CUDA_*", 0, 64, START, NULL,
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
	    0, 64, LIVE, NULL,
	    "Model repositories; the first that has a name wins." },
	{ "models", "watch", CHOICE, AT(models_watch), "yes",
	    0, 0, LIVE, " yes no ",
	    "Load, replace and unload models as their folders change; no: on "
	    "SIGHUP and request only." },

	{ "log", "level", CHOICE, AT(log_level), "info",
	    0, 0, LIVE, " error warn info debug ", "How much to say." },
	{ "log", "areas", AREAS, AT(log_areas), "",
	    0, 64, LIVE, NULL,
	    "Another level for single areas, as in \"model=debug "
	    "http=warn\"." },
	{ "log", "access", CHOICE, AT(log_access), "no",
	    0, 0, LIVE, " yes no ", "A line for each request answered." },
	{ "log", "target", CHOICE, AT(log_target), "auto",
	    0, 0, LIVE, " auto stderr syslog journal ",
	    "Where to say it; auto: the journal if standard error is it, else "
	    "standard error." },
};
const size_t conf_n_keys = nitems(conf_keys);

#undef K
#undef M
#undef G
#undef MS
#undef S
#undef H

struct conf *
conf_new(void)
{
	struct conf *c = calloc(1, sizeof(*c));

	for (size_t i = 0; c != NULL && i < conf_n_keys; i++)
		if (key_set(c, &conf_keys[i], conf_keys[i].fallback,
		    NULL) == -1) {
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
	for (size_t i = 0; i < conf_n_keys; i++)
		key_clear(c, &conf_keys[i]);
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

/* Where the section is wrong the name tells more. */
static unsigned
remoteness(const struct key *k, const char *section, const char *name)
{
	unsigned d = distance(section, k->section);

	return 2 * distance(name, k->name) + (d < 3 ? d : 3);
}

static int
unknown(const char *section, const char *name, struct err *e)
{
	const struct key *near = conf_keys;
	bool known = false;

	for (const struct key *k = conf_keys; k < conf_keys + conf_n_keys;
	    k++) {
		known |= strcmp(k->section, section) == 0;
		if (remoteness(k, section, name) <
		    remoteness(near, section, name))
			near = k;
	}
	if (*section == '\0')
		return err_set(e, ERR_INVALID, "\"%s\" before any [section]; "
		    "the nearest key is \"%s.%s\"", name, near->section,
		    near->name);
	return err_set(e, ERR_INVALID, "no %s \"%s%s%s\"; the nearest key is "
	    "\"%s.%s\"", known ? "key" : "section", section,
	    known ? "." : "", known ? name : "", near->section, near->name);
}

const struct key *
key_find(const char *section, const char *name, struct err *e)
{
	for (const struct key *k = conf_keys; k < conf_keys + conf_n_keys; k++)
		if (strcmp(k->section, section) == 0 &&
		    strcmp(k->name, name) == 0)
			return k;
	(void)unknown(section, name, e);
	return NULL;
}

int
conf_set(struct conf *c, const char *assignment, struct err *e)
{
	const char *equals = strchr(assignment, '='), *dot;
	char section[64], name[64];
	const struct key *k;

	dot = equals == NULL ? NULL :
	    memchr(assignment, '.', (size_t)(equals - assignment));
	if (dot == NULL)
		return err_set(e, ERR_INVALID,
		    "\"%s\" is not SECTION.KEY=VALUE", assignment);
	(void)snprintf(section, sizeof(section), "%.*s",
	    (int)(dot - assignment), assignment);
	(void)snprintf(name, sizeof(name), "%.*s", (int)(equals - dot - 1),
	    dot + 1);
	k = key_find(section, name, e);
	return k != NULL ? key_set(c, k, equals + 1, e) : -1;
}

void
conf_reload(struct conf *c, struct conf *next, conf_report *report, void *arg)
{
	char text[256];

	for (const struct key *k = conf_keys; k < conf_keys + conf_n_keys;
	    k++) {
		if (key_equal(c, next, k))
			continue;
		(void)snprintf(text, sizeof(text), k->live ?
		    "%s.%s changed" : "%s.%s changed: needs a restart",
		    k->section, k->name);
		report(arg, text);
		if (k->live)
			key_swap(c, next, k);
	}
}
