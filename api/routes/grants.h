/*
 * grants.h - which tokens work, and what each may do: in memory, since every request that is not open
 * to everybody asks. What is kept of a token is its SHA-256. The loop's thread only.
 */
#ifndef API_ROUTES_GRANTS_H
#define API_ROUTES_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/digest.h"
#include "builder/base/err.h"

/* X(constant, bit, name) */
#define SCOPES(X)                      \
	X(SCOPE_READ, 1, "read")       \
	X(SCOPE_BUILD, 2, "build")     \
	X(SCOPE_PUBLISH, 4, "publish") \
	X(SCOPE_WORKER, 8, "worker")   \
	X(SCOPE_ADMIN, 16, "admin")

enum scope {
#define X(constant, bit, name) constant = (bit),
	SCOPES(X)
#undef X
};

/* "build,publish" and the like, in any order. ERR_INVALID names what is no scope; none is none. */
int scopes_parse(const char *text, unsigned *scopes, struct err *e);

/* The same, always in one order. */
#define SCOPES_TEXT_SIZE 40
void scopes_text(unsigned scopes, char out[SCOPES_TEXT_SIZE]);

struct grants;

struct grants *grants_new(void);
void grants_free(struct grants *g);

/* hash: of the token. expires: ms since 1970; 0 for never. A hash that is there already is left as it is. */
void grants_add(struct grants *g, const char *hash, unsigned scopes, int64_t expires);
void grants_remove(struct grants *g, const char *hash);

/* What a token may do, 0 if it is not known. expires: as it was added. */
unsigned grants_of(const struct grants *g, const char *token, int64_t *expires);

/* Whether these scopes allow what wants that one: an administrator may do everything, and with
 * any token one may read. */
bool scopes_allow(unsigned scopes, enum scope wanted);

/* A new token: 256 random bits behind a prefix by which scanners for leaked secrets can know it. */
#define GRANT_TOKEN_SIZE 80
void grant_token(char out[GRANT_TOKEN_SIZE]);

void grant_hash(const char *token, char out[DIGEST_HEX_SIZE]);

#endif
