/*
 * gitmodules.h - which submodules a repository's .gitmodules names (git-config(1), gitmodules(5)).
 * Pure, for hostile input. Only `path` and `url` are read: what else stands there ("update",
 * "include.path") would have git run or read something, and has no meaning here.
 */
#ifndef BUILDER_SOURCE_GITMODULES_H
#define BUILDER_SOURCE_GITMODULES_H

#include <stddef.h>

#include "builder/base/err.h"

/* Bytes of the file that are read at most. */
#define GITMODULES_MAX (64u << 10)

/* The URL of the submodule at `path`, as it stands in the file; the caller frees it. NULL with e set:
 * ERR_NOT_FOUND if the file names no such submodule, ERR_MALFORMED if it cannot be read. */
char *gitmodules_url(const char *text, size_t len, const char *path, struct err *e);

/* The URL that `url` means in a repository at `base` (origin.h's form): "./x" and "../x" are relative
 * to it. The result is unchecked; the caller frees it. NULL if it leads above the host. */
char *gitmodules_resolve(const char *base, const char *url);

#endif
