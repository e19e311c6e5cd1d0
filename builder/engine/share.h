/*
 * share.h - how many commands run at the same time on this machine, over all jobs of a worker: a
 * job that is alone uses every core, jobs beside each other share them.
 */
#ifndef BUILDER_ENGINE_SHARE_H
#define BUILDER_ENGINE_SHARE_H

#include <stdbool.h>

struct share_member {
	struct share_member *next;
	/* A place is free: the member may take it now. */
	void (*on_free)(void *arg);
	void *arg;
};

/* Plain data on one loop. */
struct share {
	unsigned max, used;
	struct share_member *members;
};

void share_join(struct share *s, struct share_member *m);
void share_leave(struct share *s, struct share_member *m);

/* Takes a place if one is free. */
bool share_take(struct share *s);

/* Gives one back and tells the members. */
void share_give(struct share *s);

#endif
