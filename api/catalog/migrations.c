/*
 * migrations.c - the schema, as numbered steps that are only ever added to.
 *
 * Times are milliseconds since 1970. Digests are 64 hex digits. JSON documents are text.
 */
#include "api/catalog/db.h"
#include "builder/base/mem.h"

/* One statement each; a migration is a run of statements with the same number. */
static const struct {
	int number;
	const char *sql;
} steps[] = {
	{1, "CREATE TABLE source ("
	    " digest TEXT NOT NULL, package TEXT NOT NULL, version TEXT NOT NULL,"
	    " origin TEXT NOT NULL, lock TEXT NOT NULL, size INTEGER NOT NULL,"
	    " abi TEXT NOT NULL, created INTEGER NOT NULL,"
	    " PRIMARY KEY (package, version))"},
	{1, "CREATE TABLE toolchain ("
	    " digest TEXT NOT NULL PRIMARY KEY, target TEXT NOT NULL,"
	    " seen INTEGER NOT NULL)"},
	{1, "CREATE TABLE build ("
	    " id INTEGER PRIMARY KEY, requester TEXT NOT NULL, package TEXT NOT NULL,"
	    " cancelled INTEGER NOT NULL DEFAULT 0,"
	    " version TEXT NOT NULL, created INTEGER NOT NULL)"},
	{1, "CREATE TABLE job ("
	    " id INTEGER PRIMARY KEY, kind TEXT NOT NULL, intent TEXT NOT NULL,"
	    " package TEXT NOT NULL, version TEXT NOT NULL, target TEXT NOT NULL,"
	    " abi TEXT NOT NULL, state TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 0,"
	    " source TEXT, key TEXT, toolchain TEXT, artifact TEXT,"
	    " attempt INTEGER NOT NULL DEFAULT 0, owner TEXT, fence INTEGER NOT NULL DEFAULT 0,"
	    " expires INTEGER, stage TEXT, step INTEGER NOT NULL DEFAULT 0,"
	    " steps INTEGER NOT NULL DEFAULT 0, code TEXT, error TEXT,"
	    " created INTEGER NOT NULL, started INTEGER, finished INTEGER)"},
	/* At most one live job for what is wanted: the database itself coalesces requests. */
	{1, "CREATE UNIQUE INDEX job_live ON job(intent)"
	    " WHERE state IN ('waiting', 'queued', 'running')"},
	{1, "CREATE INDEX job_queue ON job(priority DESC, id) WHERE state = 'queued'"},
	{1, "CREATE INDEX job_waiting ON job(package, version) WHERE state = 'waiting'"},
	{1, "CREATE INDEX job_leases ON job(expires) WHERE state = 'running'"},
	{1, "CREATE INDEX job_intent ON job(intent, id)"},
	{1, "CREATE TABLE build_job ("
	    " build INTEGER NOT NULL REFERENCES build(id), job INTEGER NOT NULL REFERENCES job(id),"
	    " PRIMARY KEY (build, job))"},
	{1, "CREATE INDEX build_job_job ON build_job(job)"},
	{1,
	 "CREATE TABLE artifact ("
	 " id INTEGER PRIMARY KEY, digest TEXT NOT NULL, key TEXT NOT NULL UNIQUE,"
	 " package TEXT NOT NULL, version TEXT NOT NULL, abi TEXT NOT NULL,"
	 " target TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, report TEXT NOT NULL,"
	 " source TEXT NOT NULL, toolchain TEXT NOT NULL, created INTEGER NOT NULL,"
	 " UNIQUE (package, version, abi, target))"},
	{1, "CREATE INDEX artifact_digest ON artifact(digest)"},
	{1, "CREATE TABLE name ("
	    " path TEXT NOT NULL PRIMARY KEY, digest TEXT NOT NULL, size INTEGER NOT NULL,"
	    " artifact INTEGER NOT NULL REFERENCES artifact(id))"},
	{1, "CREATE TABLE token ("
	    " hash TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL,"
	    " created INTEGER NOT NULL, expires INTEGER)"},
	{2, "ALTER TABLE name ADD COLUMN layout TEXT NOT NULL DEFAULT 'prebuild-install'"},
	{2, "CREATE INDEX name_artifact ON name(artifact)"},
	/* Sources that are not the registry's. pin: "git:COMMIT" or "src:SHA256"; origin: where the
	 * source of a job comes from as long as it is not known (jobs.h), and what a build asked
	 * for. */
	{3, "ALTER TABLE source ADD COLUMN pin TEXT NOT NULL DEFAULT ''"},
	{3, "ALTER TABLE job ADD COLUMN origin TEXT NOT NULL DEFAULT ''"},
	{3, "ALTER TABLE build ADD COLUMN origin TEXT NOT NULL DEFAULT ''"},
	{3, "CREATE INDEX source_pin ON source(pin)"},
	{3, "CREATE TABLE upload ("
	    " digest TEXT NOT NULL PRIMARY KEY, size INTEGER NOT NULL, created INTEGER NOT NULL)"},
	{4, "CREATE TABLE event ("
	    " seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, build INTEGER, job INTEGER,"
	    " payload TEXT NOT NULL, start INTEGER, size INTEGER, created INTEGER NOT NULL)"},
	{4, "CREATE INDEX event_job ON event(job, seq)"},
	{4, "ALTER TABLE build ADD COLUMN ended TEXT"},
	{4, "ALTER TABLE build ADD COLUMN finished INTEGER"},
	{4, "ALTER TABLE build ADD COLUMN last_event INTEGER"},
	/* Builds that had ended before there were events. */
	{4, "UPDATE build SET last_event = 0, finished = coalesce((SELECT max(job.finished)"
	    " FROM job JOIN build_job ON build_job.job = job.id"
	    " WHERE build_job.build = build.id), created), ended = CASE"
	    " WHEN cancelled = 1 AND EXISTS (SELECT 1 FROM job JOIN build_job"
	    " ON build_job.job = job.id WHERE build_job.build = build.id"
	    " AND job.state NOT IN ('succeeded', 'failed')) THEN 'cancelled'"
	    " WHEN EXISTS (SELECT 1 FROM job JOIN build_job ON build_job.job = job.id"
	    " WHERE build_job.build = build.id AND job.state = 'failed') THEN 'failed'"
	    " WHEN EXISTS (SELECT 1 FROM job JOIN build_job ON build_job.job = job.id"
	    " WHERE build_job.build = build.id AND job.state = 'cancelled') THEN 'cancelled'"
	    " ELSE 'succeeded' END"
	    " WHERE cancelled = 1 OR NOT EXISTS (SELECT 1 FROM job JOIN build_job"
	    " ON build_job.job = job.id WHERE build_job.build = build.id"
	    " AND job.state IN ('waiting', 'queued', 'running'))"},
	{4, "CREATE TABLE webhook (url TEXT NOT NULL PRIMARY KEY)"},
	{4, "CREATE TABLE delivery ("
	    " id INTEGER PRIMARY KEY, build INTEGER NOT NULL, url TEXT NOT NULL,"
	    " state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, status INTEGER,"
	    " error TEXT, due INTEGER NOT NULL, created INTEGER NOT NULL, finished INTEGER)"},
	{4, "CREATE INDEX delivery_due ON delivery(due) WHERE state = 'pending'"},
	{4, "CREATE INDEX delivery_state ON delivery(state, id)"},
	{4, "CREATE INDEX delivery_finished ON delivery(finished)"},
	{4, "CREATE TABLE tally ("
	    " target TEXT NOT NULL, outcome TEXT NOT NULL, jobs INTEGER NOT NULL,"
	    " PRIMARY KEY (target, outcome))"},
	{4, "INSERT INTO tally (target, outcome, jobs) SELECT target, outcome, count(*) FROM ("
	    "SELECT target, CASE WHEN state = 'failed' AND code IN ('audit-failed', 'load-failed')"
	    " THEN 'refused' ELSE state END AS outcome FROM job"
	    " WHERE kind = 'build' AND started IS NOT NULL"
	    " AND state IN ('succeeded', 'failed', 'cancelled')) q GROUP BY target, outcome"},
	{4, "CREATE INDEX job_package ON job(package, version)"},
	/* npm packages (npm.h). base, revision and content: what upstream's version, which state of a
	 * target's package, and the binaries in it. */
	{5, "CREATE TABLE npm_version ("
	    " name TEXT NOT NULL, version TEXT NOT NULL, base TEXT NOT NULL,"
	    " revision INTEGER NOT NULL, content TEXT NOT NULL, path TEXT NOT NULL,"
	    " digest TEXT NOT NULL, manifest TEXT NOT NULL, created INTEGER NOT NULL,"
	    " PRIMARY KEY (name, version))"},
	{5, "CREATE INDEX npm_version_path ON npm_version(path)"},
	/* Tokens were not kept here before (tokens.h). */
	{6, "DROP TABLE token"},
	{6, "CREATE TABLE token ("
	    " id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
	    " scopes TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER, revoked INTEGER)"},
	/* Who refers to a content of the store (retention.h). */
	{7, "CREATE INDEX name_digest ON name(digest)"},
	{7, "CREATE INDEX source_digest ON source(digest)"},
	{7, "CREATE INDEX npm_version_digest ON npm_version(digest)"},
	/* When a version was last asked for or handed in, also if nothing else changed by that. */
	{8, "CREATE TABLE asked ("
	    " package TEXT NOT NULL, version TEXT NOT NULL, at INTEGER NOT NULL,"
	    " PRIMARY KEY (package, version))"},
	/* What a worker may take is at the head of a target's queue; how many are live is asked with every request. */
	{9, "DROP INDEX job_queue"},
	{9, "CREATE INDEX job_queue ON job(target, priority DESC, id) WHERE state = 'queued'"},
	{9, "CREATE INDEX job_mirror ON job(priority DESC, id)"
	    " WHERE state = 'queued' AND kind = 'mirror'"},
	{9, "CREATE INDEX job_state ON job(state) WHERE state IN ('waiting', 'queued', 'running')"},
};

static int
on_number(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int
apply(struct db *db, int64_t have, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps);) {
		int number = steps[i].number, r = 0;

		if (number <= have) {
			i++;
			continue;
		}
		r = db_exec(db, "BEGIN IMMEDIATE", NULL, 0, NULL, NULL, e);
		for (; r == 0 && i < ARRAY_SIZE(steps) && steps[i].number == number; i++)
			r = db_exec(db, steps[i].sql, NULL, 0, NULL, NULL, e);
		if (r == 0)
			r = DB_EXEC(db, e, NULL, NULL,
				    "INSERT INTO migration VALUES (?1, CURRENT_TIMESTAMP)",
				    db_int(number));
		if (r == 0)
			r = db_exec(db, "COMMIT", NULL, 0, NULL, NULL, e);
		if (r != 0) {
			db_exec(db, "ROLLBACK", NULL, 0, NULL, NULL, NULL);
			return err_context(e, "migration %d", number);
		}
	}
	return 0;
}

static int
applied(struct db *db, int64_t *number, struct err *e)
{
	return db_exec(db, "SELECT coalesce(max(number), 0) FROM migration", NULL, 0, on_number,
		       number, e);
}

int
db_migrate(struct db *db, struct err *e)
{
	const int64_t newest = steps[ARRAY_SIZE(steps) - 1].number;
	int64_t have = 0;
	int r;

	if (db_exec(db,
		    "CREATE TABLE IF NOT EXISTS migration ("
		    " number INTEGER NOT NULL PRIMARY KEY, applied TEXT NOT NULL)",
		    NULL, 0, NULL, NULL, e) != 0 ||
	    applied(db, &have, e) != 0)
		return err_context(e, "migrate");
	if (have > newest)
		return err_set(
			e, ERR_UNSUPPORTED,
			"the catalog was made by a newer prebuildd (schema %d); use that one",
			(int)have);
	if (have == newest)
		return 0;
	/* Not under the feet of another service; and one may have just done it. */
	r = db_claim(db, e);
	if (r == 0)
		r = applied(db, &have, e);
	if (r == 0)
		r = apply(db, have, e);
	return r == 0 ? db_release(db, e) : r;
}
