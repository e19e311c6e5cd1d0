/*
 * slot.h - one slot of a worker: leases a job, runs it, delivers its result, again and again.
 *
 *   PAUSE ◄──────┐ server not reachable
 *     │ timer    │
 *     ▼          │
 *   REST ────► LEASE ──► PREPARE ──► RUN ──► FLUSH ──► DELIVER ──► CLEAN ──► REST
 *   quota      pool      pool        loop    pool      pool        pool
 *
 * While a job is held, a pump on the pool sends its log and its heartbeat. A lease that is lost
 * (stale, cancelled) ends the job without a result.
 */
#ifndef WORKERS_SLOT_H
#define WORKERS_SLOT_H

#include "builder/model/job_limits.h"

struct configured;
struct electron;
struct inventory;
struct quota;
struct remote;
struct share;
struct slot;
struct sources;
struct uv_loop_s;

/* Shared by all slots; outlives them. */
struct slot_config {
	const char *server, *token;
	const char *name;      /* of the worker; a slot adds its number */
	const char *cache;     /* for scratch folders */
	const char *registry;  /* base URL */
	const char *git_hosts; /* git_hosts.h's list, or NULL */
	struct inventory *inventory;
	const struct electron *electron; /* below cache, in ELECTRON_HEADERS_NAME */
	struct share *share;
	struct configured *configured;
	struct quota *quota;
	struct sources *sources;
	struct job_limits limits;
};

struct err;

/* Starts leasing as soon as the quota lets it. */
struct slot *slot_start(struct uv_loop_s *loop, const struct slot_config *config, unsigned number,
			struct err *e);

/* Hands back what it holds; stopped is called exactly once, on the loop, and the slot is gone. */
void slot_stop(struct slot *s, void (*stopped)(void *), void *arg);

#endif
