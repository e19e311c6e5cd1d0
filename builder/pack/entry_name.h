/*
 * entry_name.h - which names an archive's entries and links may have. Pure, for hostile input:
 * a name that passes means one place below the folder that it is unpacked into, on every system
 * and for every client that unpacks it.
 */
#ifndef BUILDER_PACK_ENTRY_NAME_H
#define BUILDER_PACK_ENTRY_NAME_H

#include "builder/base/buf.h"
#include "builder/base/err.h"

#define ENTRY_NAME_MAX 1024 /* bytes of a whole name or of a link's target */
#define ENTRY_PART_MAX 255  /* bytes of one component; what Linux's file systems hold */

/* Drops the first `strip` components as they stand in the name (as npm does), then empty ones
 * and "."; puts the rest into `out`, joined by '/' ("" if nothing is left). ERR_MALFORMED for an
 * absolute name, "..", a backslash, a drive letter, control characters and what is not UTF-8;
 * ERR_LIMIT for what is longer than the limits above or has more than `depth` components. */
int
entry_name_clean(const char *raw, unsigned strip, unsigned depth, struct buf *out, struct err *e);

/* May the entry with this clean name be a symbolic link to target? Only if the target is relative
 * and stays inside; ".." is allowed at its beginning alone, because after a component that may be
 * a link itself it would lead elsewhere than it reads. 0, ERR_MALFORMED or ERR_LIMIT. */
int entry_link_check(const char *name, const char *target, struct err *e);

/* A name from outside as it may stand in a message: cut short, unprintable bytes as '?'. */
#define ENTRY_SHOW_SIZE 104
const char *entry_name_show(const char *raw, char out[ENTRY_SHOW_SIZE]);

#endif
