/*
 * events.h - what has happened to jobs and builds, in order. An event is written in the transaction
 * of the change that it tells of, and read by who follows a build (GET /v1/builds/{id}/events).
 *
 *   kind      payload, JSON                                          written
 *   job       job target abi state attempt error                     when the state of a job changes
 *   progress  job stage step steps                                   when that changes
 *   log       job; `start` and `size` say which bytes of its log     when a worker appends to it
 *   build     build state finished                                   once, when the build has ended
 *
 * A job's events belong to every build that wants the job. Numbers (seq) only grow, in the order in
 * which transactions commit: a database with several writers must let one of them write at a time.
 *
 * All functions run on the catalog's thread inside its transaction.
 */
#ifndef API_CATALOG_EVENTS_H
#define API_CATALOG_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

struct db;

/* Older events are removed, and the oldest of more than this many. */
#define EVENTS_AGE_MS INT64_C(604800000) /* 7 days */
#define EVENTS_MAX    200000

/* A log event stands for at most this many bytes. */
#define EVENT_LOG_MAX (32u << 10)

/* A job that was made. */
int events_job_new(struct db *db, int64_t job, int64_t now, struct err *e);

/* Jobs whose state has changed: those that are final now are counted (tally.h) and may end builds. */
int events_jobs_changed(struct db *db, const int64_t *jobs, size_t n, int64_t now, struct err *e);

/* Builds that want this job, which is final: those end that want nothing else that is open. */
int events_end_builds(struct db *db, int64_t job, int64_t now, struct err *e);

int events_progress(struct db *db, int64_t job, const char *stage, int64_t step, int64_t steps,
		    int64_t now, struct err *e);

/* A piece of a job's log, at `start`. What was known from there on is forgotten: a worker has sent
 * the piece again, or an attempt begins. */
int events_log(struct db *db, int64_t job, int64_t start, const char *text, size_t len, int64_t now,
	       struct err *e);

/* Ends a build as what it is now, unless it has ended: its last event, its deliveries. */
int events_build_ended(struct db *db, int64_t build, int64_t now, struct err *e);

/* How a build has ended. */
struct build_end {
	bool ended;
	int64_t last_event; /* no event of the build has a higher number */
	char state[16], finished[32];
};
/* ERR_NOT_FOUND if there is no such build. */
int events_build_end(struct db *db, int64_t build, struct build_end *out, struct err *e);

/* Strings live until the callback returns. */
struct event {
	int64_t seq, job, start, size;
	const char *kind, *payload;
};

/* The events of a build's jobs with after < seq < before, in order. on_event must not touch the
 * database; a non-zero return ends the walk. */
int events_each(struct db *db, int64_t build, int64_t after, int64_t before,
		int (*on_event)(const struct event *event, void *arg), void *arg, struct err *e);

/* Removes a part of what is too old or too many; called once a minute, it keeps up. */
int events_prune(struct db *db, int64_t now, struct err *e);

#endif
