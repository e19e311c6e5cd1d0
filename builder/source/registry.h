/*
 * registry.h - npm registry metadata. Source: npm's registry API ("packument").
 */
#ifndef BUILDER_SOURCE_REGISTRY_H
#define BUILDER_SOURCE_REGISTRY_H

#include "builder/base/err.h"
#include "builder/transfer/fetch.h"

/* Bytes of a package's document, whatever the caller's limits are, and of a tarball if these say
 * 0. */
#define REGISTRY_DOCUMENT_MAX (64 * 1024 * 1024)
#define REGISTRY_TARBALL_MAX  (128 * 1024 * 1024)

/* What the registry says of one published version. All strings belong to the struct. */
struct registry_version {
	char *tarball;   /* URL */
	char *integrity; /* "sha512-…" */
	char *published; /* RFC 3339, or NULL if the registry does not say */
	char *manifest;  /* the version's package.json as JSON text */
};

/* registry: base URL with or without a trailing slash. ERR_NOT_FOUND names the package or the
 * version that does not exist; ERR_UNSUPPORTED is a version with nothing better than a SHA-1;
 * ERR_MALFORMED a document that is none; and the errors of fetch_buf. Blocks. */
int registry_version_get(const char *registry, const char *package, const char *version,
			 const struct fetch_limits *l, struct registry_version *out, struct err *e);

/* The same from the version's own document, which is small, but does not say when it was published.
 * A registry that has no such documents is asked for the package's. */
int
registry_manifest_get(const char *registry, const char *package, const char *version,
		      const struct fetch_limits *l, struct registry_version *out, struct err *e);
void registry_version_fini(struct registry_version *v);

/* The registry of npm's configuration on this machine, which npm is run to tell; NULL if there is
 * none. The caller frees it. Blocks. */
char *registry_configured(void);

/* Downloads the version's tarball to a new file at path and checks its integrity (ERR_DIGEST);
 * the file is removed again on failure. *host as in fetch_file. Blocks. */
int registry_tarball(const struct registry_version *v, const struct fetch_limits *l,
		     const char *path, char **host, struct err *e);

#endif
