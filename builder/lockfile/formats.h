/*
 * formats.h - the readers of the formats, and how they add what they find. Only for this folder.
 */
#ifndef BUILDER_LOCKFILE_FORMATS_H
#define BUILDER_LOCKFILE_FORMATS_H

#include "builder/lockfile/lockfile.h"

struct json;

/* Each appends to l->packages and sets l->format; 0, ERR_MALFORMED, ERR_UNSUPPORTED or ERR_LIMIT. */
int lockfile_npm(const struct json *doc, struct lockfile *l, struct err *e);
int lockfile_pnpm(const struct json *doc, struct lockfile *l, struct err *e);
int lockfile_yarn2(const struct json *doc, struct lockfile *l, struct err *e);
int lockfile_yarn1(const char *text, size_t len, struct lockfile *l, struct err *e);

/* An entry. A name and version that the registry could not have make it one that does not come from
 * there; `from` is then what is told (NULL: the version). integrity: NULL, or SRI as it stands. */
int lockfile_add(struct lockfile *l, const char *name, const char *version, const char *from,
		 const char *integrity, bool plain, struct err *e);

/* "name@rest" or "@scope/name@rest": where the '@' is; NULL if there is none. */
const char *lockfile_at(const char *spec);

#endif
