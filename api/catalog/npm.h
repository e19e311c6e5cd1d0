/*
 * npm.h - the npm packages that the service gives out (registry/release.h): which versions there are, and
 * which there could be of what is published.
 *
 * All functions run on the catalog's thread inside its transaction.
 */
#ifndef API_CATALOG_NPM_H
#define API_CATALOG_NPM_H

#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"
#include "builder/model/abi.h"

#define NPM_BINARIES_MAX 32

struct db;
struct json;

/* A binary of a target's package, by digests; provenance may be empty. */
struct npm_binary {
	char abi[ABI_TEXT_SIZE];
	char digest[65], provenance[65];
};

/* A version that could be made. */
struct npm_wanted {
	char *base; /* upstream's version */
	char *source, *file;
	char abi[ABI_TEXT_SIZE]; /* the source's own */
	unsigned revision;       /* of a target's package */
	struct npm_binary binaries[NPM_BINARIES_MAX];
	size_t binary_count;
};

struct npm_wanted_list {
	struct npm_wanted *at;
	size_t count;
};
void npm_wanted_fini(struct npm_wanted_list *l);

/* Those that the package `name` lacks. target: a triple, or NULL for the main package, which has each
 * version once. */
int npm_lacking(struct db *db, const char *name, const char *package, const char *target,
		struct npm_wanted_list *out, struct err *e);

/* Records a version that was made, or, with path and manifest NULL, that it cannot be; if there is one
 * already, that stays. */
struct npm_version {
	const char *name, *version;
	const struct npm_wanted *of;
	const char *path, *digest; /* of the tarball */
	const char *manifest;      /* with "dist", whose "tarball" is the path */
};
int npm_put(struct db *db, const struct npm_version *v, int64_t now, struct err *e);

/* {"versions": {VERSION: manifest}, "time": {VERSION: …}}; both empty if there are none. */
int npm_versions(struct db *db, const char *name, struct json **out, struct err *e);

/* The tarball behind a path; digest is empty if there is none. */
int npm_tarball(struct db *db, const char *path, char digest[65], struct err *e);

#endif
