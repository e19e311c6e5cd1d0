/*
 * deliveries.h - what is to be told to the configured webhooks: one delivery for each URL and build
 * that has ended, added in that transaction, kept until the receiver has taken it or has failed
 * too often.
 *
 *   pending ─ claimed, sent ─► delivered
 *      ▲          │ not taken
 *      └─ pause ──┴──────────► failed (after DELIVERY_ATTEMPTS_MAX, or the URL is configured no more)
 *
 * All functions run on the catalog's thread inside its transaction.
 */
#ifndef API_CATALOG_DELIVERIES_H
#define API_CATALOG_DELIVERIES_H

#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

struct db;
struct json;

/* The pause after the first attempt; it doubles after each further one: 3 hours in all. */
#define DELIVERY_PAUSE_MS     5000
#define DELIVERY_ATTEMPTS_MAX 12

/* Who has claimed a delivery and says nothing for so long has died; it is tried again. */
#define DELIVERY_CLAIM_MS 60000

/* Those that are over are listed for so long. */
#define DELIVERY_AGE_MS INT64_C(2592000000) /* 30 days */

/* The URLs that are told from now on. What waits for another one has failed. */
int deliveries_configure(struct db *db, const char *const *urls, size_t count, int64_t now,
			 struct err *e);

/* A build has ended. */
int deliveries_add(struct db *db, int64_t build, int64_t now, struct err *e);

struct delivery {
	int64_t id, attempt;
	char *url;
	char *body; /* {"event":"build.finished","delivery":"d7","build":{…}} */
};

/* The next one that is due and not for `busy` ("": none is): 0 with out->id != 0, or out->id == 0 if
 * there is none. Counts as an attempt. */
int
deliveries_claim(struct db *db, const char *busy, int64_t now, struct delivery *out, struct err *e);
void delivery_fini(struct delivery *d);

/* How an attempt went. status: of the receiver's answer, 0 if there was none; error: NULL if it was
 * taken. */
int deliveries_tried(struct db *db, int64_t id, int status, const char *error, int64_t now,
		     struct err *e);

/* The attempt was broken off by this side: it does not count. */
int deliveries_release(struct db *db, int64_t id, int64_t now, struct err *e);

/* A page, newest first, of those with id < cursor (0: from the newest) and that state (NULL: any):
 * {"deliveries":[…],"cursor":"N" or null}. */
int deliveries_list(struct db *db, const char *state, int64_t cursor, int limit, struct json **out,
		    struct err *e);

/* Deliveries per state as an object, for metrics. */
int deliveries_counts(struct db *db, struct json **out, struct err *e);

int deliveries_prune(struct db *db, int64_t now, struct err *e);

#endif
