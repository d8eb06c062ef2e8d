/* list: "clinferd-worker --list-devices", as ipc/launch.h has it. */
#include <stdlib.h>

#include "ipc/launch.h"
#include "ocl/ocl.h"
#include "worker/facts.h"
#include "worker/worker.h"

/* Control characters would end a field or a line early. */
static void
clean(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

static bool
print_device(const struct ocl_facts *f)
{
	char line[LAUNCH_LINE_MAX], name[OCL_NAME];
	int n;

	(void)snprintf(name, sizeof(name), "%s", f->name);
	clean(name);
	n = snprintf(line, sizeof(line), "%s\t%s\t%u\t%llu\n", name,
	    facts_type_name(f->type), f->units, (unsigned long long)f->memory);
	return n > 0 && (size_t)n < sizeof(line) && fputs(line, stdout) >= 0;
}

int
list_devices(void)
{
	struct ocl_facts *f = NULL;
	struct err e;
	size_t n = 0;
	bool good = true;

	if (ocl_list(&f, &n, &e) == -1) {
		(void)fprintf(stderr, "clinferd-worker: %s\n", e.text);
		return WORKER_EXIT_START;
	}
	for (size_t i = 0; i < n && good; i++)
		good = print_device(&f[i]);
	free(f);
	if (fflush(stdout) != 0)
		good = false;
	return good ? WORKER_EXIT_OK : WORKER_EXIT_START;
}
