/*
 * digest.h - SHA-256 names content, everywhere; SHA-512 is what npm's `integrity` uses.
 */
#ifndef BUILDER_BASE_DIGEST_H
#define BUILDER_BASE_DIGEST_H

#include <stddef.h>

#include "builder/base/err.h"

#define DIGEST_SIZE     32
#define DIGEST_HEX_SIZE 65 /* 64 lower-case hex digits and NUL */

#define DIGEST_INTEGRITY_SIZE 96 /* "sha512-", 88 characters of base64, NUL */

struct digest {
	unsigned char bytes[DIGEST_SIZE];
};

/* A running SHA-256. Opaque; the size is that of libsodium's state, checked in digest.c. */
struct digest_stream {
	_Alignas(16) unsigned char state[128];
};

void digest_start(struct digest_stream *s);
void digest_add(struct digest_stream *s, const void *data, size_t len);
void digest_end(struct digest_stream *s, struct digest *out);

void digest_bytes(const void *data, size_t len, struct digest *out);

/* Reads fd from its beginning to its end with pread; its offset stays. May block. */
int digest_fd(int fd, struct digest *out, struct err *e);
int digest_path(const char *path, struct digest *out, struct err *e);

void digest_hex(const struct digest *d, char out[DIGEST_HEX_SIZE]);

/* Accepts exactly 64 lower-case hex digits, with or without "sha256:" before them; 0 or
 * ERR_INVALID. */
int digest_parse(const char *text, struct digest *out);

int digest_equal(const struct digest *a, const struct digest *b);

/* npm's integrity of a file. A system code on failure. Blocks. */
int digest_integrity(const char *path, char out[DIGEST_INTEGRITY_SIZE], struct err *e);

/* Does the file have npm's integrity ("sha512-<base64>")? 0, ERR_DIGEST, ERR_UNSUPPORTED for
 * other algorithms, or a system code. */
int digest_check_integrity(const char *path, const char *integrity, struct err *e);

#endif
