/*
 * lockfile.h - what a project's lock file pins: package-lock.json and npm-shrinkwrap.json (npm's
 * versions 1, 2 and 3), pnpm-lock.yaml (5, 6 and 9), yarn.lock (yarn 1, and 2 and later).
 *
 * Sources: npm's package-lock.json(5), pnpm's lockfile specification, yarn's lockfile parsers, and the
 * files in tests/data/lock, which the real clients wrote. Pure functions; the text may be hostile.
 */
#ifndef BUILDER_LOCKFILE_LOCKFILE_H
#define BUILDER_LOCKFILE_LOCKFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "builder/base/err.h"

#define LOCKFILE_BYTES_MAX    (32u << 20)
#define LOCKFILE_PACKAGES_MAX 20000 /* entries of one file */

/* X(constant, how it is told) */
#define LOCKFILE_FORMATS(X)          \
	X(LOCKFILE_NPM_1, "npm 1")   \
	X(LOCKFILE_NPM_2, "npm 2")   \
	X(LOCKFILE_NPM_3, "npm 3")   \
	X(LOCKFILE_PNPM_5, "pnpm 5") \
	X(LOCKFILE_PNPM_6, "pnpm 6") \
	X(LOCKFILE_PNPM_9, "pnpm 9") \
	X(LOCKFILE_YARN_1, "yarn 1") \
	X(LOCKFILE_YARN_2, "yarn 2+")

enum lockfile_format {
#define X(constant, text) constant,
	LOCKFILE_FORMATS(X)
#undef X
};

/* A version that the lock file pins, once, under the name that the registry has for it: an alias is
 * resolved. */
struct locked {
	char *name;
	char *version;   /* NULL: it does not come from a registry */
	char *from;      /* where from, if version is NULL: "file:local" */
	char *integrity; /* "sha512-…", or NULL: yarn 2+ has checksums of its own */
	/* The file says that it runs no install script, is for every platform, and brings nothing that
	 * is for some: there is no native code to look for. Only npm 2 and 3 and pnpm 5 and 6 can. */
	bool plain;
};

struct lockfile {
	enum lockfile_format format;
	struct locked *packages; /* by name, then version */
	size_t count;
};

/* The format is told from the text. Links and workspaces, which are the project itself, and what is
 * bundled in another package are left out. ERR_MALFORMED for what is no lock file, ERR_UNSUPPORTED
 * for another version of one, ERR_LIMIT and ERR_TOO_LARGE. Free with lockfile_fini in any case. */
int lockfile_parse(const char *text, size_t len, struct lockfile *out, struct err *e);
void lockfile_fini(struct lockfile *l);

/* The entry of that name and version; if there is none, the only entry of that name; else NULL. */
const struct locked *lockfile_find(const struct lockfile *l, const char *name, const char *version);

const char *lockfile_format_text(enum lockfile_format format);

#endif
