/*
 * retention.h - the one way out of the store: versions of packages that are older than is wanted, or
 * that are too much, are forgotten; then content that nothing refers to is removed, and so are the logs
 * of jobs that are forgotten.
 *
 *   catalog: names hidden, rows deleted (one transaction a version)  →  store: content swept
 *
 * It works beside the service, on a connection of its own, so that it can block. A crash after any step
 * loses nothing but what was to be removed: a name whose row is still there is shown again at the next
 * start, and what was not swept is by the next run.
 */
#ifndef API_RETENTION_RETENTION_H
#define API_RETENTION_RETENTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "builder/base/err.h"

struct db;
struct json;
struct store;

/* What was published, asked for or put more recently than this stays in any case. */
#define RETENTION_GRACE_MS 3600000

/* The result lists so many versions at most, and counts all. */
#define RETENTION_LISTED_MAX 1000

struct retention {
	int64_t max_age_ms; /* since a version was last published or asked for; 0: any */
	int64_t max_size;   /* bytes of the store, the oldest versions go first; 0: any */
	bool dry_run;       /* only say what would be removed */

	/* Read by others while it runs. */
	atomic_int phase; /* enum retention_phase */
	atomic_int done;  /* of the store's RETENTION_PARTS, in that phase */
	atomic_bool stop; /* set by others: end soon, with ERR_CANCELLED */
};

enum retention_phase { RETENTION_VERSIONS, RETENTION_CONTENT, RETENTION_LOGS, RETENTION_OVER };
#define RETENTION_PARTS 256

/*
 * Runs to the end. out: {"versions":[{"package","version","last","artifacts","size"}], "removed":{
 * "versions","artifacts","contents","bytes","logs"},"left":{"contents","bytes"}}, also of what was done before an
 * error; the caller frees it. "removed" is what would be, in a dry run; as to bytes then an estimate. now: ms
 * since 1970.
 */
int retention_run(struct retention *want, struct db *db, struct store *store, const char *log_dir,
		  int64_t now, struct json **out, struct err *e);

#endif
