/*
 * jobs.h - builds and jobs: what was asked for, and what became of it. Who works on it is in leases.h.
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

#define JOB_TARGETS_MAX 24

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

/* The same for what nothing here builds, of one target and ABI: a mirror job fetches it from the upstream
 * with this template (upstream.h). */
int jobs_request_mirror(struct db *db, const struct build_request *want, const char *upstream,
			int64_t now, bool *created, struct err *e);

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

/* The last job that builds that package, version, ABI and target, or fetches it from that upstream if
 * that is not NULL: its state, id, code and error, or *job = 0. finished is 0 before it has ended. */
struct job_brief {
	int64_t job, finished;
	enum job_state state;
	char *code, *error;
};
int jobs_find(struct db *db, const char *package, const char *version, const char *abi,
	      const char *target, const char *upstream, struct job_brief *out, struct err *e);
void job_brief_fini(struct job_brief *b);

/* Jobs per state name as an object, for metrics and health. */
int jobs_counts(struct db *db, struct json **out, struct err *e);

#endif
