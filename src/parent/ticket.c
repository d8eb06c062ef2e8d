/* ticket: who waits for a load or an unload; see models.h. */
#include <event2/event.h>
#include <stdlib.h>

#include "parent/parent.h"
#include "parent/table.h"

static void
answer(struct ticket *t)
{
	void (*done)(void *, const struct err *) = t->done;
	void *arg = t->arg;
	struct err e = t->err;

	ticket_drop(t);
	done(arg, &e);
}

static void
on_answer(int fd, short what, void *arg)
{
	struct models *ms = arg;
	struct ticket *t, *next;

	(void)fd;
	(void)what;
	for (t = ms->tickets; t != NULL; t = next) {
		next = t->next;
		if (!t->decided)
			continue;
		answer(t);
		/* done() may have dropped any other ticket. */
		next = ms->tickets;
	}
}

void
ticket_decide(struct ticket *t)
{
	static const struct timeval now;

	t->decided = true;
	(void)event_add(t->models->answer, &now);
}

struct ticket *
ticket_new(struct models *ms, struct model *m,
    void (*done)(void *, const struct err *), void *arg)
{
	struct ticket *t = calloc(1, sizeof(*t));

	if (ms->answer == NULL)
		ms->answer = event_new(ms->parent->base, -1, 0, on_answer, ms);
	if (t == NULL || ms->answer == NULL) {
		free(t);
		return NULL;
	}
	t->models = ms;
	t->model = m;
	m->refs++;
	t->done = done;
	t->arg = arg;
	t->next = ms->tickets;
	t->prev = &ms->tickets;
	if (t->next != NULL)
		t->next->prev = &t->next;
	ms->tickets = t;
	return t;
}

void
ticket_drop(struct ticket *t)
{
	if (t == NULL)
		return;
	if (t->next != NULL)
		t->next->prev = t->prev;
	*t->prev = t->next;
	model_put(t->model);
	free(t);
}

bool
model_is_loading(const struct model *m)
{
	for (const struct version *v = m->versions; v != NULL; v = v->next)
		if (v->state == VERSION_LOADING)
			return true;
	return m->pending != NULL;
}

void
tickets_settle(struct model *m, const char *failure)
{
	for (struct ticket *t = m->models->tickets; t != NULL; t = t->next) {
		if (t->model != m || t->decided)
			continue;
		if (failure != NULL && t->err.code == ERR_NONE)
			(void)err_set(&t->err, ERR_INVALID, "failed to load "
			    "'%s': %s", m->name, failure);
		if (!model_is_loading(m))
			ticket_decide(t);
	}
}
