/*
 * release.h - the names of the npm packages that stand for an upstream package here, and their versions.
 * Pure.
 *
 * sqlite3@6.0.1 is installed as @prebuildd/sqlite3@6.0.1: upstream's JavaScript, and one optional
 * dependency for each target, @prebuildd/sqlite3-linux-x64, which has the binaries. What is installed
 * must never change, but what is built grows. So a target's package has a version for each state of
 * it: 6.0.1-0, with nothing in it, then 6.0.1-1 and so on, and the main package takes any of them.
 * That is why it can be served before everything is built, and its own bytes stay as they are.
 */
#ifndef API_REGISTRY_RELEASE_H
#define API_REGISTRY_RELEASE_H

#include "builder/base/buf.h"
#include "builder/model/package.h"
#include "builder/model/target.h"

#define RELEASE_SCOPE        "@prebuildd/"
#define RELEASE_REVISION_MAX 999999 /* of one version for one target */

/* What a package's name here stands for; target NULL: the main package. */
struct release {
	char package[PACKAGE_NAME_MAX + 1]; /* upstream's */
	const struct target *target;
};

/* "@prebuildd/sqlite3", "@prebuildd/scope__name-linuxmusl-arm64". 0 or ERR_INVALID. */
int release_parse(const char *name, struct release *out);

/* Appends the name; target NULL: of the main package. */
void release_name(const char *package, const struct target *target, struct buf *out);

/* Appends the version of a target's package: "6.0.1-2", "6.0.2-beta.1.2". */
void release_version(const char *version, unsigned revision, struct buf *out);

/* Appends the range of all of them. */
void release_range(const char *version, struct buf *out);

/* By semver's order: less than, equal to or greater than 0. Both must be valid; build metadata does not
 * count. Source: semver.org 2.0.0, 11. */
int release_compare(const char *a, const char *b);

#endif
