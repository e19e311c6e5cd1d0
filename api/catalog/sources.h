/*
 * sources.h - sources that builds are made of: what resolve jobs found, and what clients uploaded.
 *
 * All functions run on the catalog's thread inside its transaction.
 */
#ifndef API_CATALOG_SOURCES_H
#define API_CATALOG_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/err.h"
#include "builder/model/origin.h"

struct db;

/* What a resolve job found out. package and version are what the source says it is; of the registry's
 * they are those of the job, and not looked at. */
struct source_found {
	const char *digest, *origin, *lock, *abi; /* abi: the package's default */
	const char *package, *version;
	int64_t size;
};

/*
 * Ends a resolve job: the source is known, the jobs that waited for it are queued, under the package and
 * version that it turned out to be, or replaced by what exists already. A source of another origin is
 * held against what the job asked for, since a worker that is older than the service would resolve the
 * registry's; if it is not that, or if its version already stands for another commit with the same
 * first digits, the job fails.
 */
int jobs_resolved(struct db *db, int64_t job, int64_t fence, const struct source_found *found,
		  int64_t now, struct err *e);

/* A source that is known already. Free with source_known_fini. */
struct source_known {
	char *package, *version, *abi; /* NULL if it is not known */
};
/* By package and version, of the registry or with a pin; */
int sources_find(struct db *db, const char *package, const char *version, struct source_known *out,
		 struct err *e);
/* by its pin; package and version may be "": any. */
int sources_find_pinned(struct db *db, const char *pin, const char *package, const char *version,
			struct source_known *out, struct err *e);
void source_known_fini(struct source_known *s);

/* Where a source came from, and the digest of its dependencies' lock; NULL if it is not known. The caller
 * frees both. */
int sources_origin(struct db *db, const char *package, const char *version, char **origin,
		   char **lock, struct err *e);

/* Records an upload whose bytes are stored; the same again is as new. */
int uploads_put(struct db *db, const char *digest, int64_t size, int64_t now, struct err *e);
int uploads_known(struct db *db, const char *digest, bool *known, struct err *e);

#endif
