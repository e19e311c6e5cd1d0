/*
 * manifest.h - the package.json of what the registry gives out, made from upstream's. Pure.
 */
#ifndef API_REGISTRY_MANIFEST_H
#define API_REGISTRY_MANIFEST_H

#include "builder/base/err.h"
#include "builder/model/target.h"

struct json;

/* The main package's: upstream's, without what is for compiling and for install scripts, and with an
 * optional dependency for each target. ERR_UNSUPPORTED for a package that brings its own dependencies,
 * which are not passed on. The caller frees it. */
int manifest_main(const struct json *upstream, const char *package, const char *version,
		  struct json **out, struct err *e);

/* That of a target's package; abis: a list of texts. The caller frees it. */
struct json *
manifest_platform(const struct json *upstream, const char *package, const char *version,
		  const struct target *target, unsigned revision, const struct json *abis);

/* "lib/binding" of node-pre-gyp's "./lib/binding/napi-v{napi_build_version}-…": the folder that holds one
 * for each platform; NULL if the package does not use it. The caller frees it. */
char *manifest_binding_folder(const struct json *upstream);

#endif
