/*
 * macho_signature.h - does a macOS addon's signature belong to its bytes? On arm64 the kernel ends a
 * program that touches a page whose digest is another. Who signed it is not looked at: an ad-hoc
 * signature, which linkers make, is enough to load.
 *
 * Source: Apple's <Kernel/kern/cs_blobs.h> (CS_SuperBlob, CS_CodeDirectory; all numbers big-endian).
 */
#ifndef BUILDER_AUDIT_MACHO_SIGNATURE_H
#define BUILDER_AUDIT_MACHO_SIGNATURE_H

#include <stddef.h>

#include "builder/audit/macho_read.h"

#define MACHO_BLOBS_MAX 64

/* Checks the digests of all pages of a slice that has a signature. 0; ERR_DIGEST names the first page that
 * differs or is not covered; ERR_UNSUPPORTED if it has no SHA-256 digests; ERR_MALFORMED; ERR_LIMIT.
 * Pure. */
int macho_signature_check(const struct macho *m, const void *slice, size_t len, struct err *e);

#endif
