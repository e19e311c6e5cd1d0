/*
 * tar_reader.h - reads a tar archive that may be hostile, entry by entry, with libarchive.
 *
 * It is strict, because what is judged here is unpacked elsewhere by programs with other habits:
 * only regular files, folders and symbolic links come out; hard links, devices, FIFOs, sparse
 * files, damaged or contradictory headers, a missing end mark and anything after it are errors.
 * Names are given as they stand in the archive: entry_name.h judges them.
 */
#ifndef BUILDER_PACK_TAR_READER_H
#define BUILDER_PACK_TAR_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

struct tar_reader;

enum tar_type { TAR_FILE, TAR_FOLDER, TAR_LINK };

struct tar_limits {
	uint64_t bytes;   /* of all files together */
	uint64_t entries; /* of any type */
};

/* Strings are valid until the next call of tar_reader_next. */
struct tar_entry {
	enum tar_type type;
	const char *name;
	const char *target; /* of a link */
	bool executable;
	uint64_t size; /* of a file, bytes */
};

/* The archive (plain, gzip, xz, zstd) is a file, or memory that must stay until the close. *out
 * is NULL after a failure. ERR_MALFORMED, ERR_LIMIT or a system code, here and below. */
int tar_reader_open_file(const char *path, const struct tar_limits *l, struct tar_reader **out,
			 struct err *e);
int tar_reader_open_memory(const void *data, size_t len, const struct tar_limits *l,
			   struct tar_reader **out, struct err *e);

/* 1 and an entry; 0 after the last one, once the archive's end was found sound (an archive
 * without entries is an error); or an error. What was not read of a file is passed over. */
int tar_reader_next(struct tar_reader *t, struct tar_entry *entry, struct err *e);

/* The next piece of the current file, valid until the next call; *len is 0 at its end, when all
 * of `size` was given. */
int tar_reader_data(struct tar_reader *t, const void **data, size_t *len, struct err *e);

void tar_reader_close(struct tar_reader *t);

#endif
