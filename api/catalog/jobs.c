#include "api/catalog/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/events.h"
#include "api/catalog/jobs_parts.h"
#include "api/catalog/retention.h"
#include "api/catalog/sources.h"
#include "builder/base/mem.h"

/* ---- what leases.c and sources.c need, too ---- */

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

int
jobs_changed_one(struct db *db, int64_t job, int r, int64_t now, struct err *e)
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
	/* The three states are those of the index job_state, without which this would look at all jobs there were. */
	int r = DB_EXEC(db, e, jobs_on_int, &live,
			"SELECT count(*) FROM (SELECT 1 FROM job"
			" WHERE state IN ('waiting', 'queued', 'running')"
			" AND state <> 'running' LIMIT ?1) q",
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

/* The job that published this; 0 if none did, or if nothing is. */
static int
find_published(struct db *db, const struct job_new *want, int64_t *job, struct err *e)
{
	char *intent = jobs_intent(want);
	int r;

	*job = 0;
	r = DB_EXEC(db, e, jobs_on_int, job,
		    "SELECT id FROM job WHERE intent = ?1 AND state = 'succeeded'"
		    " AND EXISTS (SELECT 1 FROM artifact WHERE artifact.package = ?2"
		    " AND artifact.version = ?3 AND artifact.abi = ?4 AND artifact.target = ?5)"
		    " ORDER BY id DESC LIMIT 1",
		    db_text(intent), db_text(want->package), db_text(want->version),
		    db_text(want->abi), db_text(want->target));
	free(intent);
	return r;
}

/* A build that succeeded and is of these jobs and no others; 0 if there is none. */
static int
find_build_of(struct db *db, const struct job_ids *jobs, const char *origin, int64_t *build,
	      struct err *e)
{
	int64_t found = 0, in = 0;
	int r = DB_EXEC(db, e, jobs_on_int, &found,
			"SELECT build.id FROM build_job JOIN build ON build.id = build_job.build"
			" WHERE build_job.job = ?1 AND build.ended = 'succeeded'"
			" AND build.cancelled = 0 AND build.origin = ?2"
			" AND (SELECT count(*) FROM build_job o WHERE o.build = build.id) = ?3"
			" ORDER BY build.id DESC LIMIT 1",
			db_int(jobs->at[0]), db_text(origin), db_int((int64_t)jobs->n));

	for (size_t i = 1; r == 0 && found != 0 && i < jobs->n; i++) {
		in = 0;
		r = DB_EXEC(db, e, jobs_on_int, &in,
			    "SELECT 1 FROM build_job WHERE build = ?1 AND job = ?2", db_int(found),
			    db_int(jobs->at[i]));
		if (in == 0)
			found = 0;
	}
	*build = found;
	return r;
}

/* The build that made exactly what is asked for: asking again then makes no new one, so that a CI that
 * asks with every run costs no more than looking. 0 if there is none. */
static int
find_same(struct db *db, const struct build_request *want, struct job_new job, const char *abi,
	  const char *origin, int64_t *build, struct err *e)
{
	size_t abis = want->abi_count > 0 ? want->abi_count : 1, all = want->target_count * abis;
	struct job_ids ids = {.at = xcalloc(all + 1, sizeof *ids.at)};
	bool missing = all == 0;
	int r = 0;

	for (size_t i = 0; r == 0 && !missing && i < all; i++) {
		job.target = want->targets[i / abis];
		job.abi = want->abi_count > 0 ? want->abis[i % abis] : abi;
		r = find_published(db, &job, &ids.at[i], e);
		missing = ids.at[i] == 0;
	}
	ids.n = all;
	*build = 0;
	if (r == 0 && !missing)
		r = find_build_of(db, &ids, origin, build, e);
	free(ids.at);
	return r;
}

static int
insert_build(struct db *db, const struct build_request *want, const struct job_new *job,
	     const char *origin, int64_t *build, struct err *e)
{
	return DB_EXEC(db, e, jobs_on_int, build,
		       "INSERT INTO build (requester, package, version, created, origin)"
		       " VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
		       db_text(want->requester), db_text(job->package), db_text(job->version),
		       db_int(job->now), db_text(origin));
}

int
jobs_request_mirror(struct db *db, const struct build_request *want, const char *upstream,
		    int64_t now, bool *created, struct err *e)
{
	struct job_new job = {
		.kind = "mirror",
		.package = want->package,
		.version = want->version,
		.target = want->targets[0],
		.abi = want->abis[0],
		.state = "queued",
		.origin = upstream,
		.now = now,
		.due = now,
	};
	int64_t build;

	*created = false;
	if (check_queue(db, want, e) != 0 || insert_build(db, want, &job, "", &build, e) != 0)
		return e->code;
	return request_one(db, build, &job, created, e);
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
	*build = 0;
	/* What is not known yet gets jobs, which are as good a trace. */
	if (r == 0 && known.abi != NULL)
		r = retention_asked(db, job.package, job.version, now, e);
	if (r == 0 && known.abi != NULL)
		r = find_same(db, want, job, known.abi, asked, build, e);
	if (r != 0 || *build != 0)
		goto out;
	r = insert_build(db, want, &job, asked, build, e);
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
out:
	source_known_fini(&known);
	free(origin);
	free(asked);
	return r;
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
	  const char *target, const char *upstream, struct job_brief *out, struct err *e)
{
	char *intent = jobs_intent(&(struct job_new){.kind = upstream != NULL ? "mirror" : "build",
						     .package = package,
						     .version = version,
						     .abi = abi,
						     .target = target,
						     .origin = upstream != NULL ? upstream : ""});
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
