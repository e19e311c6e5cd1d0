/*
 * retention.h - what has been here for too long, and its removal from the catalog. What is kept or removed is a
 * package's version as a whole: its artifacts for all targets and ABIs, the jobs and builds that asked
 * for it, its source.
 *
 * All functions run in a transaction of the caller's.
 */
#ifndef API_CATALOG_RETENTION_H
#define API_CATALOG_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"
#include "builder/base/strv.h"

struct db;

struct retention_version {
	char *package, *version; /* both may be "": of sources that never got a name */
	int64_t last;            /* ms since 1970: when it was last asked for or published */
	int64_t artifacts;
	int64_t size; /* bytes of its artifacts, tarballs, documents and source */
};

struct retention_versions {
	struct retention_version *at;
	size_t n;
};
void retention_versions_fini(struct retention_versions *l);

/* A version was asked for, or handed in: it is as young as that. Asking often costs one write in
 * RETENTION_ASKED_MS. */
#define RETENTION_ASKED_MS 600000
int retention_asked(struct db *db, const char *package, const char *version, int64_t now,
		    struct err *e);

/* The oldest of those that were last asked for or published before `before`, at most `limit`. Not in it: what
 * somebody waits for, and what was asked for last of all. */
int retention_oldest(struct db *db, int64_t before, int limit, struct retention_versions *out,
		     struct err *e);

/* Whether it still is one of these. */
int retention_is_old(struct db *db, const struct retention_version *v, int64_t before, bool *old,
		     struct err *e);

/* The paths under which clients find it. */
int
retention_names(struct db *db, const struct retention_version *v, struct strv *out, struct err *e);

/* Forgets it, with the builds that were of nothing else. */
int retention_remove(struct db *db, const struct retention_version *v, struct err *e);

/* An npm package has none of upstream's version any more. of_target: the numbers of its versions are not used
 * again. */
int retention_remove_npm(struct db *db, const char *name, bool of_target, const char *version,
			 struct err *e);

/* Forgets uploads from before that nothing was built of. */
int retention_remove_uploads(struct db *db, int64_t before, struct err *e);

/* The digests that begin with `prefix`, hex digits, of all that the catalog knows of: in order. */
int retention_digests(struct db *db, const char *prefix, struct strv *out, struct err *e);

/* Whether there is any such digest. */
int retention_knows_any(struct db *db, bool *any, struct err *e);

int retention_job_known(struct db *db, int64_t job, bool *known, struct err *e);

#endif
