#include "builder/engine/share.h"

#include <stddef.h>

void
share_join(struct share *s, struct share_member *m)
{
	struct share_member **at = &s->members;

	/* At the end: of two that are due at the same time, who came first is first. */
	while (*at != NULL)
		at = &(*at)->next;
	m->next = NULL;
	m->waits = false;
	*at = m;
}

void
share_leave(struct share *s, struct share_member *m)
{
	struct share_member **at = &s->members;

	while (*at != NULL && *at != m)
		at = &(*at)->next;
	if (*at != NULL)
		*at = m->next;
}

void
share_want(struct share_member *m, int64_t due)
{
	m->waits = true;
	m->due = due;
}

void
share_want_none(struct share_member *m)
{
	m->waits = false;
}

void
share_give(struct share *s)
{
	s->used--;
}

static struct share_member *
first_due(const struct share *s)
{
	struct share_member *first = NULL;

	for (struct share_member *m = s->members; m != NULL; m = m->next)
		if (m->waits && (first == NULL || m->due < first->due))
			first = m;
	return first;
}

void
share_deal(struct share *s)
{
	struct share_member *m;

	/* A turn may end in another deal: the loop below goes on with what it has changed. */
	if (s->dealing)
		return;
	s->dealing = true;
	while (s->used < s->max && (m = first_due(s)) != NULL) {
		s->used++;
		m->waits = false;
		m->on_turn(m->arg);
	}
	s->dealing = false;
}
