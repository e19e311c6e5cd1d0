/*
 * package.h - npm package names and versions, as strict as the registry is. These strings become
 * parts of paths and URLs, so nothing passes here that could mean more than a name.
 */
#ifndef BUILDER_MODEL_PACKAGE_H
#define BUILDER_MODEL_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

#define PACKAGE_NAME_MAX    214 /* npm's limit */
#define PACKAGE_VERSION_MAX 128

/* "sqlite3", "@scope/name": lower case, digits, '-', '_', '.', no leading '.', '_' or '-'. */
bool package_name_valid(const char *name);

/* A full semantic version, "6.0.1", "1.0.0-rc.1+build.5"; no ranges, no leading "v". */
bool package_version_valid(const char *version);

/* The name without its scope. */
const char *package_base(const char *name);

/* "sqlite3@6.0.1" or "@s/n@1.0.0" into parts; 0 or ERR_INVALID. */
int package_parse_spec(const char *spec, char name[PACKAGE_NAME_MAX + 1],
		       char version[PACKAGE_VERSION_MAX + 1]);

#endif
