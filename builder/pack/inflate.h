/*
 * inflate.h - the plain bytes of a file that may be compressed with gzip, xz or zstd, with
 * libarchive's filters. Only one layer of compression is taken off, and never more than a limit
 * comes out, whatever the ratio.
 *
 * libarchive does not compare gzip's checksum (RFC 1952); that is done here, over the whole
 * content. A file of several gzip members therefore fails it: programs disagree about where such
 * a file ends, and what is judged here must be what a client unpacks.
 */
#ifndef BUILDER_PACK_INFLATE_H
#define BUILDER_PACK_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

struct inflate;

/* From a file, or from memory that must stay until inflate_close. At most `limit` plain bytes;
 * past them ERR_LIMIT. *out is for inflate_close; NULL after a failure. */
int inflate_open_file(const char *path, uint64_t limit, struct inflate **out, struct err *e);
int inflate_open_memory(const void *data, size_t len, uint64_t limit, struct inflate **out,
			struct err *e);

/* The next piece, valid until the next call; *len is 0 at the end, once the checksums were found
 * right. ERR_MALFORMED, ERR_LIMIT or a system code. May block. */
int inflate_read(struct inflate *z, const void **data, size_t *len, struct err *e);

/* How many bytes have come out, and how many of the last ones were all zero. */
uint64_t inflate_total(const struct inflate *z);
uint64_t inflate_zeros(const struct inflate *z);

void inflate_close(struct inflate *z);

#endif
