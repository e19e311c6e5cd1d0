/*
 * jobs_parts.h - what jobs.c, leases.c and sources.c share: rows, and the look for a job that exists already.
 */
#ifndef API_CATALOG_JOBS_PARTS_H
#define API_CATALOG_JOBS_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

struct db;
struct db_row;

/* A job to be made. due: when its turn is (JOB_SPREAD_MS); the queue is in the order of priority =
 * -due. origin: "", or where the source comes from that it waits for. */
struct job_new {
	const char *kind, *package, *version, *target, *abi, *state, *artifact, *origin;
	int64_t now, due;
};

/* A list of ids, collected before other statements touch the same table. */
struct job_ids {
	int64_t *at;
	size_t n;
};

/* For DB_EXEC: the first column of a row, into an int64_t, a char * (which is freed), a struct
 * job_ids. */
int jobs_on_int(const struct db_row *row, void *arg);
int jobs_on_text(const struct db_row *row, void *arg);
int jobs_on_id(const struct db_row *row, void *arg);

/* A column's text, "" for none; the caller frees it. */
char *jobs_copy(const struct db_row *row, int column);

/* What makes two requests the same; the caller frees it. */
char *jobs_intent(const struct job_new *j);

/* The live job of that intent; 0 if there is none. */
int jobs_live(struct db *db, const char *intent, int64_t *id, struct err *e);

/* The job that stands for a published artifact, made if the artifact came another way; 0 if nothing is
 * published. */
int jobs_published(struct db *db, const struct job_new *want, const char *intent, int64_t *id,
		   struct err *e);

/* Tells of jobs whose state a statement has changed (RETURNING id), and frees the list. r: how the
 * statement went. */
int jobs_changed(struct db *db, struct job_ids *ids, int r, int64_t now, struct err *e);
/* The same for one. */
int jobs_changed_one(struct db *db, int64_t job, int r, int64_t now, struct err *e);

#endif
