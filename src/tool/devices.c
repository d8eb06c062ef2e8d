/*
 * clinfer devices: the OpenCL devices of every driver.
 *
 * One process per driver, as the daemon does it: a driver that crashes or hangs
 * hides only its own devices.  A child is this program again, with "devices
 * --here" and OCL_ICD_VENDORS naming that one driver.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "ocl/ocl.h"
#include "tool/child.h"
#include "tool/show.h"
#include "tool/tool.h"

#define ICD_FOLDER	"/etc/OpenCL/vendors"
#define DRIVER_SECONDS	20
#define OUTPUT_MAX	((size_t)1 << 20)

static const char *const type_names[] = {
	[OCL_CPU] = "cpu", [OCL_GPU] = "gpu",
	[OCL_ACCELERATOR] = "accelerator", [OCL_OTHER] = "other",
};

static void
print_device(const struct ocl_facts *f, bool json)
{
	if (!json) {
		(void)printf("%s\n  %s, %s, %u compute units, %llu MiB, "
		    "vectors of %d floats\n  driver %s, %s\n", f->name,
		    type_names[f->type], f->profile == PROFILE_CPU ?
		    "CPU kernels" : "GPU kernels", f->units,
		    (unsigned long long)(f->memory >> 20), f->vec, f->driver,
		    f->version);
		return;
	}
	(void)printf("{\"name\":");
	show_json_string(f->name);
	(void)printf(",\"type\":\"%s\",\"profile\":\"%s\",\"compute_units\":%u,"
	    "\"memory\":%llu,\"driver\":", type_names[f->type],
	    f->profile == PROFILE_CPU ? "cpu" : "gpu", f->units,
	    (unsigned long long)f->memory);
	show_json_string(f->driver);
	(void)printf("}\n");
}

/* In the child: the devices that this process sees. */
static int
list_here(bool json)
{
	struct ocl_facts *facts = NULL;
	struct err e;
	size_t n = 0;

	if (ocl_list(&facts, &n, &e) == -1)
		return tool_fail(&e, "devices");
	/* Drivers may have printed what they like on standard output. */
	(void)fflush(stdout);
	if (dup2(CHILD_ANSWER, STDOUT_FILENO) == -1)
		return TOOL_FAILED;
	for (size_t i = 0; i < n; i++)
		print_device(&facts[i], json);
	free(facts);
	return fflush(stdout) == 0 ? TOOL_OK : TOOL_FAILED;
}

/* All that the child says until it ends; 0: with status 0. */
static int
gather(struct child *c, struct buf *out, struct err *e)
{
	int64_t end = clock_ns() + DRIVER_SECONDS * NS_PER_S;
	enum child_event event;

	while ((event = child_wait(c, out, end)) == CHILD_SAID)
		;
	if (event == CHILD_LATE) {
		child_kill(c);
		return err_set(e, ERR_DEVICE, "no answer in %d seconds",
		    DRIVER_SECONDS);
	}
	return child_end(c, e);
}

static int
list_driver(const char *icd, bool json, struct buf *out, struct err *e)
{
	char *argv[] = { (char *)"clinfer", (char *)"devices",
	    (char *)"--here", json ? (char *)"--json" : NULL, NULL };
	struct child c;

	if (setenv("OCL_ICD_VENDORS", icd, 1) == -1)
		return err_sys(e, "setenv");
	if (child_start(&c, argv, 0, e) == -1)
		return -1;
	return gather(&c, out, e);
}

/* Comma-separated, as the lines of all drivers come. */
static void
print_json(const struct buf *out)
{
	const char *line = out->data, *end;

	(void)printf("[");
	while (line != NULL && *line != '\0') {
		end = strchrnul(line, '\n');
		(void)printf("%s%.*s", line != out->data ? "," : "",
		    (int)(end - line), line);
		line = *end == '\n' ? end + 1 : end;
	}
	(void)printf("]\n");
}

static int
icd_only(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && strcmp(d->d_name + n - 4, ".icd") == 0;
}

/* OCL_ICD_VENDORS may name one driver instead of a folder. */
static int
list_all(const char *folder, bool json, struct buf *out)
{
	struct dirent **entries;
	char path[PATH_MAX];
	struct err e;
	int n = scandir(folder, &entries, icd_only, alphasort);
	int failed = 0;

	if (n == -1 && errno == ENOTDIR) {
		if (list_driver(folder, json, out, &e) == -1)
			return tool_fail(&e, folder);
		return TOOL_OK;
	}
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder,
		    entries[i]->d_name);
		if (list_driver(path, json, out, &e) == -1) {
			(void)tool_fail(&e, path);
			failed++;
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n > 0 && failed == n ? TOOL_FAILED : TOOL_OK;
}

int
tool_devices(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "here", no_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *folder = getenv("OCL_ICD_VENDORS");
	bool json = false, here = false;
	struct buf out;
	int c, r;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'j' && c != 'H')
			return tool_usage("devices",
			    c == 'h' ? TOOL_OK : TOOL_USAGE);
		json |= c == 'j';
		here |= c == 'H';
	}
	if (optind != argc)
		return tool_usage("devices", TOOL_USAGE);
	if (here)
		return list_here(json);
	buf_init(&out, OUTPUT_MAX);
	/* setenv() below replaces what getenv() gave. */
	char *copy = strdup(folder != NULL ? folder : ICD_FOLDER);
	r = copy == NULL ? TOOL_FAILED : list_all(copy, json, &out);
	free(copy);
	if (json)
		print_json(&out);
	else if (out.len > 0)
		(void)fwrite(out.data, 1, out.len, stdout);
	else
		(void)puts("no OpenCL device");
	buf_done(&out);
	return r;
}
