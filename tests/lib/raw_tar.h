/*
 * raw_tar.h - tar archives written block by block, so that a test can say what no writer would.
 * Format: POSIX ustar header blocks (pax, "ustar Interchange Format").
 */
#ifndef TESTS_LIB_RAW_TAR_H
#define TESTS_LIB_RAW_TAR_H

#include <stddef.h>

#include "builder/base/buf.h"

#define RAW_TAR_BLOCK 512

/* Appends one header block with a right checksum; `link` may be NULL. Name and link are cut at
 * 100 bytes. */
void raw_tar_header(struct buf *b, const char *name, char type, const char *link, unsigned mode,
		    size_t size);

/* Appends content, padded to whole blocks. */
void raw_tar_content(struct buf *b, const void *data, size_t len);

/* Header and content of a regular file with mode 0644. */
void raw_tar_file(struct buf *b, const char *name, const char *text);

/* A pax header for the next entry: one record each for the pairs of key and value, up to NULL. */
void raw_tar_pax(struct buf *b, ...) __attribute__((sentinel));

/* The end mark: two blocks of zeros. */
void raw_tar_end(struct buf *b);

/* Puts the right checksum into a header block that was changed by hand. */
void raw_tar_checksum(char *block);

/* Replaces the content by its compressed form: "gzip", "xz" or "zstd", by these programs'
 * library. */
void raw_tar_squeeze(struct buf *b, const char *filter);

#endif
