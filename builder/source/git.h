/*
 * git.h - one commit of a git repository as a folder, with its submodules, by libgit2.
 *
 * Everything that comes from the other side is hostile. There is no working tree: the commit's trees
 * are written by our own hand, so no hook, filter, attribute or configuration of the repository (or of
 * this machine) has any effect, and large files kept elsewhere (git LFS) stay the pointers that they
 * are in the commit. libgit2 keeps process-wide settings, so this runs in a process of its own
 * (git_program.c), in the sandbox.
 *
 * libgit2 1.5 cannot leave history out: what leads to the ref comes along, and counts.
 */
#ifndef BUILDER_SOURCE_GIT_H
#define BUILDER_SOURCE_GIT_H

#include <stdint.h>

#include "builder/base/err.h"
#include "builder/model/origin.h"

#define GIT_OBJECT_MAX      (256u << 20) /* bytes of one object, unpacked */
#define GIT_OBJECTS_MAX     5000000      /* in one repository */
#define GIT_REFS_MAX        200000
#define GIT_SUBMODULES_MAX  100
#define GIT_SUBMODULE_DEPTH 5

struct git_limits {
	uint64_t received; /* bytes, of all repositories together */
	uint64_t bytes;    /* of all files together, as written */
	uint64_t entries;  /* files, folders and links */
	unsigned depth;    /* path components */
};

struct git_found {
	char commit[ORIGIN_COMMIT + 1];
	int64_t time; /* when it was committed, as it says itself; seconds since 1970 */
};

/* Fetches what `origin` (of kind ORIGIN_GIT) names into folder `into`, which must exist and be
 * empty. scratch: a folder for the repositories. hosts: git_hosts.h's list, or NULL. ERR_NOT_FOUND
 * (no such repository or ref), ERR_FORBIDDEN, ERR_LIMIT, ERR_MALFORMED, ERR_UNREACHABLE or a system
 * code; the message has no more of the other side's words than printable ones. Blocks. */
int git_fetch(const struct origin *origin, const char *into, const char *scratch, const char *hosts,
	      const struct git_limits *l, struct git_found *found, struct err *e);

#endif
