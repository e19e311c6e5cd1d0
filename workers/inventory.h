/*
 * inventory.h - the toolchains that this worker has, looked up again before each lease, so that
 * what is assembled while it runs is used without a restart. Thread-safe.
 */
#ifndef WORKERS_INVENTORY_H
#define WORKERS_INVENTORY_H

#include <stddef.h>

#include "builder/model/target.h"

struct inventory;
struct json;
struct toolchain;

/* only: triples or Node's names, or count 0 for all targets; static or argv strings. */
struct inventory *inventory_new(const char *dir, const struct target *const *only, size_t count);
void inventory_free(struct inventory *inv);

/* {triple: digest} of what is there now; the caller frees it. Blocks. */
struct json *inventory_scan(struct inventory *inv);

/* A toolchain as of the last scan; NULL if there is none. Lives as long as the inventory. target
 * NULL: any. */
const struct toolchain *inventory_find(struct inventory *inv, const struct target *target);

#endif
