/*
 * quota.h - how many of a worker's slots may ask for a job at the same time.
 *
 * A worker that is to build N jobs at a time has QUOTA_SLOTS × N slots. Up to N jobs it asks for as
 * many as are missing; up to 2 N for one at a time: while N of its jobs compile, others are fetched,
 * configured, loaded and delivered, which waits more than it computes, and some stand by so that no
 * core is idle when a job ends; but what is queued spreads over all workers first. The last N slots
 * are for jobs that are due (JOB_SPREAD_MS in api/catalog/jobs.h): a build that somebody has just
 * asked for gets in although a matrix fills the others.
 */
#ifndef WORKERS_QUOTA_H
#define WORKERS_QUOTA_H

#include <stdbool.h>

#define QUOTA_SLOTS 3

/* Embedded in its owner, which sets on_turn and arg. */
struct quota_waiter {
	struct quota_waiter *next;
	bool due_only;              /* when its turn has come: it may ask for a job that is due */
	void (*on_turn)(void *arg); /* it may ask now, as if quota_ask had said so */
	void *arg;
};

/* Plain data on one loop; {.builds = N} to start. */
struct quota {
	unsigned builds; /* jobs that are to be built at a time */
	unsigned held, asking, asking_due;
	struct quota_waiter *waiters;
};

/* May a slot ask? If not, its on_turn comes later. */
bool quota_ask(struct quota *q, struct quota_waiter *w);

/* It does not want to any more. */
void quota_forget(struct quota *q, struct quota_waiter *w);

/* What it asked for has been answered: with a job or without. */
void quota_answered(struct quota *q, const struct quota_waiter *w, bool job);

/* Whether any slot has asked and not been answered. */
bool quota_is_asking(const struct quota *q);

/* Its job is over. */
void quota_ended(struct quota *q);

#endif
