/*
 * leases.h - who works on a job, and how it ends: every call after jobs_lease carries the lease's
 * fencing number.
 *
 * All functions run on the catalog's thread inside its transaction. Structs that are filled own
 * their strings; free them with the matching _fini.
 */
#ifndef API_CATALOG_LEASES_H
#define API_CATALOG_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/catalog/jobs.h"
#include "builder/base/err.h"
#include "builder/model/abi.h"
#include "builder/model/job.h"

struct db;

#define JOB_ATTEMPTS_MAX 3
#define LEASE_ABIS_MAX   64 /* of Electron, that a worker announces */

/* What a worker can do. */
struct lease_request {
	const char *worker;
	const char *targets[JOB_TARGETS_MAX];    /* triples … */
	const char *toolchains[JOB_TARGETS_MAX]; /* … and their toolchains' digests */
	size_t target_count;
	char electron[LEASE_ABIS_MAX][ABI_TEXT_SIZE]; /* "electron-v130" … */
	const char *headers[LEASE_ABIS_MAX];          /* … and the digests of the headers */
	size_t electron_count;
	bool due_only; /* only a job that is due (JOB_SPREAD_MS) */
	int64_t now, lease_ms;
};

struct lease {
	int64_t job, fence;
	char *kind; /* "build", "resolve", "mirror" */
	char *package, *version, *target, *abi;
	char *source, *lock, *key; /* of a build */
	const char *headers;       /* of Electron, for its ABIs; the request's */
	char *origin; /* of a resolve job: origin_text, "" for the registry; of a mirror job: the
		       * upstream's template */
};

/* Gives the worker the next job: 0 with out->job != 0, or out->job == 0 if there is none. A
 * job whose addon is published or whose key is stored already succeeds without being leased. */
int jobs_lease(struct db *db, const struct lease_request *req, struct lease *out, struct err *e);
void lease_fini(struct lease *l);

/* Prolongs a lease, if it does not run for longer already, and records progress. ERR_STALE if the job
 * is not leased under this fence any more, ERR_CANCELLED if it was cancelled. */
int jobs_heartbeat(struct db *db, int64_t job, int64_t fence, int64_t expires, const char *stage,
		   int64_t step, int64_t steps, struct err *e);

/* 0 if the lease holds, ERR_STALE otherwise. */
int jobs_check_lease(struct db *db, int64_t job, int64_t fence, struct err *e);

/* The same, and it runs at least until then: its worker waits for us. */
int jobs_keep_lease(struct db *db, int64_t job, int64_t fence, int64_t until, struct err *e);

/* All that run, the same: nobody could answer for a while, and that was not the workers' fault. */
int jobs_keep_leases(struct db *db, int64_t until, struct err *e);

/* Ends a job that did not succeed. OUTCOME_ERROR queues it again while attempts are left,
 * OUTCOME_RELEASED always. */
int jobs_fail(struct db *db, int64_t job, int64_t fence, enum job_outcome outcome, const char *code,
	      const char *error, int64_t now, struct err *e);

/* Ends a build job whose artifact is stored already (artifacts_put, same transaction). */
int jobs_succeed(struct db *db, int64_t job, int64_t fence, const char *artifact, int64_t now,
		 struct err *e);

/* Leases that ran out: queued again, or failed after JOB_ATTEMPTS_MAX. *n: how many. */
int jobs_expire(struct db *db, int64_t now, int64_t *n, struct err *e);

/* Gives back what a worker whose name starts with prefix holds: at start, the embedded workers
 * of the server's last life. */
int jobs_release(struct db *db, const char *prefix, int64_t *n, struct err *e);

#endif
