#include "api/catalog/sources.h"

#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/events.h"
#include "api/catalog/jobs.h"
#include "api/catalog/jobs_parts.h"
#include "api/catalog/leases.h"
#include "builder/base/mem.h"

/* ---- what is known ---- */

static int
on_known(const struct db_row *row, void *arg)
{
	struct source_known *s = arg;

	source_known_fini(s);
	*s = (struct source_known){jobs_copy(row, 0), jobs_copy(row, 1), jobs_copy(row, 2)};
	return 0;
}

int
sources_find(struct db *db, const char *package, const char *version, struct source_known *out,
	     struct err *e)
{
	return DB_EXEC(db, e, on_known, out,
		       "SELECT package, version, abi FROM source WHERE package = ?1"
		       " AND version = ?2",
		       db_text(package), db_text(version));
}

int
sources_find_pinned(struct db *db, const char *pin, const char *package, const char *version,
		    struct source_known *out, struct err *e)
{
	return DB_EXEC(db, e, on_known, out,
		       "SELECT package, version, abi FROM source WHERE pin = ?1"
		       " AND (?2 = '' OR package = ?2) AND (?3 = '' OR version = ?3)"
		       " ORDER BY package, version LIMIT 1",
		       db_text(pin), db_text(package), db_text(version));
}

void
source_known_fini(struct source_known *s)
{
	free(s->package);
	free(s->version);
	free(s->abi);
	*s = (struct source_known){0};
}

static int
on_origin(const struct db_row *row, void *arg)
{
	char **both = arg;

	both[0] = jobs_copy(row, 0);
	both[1] = jobs_copy(row, 1);
	return 0;
}

int
sources_origin(struct db *db, const char *package, const char *version, char **origin, char **lock,
	       struct err *e)
{
	char *both[2] = {NULL, NULL};
	int r = DB_EXEC(db, e, on_origin, both,
			"SELECT origin, lock FROM source WHERE package = ?1 AND version = ?2",
			db_text(package), db_text(version));

	*origin = both[0];
	*lock = both[1];
	return r;
}

int
uploads_put(struct db *db, const char *digest, int64_t size, int64_t now, struct err *e)
{
	return DB_EXEC(db, e, NULL, NULL,
		       "INSERT INTO upload (digest, size, created) VALUES (?1, ?2, ?3)"
		       " ON CONFLICT (digest) DO UPDATE SET created = excluded.created",
		       db_text(digest), db_int(size), db_int(now));
}

int
uploads_known(struct db *db, const char *digest, bool *known, struct err *e)
{
	int64_t found = 0;
	int r = DB_EXEC(db, e, jobs_on_int, &found, "SELECT 1 FROM upload WHERE digest = ?1",
			db_text(digest));

	*known = found != 0;
	return r;
}

/* ---- what a resolve job found ---- */

/* A resolve job, and what its source turned out to be. */
struct resolved {
	char *package, *version, *origin; /* as the job has them */
	char pin[ORIGIN_PIN_SIZE];        /* "" of the registry */
	const char *found_package;
	char found_version[PACKAGE_VERSION_MAX + 1];
	char *abi; /* the source's own */
};

static int
on_resolve(const struct db_row *row, void *arg)
{
	struct resolved *r = arg;

	r->package = jobs_copy(row, 0);
	r->version = jobs_copy(row, 1);
	r->origin = jobs_copy(row, 2);
	return 0;
}

/* Is what was found what the job asked for? NULL, or why not. */
static const char *
mismatch(const struct resolved *r, const struct origin *asked, const struct source_found *found)
{
	char base[PACKAGE_VERSION_MAX + 1];
	char *prefix =
		asked->kind == ORIGIN_GIT ? xasprintf("git+%s#", asked->url) : origin_text(asked);
	size_t len = strlen(prefix);
	bool same = strncmp(found->origin, prefix, len) == 0;
	const char *rest = found->origin + (same ? len : 0);

	free(prefix);
	if (!same || (asked->kind == ORIGIN_GIT ? !origin_is_commit(rest) : rest[0] != '\0') ||
	    (origin_is_commit(asked->ref) && strcmp(rest, asked->ref) != 0))
		return "the worker resolved another source than it was asked for: is it as new as the "
		       "service?";
	origin_base(r->version, base);
	if (!package_name_valid(found->package) || !package_version_valid(found->version))
		return "the source is no package with a version";
	if ((r->package[0] != '\0' && strcmp(r->package, found->package) != 0) ||
	    (base[0] != '\0' && strcmp(base, found->version) != 0))
		return "the source is another package or version than was asked for";
	return NULL;
}

/* Fills in what the source is; *why: NULL, or why the job fails. */
static int
identify(struct resolved *r, const struct source_found *found, const char **why, struct err *e)
{
	struct origin asked, exact;
	struct err ignored = {0};

	*why = NULL;
	r->origin[strcspn(r->origin, " ")] = '\0';
	if (r->origin[0] == '\0') {
		r->found_package = r->package;
		strcpy(r->found_version, r->version);
		return 0;
	}
	if (origin_parse(r->origin, &asked, e) != 0)
		return e->code;
	*why = mismatch(r, &asked, found);
	if (*why == NULL &&
	    (origin_parse(found->origin, &exact, &ignored) != 0 || !origin_pin(&exact, r->pin) ||
	     origin_version(found->version, r->pin, r->found_version, &ignored) != 0))
		*why = "the source's version is too long";
	r->found_package = found->package;
	return 0;
}

struct pinned {
	char *pin, *abi;
};

static int
on_pinned(const struct db_row *row, void *arg)
{
	*(struct pinned *)arg = (struct pinned){jobs_copy(row, 0), jobs_copy(row, 1)};
	return 0;
}

/* The first that is found stays. *why: NULL, or why the job fails. */
static int
record(struct db *db, struct resolved *r, const struct source_found *found, int64_t now,
       const char **why, struct err *e)
{
	struct pinned have = {0};

	if (DB_EXEC(db, e, NULL, NULL,
		    "INSERT INTO source (digest, package, version, origin, lock, size, abi, created,"
		    " pin) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
		    " ON CONFLICT (package, version) DO NOTHING",
		    db_text(found->digest), db_text(r->found_package), db_text(r->found_version),
		    db_text(found->origin), db_text(found->lock), db_int(found->size),
		    db_text(found->abi), db_int(now), db_text(r->pin)) != 0 ||
	    DB_EXEC(db, e, on_pinned, &have,
		    "SELECT pin, abi FROM source WHERE package = ?1 AND version = ?2",
		    db_text(r->found_package), db_text(r->found_version)) != 0)
		return e->code;
	if (strcmp(have.pin, r->pin) != 0)
		*why = "another source with the same first digits has this version already";
	free(have.pin);
	r->abi = have.abi;
	return 0;
}

struct waiting {
	char *target, *abi;
};

static int
on_waiting(const struct db_row *row, void *arg)
{
	*(struct waiting *)arg = (struct waiting){jobs_copy(row, 0), jobs_copy(row, 1)};
	return 0;
}

/* The builds that wanted this job want that one, which may have ended already. */
static int
replace(struct db *db, int64_t job, int64_t other, int64_t now, struct err *e)
{
	int64_t live = 0;

	if (DB_EXEC(db, e, NULL, NULL,
		    "INSERT INTO build_job (build, job) SELECT build, ?1 FROM build_job"
		    " WHERE job = ?2 ON CONFLICT DO NOTHING",
		    db_int(other), db_int(job)) != 0 ||
	    DB_EXEC(db, e, NULL, NULL, "DELETE FROM build_job WHERE job = ?1", db_int(job)) != 0)
		return e->code;
	if (DB_EXEC(db, e, NULL, NULL, "DELETE FROM job WHERE id = ?1", db_int(job)) != 0 ||
	    DB_EXEC(db, e, jobs_on_int, &live,
		    "SELECT 1 FROM job WHERE id = ?1 AND state <> 'succeeded'", db_int(other)) != 0)
		return e->code;
	return live != 0 ? 0 : events_end_builds(db, other, now, e);
}

/* A waiting job gets its final name: the package and version that the source is, and the package's own
 * ABI if it left that open. If such a job exists already, that one takes its place. */
static int
settle(struct db *db, int64_t job, const struct resolved *source, int64_t now, struct err *e)
{
	struct job_new want = {.kind = "build",
			       .package = source->found_package,
			       .version = source->found_version,
			       .origin = "",
			       .now = now,
			       .due = now};
	struct waiting w = {0};
	char *intent = NULL;
	int64_t other = 0;
	int r = DB_EXEC(db, e, on_waiting, &w, "SELECT target, abi FROM job WHERE id = ?1",
			db_int(job));

	if (r == 0) {
		want.target = w.target;
		want.abi = w.abi[0] != '\0' ? w.abi : source->abi;
		intent = jobs_intent(&want);
		r = jobs_published(db, &want, intent, &other, e);
	}
	if (r == 0 && other == 0)
		r = jobs_live(db, intent, &other, e);
	if (r == 0 && other != 0 && other != job)
		r = replace(db, job, other, now, e);
	else if (r == 0) {
		r = DB_EXEC(db, e, NULL, NULL,
			    "UPDATE job SET package = ?1, version = ?2, abi = ?3, intent = ?4,"
			    " origin = '', state = 'queued' WHERE id = ?5",
			    db_text(want.package), db_text(want.version), db_text(want.abi),
			    db_text(intent), db_int(job));
		if (r == 0)
			r = events_jobs_changed(db, &job, 1, now, e);
	}
	free(intent);
	free(w.target);
	free(w.abi);
	return r;
}

static int
settle_all(struct db *db, int64_t job, const struct resolved *source, int64_t now, struct err *e)
{
	struct job_ids open = {0};
	int r = DB_EXEC(db, e, jobs_on_id, &open,
			"SELECT w.id FROM job w, job r WHERE r.id = ?1 AND w.state = 'waiting'"
			" AND w.package = r.package AND w.version = r.version"
			" AND w.origin = r.origin ORDER BY w.id",
			db_int(job));

	for (size_t i = 0; r == 0 && i < open.n; i++) {
		r = DB_EXEC(db, e, NULL, NULL,
			    "UPDATE build SET package = ?1, version = ?2 WHERE id IN"
			    " (SELECT build FROM build_job WHERE job = ?3)",
			    db_text(source->found_package), db_text(source->found_version),
			    db_int(open.at[i]));
		if (r == 0)
			r = settle(db, open.at[i], source, now, e);
	}
	/* Last, because the others were found by what it was called before. */
	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "UPDATE job SET package = ?1, version = ?2 WHERE id = ?3",
			    db_text(source->found_package), db_text(source->found_version),
			    db_int(job));
	free(open.at);
	return r;
}

int
jobs_resolved(struct db *db, int64_t job, int64_t fence, const struct source_found *found,
	      int64_t now, struct err *e)
{
	struct resolved source = {0};
	const char *why = NULL;
	int r;

	if (jobs_check_lease(db, job, fence, e) != 0)
		return e->code;
	r = DB_EXEC(db, e, on_resolve, &source,
		    "SELECT package, version, origin FROM job WHERE id = ?1", db_int(job));
	if (r == 0)
		r = identify(&source, found, &why, e);
	if (r == 0 && why == NULL)
		r = record(db, &source, found, now, &why, e);
	if (r == 0 && why != NULL) {
		r = jobs_fail(db, job, fence, OUTCOME_FAILED, "conflict", why, now, e);
	} else if (r == 0) {
		r = settle_all(db, job, &source, now, e);
		if (r == 0)
			r = jobs_succeed(db, job, fence, NULL, now, e);
	}
	free(source.package);
	free(source.version);
	free(source.origin);
	free(source.abi);
	return r;
}
