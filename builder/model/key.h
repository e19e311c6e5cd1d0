/*
 * key.h - the build key: SHA-256 over the canonical form of everything that decides the bytes of
 * an addon. Same key, same bytes.
 */
#ifndef BUILDER_MODEL_KEY_H
#define BUILDER_MODEL_KEY_H

#include "builder/base/digest.h"

/* Version of what the builder itself adds: planner, flags, recipe. Raised whenever a change there
 * could change an addon's bytes. */
#define KEY_RECIPE "gyp-1"

/* All text, all required but the last two; digests as 64 hex digits. */
struct key_parts {
	const char *source;    /* digest of the source bundle */
	const char *lock;      /* digest of the dependency lock */
	const char *abi;       /* "napi-v6" */
	const char *target;    /* triple */
	const char *toolchain; /* digest of the toolchain's manifest */
	/* "PKG@VER" of a source that is not the registry's, else NULL: the same bundle can come of two
	 * commits, and each has its own names. */
	const char *identity;
	const char *headers; /* digest of Electron's headers (toolchain/electron.h), else NULL */
};

void key_compute(const struct key_parts *parts, char hex[DIGEST_HEX_SIZE]);

#endif
