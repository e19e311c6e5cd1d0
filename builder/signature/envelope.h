/*
 * envelope.h - a signed statement in a DSSE envelope, as in-toto has it: what is public about it.
 *
 * Sources: https://github.com/secure-systems-lab/dsse (protocol.md, envelope.md: DSSE v1), in-toto
 * attestation framework v1. The key is the one that signs the files (minisign.h); "keyid" is its id.
 */
#ifndef BUILDER_SIGNATURE_ENVELOPE_H
#define BUILDER_SIGNATURE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "builder/base/buf.h"
#include "builder/base/digest.h"
#include "builder/base/err.h"
#include "builder/signature/minisign.h"

#define ENVELOPE_TYPE "application/vnd.in-toto+json"
#define ENVELOPE_MAX  (8u << 20) /* bytes of an envelope */

struct json;

/* Appends the bytes that are signed for a payload ("pre-authentication encoding"). */
void envelope_signed_bytes(const char *payload, size_t len, struct buf *out);

/* The envelope around a payload with one signature; the caller frees it. */
struct json *
envelope_make(const char *payload, size_t len, const unsigned char id[MINISIGN_ID_SIZE],
	      const unsigned char signature[MINISIGN_SIZE]);

/* The statement inside, which the caller frees, once a signature of that key was verified:
 * ERR_SIGNATURE, ERR_MALFORMED. */
int envelope_open(const char *text, size_t len, const struct minisign_key *key,
		  struct json **statement, struct err *e);

/* Is a file with that digest among the subjects of an in-toto statement? */
bool statement_covers(const struct json *statement, const struct digest *sha256);

#endif
