#include "api/catalog/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/events.h"
#include "api/catalog/jobs_parts.h"
#include "api/catalog/sources.h"
#include "builder/base/clock.h"
#include "builder/base/mem.h"
#include "builder/model/key.h"

/* ---- what sources.c needs, too ---- */

int
jobs_on_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

int
jobs_on_text(const struct db_row *row, void *arg)
{
	const char *s = row_text(row, 0);

	if (s != NULL) {
		free(*(char **)arg);
		*(char **)arg = xstrdup(s);
	}
	return 0;
}

int
jobs_on_id(const struct db_row *row, void *arg)
{
	struct job_ids *ids = arg;

	ids->at = xrealloc(ids->at, (ids->n + 1) * sizeof *ids->at);
	ids->at[ids->n++] = row_int(row, 0);
	return 0;
}

int
jobs_changed(struct db *db, struct job_ids *ids, int r, int64_t now, struct err *e)
{
	if (r == 0)
		r = events_jobs_changed(db, ids->at, ids->n, now, e);
	free(ids->at);
	return r;
}

static int
changed_one(struct db *db, int64_t job, int r, int64_t now, struct err *e)
{
	return r != 0 ? r : events_jobs_changed(db, &job, 1, now, e);
}

char *
jobs_copy(const struct db_row *row, int column)
{
	const char *s = row_text(row, column);

	return xstrdup(s != NULL ? s : "");
}

char *
jobs_intent(const struct job_new *j)
{
	return xasprintf("%s %s@%s %s %s%s%s", j->kind, j->package, j->version, j->abi, j->target,
			 j->origin[0] != '\0' ? " " : "", j->origin);
}

int
jobs_live(struct db *db, const char *intent, int64_t *id, struct err *e)
{
	*id = 0;
	return DB_EXEC(db, e, jobs_on_int, id,
		       "SELECT id FROM job WHERE intent = ?1"
		       " AND state IN ('waiting', 'queued', 'running')",
		       db_text(intent));
}

/* ---- requests ---- */

static int
insert_job(struct db *db, const struct job_new *j, int64_t *id, struct err *e)
{
	char *intent = jobs_intent(j);
	int r = DB_EXEC(db, e, jobs_on_int, id,
			"INSERT INTO job (kind, intent, package, version, target, abi, state,"
			" artifact, created, finished, priority, origin)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id",
			db_text(j->kind), db_text(intent), db_text(j->package), db_text(j->version),
			db_text(j->target), db_text(j->abi), db_text(j->state),
			db_text(j->artifact), db_int(j->now),
			j->artifact != NULL ? db_int(j->now) : db_text(NULL), db_int(-j->due),
			db_text(j->origin));

	free(intent);
	return r != 0 ? r : events_job_new(db, *id, j->now, e);
}

int
jobs_published(struct db *db, const struct job_new *want, const char *intent, int64_t *id,
	       struct err *e)
{
	struct job_new done = *want;
	char *digest = NULL;
	int r;

	*id = 0;
	/* What waits for a source has no name yet under which something could be published. */
	if (want->origin[0] != '\0')
		return 0;
	r = DB_EXEC(db, e, jobs_on_text, &digest,
		    "SELECT digest FROM artifact WHERE package = ?1 AND version = ?2"
		    " AND abi = ?3 AND target = ?4",
		    db_text(want->package), db_text(want->version), db_text(want->abi),
		    db_text(want->target));
	if (r != 0 || digest == NULL)
		return r;
	r = DB_EXEC(db, e, jobs_on_int, id,
		    "SELECT id FROM job WHERE intent = ?1 AND state = 'succeeded'"
		    " ORDER BY id DESC LIMIT 1",
		    db_text(intent));
	if (r == 0 && *id == 0) {
		done.state = "succeeded";
		done.artifact = digest;
		r = insert_job(db, &done, id, e);
	}
	free(digest);
	return r;
}

static int
join_build(struct db *db, int64_t build, int64_t job, struct err *e)
{
	return DB_EXEC(db, e, NULL, NULL,
		       "INSERT INTO build_job (build, job) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
		       db_int(build), db_int(job));
}

int
jobs_hurry(struct db *db, int64_t job, int64_t due, struct err *e)
{
	return DB_EXEC(db, e, NULL, NULL,
		       "UPDATE job SET priority = ?1 WHERE id = ?2 AND priority < ?1"
		       " AND state IN ('queued', 'waiting')",
		       db_int(-due), db_int(job));
}

/* A job that is wanted and not there yet moves the next one of this request back. */
static int
request_one(struct db *db, int64_t build, struct job_new *want, bool *created, struct err *e)
{
	char *intent = jobs_intent(want);
	int64_t job = 0;
	int r = jobs_published(db, want, intent, &job, e);

	if (r == 0 && job == 0) {
		*created = true;
		r = jobs_live(db, intent, &job, e);
		if (r == 0 && job != 0)
			r = jobs_hurry(db, job, want->due, e);
		else if (r == 0)
			r = insert_job(db, want, &job, e);
		want->due += JOB_SPREAD_MS;
	}
	if (r == 0 && build != 0)
		r = join_build(db, build, job, e);
	free(intent);
	return r;
}

static int
check_queue(struct db *db, const struct build_request *want, struct err *e)
{
	int64_t live = 0;
	int r = DB_EXEC(db, e, jobs_on_int, &live,
			"SELECT count(*) FROM (SELECT 1 FROM job"
			" WHERE state IN ('queued', 'waiting') LIMIT ?1) q",
			db_int(want->queue_max + 1));

	if (r == 0 && live > want->queue_max)
		return err_set(e, ERR_BUSY,
			       "the queue holds %lld jobs (limit max-queue); try again later",
			       (long long)live);
	return r;
}

/* The source of another origin, if it is known; else *version is what its jobs wait under. */
static int
find_other(struct db *db, const struct build_request *want, struct source_known *known,
	   char version[PACKAGE_VERSION_MAX + 1], struct err *e)
{
	char pin[ORIGIN_PIN_SIZE];
	bool pinned = origin_pin(&want->origin, pin), uploaded = true;
	int r = 0;

	version[0] = '\0';
	if (want->version[0] != '\0')
		r = origin_version(want->version, pinned ? pin : NULL, version, e);
	if (r == 0 && pinned)
		r = sources_find_pinned(db, pin, want->package, version, known, e);
	if (r == 0 && known->package == NULL && want->origin.kind == ORIGIN_UPLOAD)
		r = uploads_known(db, want->origin.digest, &uploaded, e);
	if (r == 0 && !uploaded)
		return err_set(e, ERR_NOT_FOUND,
			       "source: sha256:%s was not uploaded here; PUT it to /v1/sources",
			       want->origin.digest);
	return r;
}

static int
find_source(struct db *db, const struct build_request *want, struct source_known *known,
	    char version[PACKAGE_VERSION_MAX + 1], struct err *e)
{
	int r;

	if (want->origin.kind != ORIGIN_REGISTRY)
		return find_other(db, want, known, version, e);
	snprintf(version, PACKAGE_VERSION_MAX + 1, "%s", want->version);
	r = sources_find(db, want->package, want->version, known, e);
	if (r == 0 && known->package == NULL && origin_is_pinned(version))
		return err_set(e, ERR_NOT_FOUND,
			       "%s@%s is no version of the registry, and no such source was built "
			       "here; build it from its git repository or an upload first",
			       want->package, version);
	return r;
}

/* A job for each target and ABI. */
static int
request_all(struct db *db, const struct build_request *want, int64_t build, struct job_new *job,
	    const char *abi, bool *created, struct err *e)
{
	int r = 0;

	for (size_t t = 0; r == 0 && t < want->target_count; t++) {
		job->target = want->targets[t];
		/* An unknown source leaves the default ABI unknown, too: "" until it is resolved. */
		job->abi = abi != NULL ? abi : "";
		if (want->abi_count == 0)
			r = request_one(db, build, job, created, e);
		for (size_t a = 0; r == 0 && a < want->abi_count; a++) {
			job->abi = want->abis[a];
			r = request_one(db, build, job, created, e);
		}
	}
	return r;
}

int
jobs_request(struct db *db, const struct build_request *want, int64_t now, int64_t *build,
	     bool *created, struct err *e)
{
	struct job_new job = {.kind = "build", .now = now, .due = now, .origin = ""};
	char version[PACKAGE_VERSION_MAX + 1], pin[ORIGIN_PIN_SIZE];
	char *asked = origin_text(&want->origin), *origin = NULL;
	struct source_known known = {0};
	bool ignored;
	int r;

	*created = false;
	r = check_queue(db, want, e);
	if (r == 0)
		r = find_source(db, want, &known, version, e);
	job.package = known.package != NULL ? known.package : want->package;
	job.version = known.version != NULL ? known.version : version;
	if (r == 0)
		r = DB_EXEC(db, e, jobs_on_int, build,
			    "INSERT INTO build (requester, package, version, created, origin)"
			    " VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
			    db_text(want->requester), db_text(job.package), db_text(job.version),
			    db_int(now), db_text(asked));
	if (known.abi == NULL && want->origin.kind == ORIGIN_GIT && !origin_pin(&want->origin, pin))
		origin = xasprintf("%s b%lld", asked, (long long)*build);
	if (known.abi == NULL)
		job.origin = origin != NULL ? origin : asked;
	job.state = known.abi != NULL ? "queued" : "waiting";
	if (r == 0)
		r = request_all(db, want, *build, &job, known.abi, created, e);
	if (r == 0 && known.abi == NULL && *created) {
		job.kind = "resolve";
		job.target = job.abi = "";
		job.state = "queued";
		job.due = now;
		r = request_one(db, 0, &job, &ignored, e);
	}
	if (r == 0 && !*created)
		r = events_build_ended(db, *build, now, e);
	source_known_fini(&known);
	free(origin);
	free(asked);
	return r;
}

/* ---- leases ---- */

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

static int
next_queued(struct db *db, const struct lease_request *req, struct lease *out, struct err *e)
{
	/* Unused places hold "", which is the target of a resolve job: every worker may do that. */
	struct db_value values[JOB_TARGETS_MAX + 2];

	for (size_t i = 0; i <= JOB_TARGETS_MAX; i++)
		values[i] = db_text(i < req->target_count ? req->targets[i] : "");
	values[JOB_TARGETS_MAX + 1] = db_int(req->due_only ? -req->now : INT64_MIN);
	return db_exec(db,
		       "SELECT job.id, job.fence, job.kind, job.package, job.version, job.target,"
		       " job.abi, source.digest, source.lock, job.origin FROM job"
		       " LEFT JOIN source ON source.package = job.package"
		       " AND source.version = job.version"
		       " WHERE job.state = 'queued' AND job.target IN (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
		       " ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,"
		       " ?23, ?24, ?25) AND job.priority >= ?26"
		       " ORDER BY job.priority DESC, job.id LIMIT 1",
		       values, ARRAY_SIZE(values), on_lease, out, e);
}

static const char *
toolchain_for(const struct lease_request *req, const char *target)
{
	for (size_t i = 0; i < req->target_count; i++)
		if (strcmp(req->targets[i], target) == 0)
			return req->toolchains[i];
	return "";
}

/* The key is known now that a toolchain has met the source. */
static int
take_build(struct db *db, const struct lease_request *req, struct lease *l, bool *taken,
	   struct err *e)
{
	const char *toolchain = toolchain_for(req, l->target);
	char *identity = xasprintf("%s@%s", l->package, l->version), *digest = NULL;
	char key[DIGEST_HEX_SIZE];
	int r;

	key_compute(&(struct key_parts){.source = l->source,
					.lock = l->lock,
					.abi = l->abi,
					.target = l->target,
					.toolchain = toolchain,
					.identity = origin_is_pinned(l->version) ? identity : NULL},
		    key);
	free(identity);
	r = DB_EXEC(db, e, jobs_on_text, &digest, "SELECT digest FROM artifact WHERE key = ?1",
		    db_text(key));
	*taken = digest == NULL;
	if (r == 0 && digest != NULL)
		r = changed_one(db, l->job,
				DB_EXEC(db, e, NULL, NULL,
					"UPDATE job SET state = 'succeeded', key = ?1,"
					" artifact = ?2, finished = ?3 WHERE id = ?4",
					db_text(key), db_text(digest), db_int(req->now),
					db_int(l->job)),
				req->now, e);
	else
		l->key = xstrdup(key);
	free(digest);
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
		if (strcmp(out->kind, "build") == 0)
			r = take_build(db, req, out, &taken, e);
		else
			taken = true;
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
	r = changed_one(db, out->job, r, req->now, e);
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
			    "UPDATE job SET expires = ?1, stage = ?2, step = ?3, steps = ?4"
			    " WHERE id = ?5",
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
		return changed_one(db, job, r, now, e);
	}
	r = DB_EXEC(db, e, NULL, NULL,
		    "UPDATE job SET state = 'failed', expires = NULL, code = ?1, error = ?2,"
		    " finished = ?3 WHERE id = ?4",
		    db_text(code), db_text(error), db_int(now), db_int(job));
	r = changed_one(db, job, r, now, e);
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
		return changed_one(db, job, r, now, e);
	}
	r = DB_EXEC(db, e, NULL, NULL,
		    "UPDATE job SET state = ?1, expires = NULL, code = ?2, error = ?3,"
		    " finished = ?4 WHERE id = ?5",
		    db_text(state), db_text(code), db_text(error), db_int(now), db_int(job));
	r = changed_one(db, job, r, now, e);
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
	return changed_one(db, job, r, now, e);
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

int
jobs_build_cancel(struct db *db, int64_t build, int64_t now, struct err *e)
{
	struct job_ids ids = {0};
	int r = DB_EXEC(db, e, NULL, NULL, "UPDATE build SET cancelled = 1 WHERE id = ?1",
			db_int(build));

	if (r == 0 && db_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no build b%lld", (long long)build);
	/* A job that another live build wants goes on for that one. */
	if (r == 0)
		r = DB_EXEC(db, e, jobs_on_id, &ids,
			    "UPDATE job SET state = 'cancelled', finished = ?1"
			    " WHERE state IN ('waiting', 'queued', 'running')"
			    " AND id IN (SELECT job FROM build_job WHERE build = ?2)"
			    " AND NOT EXISTS (SELECT 1 FROM build_job o JOIN build b"
			    " ON b.id = o.build WHERE o.job = job.id AND b.cancelled = 0)"
			    " RETURNING id",
			    db_int(now), db_int(build));
	r = jobs_changed(db, &ids, r, now, e);
	return r != 0 ? r : events_build_ended(db, build, now, e);
}

static int
on_brief(const struct db_row *row, void *arg)
{
	struct job_brief *b = arg;

	b->job = row_int(row, 0);
	b->state = job_state_parse(row_text(row, 1));
	b->code = jobs_copy(row, 2);
	b->error = jobs_copy(row, 3);
	b->finished = row_int(row, 4);
	return 0;
}

int
jobs_find(struct db *db, const char *package, const char *version, const char *abi,
	  const char *target, struct job_brief *out, struct err *e)
{
	char *intent = jobs_intent(&(struct job_new){.kind = "build",
						     .package = package,
						     .version = version,
						     .abi = abi,
						     .target = target,
						     .origin = ""});
	int r;

	*out = (struct job_brief){0};
	r = DB_EXEC(db, e, on_brief, out,
		    "SELECT id, state, code, error, finished FROM job WHERE intent = ?1"
		    " ORDER BY id DESC LIMIT 1",
		    db_text(intent));
	free(intent);
	return r;
}

void
job_brief_fini(struct job_brief *b)
{
	free(b->code);
	free(b->error);
	*b = (struct job_brief){0};
}
