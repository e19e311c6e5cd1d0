/*
 * job.h - the states that a job and a build go through, by the names that users see.
 *
 *            source known            lease               published
 *   waiting ─────────────► queued ─────────► running ─────────────► succeeded
 *      │                     ▲  │               │ │ └─────────────► failed
 *      │ resolve failed      │  │ cancel        │ │ cancel
 *      └──────► failed       │  └► cancelled ◄──┼─┘
 *                            └──────────────────┘ lease expired or the worker failed, attempts left
 */
#ifndef BUILDER_MODEL_JOB_H
#define BUILDER_MODEL_JOB_H

#include <stdbool.h>

/* X(constant, name, shown as): a job that waits for its source is "queued" to users. */
#define JOB_STATES(X)                              \
	X(JOB_WAITING, "waiting", "queued")        \
	X(JOB_QUEUED, "queued", "queued")          \
	X(JOB_RUNNING, "running", "running")       \
	X(JOB_SUCCEEDED, "succeeded", "succeeded") \
	X(JOB_FAILED, "failed", "failed")          \
	X(JOB_CANCELLED, "cancelled", "cancelled")

enum job_state {
#define X(constant, name, shown) constant,
	JOB_STATES(X)
#undef X
		JOB_STATE_COUNT
};

/* How a job that did not succeed is classified; it decides what happens next.
 * X(constant, name) */
#define JOB_OUTCOMES(X)                                                                       \
	X(OUTCOME_SUCCEEDED, "succeeded")                                                     \
	X(OUTCOME_FAILED, "failed")     /* the source does not build: final */                \
	X(OUTCOME_REFUSED, "refused")   /* the audit or the load test says no: final */       \
	X(OUTCOME_ERROR, "error")       /* the worker or its machine failed: tried again */   \
	X(OUTCOME_RELEASED, "released") /* handed back unharmed: queued again, not counted */ \
	X(OUTCOME_CANCELLED, "cancelled")

enum job_outcome {
#define X(constant, name) constant,
	JOB_OUTCOMES(X)
#undef X
		OUTCOME_COUNT
};

const char *job_state_name(enum job_state s);
const char *job_state_shown(enum job_state s);
/* JOB_STATE_COUNT if there is no such state. */
enum job_state job_state_parse(const char *name);
bool job_state_final(enum job_state s);

const char *job_outcome_name(enum job_outcome o);
/* OUTCOME_COUNT if there is no such outcome. */
enum job_outcome job_outcome_parse(const char *name);

#endif
