/*
 * name.h - the file names that install clients ask for, parsed and printed by one table: a row is a
 * client's layout.
 *
 * Sources: prebuild-install 7.1.3 (util.js, urlTemplate): {name}-v{version}-{runtime}-v{abi}-
 * {platform}{libc}-{arch}.tar.gz; the binary.package_name of packages that use node-pre-gyp 0.11 to
 * 2.x (lib/util/versioning.js): sqlite3 up to 5.0.3, and from 5.0.4 on with {libc}; bcrypt 5 and argon2,
 * canvas 2, and node-pre-gyp's own default, which begin with the module's name. What a client
 * unpacks differs, so each layout has a tarball of its own around the same addon.
 */
#ifndef BUILDER_MODEL_NAME_H
#define BUILDER_MODEL_NAME_H

#include <stdbool.h>

#include "builder/base/buf.h"
#include "builder/base/err.h"
#include "builder/model/abi.h"
#include "builder/model/package.h"
#include "builder/model/target.h"

/* NAME_PRE_GYP is node-pre-gyp's name without the C library. The last three are no install hook's, but
 * what `fetch --layout` asks for: node-gyp-build's files, those that better-sqlite3 13 has in its
 * package, and the addon itself. */
enum name_layout {
	NAME_PREBUILD_INSTALL,
	NAME_PRE_GYP_LIBC,
	NAME_PRE_GYP,
	NAME_MODULE_ARCH_LIBC,
	NAME_MODULE_LIBC_ARCH,
	NAME_MODULE,
	NAME_PREBUILDIFY,
	NAME_IN_PACKAGE,
	NAME_RAW,
	NAME_LAYOUT_COUNT
};

/* What a name stands for. target is NULL if platform and arch are well formed but none of ours;
 * platform and arch then say what was asked for. */
struct name {
	enum name_layout layout;
	char package[PACKAGE_NAME_MAX + 1];
	char version[PACKAGE_VERSION_MAX + 1];
	struct abi abi;
	char abi_minor[8]; /* node-pre-gyp says "electron-v33.0": ".0" */
	const struct target *target;
	char platform[24], arch[24];
};

/* The name of an addon in a layout; false if it has none: few packages are asked for by their module's
 * name, and if that is the package's, node-pre-gyp's default would be prebuild-install's name;
 * node-pre-gyp's old names do not tell musl from glibc, and stand for glibc. */
bool name_of(enum name_layout layout, const char *package, const char *version, struct abi abi,
	     const struct target *target, struct name *out);

/* Parses `file` as asked for below /prebuilds/{package}/v{version}/. 0, or ERR_INVALID if this
 * is no client's name for that package and version. */
int name_parse(const char *package, const char *version, const char *file, struct name *out);

/* Appends the file name. */
void name_file(const struct name *n, struct buf *out);

/* Appends "/prebuilds/{package}/v{version}/{file}". */
void name_path(const struct name *n, struct buf *out);

/* Appends what a signature's trusted comment says of a file, so that no signed file can stand in for
 * another: "file:NAME package:sqlite3@6.0.1 sha256:HEX". */
void name_comment(const char *file, const char *package, const char *version, const char *sha256,
		  struct buf *out);

/* The path of the addon inside the name's tarball, "build/Release/node_sqlite3.node". */
void name_addon_path(const struct name *n, const char *addon_file, struct buf *out);

/* Is what the name stands for the addon itself, without a tarball? */
bool name_is_raw(enum name_layout layout);

/* "prebuild-install", "node-pre-gyp" …; NAME_LAYOUT_COUNT if there is no such layout. */
const char *name_layout_text(enum name_layout layout);
enum name_layout name_layout_parse(const char *text);

#endif
