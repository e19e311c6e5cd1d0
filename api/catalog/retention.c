#include "api/catalog/retention.h"

#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "builder/base/mem.h"

#define LIVE "('waiting', 'queued', 'running')"

/* Every package version, with when it was last asked for or published, its newest job, and how many
 * of its jobs are not over. */
#define VERSIONS                                                                              \
	"SELECT package, version, max(at) AS last, max(job) AS job, sum(live) AS live FROM (" \
	"SELECT package, version, created AS at, 0 AS job, 0 AS live FROM artifact"           \
	" UNION ALL SELECT package, version, created, 0, 0 FROM source"                       \
	" UNION ALL SELECT package, version, at, 0, 0 FROM asked"                             \
	" UNION ALL SELECT package, version, coalesce(finished, created), id,"                \
	" CASE WHEN state IN " LIVE " THEN 1 ELSE 0 END FROM job) each"

/* The newest job stays, and with it its version: its number would be given to the next one. */
#define OLD                                      \
	" HAVING sum(live) = 0 AND max(at) < ?1" \
	" AND max(job) < (SELECT coalesce(max(id), 1) FROM job)"

static int
on_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int
on_text(const struct db_row *row, void *arg)
{
	strv_add(arg, row_text(row, 0));
	return 0;
}

int
retention_asked(struct db *db, const char *package, const char *version, int64_t now, struct err *e)
{
	return DB_EXEC(db, e, NULL, NULL,
		       "INSERT INTO asked (package, version, at) VALUES (?1, ?2, ?3)"
		       " ON CONFLICT (package, version) DO UPDATE SET at = excluded.at"
		       " WHERE excluded.at >= asked.at + ?4",
		       db_text(package), db_text(version), db_int(now), db_int(RETENTION_ASKED_MS));
}

void
retention_versions_fini(struct retention_versions *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->at[i].package);
		free(l->at[i].version);
	}
	free(l->at);
	*l = (struct retention_versions){0};
}

static int
on_version(const struct db_row *row, void *arg)
{
	struct retention_versions *l = arg;

	l->at = xrealloc(l->at, (l->n + 1) * sizeof *l->at);
	l->at[l->n++] = (struct retention_version){.package = xstrdup(row_text(row, 0)),
						   .version = xstrdup(row_text(row, 1)),
						   .last = row_int(row, 2)};
	return 0;
}

static int
measure(struct db *db, struct retention_version *v, struct err *e)
{
	int r = DB_EXEC(db, e, on_int, &v->artifacts,
			"SELECT count(*) FROM artifact WHERE package = ?1 AND version = ?2",
			db_text(v->package), db_text(v->version));

	/* What several names stand for is there once. */
	return r != 0 ? r
		      : DB_EXEC(db, e, on_int, &v->size,
				"SELECT coalesce(sum(size), 0) FROM ("
				"SELECT digest, size FROM artifact WHERE package = ?1"
				" AND version = ?2 UNION SELECT name.digest, name.size FROM name"
				" JOIN artifact ON artifact.id = name.artifact"
				" WHERE artifact.package = ?1 AND artifact.version = ?2"
				" UNION SELECT digest, size FROM source WHERE package = ?1"
				" AND version = ?2) contents",
				db_text(v->package), db_text(v->version));
}

int
retention_oldest(struct db *db, int64_t before, int limit, struct retention_versions *out,
		 struct err *e)
{
	int r;

	*out = (struct retention_versions){0};
	r = DB_EXEC(db, e, on_version, out,
		    VERSIONS " GROUP BY package, version" OLD
			     " ORDER BY max(at), package, version LIMIT ?2",
		    db_int(before), db_int(limit));
	for (size_t i = 0; r == 0 && i < out->n; i++)
		r = measure(db, &out->at[i], e);
	return r;
}

int
retention_is_old(struct db *db, const struct retention_version *v, int64_t before, bool *old,
		 struct err *e)
{
	struct retention_versions found = {0};
	int r = DB_EXEC(db, e, on_version, &found,
			VERSIONS " WHERE package = ?2 AND version = ?3"
				 " GROUP BY package, version" OLD,
			db_int(before), db_text(v->package), db_text(v->version));

	*old = found.n > 0;
	retention_versions_fini(&found);
	return r;
}

int
retention_names(struct db *db, const struct retention_version *v, struct strv *out, struct err *e)
{
	return DB_EXEC(db, e, on_text, out,
		       "SELECT path FROM name JOIN artifact ON artifact.id = name.artifact"
		       " WHERE artifact.package = ?1 AND artifact.version = ?2 ORDER BY path",
		       db_text(v->package), db_text(v->version));
}

/* ---- removal ---- */

struct ids {
	int64_t *at;
	size_t n;
};

static int
on_id(const struct db_row *row, void *arg)
{
	struct ids *ids = arg;

	ids->at = xrealloc(ids->at, (ids->n + 1) * sizeof *ids->at);
	ids->at[ids->n++] = row_int(row, 0);
	return 0;
}

/* A build that has no jobs any more. The newest stays, empty, for its number. */
static int
remove_build(struct db *db, int64_t build, struct err *e)
{
	int64_t jobs = 0, newest = 0;

	if (DB_EXEC(db, e, on_int, &jobs, "SELECT count(*) FROM build_job WHERE build = ?1",
		    db_int(build)) != 0 ||
	    db_exec(db, "SELECT max(id) FROM build", NULL, 0, on_int, &newest, e) != 0)
		return e->code;
	if (jobs > 0 || build == newest)
		return 0;
	if (DB_EXEC(db, e, NULL, NULL,
		    "DELETE FROM event WHERE seq = (SELECT last_event FROM build WHERE id = ?1)"
		    " AND kind = 'build' AND build = ?1 AND seq < (SELECT max(seq) FROM event)",
		    db_int(build)) != 0)
		return e->code;
	return DB_EXEC(db, e, NULL, NULL, "DELETE FROM build WHERE id = ?1", db_int(build));
}

static int
remove_jobs(struct db *db, const struct retention_version *v, struct err *e)
{
	struct db_value package = db_text(v->package), version = db_text(v->version);
	struct ids builds = {0};
	int r = DB_EXEC(db, e, on_id, &builds,
			"SELECT DISTINCT build FROM build_job WHERE job IN"
			" (SELECT id FROM job WHERE package = ?1 AND version = ?2)",
			package, version);

	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "DELETE FROM build_job WHERE job IN"
			    " (SELECT id FROM job WHERE package = ?1 AND version = ?2)",
			    package, version);
	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "DELETE FROM event WHERE job IN"
			    " (SELECT id FROM job WHERE package = ?1 AND version = ?2)"
			    " AND seq < (SELECT max(seq) FROM event)",
			    package, version);
	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "DELETE FROM job WHERE package = ?1 AND version = ?2", package,
			    version);
	for (size_t i = 0; r == 0 && i < builds.n; i++)
		r = remove_build(db, builds.at[i], e);
	free(builds.at);
	return r;
}

int
retention_remove(struct db *db, const struct retention_version *v, struct err *e)
{
	struct db_value package = db_text(v->package), version = db_text(v->version);
	int r = DB_EXEC(db, e, NULL, NULL,
			"DELETE FROM name WHERE artifact IN"
			" (SELECT id FROM artifact WHERE package = ?1 AND version = ?2)",
			package, version);

	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "DELETE FROM artifact WHERE package = ?1 AND version = ?2", package,
			    version);
	if (r == 0)
		r = remove_jobs(db, v, e);
	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "DELETE FROM source WHERE package = ?1 AND version = ?2", package,
			    version);
	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "DELETE FROM asked WHERE package = ?1 AND version = ?2", package,
			    version);
	return r;
}

int
retention_remove_npm(struct db *db, const char *name, bool of_target, const char *version,
		     struct err *e)
{
	if (!of_target)
		return DB_EXEC(db, e, NULL, NULL,
			       "DELETE FROM npm_version WHERE name = ?1 AND base = ?2",
			       db_text(name), db_text(version));
	/* Somebody's lock may have what was installed of it: the next one has another number, and as
	 * no content is like this one, there is a next one. */
	return DB_EXEC(db, e, NULL, NULL,
		       "UPDATE npm_version SET content = 'removed', path = '', digest = '',"
		       " manifest = '' WHERE name = ?1 AND base = ?2",
		       db_text(name), db_text(version));
}

int
retention_remove_uploads(struct db *db, int64_t before, struct err *e)
{
	return DB_EXEC(db, e, NULL, NULL,
		       "DELETE FROM upload WHERE created < ?1 AND NOT EXISTS"
		       " (SELECT 1 FROM source WHERE source.pin = 'src:' || upload.digest)"
		       " AND NOT EXISTS (SELECT 1 FROM job WHERE state IN " LIVE
		       " AND origin LIKE '%' || upload.digest || '%')",
		       db_int(before));
}

/* ---- what is known ---- */

int
retention_digests(struct db *db, const char *prefix, struct strv *out, struct err *e)
{
	/* Behind every digest that begins so: 'g' is no hex digit. */
	char *end = xasprintf("%sg", prefix);
	int r = DB_EXEC(db, e, on_text, out,
			"SELECT digest FROM artifact WHERE digest >= ?1 AND digest < ?2"
			" UNION SELECT digest FROM name WHERE digest >= ?1 AND digest < ?2"
			" UNION SELECT digest FROM source WHERE digest >= ?1 AND digest < ?2"
			" UNION SELECT digest FROM upload WHERE digest >= ?1 AND digest < ?2"
			" UNION SELECT digest FROM npm_version WHERE digest >= ?1 AND digest < ?2"
			" ORDER BY digest",
			db_text(prefix), db_text(end));

	free(end);
	return r;
}

int
retention_knows_any(struct db *db, bool *any, struct err *e)
{
	int64_t found = 0;
	int r = db_exec(
		db,
		"SELECT 1 WHERE EXISTS (SELECT 1 FROM artifact) OR EXISTS (SELECT 1 FROM source)"
		" OR EXISTS (SELECT 1 FROM upload) OR EXISTS (SELECT 1 FROM npm_version)"
		" OR EXISTS (SELECT 1 FROM build) OR EXISTS (SELECT 1 FROM token)",
		NULL, 0, on_int, &found, e);

	*any = found != 0;
	return r;
}

int
retention_job_known(struct db *db, int64_t job, bool *known, struct err *e)
{
	int64_t found = 0;
	int r = DB_EXEC(db, e, on_int, &found, "SELECT 1 FROM job WHERE id = ?1", db_int(job));

	*known = found != 0;
	return r;
}
