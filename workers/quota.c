#include "workers/quota.h"

#include <stddef.h>

static bool
may_ask(const struct quota *q)
{
	unsigned most = q->held < q->builds ? q->builds - q->held : 1;

	return q->asking < most;
}

static void
deal(struct quota *q)
{
	while (q->waiters != NULL && may_ask(q)) {
		struct quota_waiter *w = q->waiters;

		q->waiters = w->next;
		q->asking++;
		w->on_turn(w->arg);
	}
}

bool
quota_ask(struct quota *q, struct quota_waiter *w)
{
	struct quota_waiter **at = &q->waiters;

	if (may_ask(q)) {
		q->asking++;
		return true;
	}
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
quota_answered(struct quota *q, bool job)
{
	q->asking--;
	if (job)
		q->held++;
	deal(q);
}

void
quota_ended(struct quota *q)
{
	q->held--;
	deal(q);
}
