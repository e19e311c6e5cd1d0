/*
 * manifest.h - a source's package.json: what it says the source is, and the reduced one that npm sees
 * while it resolves. The source may be hostile; its own package.json comes back unchanged.
 *
 * All of it blocks. `src` is the unpacked source, `kept` a path for the package.json meanwhile.
 */
#ifndef BUILDER_ENGINE_MANIFEST_H
#define BUILDER_ENGINE_MANIFEST_H

#include <stdbool.h>

#include "builder/base/err.h"
#include "builder/model/package.h"

struct json;

/* Reads src/package.json; a source without one gets one with this name and version, if both are given
 * (not ""). The caller frees *out. */
int manifest_read(const char *src, const char *package, const char *version, struct json **out,
		  struct err *e);

/* What the source is: as its package.json says, where that says nothing as given. ERR_INVALID if the
 * two differ or nobody says it. */
int manifest_identify(const struct json *manifest, const char *package, const char *version,
		      char package_out[PACKAGE_NAME_MAX + 1],
		      char version_out[PACKAGE_VERSION_MAX + 1], struct err *e);

/* Puts the reduced package.json in place: the production dependencies and which of them it brings along, so that
 * there are no scripts to skip and no development dependencies to look up. *dependencies: whether there are
 * any. ERR_UNSUPPORTED for one that does not come from the registry, ERR_LIMIT, ERR_BUILD if there is
 * no package.json. */
int manifest_reduce(const char *src, const char *kept, const struct json *manifest,
		    const char *package, const char *version, bool *dependencies, struct err *e);

/* Puts the source's own back. */
int manifest_restore(const char *src, const char *kept, struct err *e);

#endif
