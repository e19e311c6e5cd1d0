/*
 * toolchains.h - what can be built now: the toolchains that workers announce when they ask for a
 * job. A target whose last announcement is older than TOOLCHAIN_FRESH_MS counts as gone; that is
 * longer than a worker is ever too busy to ask.
 *
 * All functions run on the catalog's thread inside its transaction.
 */
#ifndef API_CATALOG_TOOLCHAINS_H
#define API_CATALOG_TOOLCHAINS_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/err.h"

#define TOOLCHAIN_FRESH_MS 3600000

struct db;
struct lease_request;

/* Records what a worker has. Writes only what is new or was not seen for a while. */
int toolchains_announce(struct db *db, const struct lease_request *req, struct err *e);

/* The targets that can be built at `now`, by name; the string lives until on_target returns. */
int
toolchains_each_target(struct db *db, int64_t now, void (*on_target)(const char *target, void *arg),
		       void *arg, struct err *e);

/* *known: whether this target can be built; *any: whether any can. */
int toolchains_known(struct db *db, const char *target, int64_t now, bool *known, bool *any,
		     struct err *e);

#endif
