#include "parent/parent.h"

#include "base/clock.h"
#include "parent/models.h"
#include "parent/sup.h"

/* A respawn alone does not make us unready for so long. */
#define GRACE_NS	(2 * NS_PER_S)

bool
parent_ready(struct parent *p, const char **why)
{
	const char *text = NULL;

	if (p->draining)
		text = "shutting down";
	else if (sup_ready(p->sup) == 0 && (p->sup->lost_ns == 0 ||
	    clock_ns() - p->sup->lost_ns > GRACE_NS))
		text = "no worker is ready";
	for (const struct model *m = models_first(p->models);
	    text == NULL && m != NULL; m = m->next)
		for (const struct version *v = m->versions; v != NULL;
		    v = v->next)
			if (v->state == VERSION_LOADING ||
			    (v->state == VERSION_READY &&
			    !version_is_ready(v)))
				text = "a model is loading";
	if (why != NULL && text != NULL)
		*why = text;
	return text == NULL;
}
