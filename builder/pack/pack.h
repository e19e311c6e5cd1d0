/*
 * pack.h - deterministic tar.gz files: the same entries give the same bytes, whatever the
 * machine, user, time or locale.
 *
 * ustar (pax only where a name needs it), uid = gid = 0 without names, mtime fixed at
 * PACK_MTIME, modes 0644 or 0755, entries sorted by name (bytes), gzip -9 without name or time.
 */
#ifndef BUILDER_PACK_PACK_H
#define BUILDER_PACK_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "builder/base/err.h"

#define PACK_MTIME 499162500 /* what npm uses: 1985-10-26T08:15:00Z */

struct pack_entry {
	const char *name; /* relative path in the archive */
	const char *path; /* file to read, no link; or NULL: then data and len */
	const void *data;
	size_t len;
	bool executable;
};

/* Writes a tar.gz of the entries to a new file at `to` (must not exist). Folders are implied,
 * not stored. Blocks. */
int pack_files(const struct pack_entry *entries, size_t count, const char *to, struct err *e);

/* Packs the tree below folder `dir` under the name `prefix` ("package"), regular files,
 * relative symbolic links and nothing else: other types are an error. Blocks. */
int pack_tree(const char *dir, const char *prefix, const char *to, struct err *e);

/* The same without the files and whole folders for which `skip` is true; it is asked with their names
 * below dir, "src/addon.c". */
int pack_tree_without(const char *dir, const char *prefix, bool (*skip)(const char *name),
		      const char *to, struct err *e);

/* The bytes of the one `.node` entry of a client's tarball, for an audit: at most `limit` bytes,
 * with its name. ERR_MALFORMED if there is none or more than one. The caller frees both. */
int pack_find_addon(const void *tarball, size_t len, size_t limit, char **name, void **data,
		    size_t *size, struct err *e);

#endif
