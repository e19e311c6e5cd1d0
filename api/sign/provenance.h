/*
 * provenance.h - how an addon came about, as an in-toto statement v1 with a SLSA provenance v1 predicate.
 * Pure: data in, JSON out; key.h signs it.
 *
 * Sources: https://github.com/in-toto/attestation (spec/v1/statement.md, resource_descriptor.md),
 * https://slsa.dev/spec/v1.0/provenance. What a worker reports (commands, toolchain) is repeated, not
 * verified: docs/signing.md says which parts the service itself knows.
 */
#ifndef API_SIGN_PROVENANCE_H
#define API_SIGN_PROVENANCE_H

#include <stdint.h>

#include "builder/signature/minisign.h"

struct json;

/* "buildType" */
#define PROVENANCE_BUILT     "urn:prebuildd:build:v1"
#define PROVENANCE_PUBLISHED "urn:prebuildd:publish:v1"
#define PROVENANCE_MIRRORED  "urn:prebuildd:mirror:v1"

/* Texts may be "" or NULL where they are not known; none is taken over. */
struct provenance {
	const char *type; /* one of the above */
	const char *package, *version, *target, *abi;
	const char *key;               /* of the build */
	const char *source, *lock;     /* digests of the bundle and of the dependencies' lock */
	const char *origin;            /* where the source, or what is mirrored, came from: a URI */
	const char *toolchain;         /* digest */
	const struct json *reported;   /* by the worker: {"commands", "toolchain"}; may be NULL */
	const char *invocation;        /* the job */
	const char *started;           /* RFC 3339 */
	int64_t finished;              /* milliseconds since 1970 */
	const struct minisign_key *by; /* whose key names the builder */
};

/* A list of subjects is made with this: the file `name` with that SHA-256. */
void provenance_subject(struct json *subjects, const char *name, const char *sha256);

/* Takes subjects over; the caller frees the statement. */
struct json *provenance_statement(const struct provenance *p, struct json *subjects);

#endif
