/*
 * quota.h - how many of a worker's slots may ask for a job at the same time.
 *
 * A worker that is to build N jobs at a time has twice as many slots: while N of its jobs compile,
 * others are fetched, configured, loaded and delivered, which waits more than it computes, and some
 * stand by so that no core is idle when a job ends. But until it holds N jobs it asks for no more
 * than those, and after that for one at a time: what is queued spreads over all workers first.
 */
#ifndef WORKERS_QUOTA_H
#define WORKERS_QUOTA_H

#include <stdbool.h>

/* Embedded in its owner, which sets on_turn and arg. */
struct quota_waiter {
	struct quota_waiter *next;
	void (*on_turn)(void *arg); /* it may ask now, as if quota_ask had said so */
	void *arg;
};

/* Plain data on one loop; {.builds = N} to start. */
struct quota {
	unsigned builds; /* jobs that are to be built at a time */
	unsigned asking, held;
	struct quota_waiter *waiters;
};

/* May a slot ask? If not, its on_turn comes later. */
bool quota_ask(struct quota *q, struct quota_waiter *w);

/* It does not want to any more. */
void quota_forget(struct quota *q, struct quota_waiter *w);

/* What it asked for has been answered: with a job or without. */
void quota_answered(struct quota *q, bool job);

/* Its job is over. */
void quota_ended(struct quota *q);

#endif
