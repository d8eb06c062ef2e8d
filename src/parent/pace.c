#include "parent/pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parent/repo.h"

struct change *
pace_find(const struct pace *p, const char *name)
{
	struct change *c = p->first;

	while (c != NULL && strcmp(c->name, name) != 0)
		c = c->next;
	return c;
}

static struct change *
change_make(struct pace *p, const char *name, int64_t now)
{
	struct change *c = pace_find(p, name);

	if (c != NULL)
		return c;
	if (p->n == REPO_MODELS_MAX || (c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	c->first_ns = c->last_ns = now;
	c->due_ns = now + PACE_QUIET_NS;
	c->next = p->first;
	p->first = c;
	p->n++;
	return c;
}

int
pace_event(struct pace *p, const char *name, int64_t now)
{
	struct change *c = change_make(p, name, now);

	if (c == NULL)
		return -1;
	c->heard = true;
	c->last_ns = now;
	c->due_ns = now + PACE_QUIET_NS;
	if (c->due_ns > c->first_ns + PACE_NOISE_NS)
		c->due_ns = c->first_ns + PACE_NOISE_NS;
	return 0;
}

/* Has it shown this stamp for long enough?  Notes a new one. */
static bool
is_still(struct change *c, uint64_t stamp, int64_t now)
{
	if (c->stamp_ns == 0 || c->stamp != stamp) {
		c->stamp = stamp;
		c->stamp_ns = now;
	}
	return now - c->stamp_ns >= PACE_QUIET_NS;
}

int
pace_look(struct pace *p, const char *name, uint64_t stamp, int64_t now)
{
	struct change *c = change_make(p, name, now);

	if (c == NULL)
		return -1;
	/* Events that change nothing are noise. */
	if (is_still(c, stamp, now) && stamp != 0)
		c->due_ns = now;
	return 0;
}

int64_t
pace_next(const struct pace *p)
{
	int64_t next = 0;

	for (const struct change *c = p->first; c != NULL; c = c->next)
		if (next == 0 || c->due_ns < next)
			next = c->due_ns;
	return next;
}

struct change *
pace_due(const struct pace *p, int64_t now)
{
	struct change *c = p->first;

	while (c != NULL && c->due_ns > now)
		c = c->next;
	return c;
}

enum verdict
pace_judge(struct change *c, uint64_t stamp, int64_t now)
{
	bool still = is_still(c, stamp, now);

	if (stamp == 0) {
		c->due_ns = c->last_ns + PACE_GONE_NS;
		return now >= c->due_ns ? VERDICT_RETIRE : VERDICT_WAIT;
	}
	if (c->heard || still || now - c->first_ns >= PACE_NOISE_NS)
		return VERDICT_ACT;
	c->last_ns = now;
	c->due_ns = now + PACE_QUIET_NS;
	return VERDICT_WAIT;
}

void
pace_drop(struct pace *p, struct change *c)
{
	struct change **at = &p->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	p->n--;
	free(c);
}

void
pace_drop_all(struct pace *p)
{
	while (p->first != NULL)
		pace_drop(p, p->first);
}
