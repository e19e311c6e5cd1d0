/*
 * catalog_fixture.h - a catalog for unit tests, and the requests and leases that most of them
 * begin with. What fails in here fails the test. Texts that are returned last until the next call.
 */
#ifndef TESTS_LIB_CATALOG_FIXTURE_H
#define TESTS_LIB_CATALOG_FIXTURE_H

#include <stdint.h>

#include "api/catalog/db.h"
#include "api/catalog/jobs.h"
#include "api/catalog/leases.h"

/* The length of every lease, in ms. */
#define FIXTURE_LEASE_MS 1000

/* The database of this name in the test's folder, or, if PREBUILDD_TEST_DATABASE is the URL of a PostgreSQL server, in a
 * schema of its own there. The caller frees it. */
char *fixture_url(const char *name);

/* Opens it; db_close() it. */
struct db *fixture_db(const char *name);

/* Requests version 1.0.0; targets and abis are words, separated by spaces; `want` is whether it is a build
 * that was not there. Returns the build. */
int64_t fixture_request(struct db *db, const char *package, const char *targets, const char *abis,
			int want);

/* The jobs of a build as "id target abi state; …", in their order. */
const char *fixture_jobs(struct db *db, int64_t build);

/* A job as "state code", with "-" for no code; "gone" if there is none. */
const char *fixture_state(struct db *db, int64_t job);

/* What a worker with a toolchain for the target, or with none for NULL, gets; job is 0 for nothing. The
 * caller calls lease_fini(). */
struct lease fixture_lease(struct db *db, const char *worker, const char *target, int64_t now);

/* Leases the resolve job and answers it. */
void fixture_resolve(struct db *db, const char *abi);

#endif
