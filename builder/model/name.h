/*
 * name.h - the file names that install clients ask for, parsed and printed by one table.
 *
 * Source: prebuild-install 7.1.3 (util.js, urlTemplate) with its default template
 * {name}-v{version}-{runtime}-v{abi}-{platform}{libc}-{arch}.tar.gz.
 */
#ifndef BUILDER_MODEL_NAME_H
#define BUILDER_MODEL_NAME_H

#include "builder/base/buf.h"
#include "builder/base/err.h"
#include "builder/model/abi.h"
#include "builder/model/package.h"
#include "builder/model/target.h"

enum name_layout { NAME_PREBUILD_INSTALL, NAME_LAYOUT_COUNT };

/* What a name stands for. target is NULL if platform and arch are well formed but none of ours;
 * platform and arch then say what was asked for. */
struct name {
	enum name_layout layout;
	char package[PACKAGE_NAME_MAX + 1];
	char version[PACKAGE_VERSION_MAX + 1];
	struct abi abi;
	const struct target *target;
	char platform[24], arch[24];
};

/* Parses `file` as asked for below /prebuilds/{package}/v{version}/. 0, or ERR_INVALID if this
 * is no client's name for that package and version. */
int name_parse(const char *package, const char *version, const char *file, struct name *out);

/* Appends the file name. */
void name_file(const struct name *n, struct buf *out);

/* Appends "/prebuilds/{package}/v{version}/{file}". */
void name_path(const struct name *n, struct buf *out);

/* The path of the addon inside that layout's tarball, "build/Release/node_sqlite3.node". */
void name_addon_path(enum name_layout layout, const char *addon_file, struct buf *out);

const char *name_layout_text(enum name_layout layout);

#endif
