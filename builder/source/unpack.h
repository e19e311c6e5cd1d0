/*
 * unpack.h - extracts an archive that may be hostile, with libarchive.
 *
 * Only regular files and folders come out (links only where `allow_links` says so, and then only
 * relative symbolic links that stay inside). Absolute names, "..", devices, FIFOs, sockets, hard
 * links, names with control characters, a file where a folder should be, and everything past a
 * limit are errors that name the entry and the rule; nothing is silently skipped. Owners and
 * times of the archive are ignored; modes become 0644 or 0755, folders 0755.
 */
#ifndef BUILDER_SOURCE_UNPACK_H
#define BUILDER_SOURCE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/err.h"

/* The most components that a name may have, whatever the caller allows: file_remove_tree gives up
 * on deeper trees. */
#define UNPACK_DEPTH_MAX 100

struct unpack_limits {
	uint64_t bytes; /* of all files together, unpacked */
	uint64_t entries;
	unsigned depth; /* path components, at most UNPACK_DEPTH_MAX */
	bool allow_links;
	unsigned strip; /* leading path components to drop, as npm does with 1 */
};

/* Extracts the tar (plain, gzip, xz, zstd) at path into folder `into`, which must exist. On
 * failure the folder may hold a part; the caller removes it. ERR_MALFORMED, ERR_LIMIT or a
 * system code. Blocks. */
int unpack_file(const char *path, const char *into, const struct unpack_limits *l, struct err *e);

#endif
