#include "workers/quota.h"

#include <stddef.h>

static bool
take_turn(struct quota *q, struct quota_waiter *w)
{
	unsigned most = q->held < q->builds ? q->builds - q->held : q->held < 2 * q->builds ? 1 : 0;

	w->due_only = false;
	if (q->asking < most) {
		q->asking++;
		return true;
	}
	if (most > 0 || q->asking_due > 0)
		return false;
	w->due_only = true;
	q->asking_due++;
	return true;
}

static void
deal(struct quota *q)
{
	while (q->waiters != NULL && take_turn(q, q->waiters)) {
		struct quota_waiter *w = q->waiters;

		q->waiters = w->next;
		w->on_turn(w->arg);
	}
}

bool
quota_ask(struct quota *q, struct quota_waiter *w)
{
	struct quota_waiter **at = &q->waiters;

	if (take_turn(q, w))
		return true;
	while (*at != NULL)
		at = &(*at)->next;
	w->next = NULL;
	*at = w;
	return false;
}

void
quota_forget(struct quota *q, struct quota_waiter *w)
{
	struct quota_waiter **at = &q->waiters;

	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at != NULL)
		*at = w->next;
}

void
quota_answered(struct quota *q, const struct quota_waiter *w, bool job)
{
	if (w->due_only)
		q->asking_due--;
	else
		q->asking--;
	if (job)
		q->held++;
	deal(q);
}

bool
quota_is_asking(const struct quota *q)
{
	return q->asking > 0 || q->asking_due > 0;
}

void
quota_ended(struct quota *q)
{
	q->held--;
	deal(q);
}
