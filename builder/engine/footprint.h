/*
 * footprint.h - whether anything in a folder has changed between two looks at it.
 */
#ifndef BUILDER_ENGINE_FOOTPRINT_H
#define BUILDER_ENGINE_FOOTPRINT_H

#include <stddef.h>

#include "builder/base/digest.h"

/* A digest of everything below dir: names, types, modes, and for all but folders size, inode and
 * time of the last change, which what runs in a sandbox cannot set. `except` names paths below dir
 * at which files and folders may come, go and change; of a folder named there only what is in it
 * counts. Never follows links. ERR_LIMIT if it is too deep or has more than `limit` entries. Blocks. */
int footprint(const char *dir, const char *const *except, size_t except_count, size_t limit,
	      struct digest *out, struct err *e);

#endif
