#include "api/catalog/leases.h"

#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/events.h"
#include "api/catalog/jobs.h"
#include "api/catalog/jobs_parts.h"
#include "builder/base/buf.h"
#include "builder/base/clock.h"
#include "builder/base/mem.h"
#include "builder/model/key.h"
#include "builder/model/origin.h"

static int
on_lease(const struct db_row *row, void *arg)
{
	struct lease *l = arg;

	l->job = row_int(row, 0);
	l->fence = row_int(row, 1) + 1;
	l->kind = jobs_copy(row, 2);
	l->package = jobs_copy(row, 3);
	l->version = jobs_copy(row, 4);
	l->target = jobs_copy(row, 5);
	l->abi = jobs_copy(row, 6);
	l->source = jobs_copy(row, 7);
	l->lock = jobs_copy(row, 8);
	l->origin = jobs_copy(row, 9);
	/* Behind a space is the build that it is for. */
	l->origin[strcspn(l->origin, " ")] = '\0';
	return 0;
}

void
lease_fini(struct lease *l)
{
	free(l->kind);
	free(l->package);
	free(l->version);
	free(l->target);
	free(l->abi);
	free(l->source);
	free(l->lock);
	free(l->origin);
	free(l->key);
	*l = (struct lease){0};
}

/* A look at the head of each target's queue: jobs of targets that this worker lacks are not passed one by one. */
static int
next_queued(struct db *db, const struct lease_request *req, struct lease *out, struct err *e)
{
	/* Unused places hold "", which is the target of a resolve job: every worker may do that, and
	 * mirror jobs, whose targets need no toolchain. */
	struct db_value values[JOB_TARGETS_MAX + 3];
	struct buf abis = {0};
	int r;

	for (size_t i = 0; i < req->electron_count; i++)
		buf_addf(&abis, " %s ", req->electron[i]);
	for (size_t i = 0; i <= JOB_TARGETS_MAX; i++)
		values[i] = db_text(i < req->target_count ? req->targets[i] : "");
	values[JOB_TARGETS_MAX + 1] = db_int(req->due_only ? -req->now : INT64_MIN);
	values[JOB_TARGETS_MAX + 2] = db_text(abis.data != NULL ? abis.data : "");
	r = db_exec(db,
		    "SELECT job.id, job.fence, job.kind, job.package, job.version, job.target,"
		    " job.abi, source.digest, source.lock, job.origin FROM ("
		    "SELECT (SELECT id FROM job WHERE state = 'queued' AND target = t.column1"
		    " AND (abi NOT LIKE 'electron-%' OR ?27 LIKE '% ' || abi || ' %')"
		    " ORDER BY priority DESC, id LIMIT 1) AS id FROM ("
		    "VALUES (?1), (?2), (?3), (?4), (?5), (?6), (?7), (?8), (?9), (?10), (?11),"
		    " (?12), (?13), (?14), (?15), (?16), (?17), (?18), (?19), (?20), (?21), (?22),"
		    " (?23), (?24), (?25)) t UNION "
		    "SELECT (SELECT id FROM job WHERE state = 'queued' AND kind = 'mirror'"
		    " ORDER BY priority DESC, id LIMIT 1)) head"
		    " JOIN job ON job.id = head.id"
		    " LEFT JOIN source ON source.package = job.package"
		    " AND source.version = job.version"
		    " WHERE job.priority >= ?26"
		    " ORDER BY job.priority DESC, job.id LIMIT 1",
		    values, ARRAY_SIZE(values), on_lease, out, e);
	buf_fini(&abis);
	return r;
}

static const char *
toolchain_for(const struct lease_request *req, const char *target)
{
	for (size_t i = 0; i < req->target_count; i++)
		if (strcmp(req->targets[i], target) == 0)
			return req->toolchains[i];
	return "";
}

static const char *
headers_for(const struct lease_request *req, const char *abi)
{
	for (size_t i = 0; i < req->electron_count; i++)
		if (strcmp(req->electron[i], abi) == 0)
			return req->headers[i];
	return NULL;
}

/* The key is known now that a toolchain has met the source. */
static char *
key_of(const struct lease_request *req, const struct lease *l)
{
	char *identity = xasprintf("%s@%s", l->package, l->version);
	char *key = xmalloc(DIGEST_HEX_SIZE);

	key_compute(&(struct key_parts){.source = l->source,
					.lock = l->lock,
					.abi = l->abi,
					.target = l->target,
					.toolchain = toolchain_for(req, l->target),
					.headers = l->headers,
					.identity = origin_is_pinned(l->version) ? identity : NULL},
		    key);
	free(identity);
	return key;
}

struct stored {
	char *digest, *key;
};

static int
on_stored(const struct db_row *row, void *arg)
{
	*(struct stored *)arg = (struct stored){jobs_copy(row, 0), jobs_copy(row, 1)};
	return 0;
}

/* What is stored, or was published another way while the job was queued, ends it. */
static int
take_addon(struct db *db, const struct lease_request *req, struct lease *l, bool *taken,
	   struct err *e)
{
	struct stored have = {0};
	int r;

	if (strcmp(l->kind, "build") == 0) {
		l->headers = headers_for(req, l->abi);
		l->key = key_of(req, l);
	}
	r = DB_EXEC(db, e, on_stored, &have,
		    "SELECT digest, key FROM artifact WHERE (package = ?1 AND version = ?2"
		    " AND abi = ?3 AND target = ?4) OR key = ?5 LIMIT 1",
		    db_text(l->package), db_text(l->version), db_text(l->abi), db_text(l->target),
		    db_text(l->key));
	*taken = have.digest == NULL;
	if (r == 0 && have.digest != NULL)
		r = jobs_changed_one(db, l->job,
				     DB_EXEC(db, e, NULL, NULL,
					     "UPDATE job SET state = 'succeeded', key = ?1,"
					     " artifact = ?2, finished = ?3 WHERE id = ?4",
					     db_text(have.key), db_text(have.digest),
					     db_int(req->now), db_int(l->job)),
				     req->now, e);
	free(have.digest);
	free(have.key);
	return r;
}

int
jobs_lease(struct db *db, const struct lease_request *req, struct lease *out, struct err *e)
{
	bool taken = false;
	int r = 0;

	*out = (struct lease){0};
	while (r == 0 && !taken) {
		lease_fini(out);
		r = next_queued(db, req, out, e);
		if (r != 0 || out->job == 0)
			return r;
		if (strcmp(out->kind, "resolve") == 0)
			taken = true;
		else
			r = take_addon(db, req, out, &taken, e);
	}
	if (r == 0)
		r = DB_EXEC(
			db, e, NULL, NULL,
			"UPDATE job SET state = 'running', owner = ?1, fence = ?2, expires = ?3,"
			" attempt = attempt + 1, key = ?4, toolchain = ?5, stage = 'leased',"
			" step = 0, steps = 0, code = NULL, error = NULL,"
			" started = coalesce(started, ?6) WHERE id = ?7",
			db_text(req->worker), db_int(out->fence), db_int(req->now + req->lease_ms),
			db_text(out->key), db_text(toolchain_for(req, out->target)),
			db_int(req->now), db_int(out->job));
	r = jobs_changed_one(db, out->job, r, req->now, e);
	if (r != 0)
		lease_fini(out);
	return r;
}

int
jobs_check_lease(struct db *db, int64_t job, int64_t fence, struct err *e)
{
	int64_t found = 0;
	int r = DB_EXEC(db, e, jobs_on_int, &found,
			"SELECT 1 FROM job WHERE id = ?1 AND fence = ?2 AND state = 'running'",
			db_int(job), db_int(fence));

	if (r != 0 || found != 0)
		return r;
	return err_set(e, ERR_STALE, "job j%lld is not leased under fence %lld any more",
		       (long long)job, (long long)fence);
}

int
jobs_keep_lease(struct db *db, int64_t job, int64_t fence, int64_t until, struct err *e)
{
	if (jobs_check_lease(db, job, fence, e) != 0)
		return e->code;
	return DB_EXEC(db, e, NULL, NULL,
		       "UPDATE job SET expires = ?1 WHERE id = ?2 AND expires < ?1", db_int(until),
		       db_int(job));
}

int
jobs_keep_leases(struct db *db, int64_t until, struct err *e)
{
	return DB_EXEC(db, e, NULL, NULL,
		       "UPDATE job SET expires = ?1 WHERE state = 'running' AND expires < ?1",
		       db_int(until));
}

static int
is_cancelled(struct db *db, int64_t job, int64_t fence, struct err *e)
{
	int64_t found = 0;
	int r = DB_EXEC(db, e, jobs_on_int, &found,
			"SELECT 1 FROM job WHERE id = ?1 AND fence = ?2 AND state = 'cancelled'",
			db_int(job), db_int(fence));

	if (r == 0 && found != 0)
		return err_set(e, ERR_CANCELLED, "job j%lld was cancelled", (long long)job);
	return r;
}

int
jobs_heartbeat(struct db *db, int64_t job, int64_t fence, int64_t expires, const char *stage,
	       int64_t step, int64_t steps, struct err *e)
{
	int64_t same = 0;
	int r;

	if (is_cancelled(db, job, fence, e) != 0 || jobs_check_lease(db, job, fence, e) != 0)
		return e->code;
	r = DB_EXEC(db, e, jobs_on_int, &same,
		    "SELECT 1 FROM job WHERE id = ?1 AND stage = ?2 AND step = ?3 AND steps = ?4",
		    db_int(job), db_text(stage), db_int(step), db_int(steps));
	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "UPDATE job SET stage = ?2, step = ?3, steps = ?4, expires ="
			    " CASE WHEN expires < ?1 THEN ?1 ELSE expires END WHERE id = ?5",
			    db_int(expires), db_text(stage), db_int(step), db_int(steps),
			    db_int(job));
	if (r == 0 && same == 0)
		r = events_progress(db, job, stage, step, steps, clock_wall_ms(), e);
	return r;
}

/* ---- ends ---- */

static int
fail_waiting(struct db *db, int64_t resolve, const char *code, const char *error, int64_t now,
	     struct err *e)
{
	struct job_ids ids = {0};
	int r = DB_EXEC(db, e, jobs_on_id, &ids,
			"UPDATE job SET state = 'failed', code = ?1, error = ?2, finished = ?3"
			" WHERE state = 'waiting'"
			" AND package = (SELECT package FROM job r WHERE r.id = ?4)"
			" AND version = (SELECT version FROM job r WHERE r.id = ?4)"
			" AND origin = (SELECT origin FROM job r WHERE r.id = ?4)"
			" AND EXISTS (SELECT 1 FROM job r WHERE r.id = ?4 AND r.kind = 'resolve')"
			" RETURNING id",
			db_text(code), db_text(error), db_int(now), db_int(resolve));

	return jobs_changed(db, &ids, r, now, e);
}

static int
give_back(struct db *db, int64_t job, const char *code, const char *error, int64_t now,
	  struct err *e)
{
	int64_t attempt = 0;
	int r = DB_EXEC(db, e, jobs_on_int, &attempt, "SELECT attempt FROM job WHERE id = ?1",
			db_int(job));

	if (r != 0)
		return r;
	if (attempt < JOB_ATTEMPTS_MAX) {
		r = DB_EXEC(db, e, NULL, NULL,
			    "UPDATE job SET state = 'queued', owner = NULL, expires = NULL,"
			    " stage = NULL, code = ?1, error = ?2 WHERE id = ?3",
			    db_text(code), db_text(error), db_int(job));
		return jobs_changed_one(db, job, r, now, e);
	}
	r = DB_EXEC(db, e, NULL, NULL,
		    "UPDATE job SET state = 'failed', expires = NULL, code = ?1, error = ?2,"
		    " finished = ?3 WHERE id = ?4",
		    db_text(code), db_text(error), db_int(now), db_int(job));
	r = jobs_changed_one(db, job, r, now, e);
	return r != 0 ? r : fail_waiting(db, job, code, error, now, e);
}

int
jobs_fail(struct db *db, int64_t job, int64_t fence, enum job_outcome outcome, const char *code,
	  const char *error, int64_t now, struct err *e)
{
	const char *state = outcome == OUTCOME_CANCELLED ? "cancelled" : "failed";
	int r;

	if (jobs_check_lease(db, job, fence, e) != 0)
		return e->code;
	if (outcome == OUTCOME_ERROR)
		return give_back(db, job, code, error, now, e);
	if (outcome == OUTCOME_RELEASED) {
		r = DB_EXEC(db, e, NULL, NULL,
			    "UPDATE job SET state = 'queued', owner = NULL, expires = NULL,"
			    " stage = NULL, attempt = attempt - 1 WHERE id = ?1",
			    db_int(job));
		return jobs_changed_one(db, job, r, now, e);
	}
	r = DB_EXEC(db, e, NULL, NULL,
		    "UPDATE job SET state = ?1, expires = NULL, code = ?2, error = ?3,"
		    " finished = ?4 WHERE id = ?5",
		    db_text(state), db_text(code), db_text(error), db_int(now), db_int(job));
	r = jobs_changed_one(db, job, r, now, e);
	return r != 0 ? r : fail_waiting(db, job, code, error, now, e);
}

int
jobs_succeed(struct db *db, int64_t job, int64_t fence, const char *artifact, int64_t now,
	     struct err *e)
{
	int r;

	if (jobs_check_lease(db, job, fence, e) != 0)
		return e->code;
	r = DB_EXEC(db, e, NULL, NULL,
		    "UPDATE job SET state = 'succeeded', artifact = ?1, expires = NULL,"
		    " code = NULL, error = NULL, stage = NULL, finished = ?2 WHERE id = ?3",
		    db_text(artifact), db_int(now), db_int(job));
	return jobs_changed_one(db, job, r, now, e);
}

int
jobs_expire(struct db *db, int64_t now, int64_t *n, struct err *e)
{
	struct job_ids ids = {0};
	int r = DB_EXEC(db, e, jobs_on_id, &ids,
			"SELECT id FROM job WHERE state = 'running' AND expires < ?1", db_int(now));

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = give_back(db, ids.at[i], "worker-lost",
			      "the worker stopped answering while it had this job", now, e);
	*n = (int64_t)ids.n;
	free(ids.at);
	return r;
}

int
jobs_release(struct db *db, const char *prefix, int64_t *n, struct err *e)
{
	struct job_ids ids = {0};
	int r = DB_EXEC(db, e, jobs_on_id, &ids,
			"UPDATE job SET state = 'queued', owner = NULL, expires = NULL,"
			" attempt = attempt - 1"
			" WHERE state = 'running' AND substr(owner, 1, length(?1)) = ?1"
			" RETURNING id",
			db_text(prefix));

	*n = (int64_t)ids.n;
	return jobs_changed(db, &ids, r, clock_wall_ms(), e);
}
