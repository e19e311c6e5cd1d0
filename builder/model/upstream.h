/*
 * upstream.h - where a package's own prebuilds are: the URL template of serve --upstream.
 *
 *   https://github.com/TryGhost/node-sqlite3/releases/download/v{version}/{file}
 */
#ifndef BUILDER_MODEL_UPSTREAM_H
#define BUILDER_MODEL_UPSTREAM_H

#include "builder/base/err.h"
#include "builder/model/abi.h"

struct strv;
struct target;

#define UPSTREAM_TEMPLATE_MAX 500

/* X(constant, field) */
#define UPSTREAM_FIELDS(X)                                                               \
	X(FIELD_NAME, "{name}")         /* the package without its scope */              \
	X(FIELD_PACKAGE, "{package}")   /* with it: @scope/name */                       \
	X(FIELD_VERSION, "{version}")   /* 6.0.1 */                                      \
	X(FIELD_FILE, "{file}")         /* the file's name, as an install client asks */ \
	X(FIELD_ABI, "{abi}")           /* napi-v6, node-v127, electron-v133 */          \
	X(FIELD_PLATFORM, "{platform}") /* linux, linuxmusl, darwin, win32 */            \
	X(FIELD_ARCH, "{arch}")         /* x64, arm64 … */

/* Is it an http or https URL without a user, a query, a space or an unknown field, that has a place for the
 * version and for what tells targets apart? ERR_INVALID says what is wrong. */
int upstream_check(const char *template, struct err *e);

/* Adds the URLs at which a checked template has an addon, the likeliest first: one for each file name
 * that an install client could ask for, if it has {file}. A '+' is written %2B. */
void upstream_urls(const char *template, const char *package, const char *version, struct abi abi,
		   const struct target *target, struct strv *out);

#endif
