/*
 * jobs_json.c - builds and jobs as users see them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/db.h"
#include "api/catalog/field.h"
#include "api/catalog/jobs.h"
#include "api/catalog/page.h"
#include "api/catalog/toolchains.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/target.h"

/* "" in the catalog is what is not known yet, or not there. */
static void
set_known(struct json *o, const char *name, const char *text)
{
	json_set_str(o, name, text[0] != '\0' ? text : NULL);
}

#define JOB_COLUMNS                                                                                \
	"job.id, job.kind, job.package, job.version, job.target, job.abi, job.state, job.key,"     \
	" job.artifact, job.attempt, job.stage, job.step, job.steps, job.code, job.error,"         \
	" job.created, job.started, job.finished, artifact.size, job.toolchain,"                   \
	" (SELECT path FROM name WHERE name.artifact = artifact.id"                                \
	" AND name.layout = 'prebuild-install'),"                                                  \
	" (SELECT max(seen) FROM toolchain WHERE toolchain.target = job.target), " ARTIFACT_LOADED \
	","                                                                                        \
	" CASE WHEN job.kind = 'mirror' THEN job.origin END"
#define JOB_TABLES                                                       \
	" FROM job LEFT JOIN artifact ON artifact.package = job.package" \
	" AND artifact.version = job.version AND artifact.abi = job.abi" \
	" AND artifact.target = job.target AND artifact.digest = job.artifact"

/* Why a job that waits does so: what it waits for, and what a reader could do about it. */
static void
set_wait(struct json *o, enum job_state state, const char *target, int64_t seen, const char *stage)
{
	char *hint = NULL;

	if (state != JOB_WAITING && state != JOB_QUEUED) {
		json_set_str(o, "stage", stage);
	} else if (target[0] != '\0' && seen + TOOLCHAIN_FRESH_MS < clock_wall_ms()) {
		const struct target *t = target_find(target);
		char *assembly = t != NULL ? target_assembly(t) : NULL;

		json_set_str(o, "stage", "waiting for a toolchain");
		hint = xasprintf("no worker has a toolchain for %s%s%s", target,
				 assembly != NULL ? "; run on one: prebuildctl toolchain assemble "
						  : "",
				 assembly != NULL ? assembly : "");
		free(assembly);
	} else {
		json_set_str(o, "stage", state == JOB_WAITING ? "waiting for the source" : stage);
	}
	json_set_str(o, "hint", hint);
	free(hint);
}

static struct json *
job_object(const struct db_row *row)
{
	enum job_state state = job_state_parse(row_text(row, 6));
	struct json *o = json_object();
	const char *abi = row_text(row, 5), *target = row_text(row, 4);
	const char *artifact = row_text(row, 8), *upstream = row_text(row, 23);
	char *log = xasprintf("/v1/jobs/j%lld/log", (long long)row_int(row, 0));

	field_id(o, "id", 'j', row_int(row, 0));
	json_set_str(o, "kind", row_text(row, 1));
	set_known(o, "package", row_text(row, 2));
	set_known(o, "version", row_text(row, 3));
	json_set_str(o, "target", target[0] != '\0' ? target : NULL);
	json_set_str(o, "abi", abi[0] != '\0' ? abi : NULL);
	json_set_str(o, "state", state < JOB_STATE_COUNT ? job_state_shown(state) : "unknown");
	json_set_str(o, "key", row_text(row, 7));
	json_set_str(o, "toolchain", row_text(row, 19));
	json_set_str(o, "upstream", upstream);
	if (artifact != NULL) {
		struct json *a = json_object();

		json_set_str(a, "sha256", artifact);
		json_set_int(a, "size", row_int(row, 18));
		json_set_str(a, "prebuild", row_text(row, 20));
		json_set_bool(a, "load_tested", row_int(row, 22) != 0);
		json_set(o, "artifact", a);
	} else {
		json_set_str(o, "artifact", NULL);
	}
	if (row_text(row, 13) != NULL) {
		struct json *problem = json_object();

		json_set_str(problem, "code", row_text(row, 13));
		json_set_str(problem, "message", row_text(row, 14));
		json_set(o, "error", problem);
	} else {
		json_set_str(o, "error", NULL);
	}
	json_set_int(o, "attempt", row_int(row, 9));
	/* What is only fetched needs no toolchain. */
	set_wait(o, state, upstream != NULL ? "" : target, row_int(row, 21), row_text(row, 10));
	json_set_int(o, "step", row_int(row, 11));
	json_set_int(o, "steps", row_int(row, 12));
	field_time(o, "created", row_int(row, 15));
	field_time(o, "started", row_int(row, 16));
	field_time(o, "finished", row_int(row, 17));
	json_set_str(o, "log", log);
	free(log);
	return o;
}

static int
on_job(const struct db_row *row, void *arg)
{
	*(struct json **)arg = job_object(row);
	return 0;
}

int
jobs_job_json(struct db *db, int64_t job, struct json **out, struct err *e)
{
	int r;

	*out = NULL;
	r = DB_EXEC(db, e, on_job, out, "SELECT " JOB_COLUMNS JOB_TABLES " WHERE job.id = ?1",
		    db_int(job));
	if (r == 0 && *out == NULL)
		return err_set(e, ERR_NOT_FOUND, "there is no job j%lld", (long long)job);
	return r;
}

static int
on_build(const struct db_row *row, void *arg)
{
	struct json *o = json_object();

	field_id(o, "id", 'b', row_int(row, 0));
	set_known(o, "package", row_text(row, 1));
	set_known(o, "version", row_text(row, 2));
	set_known(o, "origin", row_text(row, 7));
	field_time(o, "created", row_int(row, 3));
	json_set_bool(o, "cancelled", row_int(row, 4) != 0);
	json_set_str(o, "state", row_text(row, 5));
	field_time(o, "finished", row_int(row, 6));
	if (row_text(row, 8) != NULL) {
		struct json *source = json_object();

		json_set_str(source, "sha256", row_text(row, 8));
		json_set_str(source, "origin", row_text(row, 9));
		json_set(o, "source", source);
	} else {
		json_set_str(o, "source", NULL);
	}
	*(struct json **)arg = o;
	return 0;
}

static int
on_build_job(const struct db_row *row, void *arg)
{
	json_add(arg, job_object(row));
	return 0;
}

/* A build's state follows from its jobs until it is recorded at its end: open as long as one is,
 * then the worst end counts. */
static const char *
build_state(const struct json *build, const struct json *jobs)
{
	bool open = false, running = false, failed = false, cancelled = false;

	json_foreach (job, jobs) {
		const char *state = json_str(job, "state", "");

		open |= strcmp(state, "queued") == 0 || strcmp(state, "running") == 0;
		running |= strcmp(state, "running") == 0 || strcmp(state, "succeeded") == 0;
		failed |= strcmp(state, "failed") == 0;
		cancelled |= strcmp(state, "cancelled") == 0;
	}
	if (json_bool(build, "cancelled", false) && (open || cancelled))
		return "cancelled";
	if (open)
		return running ? "running" : "queued";
	return failed ? "failed" : cancelled ? "cancelled" : "succeeded";
}

int
jobs_build_json(struct db *db, int64_t build, struct json **out, struct err *e)
{
	struct json *jobs;
	int r;

	*out = NULL;
	r = DB_EXEC(
		db, e, on_build, out,
		"SELECT build.id, build.package, build.version, build.created, cancelled, ended,"
		" finished, build.origin, source.digest, source.origin FROM build"
		" LEFT JOIN source ON source.package = build.package"
		" AND source.version = build.version WHERE build.id = ?1",
		db_int(build));
	if (r == 0 && *out == NULL)
		return err_set(e, ERR_NOT_FOUND, "there is no build b%lld", (long long)build);
	if (r != 0)
		return r;
	jobs = json_array();
	r = DB_EXEC(db, e, on_build_job, jobs,
		    "SELECT " JOB_COLUMNS JOB_TABLES
		    " JOIN build_job ON build_job.job = job.id WHERE build_job.build = ?1"
		    " ORDER BY job.target, job.abi",
		    db_int(build));
	if (json_str(*out, "state", NULL) == NULL)
		json_set_str(*out, "state", build_state(*out, jobs));
	json_set(*out, "jobs", jobs);
	return r;
}

struct build_ids {
	int64_t at[PAGE_MAX];
	size_t n;
};

static int
on_build_id(const struct db_row *row, void *arg)
{
	struct build_ids *ids = arg;

	if (ids->n < ARRAY_SIZE(ids->at))
		ids->at[ids->n++] = row_int(row, 0);
	return 0;
}

int
jobs_build_list(struct db *db, int64_t cursor, int limit, struct json **out, struct err *e)
{
	struct build_ids ids = {0};
	struct json *list = json_array();
	int r = DB_EXEC(db, e, on_build_id, &ids,
			"SELECT id FROM build WHERE (?1 = 0 OR id < ?1) ORDER BY id DESC LIMIT ?2",
			db_int(cursor), db_int(limit));

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct json *one = NULL;

		r = jobs_build_json(db, ids.at[i], &one, e);
		if (one != NULL)
			json_add(list, one);
	}
	*out = json_object();
	json_set(*out, "builds", list);
	page_end(*out, (int)ids.n, limit, ids.n > 0 ? ids.at[ids.n - 1] : 0);
	return r;
}

static int
on_count(const struct db_row *row, void *arg)
{
	json_set_int(arg, row_text(row, 0), row_int(row, 1));
	return 0;
}

int
jobs_counts(struct db *db, struct json **out, struct err *e)
{
	*out = json_object();
	return db_exec(db,
		       "SELECT state, count(*) FROM job"
		       " WHERE state IN ('waiting', 'queued', 'running') GROUP BY state",
		       NULL, 0, on_count, *out, e);
}
