#include "builder/engine/share.h"

#include <stddef.h>

void
share_join(struct share *s, struct share_member *m)
{
	struct share_member **at = &s->members;

	/* At the end: who came first is served first, so that a job in progress ends early. */
	while (*at != NULL)
		at = &(*at)->next;
	m->next = NULL;
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

bool
share_take(struct share *s)
{
	if (s->used >= s->max)
		return false;
	s->used++;
	return true;
}

void
share_give(struct share *s)
{
	struct share_member *next;

	s->used--;
	for (struct share_member *m = s->members; m != NULL && s->used < s->max; m = next) {
		next = m->next;
		m->on_free(m->arg);
	}
}
