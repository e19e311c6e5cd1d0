/*
 * tokens.h - tokens that an administrator has made, for people, CI jobs and workers. Only the SHA-256
 * of a token is kept; it is shown once, when it is made. A row stays after the token was revoked, so
 * that the list says what there has been.
 *
 * All functions run on the catalog's thread inside its transaction.
 */
#ifndef API_CATALOG_TOKENS_H
#define API_CATALOG_TOKENS_H

#include <stdint.h>

#include "builder/base/digest.h"
#include "builder/base/err.h"

struct db;
struct json;

/* Neither revoked nor expired. */
#define TOKENS_LIVE_MAX 10000

/* A token that works. Strings are valid during the call that hands it over. */
struct token {
	const char *name;   /* for people; may be empty */
	const char *hash;   /* 64 hex digits */
	const char *scopes; /* "build,publish" */
	int64_t expires;    /* ms since 1970; 0 for never */
};

/* Keeps it. out: as in tokens_list, the caller frees it. ERR_LIMIT if there are TOKENS_LIVE_MAX. */
int tokens_add(struct db *db, const struct token *t, int64_t now, struct json **out, struct err *e);

/* It works no more; nothing is changed if it did not. hash: of the token. ERR_NOT_FOUND. */
int tokens_revoke(struct db *db, int64_t id, int64_t now, char hash[DIGEST_HEX_SIZE],
		  struct json **out, struct err *e);

/* A page, newest first, of those with id < cursor (0: from the newest): {"tokens":[{"id","name",
 * "scopes":[…],"state":"active|expired|revoked","created","expires","revoked"}],"cursor"}. */
int tokens_list(struct db *db, int64_t cursor, int limit, int64_t now, struct json **out,
		struct err *e);

/* Every live one; non-zero from on_token ends it. */
int tokens_each(struct db *db, int64_t now, int (*on_token)(const struct token *t, void *arg),
		void *arg, struct err *e);

#endif
