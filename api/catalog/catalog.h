/*
 * catalog.h - the service's memory: sources, builds, jobs, artifacts, names, tokens.
 *
 * One thread owns the database. Work is handed to it as a function; finished work comes back to
 * the loop. Work that waits at the same time shares one transaction (group commit), each piece
 * behind its own savepoint, so that one that fails takes nothing with it.
 */
#ifndef API_CATALOG_CATALOG_H
#define API_CATALOG_CATALOG_H

#include "builder/base/err.h"

struct uv_loop_s;
struct catalog;
struct db;

/* On the catalog's thread, inside a transaction; may block. A non-zero return (with e set) rolls
 * this piece of work back. It must not touch what belongs to the loop. */
typedef int (*catalog_work)(struct db *db, void *arg, struct err *e);

/* On the loop thread, after the commit, exactly once, never before catalog_submit has returned.
 * r: what the work returned, or why the commit failed; e is only valid during the call. */
typedef void (*catalog_done)(int r, void *arg, const struct err *e);

/* Opens the database (db.h says what its URL may be), for this service alone, and starts the thread. */
int catalog_open(struct uv_loop_s *loop, const char *url, struct catalog **out, struct err *e);

/* Never blocks; on the loop thread only. done may be NULL. */
void catalog_submit(struct catalog *c, catalog_work work, catalog_done done, void *arg);

/* Finishes what was submitted, and what that submits, then calls closed exactly once on the loop. The catalog is gone
 * after that. */
void catalog_close(struct catalog *c, void (*closed)(void *), void *arg);

#endif
