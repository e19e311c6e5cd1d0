/*
 * share.h - how many commands run at the same time on this machine, over all jobs of a worker, and
 * who is next: a job that is alone uses every core, jobs beside each other share them.
 *
 * The rule: each waiting step has a time at which it is due, and the one that has been due for
 * longest is next. It is due some lead before its job began to build:
 *
 *   a compilation     its expected duration, at most SHARE_LEAD_COMPILE_MS: the long ones of all
 *                     jobs begin first, so that nothing is left to wait for one of them at the end,
 *                     and the short ones fill the gaps
 *   everything else   SHARE_LEAD_MAX_MS: others wait for it (actions), or it ends a job (the link)
 *   a small job       SHARE_LEAD_MAX_MS for all of it: it takes a place for a moment only
 *
 * Nobody starves: a step is overtaken only by jobs that began less than SHARE_LEAD_MAX_MS after its
 * own, however many keep coming.
 */
#ifndef BUILDER_ENGINE_SHARE_H
#define BUILDER_ENGINE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#define SHARE_LEAD_COMPILE_MS 30000
#define SHARE_LEAD_MAX_MS     300000

/* Embedded in its owner; on_turn and arg are set before share_join. */
struct share_member {
	struct share_member *next;
	bool waits;  /* for a place … */
	int64_t due; /* … since then, clock_mono_ms */
	/* It has a place, and must give it back with share_give. It waits no more: if it wants another
	 * place, it says so again. It may leave the share. */
	void (*on_turn)(void *arg);
	void *arg;
};

/* Plain data on one loop; {.max = N} to start. */
struct share {
	unsigned max, used;
	bool dealing; /* share_deal is under way further up the stack */
	struct share_member *members;
};

void share_join(struct share *s, struct share_member *m);

/* What it waits for is forgotten; the places that it holds are still its own. */
void share_leave(struct share *s, struct share_member *m);

/* m waits for a place; replaces what it said before. Nobody's turn comes before share_deal. */
void share_want(struct share_member *m, int64_t due);
void share_want_none(struct share_member *m);

/* A place is free again. */
void share_give(struct share *s);

/* Hands free places to those who wait for them: calls their on_turn. To be called after any of
 * the above, last: the caller may be gone then. */
void share_deal(struct share *s);

#endif
