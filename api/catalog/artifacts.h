/*
 * artifacts.h - what was published: artifacts and the names under which clients find them.
 *
 * All functions run on the catalog's thread inside its transaction.
 */
#ifndef API_CATALOG_ARTIFACTS_H
#define API_CATALOG_ARTIFACTS_H

#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

struct db;
struct json;

struct artifact {
	const char *digest, *key, *package, *version, *abi, *target;
	const char *file; /* "node_sqlite3.node" */
	const char *report, *source, *toolchain;
	int64_t size;
};

/* One rendering: its path is served for ever with these bytes. */
struct artifact_name {
	const char *path, *digest, *layout;
	int64_t size;
};

/* SQL: was the artifact loaded before it was published? What was built elsewhere, or for a target that
 * nothing here runs, was not. */
#define ARTIFACT_LOADED \
	"CASE WHEN CAST(json(artifact.report) -> 'load' -> 'ran' AS TEXT) = 'true' THEN 1 ELSE 0 END"

/* SQL: the URL at which an addon was found that was fetched from an upstream, with its digest. */
#define ARTIFACT_UPSTREAM                                 \
	"(json(artifact.report) -> 'upstream' ->> 'url')" \
	" || ' sha256:' || (json(artifact.report) -> 'upstream' ->> 'sha256')"

/* Adds an artifact with its names. ERR_CONFLICT if a name is taken by other bytes; the same
 * bytes again are no error. */
int artifacts_put(struct db *db, const struct artifact *a, const struct artifact_name *names,
		  size_t name_count, int64_t now, struct err *e);

/* The rendering behind a path: digest (65 bytes, empty if there is none) and size. */
int artifacts_name(struct db *db, const char *path, char digest[65], int64_t *size, struct err *e);

/* GET /v1/artifacts/{sha256}: ERR_NOT_FOUND. Of several that have the same bytes, the first. */
int artifacts_json(struct db *db, const char *digest, struct json **out, struct err *e);
int artifacts_report(struct db *db, const char *digest, struct json **out, struct err *e);

/* The digest of a document that was published beside the artifact ("provenance"): ERR_NOT_FOUND. */
int artifacts_document(struct db *db, const char *digest, const char *layout, char out[65],
		       struct err *e);

/* The same of what one want stands for, of which there is at most one. */
struct artifact_want {
	const char *package, *version, *abi, *target;
};
int artifacts_want_json(struct db *db, const struct artifact_want *want, struct json **out,
			struct err *e);
int artifacts_want_report(struct db *db, const struct artifact_want *want, struct json **out,
			  struct err *e);

/* A page of artifacts with id > cursor, oldest first; empty filters match all. {"artifacts":[…],
 * "cursor":"N" or null}. */
struct artifact_filter {
	const char *package, *version, *target, *abi; /* NULL: any */
	int64_t cursor;
	int limit;
};
int
artifacts_list(struct db *db, const struct artifact_filter *f, struct json **out, struct err *e);

/* Every known name, for a walk at start; on_name must not touch the database. */
int
artifacts_each_name(struct db *db, void (*on_name)(const char *path, const char *digest, void *arg),
		    void *arg, struct err *e);

#endif
