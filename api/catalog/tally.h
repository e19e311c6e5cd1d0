/*
 * tally.h - how many build jobs have ended how, per target: counted when they end, so that a look at
 * the numbers does not walk over all jobs.
 *
 * All functions run on the catalog's thread inside its transaction.
 */
#ifndef API_CATALOG_TALLY_H
#define API_CATALOG_TALLY_H

#include <stdint.h>

#include "builder/base/err.h"
#include "builder/model/job.h"

struct db;

/* A job has ended. code: the job's, which tells what was refused from what does not build. */
int
tally_job(struct db *db, const char *target, enum job_state state, const char *code, struct err *e);

/* outcome: "succeeded", "failed", "refused", "cancelled". Strings live until on_count returns. */
int tally_each(struct db *db,
	       void (*on_count)(const char *target, const char *outcome, int64_t n, void *arg),
	       void *arg, struct err *e);

#endif
