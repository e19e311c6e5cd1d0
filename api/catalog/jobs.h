/*
 * jobs.h - builds and jobs: what was asked for, who works on it, how it ended.
 *
 * All functions run on the catalog's thread inside its transaction. Structs that are filled own
 * their strings; free them with the matching _fini.
 */
#ifndef API_CATALOG_JOBS_H
#define API_CATALOG_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"
#include "builder/model/job.h"
#include "builder/model/origin.h"

struct db;
struct json;

#define JOB_ATTEMPTS_MAX 3
#define JOB_TARGETS_MAX  24

/* A build's first job is due when it is requested, each further one this much later, and what has
 * been due for longest is leased first. So a build of one target does not wait behind all of a large
 * matrix, and no job is overtaken by those that are requested after it was due. */
#define JOB_SPREAD_MS 30000

/* What a client wants built. Of another origin than the registry, package and version may be "": as the
 * source says. */
struct build_request {
	const char *requester, *package, *version;
	struct origin origin;
	const char *targets[JOB_TARGETS_MAX];
	size_t target_count;
	const char *abis[8]; /* none: the package's default */
	size_t abi_count;
	int64_t queue_max; /* more waiting jobs than this: ERR_BUSY */
};

/*
 * Records a build: for each target and ABI a job that exists already (published or live) is
 * joined, else a new one is made; a package version whose source is not known yet gets one
 * resolve job. *created: whether there is anything to do.
 *
 * Of another origin, the jobs wait without a final name: their version has "+git" alone, or nobody
 * knows it. The resolve job gives them package and version (origin.h), and then they join what exists.
 * What can move, a branch or a tag, is resolved for each build anew: a later request may mean a later
 * commit. ERR_NOT_FOUND for an upload that is not here, and for a version of such an origin that is
 * asked for by its name and not known.
 */
int jobs_request(struct db *db, const struct build_request *want, int64_t now, int64_t *build,
		 bool *created, struct err *e);

/* Somebody waits for this job: if it is queued, it is due at `due` at the latest. */
int jobs_hurry(struct db *db, int64_t job, int64_t due, struct err *e);

/* The object of GET /v1/builds/{id}; ERR_NOT_FOUND. */
int jobs_build_json(struct db *db, int64_t build, struct json **out, struct err *e);
/* A page of builds, newest first, of those with id < cursor (0: from the newest), at most
 * PAGE_MAX: {"builds":[…],"cursor":"N" or null}. */
int jobs_build_list(struct db *db, int64_t cursor, int limit, struct json **out, struct err *e);
/* The object of GET /v1/jobs/{id}; ERR_NOT_FOUND. */
int jobs_job_json(struct db *db, int64_t job, struct json **out, struct err *e);
/* Cancels what is not finished and not wanted by another build. ERR_NOT_FOUND. */
int jobs_build_cancel(struct db *db, int64_t build, int64_t now, struct err *e);

/* What a worker can do. */
struct lease_request {
	const char *worker;
	const char *targets[JOB_TARGETS_MAX];    /* triples … */
	const char *toolchains[JOB_TARGETS_MAX]; /* … and their toolchains' digests */
	size_t target_count;
	bool due_only; /* only a job that is due (JOB_SPREAD_MS) */
	int64_t now, lease_ms;
};

struct lease {
	int64_t job, fence;
	char *kind; /* "build", "resolve" */
	char *package, *version, *target, *abi;
	char *source, *lock, *key; /* of a build */
	char *origin;              /* of a resolve job: origin_text, "" for the registry */
};

/* Gives the worker the next job: 0 with out->job != 0, or out->job == 0 if there is none. A
 * build job whose key is stored already succeeds without being leased. */
int jobs_lease(struct db *db, const struct lease_request *req, struct lease *out, struct err *e);
void lease_fini(struct lease *l);

/* Prolongs a lease and records progress. ERR_STALE if the job is not leased under this fence any
 * more, ERR_CANCELLED if it was cancelled. */
int jobs_heartbeat(struct db *db, int64_t job, int64_t fence, int64_t expires, const char *stage,
		   int64_t step, int64_t steps, struct err *e);

/* 0 if the lease holds, ERR_STALE otherwise. */
int jobs_check_lease(struct db *db, int64_t job, int64_t fence, struct err *e);

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

/* The last job for that package, version, ABI and target: its state, id, code and error, or
 * *job = 0. finished is 0 before it has ended. */
struct job_brief {
	int64_t job, finished;
	enum job_state state;
	char *code, *error;
};
int jobs_find(struct db *db, const char *package, const char *version, const char *abi,
	      const char *target, struct job_brief *out, struct err *e);
void job_brief_fini(struct job_brief *b);

/* Jobs per state name as an object, for metrics and health. */
int jobs_counts(struct db *db, struct json **out, struct err *e);

#endif
