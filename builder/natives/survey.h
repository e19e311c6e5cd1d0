/*
 * survey.h - which packages of a lock file have native code, asked of the registry.
 *
 * The registry's document of every package version that the lock file does not call plain, and the
 * tarball of each that runs something at its install: its integrity is checked, it is unpacked into a
 * scratch folder, looked at, and removed. Nothing of it is run.
 */
#ifndef BUILDER_NATIVES_SURVEY_H
#define BUILDER_NATIVES_SURVEY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "builder/lockfile/lockfile.h"
#include "builder/natives/native.h"

#define SURVEY_THREADS 8

/* A package that could not be looked at. */
struct survey_gap {
	const char *name;
	const char *version; /* or NULL */
	bool asked; /* the registry should have had it; false: the lock file says that it would not */
	char *reason;
};

struct survey {
	struct native *natives; /* in the lock file's order */
	size_t count;
	struct survey_gap *gaps;
	size_t gap_count;
};

/* `l` must outlive the result. cancel: polled; NULL for none. A package that the registry does not
 * have, or of which it has other bytes than the lock file pins, is a gap; a registry that cannot be
 * asked is the error of registry_manifest_get. Free with survey_fini in any case. Blocks. */
int survey_lock(const struct lockfile *l, const char *registry, atomic_bool *cancel,
		struct survey *out, struct err *e);
void survey_fini(struct survey *s);

/* Takes a package out, whatever its version. */
void survey_skip(struct survey *s, const char *name);

#endif
