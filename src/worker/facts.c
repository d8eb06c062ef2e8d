#include "base/size.h"
#include "ipc/launch.h"
#include "worker/facts.h"

static const struct type_row {
	const char	*name;
	enum ctl_device	 ctl;
} types[] = {
	[OCL_CPU] = { "cpu", CTL_CPU },
	[OCL_GPU] = { "gpu", CTL_GPU },
	[OCL_ACCELERATOR] = { "accelerator", CTL_ACCELERATOR },
	[OCL_OTHER] = { "other", CTL_OTHER },
};

static const struct type_row *
row(enum ocl_type t)
{
	return &types[(size_t)t < nitems(types) ? t : OCL_OTHER];
}

const char *
facts_type_name(enum ocl_type t)
{
	return row(t)->name;
}

static void
text(char to[CTL_TEXT_MAX], const char *from)
{
	(void)snprintf(to, CTL_TEXT_MAX, "%s", from);
}

void
facts_hello(const struct ocl_facts *f, const char *sandbox,
    struct ctl_hello *h)
{
	*h = (struct ctl_hello){ .type = row(f->type)->ctl,
	    .compute_units = f->units, .memory = f->memory,
	    .max_alloc = f->max_alloc };
	text(h->build, LAUNCH_BUILD);
	text(h->device, f->name);
	text(h->vendor, f->vendor);
	text(h->driver, f->driver);
	text(h->sandbox, sandbox);
}
